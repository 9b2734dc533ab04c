"""Which spaces a cut is for, how they are ranked, and which units it keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.channels import ranking
from edgewright_converters.compression.channels.cut import cut
from edgewright_converters.compression.channels.latency import search
from edgewright_converters.compression.channels.sizes import Sizes
from edgewright_converters.compression.channels.taylor import by_taylor
from edgewright_converters.compression.channels.widths import (
    Ranked,
    candidates,
    nearest,
    under_cost,
)
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.channels.analysis import Analysis, Keep, Space
    from edgewright_converters.compression.channels.plan import PruneChannels
    from edgewright_converters.compression.context import Context

    Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The model before the first cut: every cut's ``share`` and widths are counted from it."""

    model: Any
    widths: Mapping[tuple[str, ...], tuple[int, ...]]  # candidates, by the layers of the space
    parameters: float
    macs: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """The model before this cut, which is to leave ``share`` of the start removed."""

    model: Any
    analysis: Analysis
    spaces: tuple[Space, ...]
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    keep: Keep
    details: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def start_of(
    model: Any, analysis: Analysis, spaces: Sequence[Space], params: PruneChannels
) -> Start:
    """Raises ``BadInput`` for a layer that was asked for and would be pruned to nothing."""
    sizes, full = Sizes(analysis, tuple(spaces)), _full(spaces)
    for space in spaces:
        left = round(space.width * (1 - params.ratio))
        if params.layers and params.objective == "ratio" and left < 1:
            raise BadInput(
                f"{space.name!r} has {space.width} channels: a ratio of {params.ratio:g} leaves"
                f" none; at most {1 - 1 / space.width:.3g} is allowed",
                hint="a smaller ratio, or leave it out of layers",
            )
    return Start(
        model=model,
        widths={s.layers: candidates(s, params.multiple, params.min_channels) for s in spaces},
        parameters=sizes.parameters(full),
        macs=sizes.macs(full),
    )


def choose(now: Now, start: Start, params: PruneChannels, context: Context) -> Choice:
    """Raises ``BadInput`` where no widths reach what was asked."""
    importance, said = _importance(now, params, context)
    ranked = Ranked(now.spaces, importance)
    choices = [_allowed(space, start) for space in now.spaces]
    details: dict[str, Any] = {"share": round(now.share, 4), **said}
    notes: tuple[str, ...] = ()
    if params.objective == "ratio":
        widths = _of_ratio(now, choices, start)
    elif params.objective == "latency":
        widths, details["measured"] = _by_latency(now, ranked, choices, start, params, context)
    else:
        widths, notes = _by_count(now, ranked, choices, start, params)
    return Choice(keep=ranked.keep(now.analysis, widths), details=details, notes=notes)


def _allowed(space: Space, start: Start) -> list[int]:
    narrower = [width for width in start.widths[space.layers] if width < len(space.units)]
    return [*narrower, len(space.units)]


def _of_ratio(now: Now, choices: Sequence[Sequence[int]], start: Start) -> Array:
    """Of each space alone; pinned channels count, so that the layer loses the share."""
    import numpy as np

    widths = []
    for space, allowed in zip(now.spaces, choices, strict=True):
        whole = start.widths[space.layers][-1] + space.pinned
        widths.append(nearest(allowed, whole * (1 - now.share) - space.pinned))
    return np.array(widths, np.float64)


def _by_count(
    now: Now,
    ranked: Ranked,
    choices: Sequence[Sequence[int]],
    start: Start,
    params: PruneChannels,
) -> tuple[Array, tuple[str, ...]]:
    sizes = Sizes(now.analysis, now.spaces)
    if params.objective == "parameters":
        most = start.parameters * (1 - now.share)
        return under_cost(ranked, choices, sizes.parameters, most, what="parameters"), ()
    most = start.macs * (1 - now.share)
    widths = under_cost(ranked, choices, sizes.macs, most, what="multiply-accumulates")
    if not sizes.uncounted:
        return widths, ()
    return widths, (f"multiply-accumulates without those of {', '.join(sizes.uncounted)}",)


def _by_latency(
    now: Now,
    ranked: Ranked,
    choices: Sequence[Sequence[int]],
    start: Start,
    params: PruneChannels,
    context: Context,
) -> tuple[Array, list[dict[str, Any]]]:
    import numpy as np

    timed = context.measure
    assert timed is not None  # the step has looked
    originals: list[float] = []
    uncut = tuple(choice[-1] for choice in choices) if now.model is start.model else None

    def measure(widths: Sequence[tuple[int, ...]]) -> list[float]:
        """As shares of the start's latency, which is measured beside them."""
        asked = [each for each in widths if each != uncut]
        models = [cut(now.analysis, ranked.keep(now.analysis, np.array(w))) for w in asked]
        first, *rest = timed([start.model, *models], scheme=params.scheme)
        originals.append(first)
        found = {each: latency / first for each, latency in zip(asked, rest, strict=True)}
        return [found.get(each, 1.0) for each in widths]

    widths, trials = search(
        ranked,
        choices,
        Sizes(now.analysis, now.spaces),
        measure,
        most=1 - now.share,
        trials=params.trials,
        seconds=params.search_seconds,
    )
    names = [space.name for space in now.spaces]
    rows = [{**asdict(t), "widths": dict(zip(names, t.widths, strict=True))} for t in trials]
    return widths, [{"widths": "original", "latency_ns": float(np.median(originals))}, *rows]


def _importance(now: Now, params: PruneChannels, context: Context) -> tuple[Array, dict[str, Any]]:
    """[units], and what to say of it."""
    analysis, criterion = now.analysis, params.criterion
    if criterion == "auto":
        criterion = "taylor" if context.train is not None else "l1"
    if criterion == "l1":
        return ranking.by_weights(analysis), {"criterion": "l1"}
    if criterion == "batch-norm":
        importance, without = ranking.by_batch_norm(analysis)
        said: dict[str, Any] = {"criterion": "batch-norm"}
        return importance, {**said, "by_l1": list(without)} if without else said
    if context.train is None:
        raise BadInput(
            'criterion "taylor" ranks on data, and there is none',
            hint='add --data TRAIN, or criterion = "l1"',
        )
    importance = by_taylor(analysis, now.model, context.train, seed=context.seed)
    return importance, {"criterion": "taylor"}


def _full(spaces: Sequence[Space]) -> Array:
    import numpy as np

    return np.array([len(space.units) for space in spaces], np.float64)
