"""Peak memory of this process, as the kernel counts it.

``VmHWM`` and not ``ru_maxrss``: the latter is inherited over fork, so a small child of a large
parent would report the parent's peak (getrusage(2), proc(5)).
"""

from __future__ import annotations

from pathlib import Path


def peak_memory_bytes(root: Path = Path("/")) -> int | None:
    """The largest resident size so far, in bytes; ``None`` where the kernel doesn't say."""
    try:
        status = (root / "proc/self/status").read_text("ascii", errors="replace")
    except OSError:
        return None
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return None
