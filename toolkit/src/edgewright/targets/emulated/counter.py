"""The plugin that counts instructions: compiled from ``counter.c``, and what it wrote."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from edgewright.targets.emulated.trouble import BoardTrouble
from edgewright_runtimes.worker.marks import EMPTY_BEGIN, EMPTY_END, begin, end

COUNTS = "EDGEWRIGHT_COUNTS"  # in the emulator's environment: the file for the counts
SOURCE = Path(__file__).with_name("counter.c")
COMPILER = "cc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """``empty`` is what two marks in a row cost, ``blocks`` the counts of the calls, with it."""

    empty: int
    blocks: tuple[int, ...]


def build_plugin(folder: Path) -> Path:
    """The plugin in ``folder``, compiled once. Raises ``BoardTrouble``."""
    from edgewright.targets.emulated.apt import run_tool

    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    plugin = folder / f"counter-{digest}.so"
    if plugin.exists():
        return plugin
    if shutil.which(COMPILER) is None:
        raise BoardTrouble(
            "counting instructions needs a C compiler, and there is no cc",
            hint="apt install gcc libc6-dev",
        )
    work = folder / f".{plugin.name}.{os.getpid()}"
    argv = [COMPILER, "-O2", "-Wall", "-shared", "-fPIC", "-o", str(work), str(SOURCE)]
    run_tool(argv, "compiling the counter")
    work.replace(plugin)
    return plugin


def read_counts(file: Path, blocks: int) -> Counts:
    """What the plugin wrote at the marks of one job. Raises ``BoardTrouble`` where some lack."""
    try:
        lines = [line.split() for line in file.read_text("ascii").splitlines()]
        at = {int(tag): int(count) for tag, count in lines}
        empty = at[EMPTY_END] - at[EMPTY_BEGIN]
        found = tuple(at[end(n)] - at[begin(n)] for n in range(blocks))
    except (OSError, ValueError, KeyError) as e:
        raise BoardTrouble(f"the counter's file is not complete: {type(e).__name__}: {e}") from e
    return Counts(empty=empty, blocks=found)
