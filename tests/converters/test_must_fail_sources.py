"""What is no model, or is a trap: each one clear line, and nothing of it is executed."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from keras import layers

from edgewright_converters.errors import UnreadableSource, UnsafeSource
from edgewright_converters.sources import open_source
from edgewright_converters.sources.safety import find_code
from edgewright_runtimes.errors import UsageError

pytestmark = [
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5:UserWarning"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one good model in both containers."""
    folder = tmp_path_factory.mktemp("saved")
    tf_keras.Sequential([tf_keras.Input((4,)), tf_keras.layers.Dense(3)]).save(folder / "m.h5")
    keras.Sequential([layers.Input((4,)), layers.Dense(3)]).save(folder / "m.keras")
    return folder


def _message(path: Path, error: type[UsageError] = UnreadableSource) -> str:
    with pytest.raises(error) as caught:
        open_source(path)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 600 and str(path) in message
    assert caught.value.exit_code == 2
    return message


def test_no_such_file(tmp_path: Path) -> None:
    assert "no such file or folder" in _message(tmp_path / "m.keras")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a text file\nby another name", "no Keras model: it is text ('a text file"),
        (b"", "it is empty"),
        (b"\x1c\x00\x00\x00TFL3rest", "it is a TFLite artifact"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (b"\x80\x04\x95pickle", "neither a .keras archive nor HDF5"),
        (b"PK\x03\x04 and no more", "truncated or damaged: File is not a zip file"),
    ],
)
def test_what_is_no_model_says_what_it_is(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    path.write_bytes(content)
    assert message in _message(path)


@pytest.mark.parametrize("name", ["m.h5", "m.keras"])
@pytest.mark.parametrize("kept", [0.3, 0.7, 0.99])
def test_a_truncated_file(saved: Path, name: str, kept: float, tmp_path: Path) -> None:
    data = (saved / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: int(len(data) * kept)])
    assert "truncated or damaged" in _message(path)


def test_damaged_weights_inside_an_archive(saved: Path, tmp_path: Path) -> None:
    path = _archive(saved, tmp_path, weights=b"\x89HDF\r\n\x1a\n and then nothing")
    assert "truncated or damaged" in _message(path)


def test_weights_only(saved: Path, tmp_path: Path) -> None:
    model = keras.models.load_model(saved / "m.keras")
    model.save_weights(tmp_path / "m.weights.h5")
    assert "holds weights only" in _message(tmp_path / "m.weights.h5")


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    assert "without saved_model.pb or model.json" in _message(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"nonsense")
    assert "saved_model.pb is not readable" in _message(tmp_path)


def test_a_graph_model_of_tensorflowjs_is_an_artifact(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text('{"format": "graph-model"}')
    with pytest.raises(UnreadableSource, match="its format is 'graph-model'; a graph-model is an"):
        open_source(tmp_path)
    (tmp_path / "model.json").write_text("{")
    assert "no JSON" in _message(tmp_path / "model.json")


@pytest.mark.parametrize("shard", ["../secret.bin", "/etc/hostname", "none.bin"])
def test_shards_stay_in_the_folder(shard: str, tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(b"0")
    folder = tmp_path / "model"
    folder.mkdir()
    manifest = [{"paths": [shard], "weights": []}]
    model = {"format": "layers-model", "modelTopology": {}, "weightsManifest": manifest}
    (folder / "model.json").write_text(json.dumps(model))
    with pytest.raises(UnreadableSource, match="names the weights"):
        open_source(folder)


def test_the_archive_that_no_keras_reads(real: Callable[[str], Path]) -> None:
    message = _message(real("must_fail/early_keras3.keras"))
    assert "saved by Keras 2.15.0" in message
    assert "Keras 3: Unrecognized keyword arguments passed to Conv1D" in message
    assert "tf_keras: Layer 'conv1d' expected 2 variables, but received 0" in message


@pytest.mark.parametrize(
    "name", ["custom_op.tflite", "signal_window_custom_op.tflite", "bad_quantized_dimension.tflite"]
)
def test_artifacts_are_no_sources(real: Callable[[str], Path], name: str) -> None:
    assert "it is a TFLite artifact" in _message(real(f"must_fail/{name}"))


# --- code ------------------------------------------------------------------------------------


def _archive(
    saved: Path,
    folder: Path,
    *,
    config: Mapping[str, Any] | None = None,
    weights: bytes | None = None,
    extra: Mapping[str, bytes] | None = None,
) -> Path:
    """The good model with some members replaced."""
    path = folder / "trap.keras"
    with zipfile.ZipFile(saved / "m.keras") as good, zipfile.ZipFile(path, "w") as bad:
        members = {name: good.read(name) for name in good.namelist()}
        if config is not None:
            members["config.json"] = json.dumps(config).encode()
        if weights is not None:
            members["model.weights.h5"] = weights
        for name, data in {**members, **(extra or {})}.items():
            bad.writestr(name, data, zipfile.ZIP_DEFLATED)
    return path


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize("package", [keras, tf_keras], ids=["keras3", "keras2"])
def test_a_lambda_with_code_is_refused_until_it_is_trusted(
    package: Any, suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"m{suffix}"
    double = package.layers.Lambda(lambda x: x * 2.0, output_shape=(4,), name="twice")
    package.Sequential([package.layers.Input((4,)), double]).save(path)
    message = _message(path, UnsafeSource)
    assert "carries code" in message and "give --unsafe" in message
    source = open_source(path, unsafe=True)
    (answer,) = source.predict({source.signature.inputs[0].name: np.ones((1, 4))}).values()
    assert answer.tolist() == [[2.0] * 4]


def _node(**fields: Any) -> dict[str, Any]:
    return {"config": {"layers": [{"inbound": [{"deep": fields}]}]}}


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (dict(class_name="__lambda__", config={"value": "4wEA"}), "a Python lambda"),
        (dict(class_name="Lambda", config={"function": ["4wEA", None, None]}), "its own Python"),
        (dict(class_name="system", module="os", config={}), "'system' of the module 'os'"),
        (
            dict(class_name="function", module="subprocess", config="call"),
            "the function 'call' of the module 'subprocess'",
        ),
        (
            dict(class_name="__typespec__", spec_name="run", module="pip", config=[]),
            "of the module 'pip'",
        ),
        (
            dict(class_name="function", module="keras.utils", config="get_file"),
            "keras.utils.get_file, which is no part of a model",
        ),
        (
            dict(class_name="enable_unsafe_deserialization", module="keras.config", config={}),
            "no part of a model",
        ),
        (dict(class_name="load_model", module="keras.models", config={}), "no part of a model"),
        (
            dict(class_name="TFOpLambda", config={"function": "io.write_file"}),
            "calls tf.io.write_file",
        ),
        (
            dict(class_name="TFOpLambda", config={"function": "compat.v1.py_func"}),
            "py_func",
        ),
        (
            dict(class_name="TFOpLambda", config={"function": "raw_ops.ReadFile"}),
            "ReadFile",
        ),
        (
            dict(class_name="TensorFlowOpLayer", config={"node_def": '{"op": "PyFunc"}'}),
            "touches files or Python",
        ),
        (
            dict(class_name="StringLookup", config={"vocabulary": "/etc/passwd"}),
            "reads the file '/etc/passwd'",
        ),
    ],
)
def test_code_is_found_wherever_it_hides(
    node: dict[str, Any], words: str, saved: Path, tmp_path: Path
) -> None:
    path = _archive(saved, tmp_path, config=_node(**node))
    assert words in _message(path, UnsafeSource)


@pytest.mark.parametrize(
    "node",
    [
        dict(class_name="Dense", module="keras.layers", config={"name": "d"}),
        dict(class_name="Functional", module="keras.src.models.functional", config={}),
        dict(class_name="function", module="builtins", config="relu"),
        dict(class_name="TFOpLambda", config={"function": "math.add"}),
        dict(class_name="StringLookup", config={"vocabulary": ["a"]}),
    ],
)
def test_what_only_computes_is_left_alone(node: dict[str, Any]) -> None:
    assert not list(find_code(_node(**node)))


class Own(layers.Layer):
    """Not registered: Keras would have to import this module for it."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return 2.0 * x


@pytest.mark.parametrize("unsafe", [False, True])
def test_a_custom_layer_is_named_with_the_way_out(unsafe: bool, tmp_path: Path) -> None:
    keras.Sequential([layers.Input((4,)), Own(name="own")]).save(tmp_path / "m.keras")
    with pytest.raises(UsageError, match=r"custom layer 'Own'.*live model through the Python API"):
        open_source(tmp_path / "m.keras", unsafe=unsafe)


def test_a_custom_layer_of_keras2_is_named_with_the_way_out(tmp_path: Path) -> None:
    class Mine(tf_keras.layers.Layer):
        def call(self, x: tf.Tensor) -> tf.Tensor:
            return x

    tf_keras.Sequential([tf_keras.Input((4,)), Mine()]).save(tmp_path / "m.h5")
    assert "needs the custom layer 'Mine', which is not in the file; pass a live model" in (
        _message(tmp_path / "m.h5")
    )


def test_what_the_program_registered_is_no_danger(tmp_path: Path) -> None:
    registered = keras.saving.register_keras_serializable(package="tests")(
        type("Known", (Own,), {"__module__": "somewhere"})
    )
    keras.Sequential([layers.Input((4,)), registered()]).save(tmp_path / "m.keras")
    assert open_source(tmp_path / "m.keras").kind == "keras3"


@pytest.mark.parametrize("name", ["../out.txt", "/abs.txt", "a/../../b", "..\\out", "C:\\x"])
def test_members_that_leave_the_archive(name: str, saved: Path, tmp_path: Path) -> None:
    path = _archive(saved, tmp_path, extra={name: b"x"})
    assert "leads out of the archive" in _message(path, UnsafeSource)


def test_a_zip_bomb_is_not_unpacked(saved: Path, tmp_path: Path) -> None:
    path = _archive(saved, tmp_path, extra={"assets/zeros": bytes(200 << 20)})
    assert path.stat().st_size < 1 << 20
    assert "unpacks to 209," in _message(path, UnsafeSource)


def test_a_config_too_large_is_not_read(saved: Path, tmp_path: Path) -> None:
    path = _archive(saved, tmp_path, extra={"config.json": b" " * (65 << 20)})
    with pytest.raises(UnsafeSource, match=r"config.json has|unpacks to"):
        open_source(path)


def test_a_config_nested_without_end(saved: Path, tmp_path: Path) -> None:
    path = _archive(saved, tmp_path, extra={"config.json": b"[" * 200_000})
    assert "no JSON" in _message(path)


def _hdf5(write: Callable[[h5py.File], object]) -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        write(file)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda f: f.__setitem__("w", h5py.ExternalLink("/etc/x.h5", "/")), "points at another"),
        (
            lambda f: f.create_dataset("w", (4,), "u1", external=[("/etc/passwd", 0, 4)]),
            "lie in another file",
        ),
        (
            lambda f: f.create_dataset("w", (1 << 34,), "f4", chunks=(1 << 10,)),
            "unpacks to 68,719,476,736",
        ),
    ],
    ids=["link", "external", "bomb"],
)
def test_hdf5_that_reaches_out_or_swells(
    write: Callable[[h5py.File], object], words: str, saved: Path, tmp_path: Path
) -> None:
    path = _archive(saved, tmp_path, weights=_hdf5(write))
    assert words in _message(path, UnsafeSource)


def _python(x: tf.Tensor) -> tf.Tensor:
    return tf.ensure_shape(tf.numpy_function(lambda v: v + 1, [x], tf.float32), (None, 2))


def _reads(x: tf.Tensor) -> tf.Tensor:
    return x + tf.cast(tf.strings.length(tf.io.read_file("/etc/hostname")), tf.float32)


def _overwrites(x: tf.Tensor) -> tf.Tensor:
    tf.raw_ops.SaveV2(prefix="/tmp/out", tensor_names=["x"], shape_and_slices=[""], tensors=[x])
    return x


@pytest.mark.parametrize(
    ("function", "operation"), [(_python, "PyFunc"), (_reads, "ReadFile"), (_overwrites, "SaveV2")]
)
def test_a_savedmodel_that_runs_code_or_touches_files(
    function: Callable[[tf.Tensor], tf.Tensor], operation: str, tmp_path: Path
) -> None:
    module = tf.Module()
    module.serve = tf.function(function, input_signature=[tf.TensorSpec((None, 2), tf.float32)])
    tf.saved_model.save(module, str(tmp_path), signatures=module.serve)
    assert operation in _message(tmp_path, UnsafeSource)
    assert open_source(tmp_path, unsafe=True).kind == "saved_model"
