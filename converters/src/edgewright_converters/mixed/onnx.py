"""A float ONNX model as mixed precision sees it, quantized by onnxruntime.quantization."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from edgewright_converters.errors import ConversionError
from edgewright_converters.formats.onnx_graph import model_file, quantize
from edgewright_converters.formats.onnx_graph.ranges import Reader, narrowed
from edgewright_converters.mixed import onnx_edit as edit
from edgewright_converters.mixed import onnx_running as running
from edgewright_converters.mixed.eight_bits import pruned_weights, rounded_weights
from edgewright_converters.mixed.layers import layers_of
from edgewright_converters.mixed.tensors import Tensor

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.formats.format import Calibration

    Array = np.ndarray[Any, Any]
    Arrays = Mapping[str, Array]

_FUSED = ("Relu", "Clip")  # the quantizer takes them into the node before
NO_INT16 = "ONNX Runtime has no 16-bit kernels on the CPU: the operations would compute in float"


@dataclass(frozen=True, kw_only=True)
class ONNXFloat:
    """``ranges`` are of the activations, by tensor name; ``layers`` by the name of an output."""

    content: bytes
    ranges: Mapping[str, tuple[float, float]]
    layers: Mapping[str, tuple[str, ...]]
    sizes: Mapping[str, int]  # elements of one item

    @property
    def activations(self) -> tuple[Tensor, ...]:
        graph = self._parsed().graph
        readers = _readers(graph)
        made = {value.name: "input" for value in graph.input}
        made |= {name: node.op_type for node in graph.node for name in node.output}
        return tuple(
            Tensor(
                name=name,
                kind="activation",
                op=op,
                layers=self.layers.get(name, ()),
                elements=self.sizes.get(name, 0),
            )
            for name, op in made.items()
            if name in self.ranges and not _is_fused(readers.get(name, []))
        )

    @property
    def weights(self) -> tuple[Tensor, ...]:
        graph = self._parsed().graph
        return tuple(
            Tensor(
                name=name,
                kind="weights",
                op=node.op_type,
                layers=self.layers[node.output[0]],
                elements=edit.read(graph, name).size,
            )
            for node, name, _ in edit.weighted(graph)
        )

    def integer(self, keep_float: Collection[str] = (), int16: Collection[str] = ()) -> bytes:
        from onnxruntime.quantization import QuantType
        from onnxruntime.quantization.calibrate import CalibrationMethod, TensorsData
        from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
        from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

        if int16:
            raise ConversionError(
                f"onnx int16: {NO_INT16}", hint="keep_float, or the format tflite"
            )
        model = self._parsed()
        ranges = {name: _span(span) for name, span in self.ranges.items()}
        quantizer = QDQQuantizer(
            model,
            per_channel=True,
            reduce_range=False,
            weight_qType=QuantType.QInt8,
            activation_qType=QuantType.QInt8,
            tensors_range=TensorsData(CalibrationMethod.MinMax, ranges),
            nodes_to_quantize=[],
            nodes_to_exclude=_touching(model.graph, keep_float),
            op_types_to_quantize=sorted({*QDQRegistry, *QLinearOpsRegistry}),
            extra_options={},
        )
        quantizer.quantize_model()
        made = quantizer.model.model
        model_file.tidy(made)
        return bytes(made.SerializeToString())

    def in_int8(self, keep_float: Collection[str] = ()) -> tuple[str, ...]:
        graph = self._parsed().graph
        kept = set(_touching(graph, keep_float))
        names = [name for node, name, _ in edit.weighted(graph) if node.name not in kept]
        return *(t.name for t in self.activations if t.name not in keep_float), *names

    def alone(self, names: Collection[str]) -> bytes:
        model = self._parsed()
        edit.insert_pairs(model.graph, {n: self.ranges[n] for n in names if n in self.ranges})
        for _, name, axis in list(edit.weighted(model.graph)):
            if name in names:
                edit.write(model.graph, name, rounded_weights(edit.read(model.graph, name), axis))
        model.producer_name = running.LITERAL
        return bytes(model.SerializeToString())

    def pruned(self, name: str, ratio: float) -> bytes:
        model = self._parsed()
        edit.write(model.graph, name, pruned_weights(edit.read(model.graph, name), ratio))
        return bytes(model.SerializeToString())

    def run(self, content: bytes, feeds: Arrays) -> dict[str, Array]:
        return running.run(content, feeds)

    @property
    def biased(self) -> tuple[str, ...]:
        return tuple(node.output[0] for node, _ in edit.biased(self._parsed().graph))

    def channel_means(self, content: bytes, feeds: Arrays, made: str) -> Array:
        import onnx

        graph = onnx.ModelProto.FromString(content).graph
        for node, _ in edit.biased(graph):
            if node.output[0].removesuffix(edit.MADE) == made:
                axis = 1 if node.op_type == "Conv" else -1
                return running.channel_means(content, feeds, node.output[0], axis=axis)
        raise KeyError(made)

    def with_bias_moved(self, made: str, by: Array) -> ONNXFloat:
        model = self._parsed()
        for node, bias in list(edit.biased(model.graph)):
            if node.output[0] == made:
                edit.write(model.graph, bias, edit.read(model.graph, bias) + by)
        return replace(self, content=bytes(model.SerializeToString()))

    def _parsed(self) -> Any:
        import onnx

        return onnx.ModelProto.FromString(self.content)


def open_model(
    model: Any, calibration: Calibration, *, batch: int | None, known: Collection[str] = ()
) -> ONNXFloat:
    """``model`` is the ``ModelProto`` that the converter made; ``known`` are the source's layers.

    The items are run once for the ranges, which are narrowed as the int8 writer narrows them.
    Raises ``ConversionError`` where there are fewer items than one batch.
    """
    import onnx

    with TemporaryDirectory() as folder:
        path = quantize.prepare(model, Path(folder))
        overrides = narrowed(path, Reader(calibration, batch or 1))
        prepared = onnx.load(path)
    _name_nodes(prepared.graph)
    content = bytes(prepared.SerializeToString())
    names = [value.name for value in prepared.graph.input]
    names += [name for node in _computing(prepared.graph) for name in node.output if name]
    ranges = running.observed_ranges(content, calibration.feeds, names)
    for name, (override,) in overrides.items():
        ranges[name] = float(override["rmin"]), float(override["rmax"])
    return ONNXFloat(
        content=content,
        ranges=ranges,
        layers=_layers(prepared.graph, known),
        sizes=running.sizes(content, calibration.feeds, names),
    )


def _layers(graph: Any, known: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Of each node's outputs, from its name, theirs and its weights'."""
    weights = {node.output[0]: name for node, name, _ in edit.weighted(graph)}
    layers = {}
    for node in graph.node:
        if not node.output:
            continue
        names = [*node.output, node.name, weights.get(node.output[0], "")]
        found = layers_of(";".join(name.rsplit(":", 1)[0] for name in names), known)
        layers.update(dict.fromkeys(node.output, found))
    return layers


def _name_nodes(graph: Any) -> None:
    """The quantizer excludes nodes by their names: each needs one of its own."""
    taken: set[str] = set()
    for place, node in enumerate(graph.node):
        if not node.name or node.name in taken:
            node.name = f"{node.op_type}/{place}"
        taken.add(node.name)


def _computing(graph: Any) -> Iterator[Any]:
    return (node for node in graph.node if node.op_type != "Constant")


def _readers(graph: Any) -> dict[str, list[Any]]:
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    return readers


def _is_fused(readers: Sequence[Any]) -> bool:
    return len(readers) == 1 and readers[0].op_type in _FUSED


def _touching(graph: Any, names: Collection[str]) -> list[str]:
    """Nodes that make or read any tensor of ``names``, with those that they are fused with."""
    readers = _readers(graph)
    wanted = set(names)
    for node in reversed(graph.node):
        if (
            node.op_type in _FUSED
            and node.output[0] in wanted
            and _is_fused(readers[node.input[0]])
        ):
            wanted.add(node.input[0])
    return [node.name for node in graph.node if wanted.intersection((*node.input, *node.output))]


def _span(span: tuple[float, float]) -> tuple[Any, Any]:
    import numpy as np

    return np.float32(span[0]), np.float32(span[1])
