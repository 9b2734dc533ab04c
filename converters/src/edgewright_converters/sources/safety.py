"""What a model's config would execute or read from this machine, found before it is loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from edgewright_converters.errors import UnsafeSource

# Where Keras' own layers, activations, ... live. What is not a modelling object is left out:
# keras.utils and keras.saving hold functions that download files and run code.
_KERAS = frozenset({"keras", "tf_keras"})
_NOT_MODELLING = frozenset(
    {"callbacks", "config", "datasets", "export", "preprocessing", "saving", "utils", "wrappers"}
)
_LOADERS = frozenset({"load_model", "model_from_json", "clone_model", "save_model"})
_LOOKUPS = frozenset({"StringLookup", "IntegerLookup", "TextVectorization", "IndexLookup"})

# Names of TensorFlow functions inside a Keras-2 graph (TFOpLambda) that do more than compute.
_TF_FUNCTIONS = frozenset(
    {
        "autograph", "config", "data", "distribute", "experimental", "io", "load_library",
        "load_op_library", "lookup", "numpy_function", "print", "py_function", "py_func",
        "queue", "saved_model", "summary", "train",
    }
)  # fmt: skip
UNSAFE_OPS = frozenset(
    {
        "EagerPyFunc", "PyFunc", "PyFuncStateless",
        "ReadFile", "WriteFile", "MatchingFiles", "ImmutableConst", "PrintV2",
        "WholeFileReader", "WholeFileReaderV2", "TextLineReader", "TextLineReaderV2",
        "FixedLengthRecordReader", "FixedLengthRecordReaderV2", "TFRecordReader",
        "TFRecordReaderV2", "TextLineDataset", "TFRecordDataset", "TFRecordDatasetV2",
        "FixedLengthRecordDataset", "FixedLengthRecordDatasetV2", "LoadDataset",
        "SaveDataset", "SaveDatasetV2", "DatasetToTFRecord", "FileSystemSetConfiguration",
    }
)  # fmt: skip
"""TensorFlow operations that run Python, or read and write files, when the graph is run."""


def refuse_code(path: Path, config: Mapping[str, Any], *, unsafe: bool) -> None:
    """Raise ``UnsafeSource`` for a config that would run code, unless ``unsafe`` allows it."""
    found = list(dict.fromkeys(find_code(config)))
    if found and not unsafe:
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        raise UnsafeSource(
            f"{path} carries code: {'; '.join(found[:3])}{more}",
            hint="give --unsafe if you trust where it comes from,"
            " or pass the live model through the Python API",
        )


def find_code(config: Mapping[str, Any]) -> Iterator[str]:
    """Each thing that would be executed or read from this machine, in words."""
    for node in _objects(config):
        yield from _check(node)


def _objects(root: Any) -> Iterator[Mapping[str, Any]]:
    """Every JSON object inside, without recursion: a config may be nested to any depth."""
    pending = [root]
    while pending:
        value = pending.pop()
        if isinstance(value, Mapping):
            yield value
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)


def _check(node: Mapping[str, Any]) -> Iterator[str]:
    name, inner = node.get("class_name"), node.get("config")
    inner = inner if isinstance(inner, Mapping) else {}
    label = repr(inner.get("name", ""))
    if name == "__lambda__":
        yield "a Python lambda"
    elif name == "Lambda" and _carries_code(inner):
        yield f"the Lambda layer {label} with its own Python code"
    elif name == "TFOpLambda" and _is_unsafe_function(str(inner.get("function", ""))):
        yield f"the layer {label} calls tf.{inner.get('function')}"
    elif name == "TensorFlowOpLayer" and any(op in str(inner) for op in UNSAFE_OPS):
        yield f"the layer {label} runs an operation that touches files or Python"
    elif name in _LOOKUPS and isinstance(inner.get("vocabulary"), str):
        yield f"the layer {label} reads the file {inner['vocabulary']!r}"
    module = node.get("module")
    if isinstance(module, str) and name is not None:
        yield from _check_module(module, node)


def _carries_code(inner: Mapping[str, Any]) -> bool:
    """A marshalled function (a list, a string of bytes) and not the name of a known one."""
    function = inner.get("function")
    if isinstance(function, Mapping):  # Keras 3; __lambda__ inside is found by itself
        return False
    return isinstance(function, list) or inner.get("function_type", "lambda") != "function"


def _is_unsafe_function(name: str) -> bool:
    parts = [part for part in name.split(".") if part not in ("tf", "compat", "v1", "v2")]
    if parts[:1] == ["raw_ops"]:
        return parts[-1] in UNSAFE_OPS
    return bool(parts) and parts[0] in _TF_FUNCTIONS


def _check_module(module: str, node: Mapping[str, Any]) -> Iterator[str]:
    parts = [part for part in module.split(".") if part != "src"]
    name = node["class_name"]
    inner = node.get("config")
    called = inner if name == "function" and isinstance(inner, str) else name
    if module == "builtins":
        return  # functions by name: Keras looks them up among its own
    if parts[0] not in _KERAS:
        if not _is_registered(node):
            yield f"needs {'the function' if name == 'function' else 'custom layer'} {called!r}" + (
                f" of the module {module!r}"
            )
    elif called in _LOADERS or (len(parts) > 1 and parts[1] in _NOT_MODELLING):
        yield f"names {module}.{called}, which is no part of a model"


def _is_registered(node: Mapping[str, Any]) -> bool:
    """True for what the running program itself registered: no import is needed to have it."""
    import sys

    name = node.get("registered_name")
    return any(
        name in sys.modules[package].saving.get_custom_objects()
        for package in ("keras", "tf_keras")
        if package in sys.modules
    )
