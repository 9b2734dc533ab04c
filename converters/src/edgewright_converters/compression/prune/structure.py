"""Which weights may only go together: none, N of every M along the inputs, blocks of outputs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgewright_runtimes.errors import BadInput

_GROUPS = re.compile(r"(\d+):(\d+)")
_BLOCKS = re.compile(r"1x(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """``kept`` of every ``group`` weights along the input axis (0: no such rule); blocks of
    1 x ``block`` weights, one input and so many outputs, that go or stay as one.
    """

    kept: int = 0
    group: int = 0
    block: int = 1

    @property
    def sparsity(self) -> float | None:
        """What the structure itself makes zero; ``None`` where it leaves that open."""
        return 1 - self.kept / self.group if self.group else None


def read_structure(text: str) -> Structure:
    """``unstructured``, ``2:4``, ``1x4``. Raises ``BadInput``."""
    if text == "unstructured":
        return Structure()
    groups, blocks = _GROUPS.fullmatch(text), _BLOCKS.fullmatch(text)
    if groups and 0 < int(groups[1]) < int(groups[2]):
        return Structure(kept=int(groups[1]), group=int(groups[2]))
    if blocks and int(blocks[1]) > 1:
        return Structure(block=int(blocks[1]))
    raise BadInput(
        f"structure is {text!r}; 'unstructured', N:M ('2:4': 2 of every 4 stay) or 1xN ('1x4') was"
        " expected"
    )
