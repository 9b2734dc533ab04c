"""Ops in other ops' terms: the same numbers, and nothing left that a backend can't do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.converters.rewritten import REWRITTEN, build_rewritten

from edgewright_converters.errors import ConversionError
from edgewright_converters.formats import tfjs
from edgewright_converters.formats.format import WriteRequest, Written
from edgewright_converters.tfjs_graph import rebuild
from edgewright_runtimes.records import Variant


def write(source: Any, folder: Path) -> Written:
    variant = Variant(format="tfjs", scheme="float32")
    return tfjs.write(source, WriteRequest(variant=variant, batch=None), folder)


def ops(folder: Path) -> set[str]:
    nodes = json.loads((folder / "model.json").read_text())["modelTopology"]["node"]
    return {node["op"] for node in nodes}


@pytest.mark.parametrize("name", REWRITTEN)
def test_rewritten_graphs_compute_the_same_and_run_on_every_backend(
    name: str, tmp_path: Path
) -> None:
    source, feeds = build_rewritten(name)
    written = write(source, tmp_path)
    assert set(written.details["web_runtimes"].values()) == {""} and not written.warnings
    assert "Einsum" not in ops(tmp_path) and "MatrixBandPart" not in ops(tmp_path)
    expected = source.predict(feeds)
    got = rebuild(tmp_path)(feeds)
    for key, values in expected.items():
        np.testing.assert_allclose(got[key], values, atol=1e-5)


def test_a_constant_beside_a_volume_has_its_rank(tmp_path: Path) -> None:
    """webgpu, which no machine without a browser has, gives wrong numbers otherwise."""
    source, _ = build_rewritten("volumes")
    write(source, tmp_path)
    model = json.loads((tmp_path / "model.json").read_text())
    shapes = {w["name"]: w["shape"] for g in model["weightsManifest"] for w in g["weights"]}
    nodes = model["modelTopology"]["node"]
    met = [
        shapes[name]
        for node in nodes
        if node["op"] in ("AddV2", "Mul", "Sub", "BiasAdd", "Prelu")
        for name in node["input"]
        if shapes.get(name)
    ]
    assert len(met) >= 4 and all(shape == [1, 1, 1, 1, 3] for shape in met)


def lambda_source(function: Callable[[Any], Any], shape: tuple[int | None, ...]) -> Any:
    import keras
    from tests.converters.nets import KerasSource

    x = keras.Input(shape, name="x")
    return KerasSource(keras.Model(x, keras.layers.Lambda(function, name="odd")(x)))


def diagonal() -> Any:
    import tensorflow as tf

    return lambda_source(lambda v: tf.einsum("bii->bi", v), (6, 6))


def causal_of_any_length() -> Any:
    import tensorflow as tf

    def call(v: Any) -> Any:
        return tf.linalg.band_part(tf.matmul(v, v, transpose_b=True), -1, 0)

    return lambda_source(call, (None, 4))


NOWHERE: Mapping[str, tuple[Callable[[], Any], str, str]] = {
    "diagonal": (diagonal, r"no letter twice in one term \(bii->bi\) of layer 'odd'", "matmul"),
    "band": (causal_of_any_length, "lower bound for the upper one: wrong numbers of layer 'odd'",
             "fixed length"),
}  # fmt: skip


@pytest.mark.parametrize("name", NOWHERE)
def test_a_graph_that_no_backend_runs_is_refused_by_its_layer(name: str, tmp_path: Path) -> None:
    make, said, hint = NOWHERE[name]
    with pytest.raises(ConversionError, match=rf"no backend of TF\.js 4\.22\.0 .*{said}") as error:
        write(make(), tmp_path)
    assert hint in str(error.value.hint)
    assert not list(tmp_path.iterdir())


def test_a_graph_that_some_backends_run_is_written_and_says_which(tmp_path: Path) -> None:
    import tensorflow as tf

    written = write(lambda_source(lambda v: tf.abs(tf.signal.rfft(v)), (8,)), tmp_path)
    assert written.details["web_runtimes"] == {
        "tfjs-cpu": "",
        "tfjs-wasm": "no kernel for op RFFT (Complex, FFT, Imag, Real)",
        "tfjs-webgl": "",
        "tfjs-webgpu": "",
    }
    [warning] = written.warnings
    assert "not on TF.js' wasm: no kernel for op RFFT" in warning
    assert "of layer 'odd'; cpu, webgl, webgpu run it" in warning
