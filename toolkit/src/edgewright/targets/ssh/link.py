"""A link to a device: commands, their output line by line, files there.

Everything goes over one connection of the system's OpenSSH client (``master``), opened when it is
first needed and again after it was lost. Commands are lists of words: each is quoted, none is read
by a shell, there or here.
"""

from __future__ import annotations

import shlex
import tempfile
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from edgewright.targets.ssh.batch import Push, batch, plan_pushes
from edgewright.targets.ssh.child import Child, Late, start
from edgewright.targets.ssh.client import Client, options_of_environment
from edgewright.targets.ssh.destination import Destination
from edgewright.targets.ssh.master import OWN_FAILURE, Master
from edgewright.targets.ssh.trouble import (
    CommandFailed,
    HostKeyTrouble,
    LinkTrouble,
    LoginTrouble,
    Silence,
    first_words,
    last_words,
    link_trouble,
)
from edgewright_runtimes.errors import BadInput, EdgewrightError

MAX_OUTPUT_BYTES = 16_000_000
MAX_LINE_BYTES = 1_000_000
SLOWEST_BYTES_PER_SECOND = 50_000
LOST_WITHIN_SECONDS = 0.5  # the connection is gone that soon after a command of it failed by it
_SSH_SAYS = ("mux_client", "Control socket", "Connection closed by UNKNOWN")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A command that ended there. ``stderr`` is its last 64 kB; ``code`` 255: a signal ended it."""

    code: int
    stdout: bytes
    stderr: bytes


class Link:
    """``with Link(destination) as link``; nothing is connected before the first command.

    ``options`` are further words for ssh and sftp; without any, those that the environment names.
    What reaches for the device raises ``LinkTrouble`` where it can't be had or was lost (the next
    call connects anew), ``HostKeyTrouble``, ``LoginTrouble``, and ``MissingExtra`` without OpenSSH.
    """

    def __init__(self, destination: Destination, *, options: Sequence[str] = ()) -> None:
        self.destination = destination
        words = tuple(options) or options_of_environment()
        self._client = Client(destination=destination, options=words)
        self._master: Master | None = None
        self._opening = threading.Lock()

    def __enter__(self) -> Link:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """What runs on the device goes on, unless it ends with its input or its output."""
        with self._opening:
            if self._master is not None:
                self._master.close()
            self._master = None

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout_seconds: float = 60,
        max_bytes: int = MAX_OUTPUT_BYTES,
    ) -> Done:
        """Run ``argv`` to its end; its exit code, whatever it is, is no error here.

        Raises ``Silence`` after ``timeout_seconds``, ``LinkTrouble`` for output of more than
        ``max_bytes``.
        """
        master, child = self._start(argv, stdin)
        with closing(child):
            out = child.drain(keep_bytes=max_bytes)
            try:
                code = child.wait(timeout_seconds)
            except Late:
                what = f"{argv[0]} on {self.destination} did not end within {timeout_seconds:g} s"
                raise Silence(what, hint="is it busy? try again, or restart the device") from None
            content, said = out.content(), child.said()
            if out.overflown:
                raise self._flood(argv, f"{max_bytes:,} bytes")
            self._require_link(master, code, said)
            return Done(code=code, stdout=content, stderr=said.encode())

    @contextmanager
    def stream(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        silence_seconds: float | None = None,
        until: float | None = None,
    ) -> Iterator[Iterator[bytes]]:
        """The lines that ``argv`` prints, each with its line end, while it runs.

        A line of which the link carried only a part does not come. Reading raises ``LinkTrouble``
        for a lost link and for a line of more than 1 MB, ``Silence`` when nothing came for
        ``silence_seconds`` or when it still prints at the moment ``until`` of ``time.monotonic``,
        ``CommandFailed`` after the last line where the exit code is not 0.
        Leaving the block does not stop ``argv``: it ends when it next prints.
        """
        master, child = self._start(argv, stdin)
        limits = silence_seconds, until
        with closing(child), closing(self._lines(argv, master, child, limits)) as lines:
            yield lines

    def push(self, files: Mapping[str, Path]) -> None:
        """Copy files by SFTP; ``files`` names, for each path there, the file here.

        Paths that are not absolute begin at the home folder; ``~`` is a name like any. Folders are
        made. Each file is whole at its place or not there. Raises ``CommandFailed``.
        """
        pushes = plan_pushes(files)
        if not pushes:
            return
        self._make_folders(pushes)
        size_bytes = sum(push.local.stat().st_size for push in pushes)
        with tempfile.TemporaryDirectory(prefix="edgewright-") as folder:
            commands = batch(pushes, Path(folder))
            master = self._connected()
            argv = self._client.sftp(*master.words)
            with closing(start(argv, stdin=commands, cwd=Path(folder))) as child:
                self._finish_push(master, child, pushes, size_bytes)

    # -- one command ----------------------------------------------------------------------------

    def _connected(self) -> Master:
        with self._opening:
            if self._master is not None and not self._master.alive:
                self._master.close()
                self._master = None
            if self._master is None:
                self._master = Master(self._client)
            return self._master

    def _start(self, argv: Sequence[str], stdin: bytes) -> tuple[Master, Child]:
        if not argv or any("\0" in word for word in argv):
            raise BadInput(f"{list(argv)!r} is no command")
        master = self._connected()
        return master, start(self._client.ssh(*master.words, command=shlex.join(argv)), stdin=stdin)

    def _lines(
        self,
        argv: Sequence[str],
        master: Master,
        child: Child,
        limits: tuple[float | None, float | None],
    ) -> Generator[bytes, None, None]:
        (silence_seconds, until), rest = limits, b""
        try:
            for piece in child.pieces(silence_seconds=silence_seconds, until=until):
                *whole, rest = (rest + piece).split(b"\n")
                if max(map(len, (*whole, rest))) >= MAX_LINE_BYTES:
                    raise self._flood(argv, f"{MAX_LINE_BYTES:,} bytes in one line")
                for line in whole:
                    yield line + b"\n"
            self._require_done(argv, master, child, silence_seconds)
        except Late:
            what = f"{argv[0]} on {self.destination}"
            if until is not None and time.monotonic() >= until:
                raise Silence(f"{what} went on beyond its limit") from None
            raise Silence(f"{what} printed nothing for {silence_seconds:g} s") from None
        if rest:
            yield rest

    def _require_done(
        self, argv: Sequence[str], master: Master, child: Child, seconds: float | None
    ) -> None:
        """Wait for its exit code, which may be long in coming after its output. Raises ``Late``."""
        code, said = child.wait(seconds), child.said()
        self._require_link(master, code, said)
        if code:
            what = f"{argv[0]} on {self.destination} ended with exit code {code}"
            why = last_words(said)
            raise CommandFailed(f"{what}: {why}" if why else what, code=code)

    def _require_link(self, master: Master, code: int, said: str) -> None:
        """ssh's own 255 is also what it makes of a command that a signal ended; then the connection
        still stands, and ssh says nothing."""
        if code >= 0 and code != OWN_FAILURE:
            return
        if code < 0 or master.ends_within(LOST_WITHIN_SECONDS):
            what = f"the link to {self.destination} was lost"
            raise link_trouble(self._client, what, master.said() or said)
        if any(words in said for words in _SSH_SAYS):
            what = f"{self.destination} takes no further command"
            raise link_trouble(self._client, what, first_words(said))

    def _flood(self, argv: Sequence[str], what: str) -> LinkTrouble:
        return LinkTrouble(
            f"{argv[0]} on {self.destination} printed more than {what}; it was stopped",
            hint="look at the device: that is not what was asked for",
        )

    # -- files ----------------------------------------------------------------------------------

    def _make_folders(self, pushes: Sequence[Push]) -> None:
        folders = sorted({push.folder for push in pushes} - {".", "/"})
        if not folders:
            return
        done = self.run(["mkdir", "-p", "--", *folders])
        if done.code:
            raise self._not_written(done.code, done.stderr.decode(errors="replace"))

    def _finish_push(
        self, master: Master, child: Child, pushes: Sequence[Push], size_bytes: int
    ) -> None:
        child.drain(keep_bytes=MAX_OUTPUT_BYTES)
        try:
            code = child.wait(_patience_seconds(size_bytes))
        except Late:
            raise Silence(
                f"{len(pushes)} files did not get to {self.destination} in time"
            ) from None
        said = child.said()
        self._require_link(master, code, said)
        if code:
            with suppress(EdgewrightError):  # what is under way says more
                self.run(["rm", "-f", "--", *(push.temporary for push in pushes)])
            raise self._not_written(code, said)

    def _not_written(self, code: int, said: str) -> CommandFailed:
        return CommandFailed(
            f"cannot write on {self.destination}: {last_words(said)}",
            code=code,
            hint="is its disk full, or read-only? (df -h there)",
        )


def _patience_seconds(size_bytes: int) -> float:
    return 60 + size_bytes / SLOWEST_BYTES_PER_SECOND


__all__ = [
    "CommandFailed",
    "Done",
    "HostKeyTrouble",
    "Link",
    "LinkTrouble",
    "LoginTrouble",
    "Silence",
]
