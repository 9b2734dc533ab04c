"""Places in a program that an emulator outside can see: a system call without an effect.

``getpgid`` of a process that cannot exist (numbers end at 4,194,304): nothing is read, nothing
changed, and the call says its tag. Outside an emulator that listens, it is only that.
"""

from __future__ import annotations

import os

MARK = 0x5EED0000
WARM, EMPTY_BEGIN, EMPTY_END = range(3)


def begin(block: int) -> int:
    """The tag before the calls of a block, which are counted from 0."""
    return EMPTY_END + 1 + 2 * block


def end(block: int) -> int:
    return begin(block) + 1


def mark(tag: int) -> None:
    try:
        os.getpgid(MARK | tag)
    except OSError:  # there is no such process
        return
