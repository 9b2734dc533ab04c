"""One device as a target: whoever holds it has allowed what runs there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright.targets.web.runtimes import WEB_RUNTIMES, takers, web_runtime
from edgewright_runtimes.errors import EdgewrightError
from edgewright_runtimes.records import Format

if TYPE_CHECKING:
    from edgewright.targets.target import Row
    from edgewright.targets.web.seats import Seat

PROBE_SECONDS = 60.0


class NotAllowed(EdgewrightError):
    """The page was closed, or left, before anybody allowed what it was asked."""


class DeviceWorker:
    """A job on the device, in a worker that its page makes for it alone."""

    def __init__(self, device: Device, limit_seconds: float) -> None:
        self._device = device
        self._limit = limit_seconds

    @property
    def stopped(self) -> bool:
        return self._device.seat.stopped

    def rows(self, job: Mapping[str, object]) -> Iterator[Row]:
        job = {**job, "shown": _shown(job)}
        for row in self._device.seat.rows(job, limit_seconds=self._limit):
            if row["row"] == "loaded":
                row = {**row, "in_force": {**row["in_force"], "device": self._device.label}}
            yield row

    def close(self) -> None:
        """The page stays: it belongs to the device."""


class Device:
    """``label`` names it in its rows; the person who holds it may have typed another."""

    fresh_answers = True
    measures_memory = False

    def __init__(self, seat: Seat, label: str) -> None:
        self.seat = seat
        self.label = label
        self._offered: Mapping[str, Any] = {}

    @property
    def name(self) -> str:
        return f"page:{self.label}"

    def probe(self) -> None:
        """Find out what its browser offers. Raises ``EdgewrightError``."""
        job = {"job": "probe", "shown": "What this browser offers"}
        values = self._ask(job, "probe", PROBE_SECONDS)["values"]
        offered = values.get("runtimes")
        self._offered = offered if isinstance(offered, dict) else {}

    def allow(self, what: str, lines: Sequence[str]) -> str:
        """Show what will run, and wait for the tap; gives the name that was typed.

        Raises ``NotAllowed`` where the page goes away before.
        """
        job = {"job": "ask", "what": what, "lines": list(lines), "label": self.label}
        return str(self._ask(job, "ready", float("inf"))["label"])

    def _ask(self, job: Mapping[str, object], wanted: str, limit_seconds: float) -> Row:
        found: Row | None = None
        for row in self.seat.rows(job, limit_seconds=limit_seconds):
            if row["row"] == wanted:
                found = row
            if row["row"] == "failure":
                raise NotAllowed(str(row["error"]), hint=str(row["hint"]))
        if found is None:
            raise NotAllowed("it was stopped")
        return found

    def runtimes(self, format_: Format) -> tuple[str, ...]:
        absent = self.absent(format_)
        return tuple(name for name in takers(format_) if name not in absent)

    def formats(self, runtime: str) -> tuple[Format, ...]:
        return WEB_RUNTIMES[runtime].formats if runtime in WEB_RUNTIMES else ()

    def absent(self, format_: Format) -> Mapping[str, str]:
        unknown = "the page has no such runtime"
        reasons = {name: self._offered.get(name, unknown) for name in takers(format_)}
        return {name: f"not on this target: {why}" for name, why in reasons.items() if why}

    def why_not(self, format_: Format) -> str:
        return f"not on this target: {'; '.join(self.absent(format_).values())}"

    def require(self, runtime: str) -> None:
        web_runtime(runtime)

    def start(self, runtime: str, *, folder: Path, limit_seconds: float) -> DeviceWorker:
        return DeviceWorker(self, limit_seconds)

    def close(self) -> None:
        self.seat.close("Done. The results are on the computer that asked.")


def _shown(job: Mapping[str, object]) -> str:
    """What the person reads while it runs: the artifact's folder bears its name."""
    artifact = Path(str(job.get("artifact", ""))).parent.name
    what = {"bench": "Timing", "predict": "Answers of"}.get(str(job["job"]), str(job["job"]))
    return f"{what} {artifact} in {job.get('runtime', '')}"
