"""The graph that is trained, and the same with its ranges fixed, which the converters are given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.graph.build import Changed, build
from edgewright_converters.compression.graph.flat import flatten
from edgewright_converters.compression.qat.plan import Plan, make_plan
from edgewright_converters.compression.qat.rounded import Pooling, Rounded
from edgewright_converters.compression.ranges import TensorRanges
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    from edgewright_converters.compression.qat.layers import Observer


class TrainedGraph:
    """``model`` gives what the int8 artifacts give, and can be trained; ``plan`` is of the plain.

    ``still`` are the names of ranges that training leaves alone.
    """

    def __init__(self, plan: Plan, *, learned: bool, still: frozenset[str] = frozenset()) -> None:
        from edgewright_converters.compression.qat.layers import Observer, TensorRange

        self.plan = plan
        self.observers: dict[str, Observer] = {
            name: Observer(learned=learned, still=name in still, name=f"range_{place}")
            for place, name in enumerate(sorted(plan.observed))
        }
        self._ranges = {
            group: TensorRange(
                plan.fixed.get(group), [self.observers[name] for name in plan.members[group]]
            )
            for group in plan.members
        }
        rounded = Rounded(plan, self._ranges, self.observers, pooling="kernel")
        self.model, self.linear = rounded.model, rounded.linear

    def ranges(self) -> TensorRanges:
        """As they stand, moved to where zero is a code: a file's scales and zero points."""
        plan, bounds = self.plan, {}
        for name, group in plan.groups.items():
            low, high = (float(value) for value in self._ranges[group].bounds())
            bounds[name] = nudged(low, high)
        inputs = {plan.graph.nodes[place].name for place in plan.graph.inputs}
        return TensorRanges(
            inputs={name: pair for name, pair in bounds.items() if name in inputs},
            layers={name: pair for name, pair in bounds.items() if name not in inputs},
        )

    def set_ranges(self, bounds: Mapping[str, tuple[float, float]]) -> None:
        """By name, of observed tensors."""
        for name, (low, high) in bounds.items():
            self.observers[name].set_bounds(low, high)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """The model computes in floats meanwhile, and its ranges grow to hold what they see."""
        for observer in self.observers.values():
            observer.watching = True
        try:
            yield
        finally:
            for observer in self.observers.values():
                observer.watching = False

    def hold(self) -> None:
        """Ranges stay as they are from here on."""
        for observer in self.observers.values():
            observer.hold()

    def plain_model(self) -> Any:
        """Plain layers with the trained weights, in floats."""
        trained = {layer.name: layer for layer in self.model.layers}
        trained |= {name: layer.inner for name, layer in self.linear.items()}
        changes = {
            node.name: Changed(config={}, weights=trained[node.name].get_weights())
            for node in self.plan.graph.layers()
            if node.name in trained and trained[node.name].weights
        }
        return build(self.plan.graph, changes)


def with_ranges(model: Any, ranges: TensorRanges, *, pooling: Pooling) -> Any:
    """A Keras model that rounds as the int8 files do, from a plain one and its trained ranges.

    ``pooling`` is ``left`` for TFLite, whose kernel does it, and ``nudged`` for ONNX.
    Raises ``BadInput`` where they do not belong together.
    """
    from edgewright_converters.compression.qat.layers import TensorRange

    plan = make_plan(flatten(model))
    known = {**ranges.inputs, **ranges.layers}
    missing = [name for name in plan.groups if name not in known]
    if missing:
        raise BadInput(
            f"the trained ranges are of another model: none for {missing[0]!r}",
            hint="the model was changed after the step qat: run qat last",
        )
    fixed = {group: known[group] for group in plan.members}
    by_group = {
        group: TensorRange((float(pair[0]), float(pair[1]))) for group, pair in fixed.items()
    }
    return Rounded(plan, by_group, {}, pooling=pooling).model


def nudged(low: float, high: float) -> tuple[float, float]:
    """The range of the same width whose zero is a code (TensorFlow's FakeQuant does the same)."""
    import numpy as np

    step = (np.float32(high) - np.float32(low)) / np.float32(255)
    code = np.clip(np.floor(-np.float32(low) / step + np.float32(0.5)), 0, 255)
    return float(-code * step), float((255 - code) * step)
