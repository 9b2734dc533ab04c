"""Processes by number: which one is meant, for numbers are used again, and one that ends with its
parent whatever it is doing.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def identity(pid: int) -> Mapping[str, Any]:
    """A process that runs now, so that it is told from a later one of that number."""
    return {"pid": pid, "began": _began(pid)}


def is_same(known: object) -> bool:
    """Whether what ``identity`` gave, perhaps in another process, still runs."""
    if not isinstance(known, Mapping) or not isinstance(known.get("pid"), int):
        return False
    began = _began(known["pid"])
    return bool(began) and began == known.get("began")


def ends_with_this() -> Callable[[], None]:
    """To be called in a child before it becomes a program: the kernel kills it when this process
    ends. A child that is stopped, or stuck in native code, can not see to that itself."""
    parent = os.getpid()
    try:
        import ctypes

        prctl = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):  # a Python without ctypes
        return lambda: None
    prctl.argtypes = (ctypes.c_int, *[ctypes.c_ulong] * 4)

    def bind() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it ended before that was asked for
            os._exit(1)

    return bind


def _began(pid: int) -> str:
    """Clock ticks after the board's start; empty where there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]  # field 22; the name before may hold blanks
