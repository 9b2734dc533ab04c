"""How much each unit matters: by its weights, or by the batch norm that scales it.

What a criterion says of a layer is divided by the layer's mean, for neither sums of weights nor
scales compare across layers as they are. ``taylor`` ranks on data.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.channels.analysis import Analysis
    from edgewright_converters.compression.graph.flat import Node

    Array = np.ndarray[Any, np.dtype[np.float64]]


def by_weights(analysis: Analysis) -> Array:
    """[units]: the sum of |kernel| that makes each channel (Li et al. 2017, arXiv:1608.08710)."""
    total = _zeros(analysis)
    for node in makers(analysis):
        _add(analysis, node, kernel_norms(analysis, node), total)
    return total


def by_batch_norm(analysis: Analysis) -> tuple[Array, tuple[str, ...]]:
    """[units]: |gamma| of the batch norm right behind (Liu et al. 2017, arXiv:1708.06519).

    Also the layers that have none there, which are ranked by their weights.
    """
    import numpy as np

    total, without = _zeros(analysis), []
    for node in makers(analysis):
        norm = norm_behind(analysis, node)
        if norm is None:
            without.append(node.name)
            values = kernel_norms(analysis, node)
        else:
            values = np.abs(np.asarray(norm.layer.gamma, np.float64))
        _add(analysis, node, values, total)
    return total, tuple(without)


def makers(analysis: Analysis) -> Iterator[Node]:
    return (node for node in analysis.graph.layers() if node.name in analysis.makers)


def kernel_norms(analysis: Analysis, node: Node) -> Array:
    """[channels] that the layer makes: the sum of its kernel's absolute values."""
    import numpy as np

    total = np.zeros(len(analysis.makers[node.name][1]))
    for held in analysis.weights[node.name]:
        weight = node.layer.weights[held.index]
        if held.makes and len(weight.shape) > 1:
            others = tuple(a for a in range(len(weight.shape)) if a != held.axis)
            total += np.abs(np.asarray(weight, np.float64)).sum(axis=others)
    return total


def norm_behind(analysis: Analysis, node: Node) -> Node | None:
    """The batch norm (with a scale) that alone takes what the layer gives out, at each call."""
    graph, found = analysis.graph, None
    for place in graph.calls(node.layer):
        consumers = [graph.nodes[p] for p in graph.consumers(place)]
        if len(consumers) != 1 or consumers[0].kind != "BatchNormalization":
            return None
        if graph.is_output(place) or (found and found.layer is not consumers[0].layer):
            return None
        found = consumers[0]
    return found if found is not None and found.layer.scale else None


def _add(analysis: Analysis, node: Node, values: Array, total: Array) -> None:
    import numpy as np

    mean = values.mean()
    np.add.at(total, analysis.makers[node.name][1], values / mean if mean > 0 else values)


def _zeros(analysis: Analysis) -> Array:
    import numpy as np

    return np.zeros(analysis.count)
