"""The ONNX writer: versions, schemes, what is refused and in which words."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx as onnx_package
import pytest
from tests.converters import writing
from tests.converters.nets import KerasSource, build, feeds_for, lopsided_softmax

from edgewright_converters.errors import ConversionError
from edgewright_converters.formats import onnx
from edgewright_runtimes.model import load
from edgewright_runtimes.records import SCHEMES

pytestmark = pytest.mark.filterwarnings("default")  # TensorFlow's, tf2onnx' and ORT's own


write = partial(writing.write, onnx, batch=None)


@pytest.fixture(scope="module")
def conv() -> KerasSource:
    return build("conv")


@pytest.fixture(scope="module")
def batch_norm() -> KerasSource:
    return build("batch_norm")


def model_of(folder: Path) -> Any:
    return onnx_package.load(folder / "model.onnx")


def kinds(folder: Path) -> Counter[str]:
    return Counter(node.op_type for node in model_of(folder).graph.node)


@pytest.mark.parametrize("scheme", SCHEMES["onnx"])
def test_versions_are_those_that_older_runtimes_read(
    conv: KerasSource, scheme: str, tmp_path: Path
) -> None:
    written = write(conv, tmp_path, scheme)
    model = model_of(tmp_path)
    onnx_package.checker.check_model(model)
    assert model.ir_version <= 10
    assert written.details["opset"] == 17
    domains = {entry.domain: entry.version for entry in model.opset_import}
    assert domains.pop("") == 17
    assert set(domains) <= {node.domain for node in model.graph.node}
    assert "ConvInteger" not in kinds(tmp_path)


def test_opset_asked_for_is_the_one_written(conv: KerasSource, tmp_path: Path) -> None:
    assert write(conv, tmp_path, opset=18).details["opset"] == 18
    assert model_of(tmp_path).opset_import[0].version == 18
    with pytest.raises(ConversionError, match="opset 99 is not written; 13 to 18 are"):
        write(conv, tmp_path, opset=99)


def test_only_the_input_is_transposed(batch_norm: KerasSource, tmp_path: Path) -> None:
    write(batch_norm, tmp_path)
    assert kinds(tmp_path)["Transpose"] == 1


def test_edges_keep_their_names_and_a_free_batch(tmp_path: Path) -> None:
    written = write(build("several"), tmp_path)
    assert [s.name for s in written.inputs] == ["image", "row"]
    assert [s.name for s in written.outputs] == ["value", "kind", "row again"]
    assert written.inputs[0].shape == (None, 10, 10, 3)


def test_float16_keeps_float32_at_its_edges(conv: KerasSource, tmp_path: Path) -> None:
    written = write(conv, tmp_path, "float16")
    assert {s.dtype for s in (*written.inputs, *written.outputs)} == {"float32"}
    halves = [t for t in model_of(tmp_path).graph.initializer if t.data_type == 10]
    assert halves


def test_dynamic_says_where_it_is_nearly_float(
    conv: KerasSource, batch_norm: KerasSource, tmp_path: Path
) -> None:
    written = write(batch_norm, tmp_path, "dynamic")
    assert written.details["quantized_share"] < 0.5
    assert "nearly float" in written.warnings[0]
    assert not write(build("attention"), tmp_path, "dynamic").warnings


def test_int8_is_qdq_per_channel_and_says_so(conv: KerasSource, tmp_path: Path) -> None:
    written = write(conv, tmp_path, "int8")
    assert {"QuantizeLinear", "DequantizeLinear"} <= set(kinds(tmp_path))
    assert written.quantization["pair"] in ("S8S8", "U8S8")
    assert isinstance(written.quantization["reduce_range"], bool)
    scales = [
        t
        for t in model_of(tmp_path).graph.initializer
        if t.name.endswith("_scale") and list(t.dims) == [6]
    ]
    assert scales  # one scale for each of the first convolution's six filters


def test_unknown_operation_is_named_with_its_layer(tmp_path: Path) -> None:
    import keras
    import tensorflow as tf

    class Inverse(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return tf.linalg.inv(tf.reshape(x, (-1, 2, 2)))

    x = keras.Input((4,), name="x")
    source = KerasSource(keras.Model(x, Inverse(name="inverse")(x)))
    with pytest.raises(ConversionError, match="MatrixInverse of layer 'inverse'"):
        write(source, tmp_path)
    assert not list(tmp_path.iterdir())


def test_masked_softmax_keeps_its_range(tmp_path: Path) -> None:
    """A logit of -900 decides nothing; with its full range the other classes would be one."""
    import onnxruntime

    source = lopsided_softmax()
    written = write(source, tmp_path, "int8")
    feeds = feeds_for(source, items=16)
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    got = session.run(None, feeds)[0]
    assert np.abs(got - source.predict(feeds)[written.outputs[0].name]).max() < 0.05


def test_names_do_not_outweigh_the_weights(conv: KerasSource, tmp_path: Path) -> None:
    """The quantizer's names of tensors were three quarters of a small int8 file."""
    write(conv, tmp_path, "int8")
    graph = model_of(tmp_path).graph
    assert not graph.value_info
    named = [n for node in graph.node for n in (node.name, *node.input, *node.output)]
    assert not any("PartitionedCall" in name for name in named)
    made = {name for node in graph.node for name in node.output}
    assert max(map(len, made - {value.name for value in graph.output})) <= 4


def test_a_profile_still_tells_the_layers(conv: KerasSource, tmp_path: Path) -> None:
    write(conv, tmp_path)
    names = [node.name for node in model_of(tmp_path).graph.node if node.op_type == "Conv"]
    assert len(names) == 2
    assert all("conv2d" in name for name in names)


def test_short_names_mean_the_same_inside_a_loop(tmp_path: Path) -> None:
    source = build("lstm")
    feeds = feeds_for(source)
    for scheme in ("float32", "dynamic"):
        write(source, tmp_path, scheme)
        model = model_of(tmp_path)
        onnx_package.checker.check_model(model, full_check=True)
    write(source, tmp_path)
    with load(tmp_path / "model.onnx") as model:
        got = model.predict(next(iter(feeds.values())))
    assert np.abs(got - next(iter(source.predict(feeds).values()))).max() < 1e-5


def test_scales_do_not_count_as_float_weights(tmp_path: Path) -> None:
    """Unrolled, each step has scales of its own: more numbers than the net has weights."""
    import keras

    x = keras.Input((6, 4), name="x")
    y = keras.layers.GRU(8, unroll=True)(x)
    written = write(KerasSource(keras.Model(x, keras.layers.Dense(3)(y))), tmp_path, "int8")
    assert written.details["quantized_share"] == 1.0
    assert not written.warnings


def test_nothing_is_left_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Symbolic shape inference gives up on attention, and leaves a model where it stands."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for scheme in ("dynamic", "int8"):
        write(build("attention"), tmp_path, scheme)
    assert not list((tmp_path / "here").iterdir())
