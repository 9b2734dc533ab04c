"""What a profile of one artifact is: its operations as the runtime runs them, and their times."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """One operation.

    ``name`` finds it in the file (that of its output, or the node's). ``precision`` is as
    ``edgewright.inspection`` words it. ``inside`` is the delegate that runs it, empty for none;
    ``edge``: a conversion of the model's own input or output, which an integer model with floats
    outside needs. ``channels`` are those that it makes, ``zeros`` the share of its weights that
    are zero. ``ns`` is the median time of one call, ``None`` where it could not be measured.
    """

    op: str
    name: str
    layer: str
    precision: str
    macs: int | None = 0
    channels: int | None = None
    zeros: float | None = None
    inside: str = ""
    edge: bool = False
    ns: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """``whole_ns`` is the median time of the whole model; ``how`` says what the shares are of.

    ``delegate`` is what is in force. Where no operation has a time, shares are of the MACs.
    """

    format: str
    ops: tuple[Op, ...]
    whole_ns: float | None
    threads: int
    runtime: str
    delegate: str
    how: str

    @property
    def measured(self) -> bool:
        return any(op.ns is not None for op in self.ops)

    def share(self, op: Op) -> float | None:
        """Of the sum of all operations' times; of the MACs where no time was measured."""
        if self.measured:
            total = sum(each.ns or 0.0 for each in self.ops)
            return None if op.ns is None or not total else op.ns / total
        macs = sum(each.macs or 0 for each in self.ops)
        return (op.macs or 0) / macs if macs else None


def read_profile(path: Path) -> Profile:
    """From the JSON that the profiling process left."""
    plain = json.loads(path.read_bytes())
    ops = tuple(Op(**op) for op in plain.pop("ops"))
    return Profile(ops=ops, **plain)
