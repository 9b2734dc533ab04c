"""From a traced graph of fake-quantized tensors to one whose weights and biases are integers.

tf2onnx writes the tensors as pairs of QuantizeLinear and DequantizeLinear, and the weights as
floats that stand on the values of their integers: left so, ONNX Runtime quantizes them its own
way, and the labels differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_CODES = 127
_SAME_VALUES = ("Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Pad")
# Which axis of the weights counts the channels that come out; none: one scale for all.
_OUTPUT_AXIS = {"Conv": 0, "ConvTranspose": None, "Gemm": None, "MatMul": None}


def to_integers(model: Any) -> Any:
    """The ``ModelProto`` with int8 weights and int32 biases; ``model`` is changed.

    Tensors keep tf2onnx's codes of 0 to 255: ONNX Runtime 1.31 changes signed ones into them on
    x86, but not where a tensor has two readers, and then runs those layers in float.
    """
    graph = _Graph(model)
    graph.fuse_dense()
    for node in list(model.graph.node):
        if node.op_type in _OUTPUT_AXIS:
            graph.quantize_weights(node)
    graph.finish()
    return model


class _Graph:
    def __init__(self, model: Any) -> None:
        self._model, self._graph = model, model.graph
        self._held = {tensor.name: tensor for tensor in self._graph.initializer}
        self._makers = {name: node for node in self._graph.node for name in node.output}
        self._before: dict[int, list[Any]] = {}  # new nodes, by the id of the node they serve
        self._weights: dict[tuple[str, str], tuple[str, Array]] = {}

    def fuse_dense(self) -> None:
        """MatMul and Add as one Gemm, where it is of rows: its kernel takes the int32 bias."""
        ranks = _ranks(self._model)
        readers: dict[str, list[Any]] = {}
        for node in self._graph.node:
            for name in node.input:
                readers.setdefault(name, []).append(node)
        for node in list(self._graph.node):
            after = readers.get(node.output[0], [])
            if node.op_type != "MatMul" or ranks.get(node.input[0]) != 2 or len(after) != 1:
                continue
            bias = [n for n in after[0].input if n in self._held]
            if after[0].op_type == "Add" and bias and len(self._held[bias[0]].dims) == 1:
                node.op_type = "Gemm"
                node.input.append(bias[0])
                node.output[:] = after[0].output
                self._graph.node.remove(after[0])
                self._makers[node.output[0]] = node

    def quantize_weights(self, node: Any) -> None:
        """Where its input is of integers and its weights are constants."""
        step = self._step_of(node.input[0])
        if step is None or node.input[1] not in self._held:
            return
        name, scales = self._integer_weights(node)
        node.input[1] = name
        if len(node.input) > 2 and node.input[2] in self._held:
            node.input[2] = self._integer_bias(node, scales * step)

    def finish(self) -> None:
        """Put the new nodes in front of those that read them; drop what nothing reads."""
        nodes = [
            new for node in self._graph.node for new in (*self._before.get(id(node), ()), node)
        ]
        del self._graph.node[:]
        self._graph.node.extend(nodes)
        read = {name for node in nodes for name in node.input}
        kept = [tensor for name, tensor in self._held.items() if name in read]
        del self._graph.initializer[:]
        self._graph.initializer.extend(kept)

    def _step_of(self, name: str) -> Array | None:
        """The scale of an integer tensor, seen through what leaves its values as they are."""
        maker = self._makers.get(name)
        while maker is not None and maker.op_type in _SAME_VALUES:
            maker = self._makers.get(maker.input[0])
        if maker is None or maker.op_type != "DequantizeLinear":
            return None
        return self._array(maker.input[1])

    def _integer_weights(self, node: Any) -> tuple[str, Array]:
        """The name of the dequantized weights, and their scales (float32, [channels] or scalar)."""
        import numpy as np

        name = node.input[1]
        axis = _OUTPUT_AXIS[node.op_type]
        if _is_of_one_scale(self._array(name)):
            axis = None
        key = (name, str(axis))
        if key not in self._weights:
            values = self._array(name)
            scales = _scales(values, axis)
            spread = scales if axis is None else _along(scales, axis, values.ndim)
            codes = np.clip(np.round(values / spread), -_CODES, _CODES).astype(np.int8)
            self._weights[key] = (self._dequantize(node, name, codes, scales, axis), scales)
        return self._weights[key]

    def _integer_bias(self, node: Any, scales: Array) -> str:
        import numpy as np

        name = node.input[2]
        values = self._array(name).astype(np.float64)
        limit = np.iinfo(np.int32).max
        codes = np.clip(np.round(values / scales), -limit, limit).astype(np.int32)
        axis = 0 if scales.ndim else None
        return self._dequantize(node, f"{name}_of_{node.output[0]}", codes, scales, axis)

    def _dequantize(
        self, node: Any, name: str, codes: Array, scales: Array, axis: int | None
    ) -> str:
        """Keep ``codes`` and have a new node give them out as floats, under the name returned."""
        import numpy as np
        from onnx import helper

        stored, scale, out = f"{name}_codes", f"{name}_scale", f"{name}_values"
        self._hold(stored, codes)
        self._hold(scale, scales.astype(np.float32))
        zero = f"{name}_zero"
        self._hold(zero, np.zeros(scales.shape, codes.dtype))
        options = {} if axis is None else {"axis": axis}
        made = helper.make_node("DequantizeLinear", [stored, scale, zero], [out], **options)
        self._before.setdefault(id(node), []).append(made)
        return out

    def _array(self, name: str) -> Array:
        from onnx import numpy_helper

        array: Array = numpy_helper.to_array(self._held[name])
        return array

    def _hold(self, name: str, array: Array) -> None:
        from onnx import numpy_helper

        self._held[name] = numpy_helper.from_array(array, name)


def _is_of_one_scale(values: Array) -> bool:
    """Whether all values are whole numbers of one step; a kernel's rank does not tell."""
    import numpy as np

    codes = values / _scales(values, None)
    return float(np.abs(codes - np.round(codes)).max()) < 0.01


def _scales(values: Array, axis: int | None) -> Array:
    """The greatest code is 127 in every channel; a channel of zeros has the greatest scale."""
    import numpy as np

    others = tuple(i for i in range(values.ndim) if i != axis)
    most = np.abs(values).max(axis=None if axis is None else others)
    filled = np.where(most > 0, most, most.max() or 1.0)
    return (filled / _CODES).astype(np.float32)


def _along(scales: Array, axis: int, rank: int) -> Array:
    return scales.reshape([-1 if i == axis else 1 for i in range(rank)])


def _ranks(model: Any) -> dict[str, int]:
    import onnx

    inferred = onnx.shape_inference.infer_shapes(model).graph
    values = (*inferred.value_info, *inferred.input, *inferred.output)
    return {
        v.name: len(v.type.tensor_type.shape.dim) for v in values if v.type.HasField("tensor_type")
    }
