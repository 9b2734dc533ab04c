"""The one open connection to a device, over which every command goes (ssh's ControlMaster).

It carries a session of its own: a ``cat`` on the device, which ends when its input does. So the
connection ends with this process, however that ends, and no ssh is left behind.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from pathlib import Path

from edgewright.targets.ssh.child import Child, Late, start
from edgewright.targets.ssh.client import Client
from edgewright.targets.ssh.trouble import (
    HostKey,
    LinkTrouble,
    last_words,
    link_trouble,
    shown_host_key,
    why_no_connection,
)
from edgewright_runtimes.errors import EdgewrightError

OPEN_SECONDS = 30.0  # a busy board takes some for its keys
LOOK_SECONDS = 20.0
CLOSE_SECONDS = 3.0
GREETING = "edgewright-link"
GREETING_BYTES = 65_536
OWN_FAILURE = 255  # of ssh itself; also of a command there that was ended by a signal


class Master:
    """Open from the beginning; close it.

    Raises ``LinkTrouble``, ``HostKeyTrouble``, ``LoginTrouble`` or ``MissingExtra``.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._folder = tempfile.TemporaryDirectory(
            prefix="edgewright-", dir=_short_folder(), ignore_cleanup_errors=True
        )
        self._socket = Path(self._folder.name) / "s"
        words = ("ControlMaster=yes", f"ControlPath={self._socket}", "ControlPersist=no")
        options = [word for option in words for word in ("-o", option)]
        argv = client.ssh(*options, command=f"echo {GREETING}; exec cat")
        try:
            self._child = Child(argv, stdin=subprocess.PIPE)
        except EdgewrightError:
            self._folder.cleanup()
            raise
        try:
            self._require_greeting()
        except BaseException:
            self.close()
            raise

    @property
    def words(self) -> tuple[str, ...]:
        """Options by which a command of ssh or sftp goes over this connection, or not at all: the
        client would open one of its own where this one has just gone."""
        path = f"ControlPath={self._socket}"
        return ("-o", "ControlMaster=no", "-o", path, "-o", "ProxyCommand=false")

    @property
    def alive(self) -> bool:
        return self._child.runs

    def ends_within(self, seconds: float) -> bool:
        try:
            self._child.wait(seconds)
        except Late:
            return False
        return True

    def said(self) -> str:
        """What it said of its end; empty while it stands."""
        return "" if self.alive else self._child.said()

    def close(self) -> None:
        """The device then ends what waits for its input; what runs detached there goes on."""
        if self.alive:
            self._child.terminate()
            self.ends_within(CLOSE_SECONDS)
        self._child.close()
        self._folder.cleanup()

    def _require_greeting(self) -> None:
        """Wait for the first line of the session: then the login has worked, and commands run."""
        to = self._client.destination
        try:
            before, found = self._read_greeting()
        except Late:
            what = f"no answer from {to} within {OPEN_SECONDS:g} s"
            raise link_trouble(self._client, what, "") from None
        if not found:
            raise self._why_not(before)
        if before.strip():
            shown = last_words(before.decode(errors="replace"))
            raise LinkTrouble(
                f"the login shell of {to} prints before any command runs: {shown!r}",
                hint="keep ~/.bashrc and the like silent there where there is no terminal",
            )

    def _read_greeting(self) -> tuple[bytes, bool]:
        """What was printed before it, and whether it came."""
        got = b""
        for piece in self._child.pieces(until=time.monotonic() + OPEN_SECONDS):
            got += piece
            before, found, _ = got.partition(f"{GREETING}\n".encode())
            if found or len(got) > GREETING_BYTES:
                return before, bool(found)
        return got, False

    def _why_not(self, printed: bytes) -> EdgewrightError:
        to = self._client.destination
        if not self.ends_within(CLOSE_SECONDS):
            return LinkTrouble(f"{to} prints without end where a command was to run")
        said = self._child.said()
        if self._child.wait() == OWN_FAILURE:
            return why_no_connection(self._client, said, self._look)
        shown = last_words(said) or last_words(printed.decode(errors="replace"))
        return LinkTrouble(
            f"{to} lets one in, and runs no command: {shown!r}",
            hint="the login there needs a shell such as /bin/sh",
        )

    def _look(self) -> HostKey | None:
        """The key that the device shows, asked for in the same way and accepted no more."""
        child = start(self._client.ssh("-v", "-o", "ControlPath=none", command="true"))
        child.drain(keep_bytes=GREETING_BYTES)
        try:
            child.wait(LOOK_SECONDS)
            return shown_host_key(child.said())
        except Late:
            return None
        finally:
            child.close()


def _short_folder() -> str | None:
    """Where a socket's path stays below 108 bytes (unix(7)), of which ssh takes 17 for itself, and
    holds nothing that ssh would replace; ``None`` is the usual place for what is temporary."""
    usual = tempfile.gettempdir()
    return None if re.fullmatch(r"[\w/.+-]{1,60}", usual, re.ASCII) else "/tmp"
