"""SavedModel folders: any signature name, read without the Keras that wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgewright_converters.errors import UnreadableSource, UnsafeSource
from edgewright_converters.sources.frameworks import import_tensorflow
from edgewright_converters.sources.graphs import holds_state, op_types
from edgewright_converters.sources.names import unique_names
from edgewright_converters.sources.safety import UNSAFE_OPS
from edgewright_converters.sources.source import Signature
from edgewright_converters.sources.traced import TracedSource
from edgewright_runtimes.errors import UnknownName
from edgewright_runtimes.records import TensorSpec

DEFAULT = "serving_default"
# Every SavedModel holds these to restore itself; inside a signature they overwrite files.
_CHECKPOINT_OPS = frozenset({"Save", "SaveSlices", "SaveV2", "MergeV2Checkpoints", "RestoreV2"})


def open_saved_model(path: Path, *, unsafe: bool, signature: str = "") -> TracedSource:
    """Read ``path`` with ``tf.saved_model.load``, through one of its signatures.

    Raises ``UnsafeSource`` before anything is loaded, ``UnreadableSource`` where TensorFlow
    can't read it or no signature can be chosen.
    """
    tf = import_tensorflow()
    operations = _operations(path)
    _refuse(path, operations & UNSAFE_OPS, unsafe=unsafe)
    try:
        loaded = tf.saved_model.load(str(path))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, tf.errors.OpError) as error:
        raise UnreadableSource(f"{path}: TensorFlow can't load it: {first_line(error)}") from error
    name = _choose(path, sorted(loaded.signatures), signature)
    function = loaded.signatures[name]
    used = op_types(function.graph.as_graph_def())
    _refuse(path, used & _CHECKPOINT_OPS, unsafe=unsafe)
    return _source(loaded, function, name, used)


def _refuse(path: Path, found: frozenset[str], *, unsafe: bool) -> None:
    if found and not unsafe:
        raise UnsafeSource(
            f"{path} holds {', '.join(sorted(found))}: it runs code or touches files when used",
            hint="give --unsafe if you trust where it comes from",
        )


def first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__


def _operations(path: Path) -> frozenset[str]:
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from tensorflow.core.protobuf import saved_model_pb2

    message = saved_model_pb2.SavedModel()
    try:
        message.ParseFromString((path / "saved_model.pb").read_bytes())
    except (OSError, DecodeError) as error:
        raise UnreadableSource(f"{path}: saved_model.pb is not readable: {error}") from error
    return frozenset().union(*(op_types(meta.graph_def) for meta in message.meta_graphs))


def _choose(path: Path, names: list[str], wanted: str) -> str:
    if wanted and wanted not in names:
        raise UnknownName("signature", wanted, names)
    if wanted:
        return wanted
    if DEFAULT in names:
        return DEFAULT
    if len(names) == 1:
        return names[0]
    if not names:
        raise UnreadableSource(
            f"{path} has no signature to call",
            hint="save it with tf.saved_model.save(model, path, signatures=function)",
        )
    raise UnreadableSource(
        f"{path} has several signatures and none is {DEFAULT!r}: {', '.join(names)}",
        hint=f"choose one in Python: open_source(path, signature={names[0]!r})",
    )


def _source(loaded: Any, function: Any, name: str, operations: frozenset[str]) -> TracedSource:
    inputs, outputs = function.structured_input_signature[1], function.structured_outputs
    if not isinstance(outputs, dict):
        outputs = {"output": outputs}
    signature, input_keys, output_keys = named_signature(inputs, outputs)

    def call(tensors: Mapping[str, Any]) -> dict[str, Any]:
        # ``loaded`` owns the variables: without this reference they are gone.
        results = loaded.signatures[name](**{input_keys[k]: v for k, v in tensors.items()})
        return {clean: results[key] for clean, key in output_keys.items()}

    return TracedSource(
        kind="saved_model",
        signature=signature,
        call=call,
        stateful=holds_state(operations),
        notes=() if name == DEFAULT else (f"read through its signature {name!r}",),
    )


def named_signature(
    inputs: Mapping[str, Any], outputs: Mapping[str, Any]
) -> tuple[Signature, dict[str, str], dict[str, str]]:
    """The signature with clean names, and for each side clean name -> the model's own key."""
    input_names = unique_names(inputs)
    output_names = unique_names(outputs, taken=input_names)
    signature = Signature(
        inputs=tuple(spec_of(n, t) for n, t in zip(input_names, inputs.values(), strict=True)),
        outputs=tuple(spec_of(n, t) for n, t in zip(output_names, outputs.values(), strict=True)),
    )
    return (
        signature,
        dict(zip(input_names, inputs, strict=True)),
        dict(zip(output_names, outputs, strict=True)),
    )


def spec_of(name: str, tensor: Any) -> TensorSpec:
    """The record of a ``tf.TensorSpec`` or tensor; raises where its rank is not known."""
    if not hasattr(tensor, "shape") or tensor.shape.rank is None:
        raise UnreadableSource(f"{name!r} has no known rank ({tensor}); only dense tensors convert")
    return TensorSpec(name=name, dtype=tensor.dtype.name, shape=tuple(tensor.shape.as_list()))
