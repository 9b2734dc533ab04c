"""A plain model with its weights and tensors rounded to the integers of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any, Literal

from edgewright_converters.compression.graph.build import build
from edgewright_converters.compression.graph.flat import Ref
from edgewright_converters.compression.qat.plan import Plan
from edgewright_converters.compression.qat.roles import activation_of

if TYPE_CHECKING:
    from edgewright_converters.compression.graph.flat import Node
    from edgewright_converters.compression.qat.layers import (
        FakeQuantizedLinear,
        Observer,
        TensorRange,
    )

Pooling = Literal["kernel", "nudged", "left"]
_POOLED = ("AveragePooling1D", "AveragePooling2D")


class Rounded:
    """``model`` has the plan's graph with ``ranges`` (by group); ``linear`` its layers by name.

    ``pooling`` rounds averages as TFLite's kernel does, by its arithmetic or (what an ONNX file can
    say) by nudging them; or it is left to that kernel. With ``kernel`` sums are exact, too.
    """

    def __init__(
        self,
        plan: Plan,
        ranges: Mapping[str, TensorRange],
        observers: Mapping[str, Observer],
        *,
        pooling: Pooling,
    ) -> None:
        self._plan, self._ranges, self._observers = plan, ranges, observers
        self._pooling = pooling
        nodes = plan.graph.nodes
        self.linear: dict[str, FakeQuantizedLinear] = {
            node.name: self._make_linear(place)
            for place, node in enumerate(nodes)
            if plan.is_integer(place)
        }
        places = iter(range(len(nodes)))
        self.model = build(
            plan.graph, self.linear, after=lambda _, result: self._after(next(places), result)
        )
        for node in plan.graph.layers():
            if node.name in self.linear:
                self.linear[node.name].inner.set_weights(node.layer.get_weights())

    def _make_linear(self, place: int) -> FakeQuantizedLinear:
        from edgewright_converters.compression.qat.layers import FakeQuantizedLinear

        node = self._plan.graph.nodes[place]
        inner = type(node.layer).from_config(
            {**node.layer.get_config(), "name": node.name, "activation": "linear"}
        )
        source = self._plan.graph.nodes[node.refs[0].node]
        inner.build(source.shapes[node.refs[0].index])  # here its weights keep their names
        name = self._plan.before(place)
        taken = self._plan.range_of(node.refs[0])
        assert taken is not None
        return FakeQuantizedLinear(
            inner,
            self._ranges[taken],
            activation=node.layer.activation,
            before=None if name is None else self._fake_quantize(name, f"before_{place}"),
            exact=self._pooling == "kernel",
        )

    def _after(self, place: int, result: Any) -> Any:
        plan, ref = self._plan, Ref(place)
        name = plan.names.get(ref)
        if name is None or ref in plan.passed:
            return result
        node = plan.graph.nodes[place]
        rounding = self._fake_quantize(
            name,
            f"codes_{place}",
            pooled=self._pooled(node),
            nudging=self._pooling == "nudged",
            only_running=plan.is_table_output(place),
            activation=_head(node),
        )
        return rounding(result)

    def _pooled(self, node: Node) -> int:
        """How many values an average is of; 0 for other layers, and where it is left alone."""
        rounds = self._pooling != "left" and node.kind in _POOLED
        return prod(node.layer.pool_size) if rounds else 0

    def _fake_quantize(self, name: str, layer_name: str, **options: Any) -> Any:
        from edgewright_converters.compression.qat.layers import FakeQuantize

        return FakeQuantize(
            self._ranges[self._plan.groups[name]],
            name=layer_name,
            observer=self._observers.get(name),
            **options,
        )


def _head(node: Node) -> Any:
    """What a layer's outputs are, as a Keras activation: softmax's are probabilities."""
    import keras

    own = getattr(node.layer, "activation", None)
    name = activation_of(node)
    return keras.activations.get(name) if own is None and name else own
