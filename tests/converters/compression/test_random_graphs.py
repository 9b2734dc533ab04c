"""The generator behind the properties: every block and head; the same words, the same net."""

from __future__ import annotations

import numpy as np
import pytest
from tests.converters.compression.random_graphs import (
    HEADS,
    Block,
    Net,
    build_net,
    items,
    one_of_each,
    outputs,
)


@pytest.mark.parametrize("flag", [False, True])
def test_the_same_words_give_the_same_net(flag: bool) -> None:
    net = one_of_each(flag)
    first, again = build_net(net), build_net(net)
    for a, b in zip(outputs(first, items(first)), outputs(again, items(again)), strict=True):
        np.testing.assert_array_equal(a, b)
        assert np.isfinite(a).all() and a.std() > 0


@pytest.mark.parametrize("head", HEADS)
def test_heads(head: str) -> None:
    block = Block(kind="conv", channels=4, activation="relu", norm=True, bias=False, multiplier=1)
    model = build_net(Net(blocks=(block,), head=head, seed=0))
    found = outputs(model, items(model))
    assert len(found) == (2 if head == "two_outputs" else 1)
    assert all(np.isfinite(a).all() for a in found)
