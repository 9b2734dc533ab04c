"""Kinds of models that people have, through every writer and back: what a stranger brings."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cross_runtime.tfjs_peers import NO_NODE, largest_difference, node_is_there, run_in_node

from edgewright_converters.formats import onnx, tfjs, tflite
from edgewright_converters.formats.format import Calibration, WriteRequest, Written
from edgewright_converters.sources import from_object
from edgewright_converters.sources.source import Source
from edgewright_converters.tfjs_graph import rebuild
from edgewright_converters.tolerances import judge
from edgewright_runtimes.model import load
from edgewright_runtimes.records import SCHEMES, Format, Variant

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # TensorFlow's, tf2onnx' and ORT's own
]

WRITERS: dict[str, Any] = {"tflite": tflite, "onnx": onnx, "tfjs": tfjs}


def _grouped() -> Any:
    import keras
    from keras import layers

    image = keras.Input((12, 12, 8), name="image")
    x = layers.Conv2D(16, 3, groups=4, padding="same", name="wide")(image)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.Conv2D(8, 1, groups=2, activation="relu", name="narrow")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(4, name="scores")(x))


ZOO = {"grouped": _grouped}
REFUSED: dict[tuple[str, str, str], str] = {}
TRIED = [
    (name, format_, scheme)
    for name in ZOO
    for format_ in WRITERS
    for scheme in SCHEMES[format_]  # type: ignore[index]
    if (name, format_, scheme) not in REFUSED
]


@cache
def net(name: str) -> tuple[Source, dict[str, Any], dict[str, Any]]:
    """A source, feeds for it, and its answers."""
    import keras

    keras.backend.clear_session()
    model = ZOO[name]()
    rng = np.random.default_rng(7)
    for weight in model.weights:
        if "seed" in weight.path:
            continue
        values = rng.normal(size=weight.shape) * 0.3
        weight.assign(np.abs(values) + 0.5 if "variance" in weight.path else values)
    source = from_object(model)
    feeds = {
        spec.name: rng.integers(0, 7, (16, *spec.shape[1:])).astype(spec.dtype)
        if spec.dtype.startswith("int")
        else rng.normal(size=(16, *spec.shape[1:])).astype(np.float32)
        for spec in source.signature.inputs
    }
    return source, feeds, source.predict(feeds)


def write(name: str, format_: Format, scheme: str, folder: Path) -> Written:
    source, feeds, _ = net(name)
    request = WriteRequest(
        variant=Variant(format=format_, scheme=scheme),
        batch=1 if format_ == "tflite" else None,
        calibration=Calibration(feeds=feeds),
    )
    written: Written = WRITERS[format_].write(source, request, folder)
    return written


def answers(name: str, format_: Format, written: Written, folder: Path) -> dict[str, Any]:
    _, feeds, expected = net(name)
    if format_ == "tfjs":
        return rebuild(folder)(feeds)
    with load(folder / written.file) as model:
        got = model.predict(feeds if len(feeds) > 1 else next(iter(feeds.values())))
    return dict(got) if isinstance(got, dict) else {next(iter(expected)): got}


@pytest.mark.parametrize(("name", "format_", "scheme"), TRIED)
def test_every_variant_answers_like_its_source(
    name: str, format_: Format, scheme: str, tmp_path: Path
) -> None:
    written = write(name, format_, scheme, tmp_path)
    got = answers(name, format_, written, tmp_path)
    judgement = judge(scheme, net(name)[2], got, real=True)
    assert judgement.ok, judgement.words


def test_a_grouped_convolution_is_one_operation_in_onnx(tmp_path: Path) -> None:
    import onnx as onnx_package

    write("grouped", "onnx", "float32", tmp_path)
    nodes = onnx_package.load(tmp_path / "model.onnx").graph.node
    groups = [a.i for n in nodes if n.op_type == "Conv" for a in n.attribute if a.name == "group"]
    assert groups == [4, 2]


@pytest.mark.skipif(not node_is_there(), reason=NO_NODE)
def test_tfjs_itself_runs_a_grouped_convolution(tmp_path: Path) -> None:
    _, feeds, expected = net("grouped")
    write("grouped", "tfjs", "float32", tmp_path / "model")
    (ran,) = run_in_node([(tmp_path / "model", feeds)], tmp_path / "work")
    assert not ran.error
    assert largest_difference(ran.outputs, expected) < 1e-5
