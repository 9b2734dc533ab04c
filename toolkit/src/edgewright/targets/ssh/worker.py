"""A worker on a board: each job is one command over the link, and one fresh process there.

The command takes the board's lock, starts the job detached and follows it. A link that is lost
meanwhile is made again, and the job, which went on, followed from the byte that came last.
"""

from __future__ import annotations

import getpass
import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from edgewright.targets.ssh.errand import AGAIN, LOOK, Errand
from edgewright.targets.ssh.files import move
from edgewright.targets.ssh.rows import BadRow
from edgewright.targets.ssh.trouble import (
    CommandFailed,
    HostKeyTrouble,
    LinkTrouble,
    LoginTrouble,
    Silence,
)
from edgewright_runtimes.errors import EdgewrightError
from edgewright_runtimes.protocol import PROTOCOL

if TYPE_CHECKING:
    from edgewright.targets.ssh.board_session import BoardSession
    from edgewright.targets.target import Row

PATIENCE_SECONDS = 120.0  # for a link that was lost: a board that restarts needs less
PAUSES_SECONDS = (0.2, 1.0, 2.0, 4.0)  # between two tries; the last one again and again
TRIES = 4  # over links that stand, with nothing new of the job in between
ANSWER_SECONDS = 30.0  # for a slow board to say what it has to say
LONGEST_SECONDS = 3_600.0  # of a job, over four times of what it was asked for
HINT = "look whether the board is on and in the network; its job ends by itself"


class SshWorker:
    def __init__(self, board: BoardSession, runtime: str, limit_seconds: float) -> None:
        self.stopped = False
        self._board = board
        self._runtime = runtime
        self._limit = limit_seconds
        self._folder = ""  # there, of the job at hand, until it is over
        self._told_to_stop = False
        self._until = 0.0  # no job of a board that keeps its limits is under way then

    def rows(self, job: Mapping[str, object]) -> Iterator[Row]:
        self._stop_there()
        self._folder = self._board.next_folder()
        folder = self._board.path(self._folder)
        whole = {"protocol": PROTOCOL, **job}
        try:
            errand = Errand(move(whole, self._board.names, store=self._board.store, folder=folder))
        except OSError as e:
            self._folder = ""
            error = f"{e.filename}: {e.strerror or e}"
            yield {"row": "failure", "stage": "load", "error": error, "hint": "convert it again"}
            return
        self._until = time.monotonic() + _longest(job) + 2 * (self._limit + PATIENCE_SECONDS)
        try:
            yield from self._run(errand)
        except (HostKeyTrouble, LinkTrouble, LoginTrouble) as e:
            yield errand.failed(str(e.args[0]), e.hint or HINT, stage="transport")
            return
        except (BadRow, CommandFailed) as e:
            yield errand.failed(str(e.args[0]), e.hint or LOOK, stage="transport")
            return
        if errand.over and not errand.lost:
            self._board.taken.append(self._folder)
            self._folder = ""

    def close(self) -> None:
        self._stop_there()

    def _run(self, errand: Errand) -> Iterator[Row]:
        """Until it is over, over as many links as that takes."""
        trouble = _Trouble(self._board)
        while not errand.over:
            lost: EdgewrightError | None = None
            before = errand.offset
            try:
                if self.stopped and not self._told_to_stop:
                    self._tell_to_stop()
                if self.stopped and not errand.started:
                    return
                self._push_missing(errand)
                yield from self._listen(errand)
            except Silence:
                raise
            except (CommandFailed, LinkTrouble) as e:
                if errand.missing and isinstance(e, CommandFailed):
                    raise  # the board does not take the files: its disk is full
                lost = e
            except KeyboardInterrupt:
                if self.stopped:
                    raise
                self.stopped = True
            if lost is not None:
                trouble.again(lost, progress=errand.offset > before)

    def _listen(self, errand: Errand) -> Iterator[Row]:
        """Over one link, until it has no more to say."""
        errand.begin()
        jobs = b"" if errand.started else f"{_json(errand.moved.job)}\n".encode()
        # the agent itself tells of a silent job, after it may have waited for another one
        silence = 2 * self._limit + ANSWER_SECONDS
        words = self._command(errand)
        link = self._board.link
        with link.stream(words, stdin=jobs, silence_seconds=silence, until=self._until) as lines:
            for line in lines:
                self._board.given_up = False
                yield from errand.take(line)
                if time.monotonic() > self._until:
                    raise BadRow("the board's job went on beyond its limit")
                if errand.started:
                    self._board.taken.clear()  # it has dropped them
                if errand.over or errand.missing:
                    return
        raise BadRow("the board's agent ended without a word")

    def _command(self, errand: Errand) -> list[str]:
        folder = self._board.path(self._folder)
        if errand.started:
            return self._board.agent("follow", folder, f"--offset={errand.offset}")
        needs = (f"--need={name}:{p.stat().st_size}" for name, p in errand.moved.needs.items())
        drops = (f"--drop={name}" for name in self._board.taken)
        return self._board.agent(
            "start",
            folder,
            f"--silent={self._limit:g}",
            f"--limit={_longest(errand.moved.job):g}",
            f"--wait={self._limit:g}",
            f"--owner={_owner()}",
            f"--store={self._board.store}",
            *needs,
            *drops,
            runtime=self._runtime,
        )

    def _push_missing(self, errand: Errand) -> None:
        if errand.missing:
            needs = errand.moved.needs
            self._board.link.push({f"{self._board.store}/{n}": needs[n] for n in errand.missing})
            errand.missing = []

    def _tell_to_stop(self) -> None:
        words = self._board.agent("stop", self._board.path(self._folder))
        self._board.link.run(words, timeout_seconds=ANSWER_SECONDS)
        self._told_to_stop = True

    def _stop_there(self) -> None:
        """Stop and remove a job that is not over, where that can be had; else it ends by itself."""
        folder, self._folder = self._folder, ""
        if folder and not self._board.given_up:
            with suppress(EdgewrightError):
                words = self._board.agent("remove", self._board.path(folder))
                self._board.link.run(words, timeout_seconds=ANSWER_SECONDS)


class _Trouble:
    """Links that were lost, and commands that failed, in one job."""

    def __init__(self, board: BoardSession) -> None:
        self._board = board
        self._tries = 0

    def again(self, error: EdgewrightError, *, progress: bool) -> None:
        """Return when a link is there again. Raises ``error`` where that takes too long, or where
        it is not the link that is missing."""
        self._tries = 1 if progress else self._tries + 1
        if self._tries > TRIES or (self._board.given_up and not progress):
            raise error
        begin = time.monotonic()
        for pause in _pauses():
            with suppress(LinkTrouble):
                self._board.link.run(["true"], timeout_seconds=ANSWER_SECONDS)
                return
            if time.monotonic() - begin > PATIENCE_SECONDS:
                self._board.given_up = True
                words = f"{error.args[0]}, and not found again within {PATIENCE_SECONDS:.0f} s"
                raise LinkTrouble(words, hint=AGAIN) from error
            time.sleep(pause)


def _longest(job: Mapping[str, Any]) -> float:
    return LONGEST_SECONDS + 4 * float(job.get("seconds", 0.0))


def _json(job: Mapping[str, Any]) -> str:
    return json.dumps(job, allow_nan=False)


def _pauses() -> Iterator[float]:
    yield from PAUSES_SECONDS
    while True:
        yield PAUSES_SECONDS[-1]


def _owner() -> str:
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):  # a user that has no name
        return socket.gethostname()
