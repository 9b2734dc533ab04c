"""A process of the system's ssh or sftp, whose output is kept within bounds.

A device may print without end. What is read whole has a limit at which the process is stopped;
of what is only shown, such as standard error, the last part is kept.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, cast

from edgewright.targets.ssh.trouble import LinkTrouble
from edgewright_runtimes.errors import MissingExtra

CHUNK_BYTES = 65_536
LAST_BYTES = 65_536
AFTERWARDS_SECONDS = 5.0  # for what a process left in its pipes


class Late(Exception):
    """What was awaited did not come in time."""


class Drain:
    """Reads ``stream`` in a thread and keeps its last ``keep_bytes``; it closes it at its end.

    ``on_more`` is called once, as soon as there is more than that.
    """

    def __init__(
        self,
        stream: IO[bytes],
        *,
        keep_bytes: int = LAST_BYTES,
        on_more: Callable[[], None] | None = None,
    ) -> None:
        self.overflown = False
        self._stream = stream
        self._keep_bytes = keep_bytes
        self._on_more = on_more
        self._kept = bytearray()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def content(self) -> bytes:
        """All that is kept; to be asked for when the process has ended of itself."""
        self._thread.join(AFTERWARDS_SECONDS)
        return bytes(self._kept)

    def _read(self) -> None:
        with self._stream:
            while piece := os.read(self._stream.fileno(), CHUNK_BYTES):
                self._kept += piece
                if len(self._kept) > self._keep_bytes:
                    del self._kept[: -self._keep_bytes]
                    if not self.overflown and self._on_more is not None:
                        self._on_more()
                    self.overflown = True


class Child:
    """Started at once; ``close`` it. It hears no Ctrl-C of ours.

    Its standard output is to be had once: as ``pieces``, or drained. Raises ``MissingExtra`` where
    there is no such program, ``LinkTrouble`` where it can't be started.
    """

    def __init__(
        self, argv: Sequence[str], *, stdin: IO[bytes] | int, cwd: Path | None = None
    ) -> None:
        try:
            self._process = subprocess.Popen(
                argv,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd,
                start_new_session=True,
            )
        except FileNotFoundError as e:
            raise MissingExtra(
                f"no program {argv[0]!r} on this machine", hint="apt install openssh-client"
            ) from e
        except OSError as e:  # words that are too long, no memory, no more files
            raise LinkTrouble(f"{argv[0]} can't be started here: {e.strerror or e}") from e
        self._stdout = cast(IO[bytes], self._process.stdout)
        self._drained = False
        self._said = Drain(cast(IO[bytes], self._process.stderr))

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def drain(self, *, keep_bytes: int) -> Drain:
        """All that it prints; with more than ``keep_bytes`` it is killed."""
        self._drained = True
        return Drain(self._stdout, keep_bytes=keep_bytes, on_more=self._signal)

    def pieces(
        self, *, silence_seconds: float | None = None, until: float | None = None
    ) -> Iterator[bytes]:
        """What it prints, as it comes.

        Raises ``Late`` when nothing came for ``silence_seconds``, or by the moment ``until`` of
        ``time.monotonic``.
        """
        with selectors.DefaultSelector() as ready:
            ready.register(self._stdout, selectors.EVENT_READ)
            while True:
                left = None if until is None else until - time.monotonic()
                if left is not None and left <= 0:
                    raise Late
                waits = [wait for wait in (silence_seconds, left) if wait is not None]
                if not ready.select(min(waits, default=None)):
                    raise Late
                piece = os.read(self._stdout.fileno(), CHUNK_BYTES)
                if not piece:
                    return
                yield piece

    def wait(self, seconds: float | None = None) -> int:
        """Its exit code. Raises ``Late``."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Late from None

    def said(self) -> str:
        """The last of its standard error; to be asked for when it has ended of itself."""
        return self._said.content().decode(errors="replace")

    def terminate(self) -> None:
        self._process.terminate()

    def close(self) -> None:
        """End it, and what it started, where it still runs. A pipe that another process still holds
        is closed by the thread that reads it."""
        self._signal()
        self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        if not self._drained:
            self._stdout.close()

    def _signal(self) -> None:
        if self.runs:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


def start(argv: Sequence[str], *, stdin: bytes = b"", cwd: Path | None = None) -> Child:
    """A child that reads ``stdin``, from a file: a pipe had to be fed while its output comes."""
    with tempfile.TemporaryFile() as given:
        given.write(stdin)
        given.seek(0)
        return Child(argv, stdin=given, cwd=cwd)
