"""One job on its way to a board and back: what was acknowledged of it, so that a link that was lost
is taken up where it broke; and what its rows must be, so that whoever reads them need not ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgewright.line_process import how_it_ended
from edgewright.targets.ssh.files import Moved
from edgewright.targets.ssh.rows import AGENT_ROWS, BadRow, Row, read_row
from edgewright.targets.web.arrays import steady_is_measured
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.protocol import PROTOCOL
from edgewright_runtimes.records import Stage

MAX_ROWS = 20_000  # eleven hours of one every two seconds
MOST_ROWS_BYTES = 16 << 20  # of a worker; the agent ends one that wrote more
MAX_PUSHES = 3  # another workstation may have made room for its own files meanwhile
NEXT_STAGE: Mapping[str, Stage] = {"loaded": "run", "first": "measure", "samples": "measure"}
# what a job ends with, and what must stand before a row
NEEDED: Mapping[str, tuple[str, ...]] = {
    "bench": ("loaded", "first", "samples"),
    "predict": ("loaded", "outputs"),
    "memory": ("memory",),
}
BEFORE: Mapping[str, tuple[str, ...]] = {
    "first": ("loaded",),
    "samples": ("loaded", "first"),
    "outputs": ("loaded",),
}
FILES = {"samples": "samples.npy", "outputs": "outputs.npz"}
OTHERS = "the other artifacts are not affected; try another --runtime"
SLOW = "where it is only slow, give --limit SECONDS"
LOOK = "edgewright doctor --target says what works on the board"
AGAIN = "run the same command again: it measures all of it anew"


class Errand:
    """``take`` every line that comes; ``over``: none is taken any more. ``lost``: the agent gave up
    on it, and what it left there may still run. ``offset``: bytes of the worker's rows that were
    taken. ``missing``: names of files to be pushed before it starts."""

    def __init__(self, moved: Moved) -> None:
        self.moved = moved
        self.started = self.over = self.lost = False
        self.offset = 0
        self.missing: list[str] = []
        self.stage: Stage = "load"
        self._kind = str(moved.job.get("job"))
        self._seen: dict[str, Row] = {}
        self._rows = self._pushes = 0
        self._last: Row | None = None  # done or failure, held back until all has come

    def begin(self) -> None:
        """A link is there (again): files come from their beginning."""
        for result in self.moved.results.values():
            result.begin()

    def take(self, line: bytes) -> list[Row]:
        """The rows to be passed on for it. Raises ``BadRow``, ``WriteFailed``."""
        row = read_row(line)
        self._rows += row["row"] != "file"  # those have a limit of their own
        if self._rows > MAX_ROWS:
            raise BadRow(f"the board wrote more than {MAX_ROWS:,} rows of one job")
        if row["row"] in AGENT_ROWS:
            return self._take_agent(row)
        if not self.started:
            raise BadRow(f"the board wrote a row {row['row']!r} before it started the job")
        self.offset += len(line)
        if self.offset > MOST_ROWS_BYTES:
            raise BadRow(f"the board wrote rows of more than {MOST_ROWS_BYTES >> 20} MB")
        if self._last is not None:
            raise BadRow(f"the board went on after the last row of a {self._kind} job")
        return self._take_worker(row)

    def failed(self, error: str, hint: str, *, stage: Stage | None = None) -> Row:
        """The row that ends it where nothing better is known."""
        self.over = True
        for result in self.moved.results.values():
            result.forget()
        stage = stage or self.stage
        values = {"stage": stage, "error": error, "hint": hint}
        return {"protocol": PROTOCOL, "row": "failure", **values}

    def _take_worker(self, row: Row) -> list[Row]:
        name = row["row"]
        for before in BEFORE.get(name, ()):
            if before not in self._seen:
                raise BadRow(f"the board wrote the row {name!r} before the row {before!r}")
        if name in ("done", "failure"):
            self._last = row
            return []
        if name in FILES:
            result = self.moved.results.get(FILES[name])
            if result is None:
                raise BadRow(f"the board wrote a row {name!r} in a {self._kind} job")
            row = {**row, "file": str(result.path)}
        self._seen[name] = row
        self.stage = NEXT_STAGE.get(name, self.stage)
        return [row]

    def _take_agent(self, row: Row) -> list[Row]:
        match row["row"]:
            case "started":
                self.started = True
            case "missing":
                known = self.moved.needs
                self.missing = [name for name in row["names"] if name in known]
                self._pushes += 1
                if not self.missing or self._pushes > MAX_PUSHES:
                    raise BadRow("the board asks for files that it does not need, or has")
            case "busy":
                whose = f": a job of {row['owner']}, since {row['since']}" if row["owner"] else ""
                error = f"the board is still busy{whose}"
                hint = "one job at a time runs there; wait for it, or give a longer --limit"
                return [self.failed(error, hint, stage="transport")]
            case "file":
                result = self.moved.results.get(row["name"])
                if result is None:
                    raise BadRow(f"the board sent a file {row['name']!r} that nobody asked for")
                result.take(row)
            case "trouble":
                self.lost = True
                return [self.failed(row["error"], row["hint"] or LOOK, stage="transport")]
            case "ended":
                return [self._end(row)]
        return []

    def _end(self, ended: Mapping[str, Any]) -> Row:
        """The job's last row, now that the worker is gone and its files have come."""
        if self._last is None:
            return self._cut_short(ended)
        if self._last["row"] == "done":
            for needed in NEEDED.get(self._kind, ()):
                if needed not in self._seen:
                    raise BadRow(f"the board's {self._kind} job was done without a {needed!r} row")
            try:
                self._finish_files()
            except BadInput as e:
                raise BadRow(f"the board sent what can't be: {e.args[0]}", hint=e.hint) from e
            self.over = True
            return self._last
        return self.failed(self._last["error"], self._last["hint"], stage=self._last["stage"])

    def _finish_files(self) -> None:
        for name, file in FILES.items():
            if name not in self._seen:
                continue
            result = self.moved.results[file]
            result.finish()
            warmup = self._seen[name].get("warmup_samples")
            if warmup is not None and not steady_is_measured(result.path, warmup):
                raise BadRow("a sample behind the warm-up took no time")

    def _cut_short(self, ended: Mapping[str, Any]) -> Row:
        log = f" (its last line: {ended['log']})" if ended["log"] else ""
        if ended["code"] is None:
            return self.failed(f"the job was lost: {ended['why']}{log}", AGAIN, stage="transport")
        if ended["why"]:
            return self.failed(f"{ended['why']}; stopped{log}", SLOW)
        return self.failed(f"the process {how_it_ended(ended['code'])}{log}", OTHERS)
