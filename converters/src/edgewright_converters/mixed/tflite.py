"""A float TFLite model as mixed precision sees it, quantized by ai-edge-quantizer's recipes."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any

from edgewright_converters.calibration import batches
from edgewright_converters.formats.tflite_graph import model_file
from edgewright_converters.formats.tflite_graph.ranges import narrow
from edgewright_converters.mixed import tflite_edit as edit
from edgewright_converters.mixed import tflite_running as running
from edgewright_converters.mixed.eight_bits import pruned_weights, rounded_weights
from edgewright_converters.mixed.layers import layers_of
from edgewright_converters.mixed.tensors import Tensor

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.formats.format import Calibration
    from edgewright_converters.mixed.tflite_running import Edges

    Array = np.ndarray[Any, Any]
    Arrays = Mapping[str, Array]

_EDGES = ("INPUT", "OUTPUT")  # ai-edge-quantizer's words: kept in float, as int8 has it here


@dataclass(frozen=True, kw_only=True)
class TFLiteFloat:
    """``ranges`` are of the activations, by tensor name; ``layers`` of all tensors."""

    content: bytes
    edges: Edges
    ranges: Mapping[str, tuple[float, float]]
    layers: Mapping[str, tuple[str, ...]]

    @property
    def activations(self) -> tuple[Tensor, ...]:
        model = self._parsed()
        graph = model.subgraphs[0]
        made = {int(i): "input" for i in graph.inputs}
        for name, operator, owner in model_file.operators(model):
            if owner is graph:
                made.update((int(i), name) for i in operator.outputs)
        found = (self._tensor(graph.tensors[i], op, "activation") for i, op in made.items())
        return tuple(tensor for tensor in found if tensor.name in self.ranges)

    @property
    def weights(self) -> tuple[Tensor, ...]:
        model = self._parsed()
        graph = model.subgraphs[0]
        return tuple(
            replace(
                self._tensor(graph.tensors[index], name, "weights"),
                layers=self.layers[graph.tensors[int(operator.outputs[0])].name.decode()],
            )
            for name, operator, index in edit.weighted(model)
        )

    def integer(self, keep_float: Collection[str] = (), int16: Collection[str] = ()) -> bytes:
        from ai_edge_quantizer import quantizer

        model = self._parsed()
        recipe = _recipe(_touching(model, keep_float), _touching(model, int16))
        shapes = {t.name.decode(): t.shape for t in model.subgraphs[0].tensors}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its interpreter's, that keeping tensors costs memory
            result = quantizer.Quantizer(bytearray(self.content), recipe).quantize(
                {n: _statistics(span, len(shapes[n])) for n, span in self.ranges.items()},
                enable_progress_report=False,
                enable_progress_bar=False,
            )
        return model_file.serialize(model_file.parse(bytes(result.quantized_model)))

    def in_int8(self, keep_float: Collection[str] = ()) -> tuple[str, ...]:
        model = self._parsed()
        tensors = model.subgraphs[0].tensors
        kept = set(_touching(model, keep_float))
        names = [
            tensors[index].name.decode()
            for _, operator, index in edit.weighted(model)
            if tensors[int(operator.outputs[0])].name.decode() not in kept
        ]
        return *(name for name in self.ranges if name not in keep_float), *names

    def alone(self, names: Collection[str]) -> bytes:
        model = self._parsed()
        places = {t.name.decode(): i for i, t in enumerate(model.subgraphs[0].tensors)}
        edit.insert_pairs(model, {places[n]: self.ranges[n] for n in names if n in self.ranges})
        for op, _, index in list(edit.weighted(model)):
            if model.subgraphs[0].tensors[index].name.decode() in names:
                rounded = rounded_weights(edit.read(model, index), edit.CHANNEL_AXIS[op])
                edit.write(model, index, rounded)
        return model_file.serialize(model)

    def pruned(self, name: str, ratio: float) -> bytes:
        model = self._parsed()
        for _, _, index in list(edit.weighted(model)):
            if model.subgraphs[0].tensors[index].name.decode() == name:
                edit.write(model, index, pruned_weights(edit.read(model, index), ratio))
        return model_file.serialize(model)

    def run(self, content: bytes, feeds: Arrays) -> dict[str, Array]:
        return running.run(content, self.edges, feeds)

    @property
    def biased(self) -> tuple[str, ...]:
        model = self._parsed()
        tensors = model.subgraphs[0].tensors
        return tuple(tensors[made].name.decode() for made, _, _ in edit.biased(model))

    def channel_means(self, content: bytes, feeds: Arrays, made: str) -> Array:
        model = model_file.parse(content)
        tensors = model.subgraphs[0].tensors
        for place, _, operator in edit.biased(model):
            name = tensors[place].name.decode()
            if name.removesuffix(edit.MADE) == made:
                operator.builtinOptions.fusedActivationFunction = edit.NO_ACTIVATION
                return running.channel_means(model_file.serialize(model), self.edges, feeds, name)
        raise KeyError(made)

    def with_bias_moved(self, made: str, by: Array) -> TFLiteFloat:
        model = self._parsed()
        tensors = model.subgraphs[0].tensors
        for place, bias, _ in list(edit.biased(model)):
            if tensors[place].name.decode() == made:
                edit.write(model, bias, edit.read(model, bias) + by)
        return replace(self, content=model_file.serialize(model))

    def _parsed(self) -> Any:
        return model_file.parse(self.content)

    def _tensor(self, tensor: Any, op: str, kind: Any) -> Tensor:
        name = tensor.name.decode()
        shape = () if tensor.shape is None else tuple(int(size) for size in tensor.shape)
        return Tensor(
            name=name,
            kind=kind,
            op=op,
            layers=self.layers.get(name, ()),
            elements=prod(shape if kind == "weights" else shape[1:]),
        )


def open_model(
    content: bytes, edges: Edges, calibration: Calibration, *, known: Collection[str] = ()
) -> TFLiteFloat:
    """``content`` is what the converter made, with its long names; ``known`` are the layers'.

    The items are run once for the ranges, which are narrowed as the int8 writer narrows them.
    Raises ``ConversionError`` where there are fewer items than one batch.
    """
    model = model_file.parse(content)
    graph = model.subgraphs[0]
    by_index = _layers(model, known)
    model_file.name_edges(model, *edges)
    layers = {t.name.decode(): found for t, found in zip(graph.tensors, by_index, strict=True)}
    calibrated = _calibrated(model, edges, calibration)
    model = model_file.parse(calibrated)
    ranges = {}
    for tensor in model.subgraphs[0].tensors:
        q = tensor.quantization
        if q is not None and q.min is not None and len(q.min):
            ranges[tensor.name.decode()] = float(q.min[0]), float(q.max[0])
        tensor.quantization = None
    return TFLiteFloat(
        content=model_file.serialize(model), edges=edges, ranges=ranges, layers=layers
    )


def _layers(model: Any, known: Collection[str]) -> list[tuple[str, ...]]:
    """Of each tensor of the main graph; an output that has lost its name has its weights'."""
    graph = model.subgraphs[0]
    names = [tensor.name.decode() for tensor in graph.tensors]
    found = [layers_of(name, known) for name in names]
    for _, operator, weights in edit.weighted(model):
        made = int(operator.outputs[0])
        found[made] = tuple(dict.fromkeys((*found[made], *layers_of(names[weights], known))))
    return found


def _calibrated(model: Any, edges: Edges, calibration: Calibration) -> bytes:
    """The model with the ranges in its tensors, narrowed where they are wider than is decided."""
    from tensorflow.lite.python import schema_py_generated as schema

    graph = model.subgraphs[0]
    made = {int(i) for operator in graph.operators for i in operator.outputs}
    wanted = [
        index
        for index in (*(int(i) for i in graph.inputs), *sorted(made))
        if graph.tensors[index].type == edit.FLOAT32
    ]
    content, feeds = model_file.serialize(model), calibration.feeds
    for index, (low, high) in running.observed_ranges(content, edges, feeds, wanted).items():
        quantization = schema.QuantizationParametersT()
        quantization.min, quantization.max = [low], [high]
        graph.tensors[index].quantization = quantization
    shape = graph.tensors[int(graph.inputs[0])].shape

    def feed() -> Iterator[list[Array]]:
        for arrays in batches(feeds, int(shape[0])):
            yield [arrays[name] for name in edges[0]]

    return narrow(model_file.serialize(model), feed)


def _statistics(span: tuple[float, float], rank: int) -> dict[str, Array]:
    """Least and greatest value as ai-edge-quantizer's calibrator gives them."""
    import numpy as np

    low, high = (np.full((1,) * rank, value, np.float32) for value in span)
    return {"min": low, "max": high}


def _touching(model: Any, names: Collection[str]) -> list[str]:
    """The first outputs of the operators that make or read any tensor of ``names``."""
    graph = model.subgraphs[0]
    wanted = {i for i, t in enumerate(graph.tensors) if t.name.decode() in names}
    return [
        graph.tensors[int(operator.outputs[0])].name.decode()
        for operator in graph.operators
        if wanted.intersection(int(i) for i in (*operator.inputs, *operator.outputs))
    ]


def _recipe(kept: Sequence[str], wide: Sequence[str]) -> list[dict[str, Any]]:
    """The last entry that matches an operator's outputs (``a;b;``) decides."""
    from ai_edge_quantizer import qtyping, recipe_manager

    manager = recipe_manager.RecipeManager()
    everything = qtyping.TFLOperationName.ALL_SUPPORTED
    manager.add_static_config(
        regex=".*", operation_name=everything, activation_num_bits=8, weight_num_bits=8
    )
    for name in wide:
        manager.add_static_config(
            regex=f"^{re.escape(name)};",
            operation_name=everything,
            activation_num_bits=16,
            weight_num_bits=8,
        )
    for name in kept:
        manager.add_quantization_config(f"^{re.escape(name)};", everything, None, "no_quantize")
    for edge in _EDGES:
        manager.add_quantization_config("^.*$", qtyping.TFLOperationName(edge), None, "no_quantize")
    return list(manager.get_quantization_recipe())
