"""Which layers a step is for: by name pattern, by kind, or all it knows."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from fnmatch import fnmatchcase

from edgewright_converters.compression.graph.flat import Graph, Node
from edgewright_runtimes.errors import BadInput


def select(graph: Graph, patterns: Sequence[str], *, known: Sequence[str]) -> list[Node]:
    """The layers (one node each) that match any of ``patterns``; without patterns all ``known``.

    A pattern is a layer's name with ``*`` and ``?`` (``block1_*``) or a kind (``Conv2D``).
    ``known`` are the kinds that the step can treat: what a pattern names is given back whatever
    its kind, for the step to list as skipped.
    Raises ``BadInput``, which lists the layers, for a pattern that matches none.
    """
    nodes = list(graph.layers())
    if not patterns:
        return [node for node in nodes if node.kind in known]
    for pattern in patterns:
        if not any(matches(node, pattern) for node in nodes):
            raise _no_match(pattern, [n for n in nodes if n.kind in known])
    return [n for n in nodes if any(matches(n, pattern) for pattern in patterns)]


def matches(node: Node, pattern: str) -> bool:
    return fnmatchcase(node.name, pattern) or node.kind == pattern


def _no_match(pattern: str, nodes: list[Node]) -> BadInput:
    names = [node.name for node in nodes]
    near = difflib.get_close_matches(pattern.strip("*?"), names, n=3, cutoff=0.5)
    meant = f"; did you mean {' or '.join(repr(n) for n in near)}?" if near else ""
    shown = ", ".join(f"{node.name} ({node.kind})" for node in nodes[:20])
    more = f" and {len(nodes) - 20} more" if len(nodes) > 20 else ""
    return BadInput(f"no layer matches {pattern!r}; layers: {shown}{more}{meant}")
