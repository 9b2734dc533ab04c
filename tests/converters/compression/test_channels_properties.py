"""Whatever the graph: nothing removed changes nothing, nor does removing what has no effect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.converters.compression.random_graphs import (
    Block,
    Net,
    build_net,
    items,
    nets,
    one_of_each,
    outputs,
)

from edgewright_converters.compression.channels.analysis import Analysis, analyse
from edgewright_converters.compression.channels.cut import cut
from edgewright_converters.compression.channels.sizes import Sizes
from edgewright_converters.compression.cost import model_cost
from edgewright_converters.compression.graph.flat import flatten

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
FEW = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
MANY = settings(FEW, max_examples=200)


@pytest.mark.parametrize("block", one_of_each(True).blocks, ids=lambda block: block.kind)
def test_every_kind_of_block(block: Block) -> None:
    """No luck needed: what the random graphs are made of, one by one."""
    check_removal(Net(blocks=(block,), head="flatten_dense", seed=1), seed=1)


@FEW
@given(net=nets(most=3), seed=st.integers(0, 99))
def test_removal_in_random_graphs(net: Net, seed: int) -> None:
    check_removal(net, seed)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@MANY
@given(net=nets(), seed=st.integers(0, 99))
def test_removal_in_many_random_graphs(net: Net, seed: int) -> None:
    check_removal(net, seed)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(FEW, max_examples=8)
@given(net=nets(most=4), seed=st.integers(0, 99))
def test_what_was_cut_converts_to_every_format(net: Net, seed: int) -> None:
    import tempfile

    from edgewright_converters.formats import onnx, tfjs, tflite
    from edgewright_converters.formats.format import WriteRequest
    from edgewright_converters.sources.keras_models import source_of_keras3
    from edgewright_runtimes.records import Variant

    analysis = analyse(flatten(build_net(net)))
    source = source_of_keras3(cut(analysis, random_keep(analysis, seed)))
    for name, writer in (("tflite", tflite), ("onnx", onnx), ("tfjs", tfjs)):
        with tempfile.TemporaryDirectory() as folder:
            variant = Variant(format=name, scheme="float32")  # type: ignore[arg-type]
            written = writer.write(source, WriteRequest(variant=variant, batch=1), Path(folder))
            assert (Path(folder) / written.file).stat().st_size > 0


def check_removal(net: Net, seed: int) -> None:
    model = build_net(net)
    x = items(model)
    analysis = analyse(flatten(model))
    wanted = outputs(model, x)
    close(outputs(cut(analysis, analysis.keep_all()), x), wanted)

    keep = random_keep(analysis, seed)
    silent = keep | (np.random.default_rng(seed).random(len(keep)) < 0.5)
    silence(analysis, silent, makes=True)  # about half of what goes
    silence(analysis, keep | ~silent, makes=False)  # and the rest
    smaller = cut(analysis, keep)
    close(outputs(smaller, x), outputs(model, x))
    assert [t.shape for t in smaller.outputs] == [t.shape for t in model.outputs]
    check_sizes(analysis, keep, smaller)


def random_keep(analysis: Analysis, seed: int) -> Any:
    """Any units but the last of a space."""
    rng = np.random.default_rng(seed)
    keep = analysis.keep_all()
    for space in analysis.spaces:
        most = len(space.units) - (space.pinned == 0)
        keep[rng.permutation(np.array(space.units, int))[: rng.integers(0, most + 1)]] = False
    return keep


def silence(analysis: Analysis, keep: Any, *, makes: bool) -> None:
    """Zero what makes the units that go (kernel, bias, gamma, beta), or what takes them."""
    for node in analysis.graph.layers():
        weights = node.layer.get_weights() if node.name in analysis.weights else []
        for held in analysis.weights.get(node.name, ()):
            if held.makes == makes and "moving" not in node.layer.weights[held.index].path:
                shape = [-1 if a == held.axis else 1 for a in range(weights[held.index].ndim)]
                weights[held.index] = weights[held.index] * keep[held.ids].reshape(shape)
        if weights:
            node.layer.set_weights(weights)


def check_sizes(analysis: Analysis, keep: Any, smaller: Any) -> None:
    """The cost that widths are chosen by is the cost of what is built."""
    sizes = Sizes(analysis, analysis.spaces)
    widths = np.array([float(keep[list(s.units)].sum()) for s in analysis.spaces])
    cost = model_cost(smaller)
    assert sizes.macs(widths) == pytest.approx(cost.macs)
    counted = sum(int(np.prod(w.shape)) for layer in smaller.layers for w in layer.weights)
    assert sizes.parameters(widths) == pytest.approx(counted)


def close(got: list[Any], wanted: list[Any]) -> None:
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5 * max(0.01, float(np.abs(b).max())))
