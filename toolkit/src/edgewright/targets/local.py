"""This machine: a worker process per job or round, watched for crashes and silence."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright.line_process import LineProcess, ProcessDied, ProcessHung
from edgewright_runtimes.errors import MissingExtra
from edgewright_runtimes.protocol import PROTOCOL
from edgewright_runtimes.records import Format, Stage
from edgewright_runtimes.runtime import RUNTIMES, runtime_row

if TYPE_CHECKING:
    from edgewright.settings import Settings
    from edgewright.targets.target import Row

NEXT_STAGE: Mapping[str, Stage] = {"loaded": "run", "first": "measure", "samples": "measure"}


class LocalWorker:
    """A worker that ``argv`` starts on this machine."""

    def __init__(
        self, argv: Sequence[str], *, env: Mapping[str, str], folder: Path, limit_seconds: float
    ) -> None:
        self._limit = limit_seconds
        self.stopped = False
        self._process = LineProcess(argv, log=folder / "worker.log", env=env)

    def rows(self, job: Mapping[str, object]) -> Iterator[Row]:
        stage: Stage = "load"
        try:
            self._process.send({"protocol": PROTOCOL, **job})
            while True:
                row = self._receive()
                yield row
                if row["row"] in ("done", "failure"):
                    return
                stage = NEXT_STAGE.get(row["row"], stage)
        except ProcessDied as e:
            hint = "the other artifacts are not affected; try another --runtime"
            yield {"row": "failure", "stage": stage, "error": str(e), "hint": hint}
        except ProcessHung as e:
            hint = "where it is only slow, give --limit SECONDS"
            yield {"row": "failure", "stage": stage, "error": str(e), "hint": hint}

    def _receive(self) -> Row:
        try:
            return self._process.receive(timeout=self._limit)
        except KeyboardInterrupt:
            if self.stopped:
                raise
            self.stopped = True
            with suppress(ProcessDied):
                self._process.send({"protocol": PROTOCOL, "job": "stop"})
            return self._process.receive(timeout=self._limit)

    def close(self) -> None:
        self._process.close()


class LocalTarget:
    fresh_answers = False
    measures_memory = True

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self._pythons = settings.pythons

    def runtimes(self, format_: Format) -> tuple[str, ...]:
        return tuple(
            row.name
            for row in RUNTIMES.values()
            if format_ in row.formats and row.package and self._has(row.name)
        )

    def formats(self, runtime: str) -> tuple[Format, ...]:
        return RUNTIMES[runtime].formats if runtime in RUNTIMES else ()

    def absent(self, format_: Format) -> Mapping[str, str]:
        return {}

    def why_not(self, format_: Format) -> str:
        takers = [r for r in RUNTIMES.values() if format_ in r.formats and r.package]
        if not takers:
            return "not on this target: it runs in a browser (--target browser:chromium)"
        extras = " or ".join(r.how_to_get for r in takers)
        return f"no runtime for {format_} is installed: {extras}"

    def require(self, runtime: str) -> None:
        row = runtime_row(runtime)
        if row.package and not self._has(runtime):
            raise MissingExtra(
                f"runtime {runtime!r} is not installed",
                hint=f"{row.how_to_get}; or name an interpreter "
                f"that has it: [runtimes.{runtime}] python = PATH in edgewright.toml",
            )

    def _has(self, runtime: str) -> bool:
        package = runtime_row(runtime).package
        return runtime in self._pythons or importlib.util.find_spec(package) is not None

    def start(self, runtime: str, *, folder: Path, limit_seconds: float) -> LocalWorker:
        python = self._pythons.get(runtime, Path(sys.executable))
        own = python == Path(sys.executable)
        return LocalWorker(
            [str(python), "-m", "edgewright_runtimes.worker"],
            # another environment has packages of its own; and no module of the folder at hand
            env={"PYTHONSAFEPATH": "1", **({} if own else {"PYTHONPATH": "", "PYTHONHOME": ""})},
            folder=folder,
            limit_seconds=limit_seconds,
        )

    def close(self) -> None:
        """Nothing stands open between two workers."""


def open_target(name: str, settings: Settings) -> LocalTarget:
    return LocalTarget(name, settings)
