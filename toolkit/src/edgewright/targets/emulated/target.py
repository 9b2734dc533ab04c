"""The target ``emulated:NAME``: workers of the board's Python, under qemu, on this machine.

Files need no moving: programs there see this machine's, behind those of the board's root.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright.targets.emulated.board import Board, open_board
from edgewright.targets.emulated.counter import build_plugin, read_counts
from edgewright.targets.emulated.trouble import BoardTrouble
from edgewright.targets.emulated.wheels import groups
from edgewright.targets.local import LocalWorker
from edgewright_runtimes.records import Format
from edgewright_runtimes.runtime import RUNTIMES, runtime_row

if TYPE_CHECKING:
    from edgewright.settings import Settings
    from edgewright.targets.target import Row

WORKER = ("-m", "edgewright_runtimes.worker")


class EmulatedWorker:
    """A worker process of the board. With ``counts``, the plugin's file, it can do ``count``."""

    def __init__(
        self, process: LocalWorker, board: Board, version: str, counts: Path | None = None
    ) -> None:
        self._process, self._board, self._version = process, board, version
        self._counts = counts

    @property
    def stopped(self) -> bool:
        return self._process.stopped

    def rows(self, job: Mapping[str, object]) -> Iterator[Row]:
        # its sensors are the board's files alone, never this machine's behind them
        for row in self._process.rows({**job, "root": str(self._board.root)}):
            if row["row"] == "loaded":
                emulator = f"{self._version}, {self._board.model.cpu}"
                yield {**row, "in_force": {**row["in_force"], "emulator": emulator}}
            elif row["row"] == "counted" and self._counts is not None:
                completed = _with_counts(row, self._counts)
                yield completed
                if completed["row"] == "failure":
                    return
            else:
                yield row

    def close(self) -> None:
        self._process.close()


def _with_counts(row: Row, file: Path) -> Row:
    try:
        counts = read_counts(file, row["blocks"])
    except BoardTrouble as e:
        return {"row": "failure", "stage": "measure", "error": str(e.args[0]), "hint": e.hint}
    return {**row, "empty": counts.empty, "counts": list(counts.blocks)}


class EmulatedTarget:
    """Its board is built, or found built, when it is first needed."""

    fresh_answers = True
    measures_memory = False  # the kernel counts the emulator's own with it

    def __init__(self, name: str) -> None:
        self.name = name
        self._opened: tuple[Board, str] | None = None

    @property
    def board(self) -> Board:
        """Raises ``BoardTrouble`` where it can't be built here."""
        return self._open()[0]

    def runtimes(self, format_: Format) -> tuple[str, ...]:
        here = groups()
        rows = [row for row in RUNTIMES.values() if format_ in row.formats and row.package]
        return tuple(row.name for row in rows if row.name in here)

    def formats(self, runtime: str) -> tuple[Format, ...]:
        return RUNTIMES[runtime].formats if runtime in RUNTIMES else ()

    def absent(self, format_: Format) -> Mapping[str, str]:
        return {}

    def why_not(self, format_: Format) -> str:
        return "not on this target: it runs in a browser (--target browser:chromium)"

    def require(self, runtime: str) -> None:
        runtime_row(runtime)

    def start(self, runtime: str, *, folder: Path, limit_seconds: float) -> EmulatedWorker:
        board, version = self._open()
        argv = board.command(runtime, WORKER)
        process = LocalWorker(argv, env={}, folder=folder, limit_seconds=limit_seconds)
        return EmulatedWorker(process, board, version)

    def start_counting(self, runtime: str, *, folder: Path, limit_seconds: float) -> EmulatedWorker:
        """A worker that counts the instructions of a ``count`` job; one job each."""
        board, version = self._open()
        plugin = build_plugin(board.folder)
        counts = Path(tempfile.mkdtemp(dir=folder.resolve(), prefix="counts-")) / "marks"
        argv = board.command(runtime, WORKER, plugin=plugin, counts=counts)
        process = LocalWorker(argv, env={}, folder=folder, limit_seconds=limit_seconds)
        return EmulatedWorker(process, board, version, counts)

    def close(self) -> None:
        """Nothing stands open between two workers."""

    def _open(self) -> tuple[Board, str]:
        if self._opened is None:
            board = open_board(self.name.partition(":")[2], _say)
            self._opened = board, board.emulator_version()
        return self._opened


def _say(words: str) -> None:
    print(f"  {words}", file=sys.stderr, flush=True)


def open_target(name: str, settings: Settings) -> EmulatedTarget:
    return EmulatedTarget(name)
