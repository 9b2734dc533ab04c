"""The step ``equalize``: channels of one tensor scaled until their ranges are alike.

Batch norms are folded first. No labels are needed, and without ``activations`` no data: the
outputs stay what they were to 1e-5 of their range, which is checked before the step is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from edgewright_converters.compression.equalize.scaling import Scaling
from edgewright_converters.compression.equalize.seen import greatest_values
from edgewright_converters.compression.equalize.spaces import Space, find_spaces
from edgewright_converters.compression.fold import fold
from edgewright_converters.compression.graph.build import build
from edgewright_converters.compression.graph.flat import Graph, flatten
from edgewright_converters.compression.qat.roles import activation_of, inner_activation
from edgewright_converters.compression.scores import predict, score
from edgewright_converters.compression.step import StepResult
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.records import Skipped

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.context import Context, Items

    Array = np.ndarray[Any, Any]

SUMMARY = "scale channels until their ranges are alike: int8 loses less, the floats nothing"
TOLERANCE = 1e-5  # of the output's range
_CHECKED = 64  # items


@dataclass(frozen=True, kw_only=True)
class Equalize:
    """``relu6 = "relu"`` makes every ReLU6 a ReLU first, which does change the outputs: a note
    says by how much. ``activations`` looks at ``items`` of the data as well as at the weights.
    """

    relu6: Literal["keep", "relu"] = "keep"
    activations: bool = False
    items: int = 256
    sweeps: int = 20

    def __post_init__(self) -> None:
        for name in ("sweeps", "items"):
            if getattr(self, name) < 1:
                raise BadInput(f"{name} is {getattr(self, name)}; 1 or more was expected")

    @property
    def label(self) -> str:
        return "equalize"


PARAMS = Equalize


def from_label(word: str) -> Equalize | None:
    return Equalize() if word == "equalize" else None


def apply(model: Any, params: Equalize, context: Context) -> StepResult:
    """Raises ``BadInput`` where ``activations`` finds no data, or the outputs would change."""
    if params.activations and context.train is None:
        raise BadInput(
            "activations is true, which needs data, and none was given",
            hint="add --data TRAIN, or activations = false",
        )
    plain, folded = fold(model)
    notes: tuple[str, ...] = ()
    if params.relu6 == "relu":
        before, plain = plain, _without_relu6(plain)
        notes += _relu6_notes(before, plain, context)
    graph = flatten(plain)
    spaces = find_spaces(graph)
    free = [space for space in spaces if not space.blocked and space.makers and space.takers]
    skipped = _skipped(graph, spaces)
    if not free:
        notes += ("no two layers could be equalized",)
        return StepResult(model=plain, skipped=skipped, notes=notes)
    scaling = Scaling(graph, free)
    sweeps = scaling.sweep(params.sweeps)
    equalized = build(graph, scaling.changes())
    if params.activations and context.train is not None:
        seen = greatest_values(equalized, free, context.train, params.items, context.seed)
        scaling.sweep(params.sweeps, seen)
        equalized = build(graph, scaling.changes())
    _check_unchanged(plain, equalized, context)
    pairs = [f"{_names(graph, s.makers)} -> {_names(graph, s.takers)}" for s in free]
    details = {"equalized": pairs, "sweeps": sweeps, "folded": list(folded)}
    return StepResult(model=equalized, skipped=skipped, notes=notes, details=details)


def _names(graph: Graph, places: Sequence[int]) -> str:
    return ", ".join(dict.fromkeys(graph.nodes[place].name for place in places))


def _skipped(graph: Graph, spaces: Sequence[Space]) -> tuple[Skipped, ...]:
    """The layers whose channels were left alone, and why; not those that make the outputs."""
    reasons: dict[str, str] = {}
    for space in spaces:
        if space.blocked and not any(ref in graph.outputs for ref in space.refs):
            for place in space.makers:
                reasons.setdefault(graph.nodes[place].name, space.blocked)
    return tuple(Skipped(layer=name, reason=reason) for name, reason in reasons.items())


def _without_relu6(model: Any) -> Any:
    import keras

    graph = flatten(model)
    changes: dict[str, Any] = {}
    for node in graph.layers():
        if activation_of(node) == "relu6":
            changes[node.name] = keras.layers.ReLU(name=node.name)
        elif hasattr(node.layer, "activation") and inner_activation(node.layer) == "relu6":
            config = {**node.layer.get_config(), "activation": "relu"}
            layer = type(node.layer).from_config(config)
            layer.build(graph.nodes[node.refs[0].node].shapes[node.refs[0].index])
            layer.set_weights(node.layer.get_weights())
            changes[node.name] = layer
    return build(graph, changes) if changes else model


def _relu6_notes(before: Any, after: Any, context: Context) -> tuple[str, ...]:
    if after is before:
        return ()
    items, real = _items(before, context)
    moved = _farthest(before, after, items)
    what = f"{len(items)} items" if real else "random inputs"
    note = f"ReLU6 became ReLU: on {what} an output moved by {moved:.3g} of its range at most"
    old, _ = score(before, context.scored)
    new, _ = score(after, context.scored)
    scores = "".join(f"; {name} from {old[name]:.4f} to {new[name]:.4f}" for name in new)
    return (note + scores,)


def _check_unchanged(before: Any, after: Any, context: Context) -> None:
    items, _ = _items(before, context)
    moved = _farthest(before, after, items)
    if not moved <= TOLERANCE:
        raise BadInput(
            f"equalization moved an output by {moved:.3g} of its range; {TOLERANCE:g} is allowed",
            hint="the model's numbers lie too far apart for 32-bit floats: leave the step out",
        )


def _items(model: Any, context: Context) -> tuple[Items, bool]:
    """Some of the data, or random inputs where there is none."""
    import numpy as np

    from edgewright_converters.compression.context import Items

    given = context.scored or context.train
    if given is not None:
        arrays = {name: np.asarray(a[:_CHECKED]) for name, a in given.inputs.items()}
        return Items(inputs=arrays, labels=None), True
    rng = np.random.default_rng(context.seed)
    return Items(
        inputs={str(i): _random(tensor, rng) for i, tensor in enumerate(model.inputs)}, labels=None
    ), False


def _random(tensor: Any, rng: np.random.Generator) -> Array:
    """Whole numbers are 0 and 1: any table of words has these."""
    shape = [_CHECKED // 8, *(size or 8 for size in tensor.shape[1:])]
    if str(tensor.dtype).startswith("float"):
        return rng.normal(size=shape).astype(str(tensor.dtype))
    return rng.integers(0, 2, size=shape).astype(str(tensor.dtype))


def _farthest(before: Any, after: Any, items: Items) -> float:
    """The greatest difference of any output, over that output's range."""
    import numpy as np

    moved = 0.0
    wanted: Mapping[str, Array] = predict(before, items)
    for old, new in zip(wanted.values(), predict(after, items).values(), strict=True):
        width = max(float(np.ptp(old)), float(np.abs(old).max()), float(np.finfo(np.float32).tiny))
        moved = max(moved, float(np.abs(new - old).max()) / width)
    return moved
