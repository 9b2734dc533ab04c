"""The TF.js writer, its files read back and run in TensorFlow: every net, every scheme."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.converters.nets import NETS, KerasSource, build, feeds_for

from edgewright_converters.errors import ConversionError
from edgewright_converters.formats import tfjs
from edgewright_converters.formats.format import WriteRequest, Written
from edgewright_converters.tfjs_graph import rebuild
from edgewright_runtimes.records import SCHEMES, Variant


def write(source: Any, folder: Path, scheme: str = "float32", batch: int | None = None) -> Written:
    variant = Variant(format="tfjs", scheme=scheme)
    return tfjs.write(source, WriteRequest(variant=variant, batch=batch), folder)


def ops(folder: Path) -> Counter[str]:
    topology = json.loads((folder / "model.json").read_text())["modelTopology"]
    return Counter(node["op"] for node in topology["node"])


@pytest.mark.parametrize("net", NETS)
def test_the_files_compute_what_the_source_does(net: str, tmp_path: Path) -> None:
    source = build(net)
    feeds = feeds_for(source)
    expected = source.predict(feeds)
    write(source, tmp_path)
    got = rebuild(tmp_path)(feeds)
    assert set(got) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(got[name], values, atol=1e-5)


@pytest.fixture(scope="module")
def batch_norm() -> KerasSource:
    return build("batch_norm")


def test_model_json_is_strict_and_names_what_the_source_names(
    batch_norm: KerasSource, tmp_path: Path
) -> None:
    written = write(batch_norm, tmp_path)

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    model = json.loads((tmp_path / "model.json").read_text(), parse_constant=refuse)
    assert model["format"] == "graph-model"
    assert model["generatedBy"].startswith("edgewright ")
    assert "convertedBy" in model and "userDefinedMetadata" not in model
    assert list(model["signature"]["inputs"]) == ["image"]
    assert list(model["signature"]["outputs"]) == ["scores"]
    info = model["signature"]["inputs"]["image"]
    assert info["dtype"] == "DT_FLOAT"
    assert [d["size"] for d in info["tensorShape"]["dim"]] == ["-1", "10", "10", "3"]
    assert written.file == "model.json"
    assert written.inputs[0].shape == (None, 10, 10, 3)
    assert written.details["execute"] == "execute"


def test_batch_norm_bias_and_activation_become_one_op(
    batch_norm: KerasSource, tmp_path: Path
) -> None:
    write(batch_norm, tmp_path)
    found = ops(tmp_path)
    assert found["_FusedConv2D"] == 2  # Conv + BatchNorm + ReLU6, Conv + BatchNorm + LeakyReLU
    assert found["_FusedMatMul"] == 2  # Dense + BatchNorm, Dense + sigmoid
    assert not {"Conv2D", "MatMul", "BiasAdd", "Relu6", "LeakyRelu", "Identity"} & set(found)
    # the one before the first convolution has nothing to go into
    assert found["Mul"] == 1 and found["AddV2"] == 1


def test_depthwise_and_prelu_are_fused(tmp_path: Path) -> None:
    write(build("depthwise"), tmp_path / "depthwise")
    found = ops(tmp_path / "depthwise")
    assert found["FusedDepthwiseConv2dNative"] == 2
    assert not {"DepthwiseConv2dNative", "BiasAdd", "Mul", "AddV2"} & set(found)
    write(build("prelu"), tmp_path / "prelu")
    found = ops(tmp_path / "prelu")
    assert found["Prelu"] == 1  # one alpha per place, not per channel: not in a convolution
    assert not {"Relu", "Neg"} & set(found)


def test_exact_gelu_is_written_with_erf(tmp_path: Path) -> None:
    write(build("exact_gelu"), tmp_path)
    assert "Erf" in ops(tmp_path) and "Erfc" not in ops(tmp_path)


def test_softsign_and_rint_are_written_with_what_tfjs_has(tmp_path: Path) -> None:
    import keras
    import tensorflow as tf

    row = keras.Input((4,), name="row")
    x = keras.layers.Activation("softsign")(keras.layers.Dense(4)(row))
    x = keras.layers.Lambda(lambda v: tf.raw_ops.Rint(x=v * 10) + tf.raw_ops.Inv(x=v), name="r")(x)
    source = KerasSource(keras.Model(row, x))
    write(source, tmp_path)
    assert not {"Softsign", "Rint", "Inv"} & set(ops(tmp_path))
    feeds = feeds_for(source)
    [expected] = source.predict(feeds).values()
    [got] = rebuild(tmp_path)(feeds).values()
    np.testing.assert_allclose(got, expected, rtol=1e-4)


def test_loops_stay_functions_and_say_so(tmp_path: Path) -> None:
    written = write(build("lstm"), tmp_path)
    model = json.loads((tmp_path / "model.json").read_text())
    assert ops(tmp_path)["While"] == 1
    bodies = model["modelTopology"]["library"]["function"]
    body_ops = Counter(n["op"] for f in bodies for n in f["nodeDef"])
    assert "NoOp" not in body_ops
    # what a body puts into a list it must return itself, not a clone: see tfjs_graph/inline.py
    for body in bodies:
        listed = {n["input"][2] for n in body["nodeDef"] if n["op"] == "TensorListSetItem"}
        assert listed <= set(body["ret"].values())
    stored = {w["name"] for g in model["weightsManifest"] for w in g["weights"]}
    constants = [n["name"] for f in bodies for n in f["nodeDef"] if n["op"] == "Const"]
    assert constants and set(constants) <= stored
    assert written.details["execute"] == "executeAsync"
    assert not written.warnings


def test_a_loop_returns_its_tensors_and_no_copies_of_them(tmp_path: Path) -> None:
    """TF.js frees a copy's original with the body: stacked loops then find their items gone.

    A protobuf map that changes while it is read skips entries by chance: hence several writes.
    """
    source = build("stacked")
    for attempt in range(6):
        folder = tmp_path / str(attempt)
        write(source, folder)
        library = json.loads((folder / "model.json").read_text())["modelTopology"]["library"]
        for function in library["function"]:
            copied = {
                f"{node['name']}:output:0"
                for node in function["nodeDef"]
                if node["op"] == "Identity" and ":" in node["input"][0]
            }
            assert not copied & set(function["ret"].values())


def test_attention_runs_on_every_backend(tmp_path: Path) -> None:
    written = write(build("attention"), tmp_path)
    assert "Einsum" not in ops(tmp_path) and "BatchMatMulV2" in ops(tmp_path)
    assert not written.warnings
    assert written.details["web_runtimes"] == dict.fromkeys(
        ("tfjs-cpu", "tfjs-wasm", "tfjs-webgl", "tfjs-webgpu"), ""
    )


def test_a_fixed_batch_is_in_the_signature(batch_norm: KerasSource, tmp_path: Path) -> None:
    assert write(batch_norm, tmp_path, batch=1).inputs[0].shape == (1, 10, 10, 3)


@pytest.mark.parametrize("scheme", SCHEMES["tfjs"])
def test_each_scheme_stores_what_it_says(
    scheme: str, batch_norm: KerasSource, tmp_path: Path
) -> None:
    feeds = feeds_for(batch_norm)
    write(batch_norm, tmp_path, scheme)
    manifest = json.loads((tmp_path / "model.json").read_text())["weightsManifest"]
    floats = [w for g in manifest for w in g["weights"] if w["dtype"] == "float32"]
    assert {w.get("quantization", {"dtype": "float32"})["dtype"] for w in floats} == {scheme}
    tolerance = {"float32": 1e-6, "float16": 1e-3, "uint16": 1e-4, "uint8": 1e-2}[scheme]
    difference = rebuild(tmp_path)(feeds)["scores"] - batch_norm.predict(feeds)["scores"]
    assert np.abs(difference).max() < tolerance


def test_an_input_that_nothing_uses_is_still_taken(tmp_path: Path) -> None:
    import keras

    used, idle = keras.Input((4,), name="used"), keras.Input((2,), name="idle")
    model = keras.Model([used, idle], keras.layers.Dense(2, name="scores")(used))
    source = KerasSource(model)
    feeds = feeds_for(source)
    written = write(source, tmp_path)
    assert [spec.name for spec in written.inputs] == ["used", "idle"]
    np.testing.assert_allclose(
        rebuild(tmp_path)(feeds)["scores"], source.predict(feeds)["scores"], atol=1e-6
    )


def test_an_op_that_tfjs_lacks_is_named_with_its_layer_and_who_takes_it(tmp_path: Path) -> None:
    import keras
    import tensorflow as tf

    row = keras.Input((4,), name="row")
    x = keras.layers.Dense(4)(row)
    x = keras.layers.Lambda(lambda v: tf.math.lgamma(v), name="strange")(x)
    source = KerasSource(keras.Model(row, x))
    with pytest.raises(ConversionError, match=r"lacks op Lgamma of layer 'strange'") as error:
        write(source, tmp_path)
    assert error.value.hint == "tflite takes it"
    assert not list(tmp_path.iterdir())


def test_text_and_lookup_tables_are_refused_by_name(tmp_path: Path) -> None:
    import keras

    words = keras.Input((1,), dtype="string", name="words")
    lookup = keras.layers.StringLookup(vocabulary=["a", "b"], name="lookup")
    number = keras.layers.Embedding(4, 2)(lookup(words))
    with pytest.raises(ConversionError, match="takes no text and no lookup tables"):
        write(KerasSource(keras.Model(words, number)), tmp_path)


def test_state_that_is_written_to_is_refused(tmp_path: Path) -> None:
    import keras

    class Counter(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, x: Any) -> Any:
            self.count.assign(self.count + 1.0)
            return x * self.count

    row = keras.Input((4,), name="row")
    with pytest.raises(ConversionError, match=r"tfjs|TF\.js"):
        write(KerasSource(keras.Model(row, Counter()(row))), tmp_path)
    assert not list(tmp_path.iterdir())
