"""A model's graph, as far as counting needs it, and the counts. The same for every format.

Multiply-accumulates (MACs) are those of convolutions, matrix products and recurrent layers, as
papers count them; element-wise ops, pooling, reshaping and activations count nothing. An op
whose work cannot be known from the file (custom, control flow, unknown shapes) has ``macs``
None and is named. A free batch dimension counts as 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from math import prod

from edgewright_runtimes.records import Contract, TensorSpec

Shape = tuple[int | None, ...] | None  # None: not even the rank is known
FLOATS = frozenset({"float16", "bfloat16", "float32", "float64"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One op: its type, what it computes in, and its MACs.

    ``precision`` is a dtype (``int8``, ``float32``); ``DTYPE weights`` for float arithmetic on
    stored integers; ``conversion`` between both; ``other`` for shapes and indices; ``unknown``.
    """

    name: str
    precision: str
    macs: int | None = 0
    label: str = ""  # the name of its output, to find it by


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    format: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    operations: tuple[Operation, ...]
    parameters: int
    weights: Mapping[str, int]  # elements by dtype
    facts: Mapping[str, str | int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    files: tuple[str, ...] = ()  # weights beside the model file
    web_runtimes: Mapping[str, str] = field(default_factory=dict)  # why not; empty: it takes it


@dataclass(frozen=True, slots=True, kw_only=True)
class OpCount:
    name: str
    precision: str
    count: int
    macs: int  # of those whose MACs are known


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What ``inspect`` found out about one artifact."""

    path: str
    format: str
    size_bytes: int
    zipped_bytes: int  # DEFLATE at level 6: what gzip makes of it, but for 18 bytes a file
    brotli_bytes: int  # at quality 5, as servers compress while they send
    parameters: int
    macs: int
    unknown_macs: tuple[str, ...]  # op types whose MACs are not in ``macs``
    ops: tuple[OpCount, ...]
    float_ops: tuple[str, ...]  # in a graph with integer ops: those that fell back to float
    weights: Mapping[str, int]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    contract: Contract | None
    facts: Mapping[str, str | int]
    warnings: tuple[str, ...]
    web_runtimes: Mapping[str, str]  # those of the format: "", or what it does not take


def count_ops(operations: Sequence[Operation]) -> tuple[OpCount, ...]:
    """Ops by type and precision, the most work first."""
    counts: Counter[tuple[str, str]] = Counter()
    macs: Counter[tuple[str, str]] = Counter()
    for op in operations:
        counts[op.name, op.precision] += 1
        macs[op.name, op.precision] += op.macs or 0
    rows = [
        OpCount(name=name, precision=precision, count=count, macs=macs[name, precision])
        for (name, precision), count in counts.items()
    ]
    return tuple(sorted(rows, key=lambda r: (-r.macs, -r.count, r.name, r.precision)))


def is_integer(precision: str) -> bool:
    return precision.startswith(("int", "uint")) and not precision.endswith("weights")


def float_fallback(operations: Sequence[Operation]) -> tuple[str, ...]:
    """The float ops of a graph that has integer ones, as ``TYPE (output)``."""
    if not any(is_integer(op.precision) for op in operations):
        return ()
    fell = [op for op in operations if op.precision in FLOATS]
    return tuple(f"{op.name} ({op.label})" if op.label else op.name for op in fell)


def elements(shape: Shape) -> int | None:
    """The number of elements, or None where a dimension is free."""
    if shape is None:
        return None
    known = [d for d in shape if d is not None]
    return prod(known) if len(known) == len(shape) else None


def product(*factors: int | None) -> int | None:
    """The product, or None where a factor is not known."""
    known = [f for f in factors if f is not None]
    return prod(known) if len(known) == len(factors) else None


def in_order(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """Names with what each needs before it; in the order given where they need one another."""
    try:
        ordered = TopologicalSorter(needs).static_order()
        return [name for name in ordered if name in needs]
    except CycleError:
        return list(needs)


def matmul_macs(left: Shape, out: Shape) -> int | None:
    """A matrix product: M x N outputs of K terms each, whichever way ``left`` [M, K] lies."""
    if left is None or out is None or len(left) < 1 or len(out) < 1:
        return None
    if len(left) == 1 or len(out) == 1:
        return product(elements(out), left[-1])
    rows, matrix = out[-2], elements(left[-2:])
    if rows is None or matrix is None:
        return product(elements(out), left[-1])
    return product(elements(out), matrix // rows) if rows else 0
