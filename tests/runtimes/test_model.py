"""``predict``: what an app may give, what comes back, and what is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgewright_runtimes import Model, load
from edgewright_runtimes.errors import ArtifactError, BadInput
from edgewright_runtimes.model import CHUNK
from edgewright_runtimes.records import Contract
from edgewright_runtimes.runtime import open_session

MODELS = Path(__file__).parents[1] / "models"
EXPECTED = np.load(MODELS / "expected.npz")
DENSE = ["dense.tflite", "dense.onnx"]
PAIR = ["pair.tflite", "pair.onnx"]
RUNTIME = {".tflite": "litert", ".onnx": "onnxruntime"}


def with_contract(file: str, **fields: object) -> Model:
    """A model whose file is taken to carry this contract."""
    path = MODELS / file
    session = open_session(path, RUNTIME[path.suffix])
    plain = Contract(inputs=session.inputs, outputs=session.outputs, batch=1, scheme="float32")
    return Model(path, session, replace(plain, **fields))  # type: ignore[arg-type]


@pytest.mark.parametrize("file", DENSE)
def test_a_batch_an_item_a_list_a_dict(file: str) -> None:
    x, scores = EXPECTED["dense/x"], EXPECTED["dense/scores"]
    with load(MODELS / file) as model:
        for given, wanted in (
            (x, scores),
            (x[:1], scores[:1]),
            (x[0], scores[0]),
            (x[0].tolist(), scores[0]),
            (x.astype(np.float64), scores),
            ({"x": x[2:4]}, scores[2:4]),
        ):
            found = model.predict(given)
            assert found.dtype == np.float32 and found.shape == wanted.shape
            assert np.allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("file", DENSE)
def test_a_batch_larger_than_one_run(file: str) -> None:
    x = np.resize(EXPECTED["dense/x"], (2 * CHUNK + 3, 8))
    with load(MODELS / file) as model:
        found = model.predict(x)
        assert np.allclose(found, np.resize(EXPECTED["dense/scores"], (len(x), 3)), atol=1e-5)


def test_a_fixed_batch_of_one_loops_and_int8_is_real_outside() -> None:
    x, scores = EXPECTED["conv_int8_io/x"], EXPECTED["conv_int8_io/scores"]
    with load(MODELS / "conv_int8_io.tflite") as model:
        found = model.predict(x)
        assert found.dtype == np.float32
        assert np.abs(found - scores).max() < 0.02
        for index in range(len(x)):
            assert np.array_equal(model.predict(x[index]), found[index])


def test_quantization_is_tflites_and_saturates() -> None:
    with load(MODELS / "conv_int8_io.tflite") as model:
        spec, out = model.inputs[0], model.outputs[0]
        assert spec.scale is not None and out.scale is not None
        x = np.linspace(-3, 3, 64, dtype=np.float32).reshape(1, 8, 8, 1)
        x[0, 0, 0, 0] = np.inf
        q = np.clip(np.rint(x / np.float32(spec.scale)) + spec.zero_point, -128, 127)
        raw = model.predict_raw({"x": q.astype(np.int8)})["scores"]
        assert raw.dtype == np.int8
        wanted = np.float32(out.scale) * (raw.astype(np.float32) - out.zero_point)
        assert np.array_equal(model.predict(x), wanted)


def test_a_stateful_model_meets_each_item_fresh() -> None:
    x, y = EXPECTED["lstm/x"], EXPECTED["lstm/y"]
    with load(MODELS / "lstm.tflite") as model:
        for _ in range(2):
            assert np.allclose(model.predict(x), y, atol=1e-5)
        first = model.predict_raw({"x": x[:1]})["y"]
        assert not np.allclose(first, y[:1], atol=1e-3), "predict_raw carries the state on"
        model.reset()
        assert np.allclose(model.predict_raw({"x": x[:1]})["y"], y[:1], atol=1e-5)


@pytest.mark.parametrize("file", PAIR)
def test_two_inputs_and_two_outputs_by_name(file: str) -> None:
    feeds = {name: EXPECTED[f"pair/{name}"] for name in ("narrow", "wide")}
    with load(MODELS / file) as model:
        found = model.predict(feeds)
        item = model.predict({name: value[3] for name, value in feeds.items()})
        for name in ("total", "scaled"):
            wanted = EXPECTED[f"pair/{name}"]
            assert np.allclose(found[name], wanted, atol=1e-6)
            assert item[name].shape == (4,) and np.allclose(item[name], wanted[3], atol=1e-6)


@pytest.mark.parametrize("file", PAIR)
def test_wrong_names_and_lengths(file: str) -> None:
    wide, narrow = EXPECTED["pair/wide"], EXPECTED["pair/narrow"]
    with load(MODELS / file) as model:
        for given, message in (
            (wide, r"takes 2 inputs; expected a dict: .*'wide' float32 \(4,\) or a batch \(N, 4\)"),
            ({"wide": wide}, "'wide' given; expected .*'narrow'"),
            ({"wide": wide, "narow": narrow}, "'wide', 'narow' given; expected .*'narrow'"),
            ({"wide": wide, "narrow": narrow, "z": narrow}, "'z' given"),
            ({"wide": wide, "narrow": narrow[:2]}, "different lengths: .*'narrow' 2"),
            ({"wide": wide, "narrow": narrow[0]}, "different lengths: .*'narrow' one item"),
        ):
            with pytest.raises(BadInput, match=message):
                model.predict(given)


@pytest.mark.parametrize("file", DENSE)
def test_wrong_shapes_dtypes_and_nan_say_what_was_expected(file: str) -> None:
    x = EXPECTED["dense/x"]
    holed = x.copy()
    holed[2, 5] = np.nan
    with load(MODELS / file) as model:
        for given, message in (
            (x[:, :7], r"'x' has shape \(6, 7\); expected float32 \(8,\) or a batch \(N, 8\)"),
            (x[0, :7], r"'x' has shape \(7,\); expected"),
            (x[np.newaxis], r"shape \(1, 6, 8\)"),
            (3.0, r"shape \(\)"),
            (x[:0], "a batch of 0 items"),
            (x.astype(complex), "'x' is complex128; expected float32"),
            (np.array([["a"] * 8]), "'x' is no array of numbers; expected float32"),
            ([[1.0], [2.0, 3.0]], "'x' is no array"),
            (None, "shape"),
            (holed, r"'x' has 1 NaN of 48 values, the first at \[2, 5\]"),
            (holed.astype(np.float64)[2], r"1 NaN of 8 values, the first at \[0, 5\]"),
        ):
            with pytest.raises(BadInput, match=message):
                model.predict(given)
        assert np.allclose(model.predict(x), EXPECTED["dense/scores"], atol=1e-5)


def test_nan_is_found_in_quantized_and_large_inputs() -> None:
    x = EXPECTED["conv_int8_io/x"].copy()
    x[4, 7, 7, 0] = np.nan
    with (
        load(MODELS / "conv_int8_io.tflite") as model,
        pytest.raises(BadInput, match=r"first at \[4, 7, 7, 0\]"),
    ):
        model.predict(x)
    large = np.resize(EXPECTED["dense/x"], (9000, 8))
    large[8999, 7] = np.nan
    with (
        load(MODELS / "dense.onnx") as model,
        pytest.raises(BadInput, match=r"first at \[8999, 7\]"),
    ):
        model.predict(large)


def test_large_finite_numbers_are_no_nan() -> None:
    with load(MODELS / "pair.onnx") as model:
        most = np.finfo(np.float32).max
        found = model.predict({"wide": np.full(4, most), "narrow": np.zeros(1)})
        assert (found["total"] == most).all()


def test_ids_are_integers_of_any_width() -> None:
    ids, y = EXPECTED["ids/ids"], EXPECTED["ids/y"]
    with load(MODELS / "ids.tflite") as model:
        for given in (ids, ids.astype(np.int64), ids.astype(np.uint8), ids.tolist()):
            assert np.array_equal(model.predict(given), y)
        with pytest.raises(BadInput, match="'ids' is float64; expected int32"):
            model.predict(ids.astype(float))
        with pytest.raises(BadInput, match=r"values 0 to 4294967296; expected int32"):
            model.predict(np.array([0, 1, 2**32]))


def test_half_precision_and_text() -> None:
    with load(MODELS / "half.onnx") as model:
        found = model.predict([1, 2, 3])
        assert found.dtype == np.float16
        assert found.tolist() == [2, 4, 6]
        with pytest.raises(BadInput, match="1 NaN"):
            model.predict([1, np.nan, 3])
    with load(MODELS / "text.onnx") as model:
        assert list(model.predict(["a", "é"])) == ["a", "é"]
        assert model.predict("one").item() == "one"


def test_a_batch_of_one_built_into_the_graph_is_found_out() -> None:
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    with load(MODELS / "built_in_one.onnx") as model:
        for _ in range(2):
            assert np.array_equal(model.predict(x), x.reshape(3, 2, 2))


def test_declared_preprocessing_is_applied_to_raw_items() -> None:
    x, scores = EXPECTED["dense/x"], EXPECTED["dense/scores"]
    with with_contract("dense.tflite", preprocess={"scale": 0.5}, labels=("a", "b", "c")) as model:
        assert model.labels == ("a", "b", "c")
        assert np.allclose(model.predict(x * 2), scores, atol=1e-5)
        assert np.allclose(model.predict(x[1] * 2), scores[1], atol=1e-5)
        with pytest.raises(BadInput, match=r"shape \(6, 7\)"):
            model.predict(x[:, :7])
        with pytest.raises(BadInput, match="1 NaN"):
            model.predict([np.nan] * 1 + [0] * 7)


def test_images_of_any_size_are_resized_one_or_many() -> None:
    declared = {"resize": {"size": [8, 8], "method": "nearest"}, "scale": 1 / 255}
    x, scores = EXPECTED["conv_int8_io/x"], EXPECTED["conv_int8_io/scores"]
    pixels = np.rint(x * 255).astype(np.uint8).repeat(2, axis=1).repeat(2, axis=2)
    with with_contract("conv_int8_io.tflite", preprocess=declared) as model:
        for given, wanted in (
            (pixels, scores),
            (pixels[..., 0], scores),  # grey, without the axis of channels
            (pixels[0], scores[0]),
            (pixels[0, ..., 0], scores[0]),
        ):
            found = model.predict(given)
            assert found.shape == wanted.shape
            assert np.abs(found - wanted).max() < 0.03
        with pytest.raises(BadInput, match=r"of shape \(4,\): preprocess wants images"):
            model.predict(pixels[0, 0, :4, 0])


def test_raw_takes_the_files_dtypes_and_says_so() -> None:
    with load(MODELS / "dense.tflite") as model:
        with pytest.raises(BadInput, match="'x' is float64; expected float32"):
            model.predict_raw({"x": EXPECTED["dense/x"].astype(np.float64)})
        with pytest.raises(BadInput, match="no input 'x' was given"):
            model.predict_raw({})


@pytest.mark.parametrize("file", ["lstm.tflite", "dense.onnx"])
def test_one_model_from_several_threads(file: str) -> None:
    net = Path(file).stem
    x, y = EXPECTED[f"{net}/x"], EXPECTED[f"{net}/{'y' if net == 'lstm' else 'scores'}"]
    with load(MODELS / file) as model, ThreadPoolExecutor(4) as pool:
        turns = [i % len(x) for i in range(400)]
        for turn, found in zip(turns, pool.map(lambda i: model.predict(x[i]), turns), strict=True):
            assert np.allclose(found, y[turn], atol=1e-5)


@pytest.mark.parametrize("file", DENSE)
def test_a_closed_model_says_so(file: str) -> None:
    x = EXPECTED["dense/x"]
    with load(MODELS / file) as model:
        model.predict(x)
    model.close()
    for call in (
        lambda: model.predict(x),
        lambda: model.predict_raw({"x": x}),
        model.reset,
        model.in_force,
    ):
        with pytest.raises(ArtifactError, match=r"closed; "):
            call()


def test_the_null_runtime_gives_back_what_it_gets() -> None:
    x = np.ones((2, 4), np.float32)
    with closing(load(MODELS / "dense.onnx", runtime="null")) as model:
        assert np.array_equal(model.predict(x), x)
