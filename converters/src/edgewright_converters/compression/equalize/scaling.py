"""The scales: sweeps over the spaces until the ranges of both sides are alike.

Nagel, van Baalen, Blankevoort, Welling 2019 (Data-Free Quantization Through Weight Equalization
and Bias Correction), equation 11: s = sqrt(r1 / r2) for the ranges r1 of the weights that make a
channel and r2 of those that take it. Where several layers make or take one (residual additions),
the greatest counts. With data, the range of the values themselves stands in place of r1: how
per-tensor codes are shared out (Xiao et al. 2023, SmoothQuant, with alpha = 1/2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.equalize.sides import (
    given_ranges,
    scale_given,
    scale_taken,
    taken_ranges,
)
from edgewright_converters.compression.equalize.spaces import Space
from edgewright_converters.compression.graph.build import Changed

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.graph.flat import Graph

    Array = np.ndarray[Any, Any]

_SETTLED = 1e-3  # of the logarithm of the greatest scale in a sweep
_FARTHEST = 1e6  # what one sweep may scale by


class Scaling:
    """The weights of a graph's linear layers, in 64 bits while they are scaled."""

    def __init__(self, graph: Graph, spaces: Sequence[Space]) -> None:
        import numpy as np

        self._graph, self._spaces = graph, spaces
        places = {place for space in spaces for place in (*space.makers, *space.takers)}
        self._weights = {
            place: [np.asarray(w, np.float64) for w in graph.nodes[place].layer.get_weights()]
            for place in sorted(places)
        }

    def sweep(self, most: int, values: Sequence[Array] | None = None) -> int:
        """At most ``most`` times over all spaces; how often it took.

        ``values`` are the greatest magnitudes [channels] in each space, and are scaled along.
        """
        import numpy as np

        held = None if values is None else [np.asarray(v, np.float64) for v in values]
        for count in range(1, most + 1):
            farthest = 0.0
            for index, space in enumerate(self._spaces):
                first = self._made(space) if held is None else held[index]
                scale = _scale(first, self._taken(space))
                self._apply(space, scale)
                if held is not None:
                    held[index] = held[index] / scale
                farthest = max(farthest, float(np.abs(np.log(scale)).max()))
            if farthest < _SETTLED:
                return count
        return most

    def changes(self) -> dict[str, Changed]:
        import numpy as np

        return {
            self._graph.nodes[place].name: Changed(
                config={}, weights=[np.asarray(w, np.float32) for w in weights]
            )
            for place, weights in self._weights.items()
        }

    def _made(self, space: Space) -> Array:
        import numpy as np

        ranges = [given_ranges(self._graph.nodes[p], self._weights[p][0]) for p in space.makers]
        most: Array = np.max(ranges, axis=0)
        return most

    def _taken(self, space: Space) -> Array:
        import numpy as np

        nodes = self._graph.nodes
        ranges = [taken_ranges(nodes[p], self._weights[p][0], space.channels) for p in space.takers]
        most: Array = np.max(ranges, axis=0)
        return most

    def _apply(self, space: Space, scale: Array) -> None:
        nodes = self._graph.nodes
        for place in space.makers:
            kernel, *bias = self._weights[place]
            self._weights[place] = [
                scale_given(nodes[place], kernel, 1 / scale),
                *(b / scale for b in bias),
            ]
        for place in space.takers:
            kernel, *bias = self._weights[place]
            self._weights[place] = [scale_taken(nodes[place], kernel, scale), *bias]


def _scale(first: Array, second: Array) -> Array:
    """One for a channel that nobody makes or nobody takes."""
    import numpy as np

    alive = (first > 0) & (second > 0)
    ratio = np.where(alive, first, 1.0) / np.where(alive, second, 1.0)
    scale: Array = np.clip(np.sqrt(ratio), 1 / _FARTHEST, _FARTHEST)
    return scale
