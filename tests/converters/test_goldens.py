"""Goldens: real items as given, random ones from the signature, readable without pickle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.converters.nets import KerasSource, build, feeds_for

from edgewright_converters.goldens import make_goldens

pytestmark = pytest.mark.filterwarnings("default")  # TensorFlow's own


def test_random_ones_follow_the_signature_and_the_seed() -> None:
    source = build("several")
    goldens = make_goldens(source, raw=None, feeds=None, seed=3)
    assert goldens["input/image"].shape == (8, 10, 10, 3)
    assert goldens["output/kind"].shape == (8, 4)
    again = make_goldens(source, raw=None, feeds=None, seed=3)
    assert all(np.array_equal(goldens[name], again[name]) for name in goldens)
    other = make_goldens(source, raw=None, feeds=None, seed=4)
    assert not np.array_equal(goldens["input/row"], other["input/row"])


def test_random_integers_index_any_table() -> None:
    tokens = make_goldens(build("attention"), raw=None, feeds=None, seed=0)["input/tokens"]
    assert set(np.unique(tokens)) <= {0, 1}


def test_real_items_keep_their_raw_form() -> None:
    source = build("conv")
    feeds = feeds_for(source, items=8)
    raw = {"image": (feeds["image"] * 255).astype(np.uint8)}
    goldens = make_goldens(source, raw=raw, feeds=feeds, seed=0)
    assert goldens["raw/image"].dtype == np.uint8
    np.testing.assert_array_equal(goldens["input/image"], feeds["image"])
    np.testing.assert_allclose(goldens["output/scores"], source.predict(feeds)["scores"])


def test_text_is_stored_without_pickle(tmp_path: Path) -> None:
    import keras

    x = keras.Input((2,), dtype="string", name="x")
    source = KerasSource(keras.Model(x, keras.layers.Identity(name="y")(x)))
    goldens = make_goldens(source, raw=None, feeds=None, seed=0)
    np.savez(tmp_path / "golden.npz", **goldens)
    with np.load(tmp_path / "golden.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["output/y"], arrays["input/x"])
