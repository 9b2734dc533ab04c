"""The target ``ssh:DEVICE``: a board that is set up when it is first asked, driven over SSH."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright.targets.ssh.board_session import BoardSession
from edgewright.targets.ssh.worker import ANSWER_SECONDS, SshWorker
from edgewright_runtimes.errors import EdgewrightError, MissingExtra
from edgewright_runtimes.records import Format
from edgewright_runtimes.runtime import RUNTIMES, runtime_row

if TYPE_CHECKING:
    from edgewright.settings import Settings
    from edgewright.targets.ssh.installation import Installed
    from edgewright.targets.ssh.link import Link


class SshTarget:
    """``set_up`` is called with the first question, and opens the link."""

    fresh_answers = True
    measures_memory = True

    def __init__(self, name: str, link: Link, set_up: Callable[[], Installed]) -> None:
        self.name = name
        self._link, self._set_up = link, set_up
        self._session: BoardSession | None = None

    def runtimes(self, format_: Format) -> tuple[str, ...]:
        here = self._opened().installed.runtimes
        takers = (row for row in RUNTIMES.values() if format_ in row.formats and row.package)
        return tuple(row.name for row in takers if row.name in here)

    def formats(self, runtime: str) -> tuple[Format, ...]:
        return RUNTIMES[runtime].formats if runtime in RUNTIMES else ()

    def absent(self, format_: Format) -> Mapping[str, str]:
        return {}

    def why_not(self, format_: Format) -> str:
        takers = [r.name for r in RUNTIMES.values() if format_ in r.formats and r.package]
        if not takers:
            return "not on this target: it runs in a browser (--target browser:chromium)"
        return f"not on this target: {'; '.join(self._why_without(name) for name in takers)}"

    def require(self, runtime: str) -> None:
        row = runtime_row(runtime)
        if row.package and runtime not in self._opened().installed.runtimes:
            raise MissingExtra(f"{self.name} has no runtime {self._why_without(runtime)}")

    def start(self, runtime: str, *, folder: Path, limit_seconds: float) -> SshWorker:
        return SshWorker(self._opened(), runtime, limit_seconds)

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None and session.taken and not session.given_up:
            with suppress(EdgewrightError):
                folders = [session.path(folder) for folder in session.taken]
                words = session.agent("remove", *folders)
                self._link.run(words, timeout_seconds=ANSWER_SECONDS)
        self._link.close()

    def _opened(self) -> BoardSession:
        """Raises ``EdgewrightError`` where the board can't be reached or set up."""
        if self._session is None:
            self._session = BoardSession(link=self._link, installed=self._set_up())
        return self._session

    def _why_without(self, runtime: str) -> str:
        why = self._opened().installed.without.get(runtime, "it is not set up there")
        return f"{runtime}: {why}"


def open_target(name: str, settings: Settings) -> SshTarget:
    """Raises ``BadInput`` for what is neither a registered name nor a destination."""
    from edgewright.devices.registry import find_device
    from edgewright.targets.ssh.installation import prepare
    from edgewright.targets.ssh.link import Link

    device = find_device(name.partition(":")[2])
    link = Link(device.destination)
    return SshTarget(name, link, lambda: prepare(link, device))
