"""The spaces that a step's patterns name, and all that stays, each with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgewright_converters.compression.selection import select
from edgewright_runtimes.records import Skipped

if TYPE_CHECKING:
    from edgewright_converters.compression.channels.analysis import Analysis, Space
    from edgewright_converters.compression.channels.plan import PruneChannels

KINDS = (
    *("Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"),
    *("SeparableConv1D", "SeparableConv2D", "Dense", "Embedding"),
)


def chosen_spaces(
    analysis: Analysis, params: PruneChannels
) -> tuple[tuple[Space, ...], tuple[Skipped, ...]]:
    """Raises ``BadInput`` for a pattern that matches no layer."""
    named = select(analysis.graph, params.layers, known=KINDS)
    excluded: set[str] = set()
    if params.exclude:
        excluded = {n.name for n in select(analysis.graph, params.exclude, known=KINDS)}
    wanted = {node.name for node in named} - excluded
    spaces, skipped = [], {}
    for space in analysis.spaces:
        asked = [name for name in space.layers if name in wanted]
        kept_by = next((name for name in space.layers if name in excluded), None)
        if not asked:
            continue
        if kept_by is not None:
            reason = f"its channels are tied to those of {kept_by!r}, which is excluded"
            skipped.update(dict.fromkeys(asked, reason))
        elif space.units:
            spaces.append(space)
    open_layers = {name for space in spaces for name in space.layers}
    for node in named:
        if node.name in wanted and node.name not in open_layers:
            skipped.setdefault(node.name, _why_not(analysis, node.name))
    for name, reason in analysis.refused.items():
        skipped.setdefault(name, reason)
    return tuple(spaces), tuple(Skipped(layer=n, reason=r) for n, r in skipped.items())


def _why_not(analysis: Analysis, name: str) -> str:
    if name in analysis.refused:
        return analysis.refused[name]
    if name not in analysis.makers:
        return "it makes no channels of its own"
    graph = analysis.graph
    if any(graph.nodes[ref.node].name == name for ref in graph.outputs):
        return "it is an output of the model"
    units = analysis.makers[name][1].tolist()
    return next((analysis.pins[unit] for unit in units if unit in analysis.pins), "")
