"""What a model would weigh at given widths, without building it."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.cost import node_macs

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.channels.analysis import Analysis, Space
    from edgewright_converters.compression.graph.flat import Node

    Array = np.ndarray[Any, np.dtype[np.float64]]


class Sizes:
    """``widths`` are how many of each space's units are kept, in the order of ``spaces``.

    A weight's size is the product of its axes' lengths, and each axis' length a sum over spaces;
    exact where a space's units stand equally often on an axis, as they do but in odd additions of
    shifted concatenations.
    """

    def __init__(self, analysis: Analysis, spaces: tuple[Space, ...]) -> None:
        import numpy as np

        self.layers: list[str] = []
        self.uncounted: list[str] = []  # layers whose multiply-accumulates are not known
        self._space_of = {unit: s for s, space in enumerate(spaces) for unit in space.units}
        self._units = [max(1, len(space.units)) for space in spaces]
        fixed: list[float] = [1.0]  # the length of axis 0: of what has no second axis
        shares = [np.zeros(len(spaces))]
        rows: list[tuple[float, int, int, int, float]] = []  # rest, axis, axis, layer, positions
        for node in analysis.graph.layers():
            if not getattr(node.layer, "weights", ()):
                continue
            self.layers.append(node.name)
            positions = self._positions(analysis, node)
            for index, weight in enumerate(node.layer.weights):
                axes = [h for h in analysis.weights.get(node.name, ()) if h.index == index]
                rest = prod(weight.shape) / prod(len(held.ids) for held in axes)
                places = [0, 0]
                for i, held in enumerate(axes):
                    places[i] = len(fixed)
                    share = self._share(held.ids)
                    shares.append(share)
                    fixed.append(len(held.ids) - float(share @ self._units))
                counted = positions if len(weight.shape) > 1 else 0.0
                rows.append((rest, places[0], places[1], len(self.layers) - 1, counted))
        self._fixed, self._shares = np.array(fixed), np.array(shares)
        self._rest, self._positions_of = (np.array([r[i] for r in rows]) for i in (0, 4))
        self._axes = np.array([r[1:3] for r in rows], np.int64).reshape(-1, 2)
        self._layer = np.array([r[3] for r in rows], np.int64)

    def parameters(self, widths: Array) -> float:
        return float(self._weights(widths).sum())

    def macs(self, widths: Array) -> float:
        return float(self.layer_macs(widths).sum())

    def layer_macs(self, widths: Array) -> Array:
        """Multiply-accumulates [layers] of one item, in the order of ``layers``."""
        import numpy as np

        each = self._weights(widths) * self._positions_of
        counts = np.bincount(self._layer, weights=each, minlength=len(self.layers))
        return counts.astype(np.float64)

    def _weights(self, widths: Array) -> Array:
        lengths = self._fixed + self._shares @ widths
        sizes: Array = self._rest * lengths[self._axes[:, 0]] * lengths[self._axes[:, 1]]
        return sizes

    def _share(self, ids: Any) -> Array:
        """How many places of the axis each kept unit of a space stands for."""
        import numpy as np

        share = np.zeros(len(self._units))
        for unit in ids.tolist():
            if unit in self._space_of:
                share[self._space_of[unit]] += 1
        return share / self._units

    def _positions(self, analysis: Analysis, node: Node) -> float:
        """How often each weight of the layer's kernels is used for one item, over all calls."""
        from edgewright_converters.compression.graph.flat import Graph

        graph: Graph = analysis.graph
        kernels = sum(prod(w.shape) for w in node.layer.weights if len(w.shape) > 1)
        counts = [node_macs(graph.nodes[place], graph) for place in graph.calls(node.layer)]
        if any(count is None for count in counts):
            self.uncounted.append(node.name)
            return 0.0
        return sum(count or 0 for count in counts) / kernels if kernels else 0.0
