"""What a worker says on its standard error: read at once, for it may be much, and kept in part.

A runtime that warns at every call would fill the board's card in an hour, and the writing would
disturb what is measured.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO

KEPT_BYTES = 64 << 10  # of its beginning, and again of its end
END_SECONDS = 1.0  # for the pipe to end when its process has


class WorkerLog:
    """Reads ``source`` in a thread of its own; what comes first is written as it comes."""

    def __init__(self, path: Path, source: IO[bytes]) -> None:
        self._path, self._source = path, source
        self._last = b""
        self._left_out = 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what came last, when the process has ended."""
        self._thread.join(END_SECONDS)
        if self._last:
            words = f"\n[{self._left_out:,} bytes are left out]\n" if self._left_out else ""
            self._write(words.encode() + self._last)

    def _read(self) -> None:
        room = KEPT_BYTES
        while data := os.read(self._source.fileno(), 64 << 10):
            if room:
                self._write(data[:room])
            rest = self._last + data[room:]
            room -= min(room, len(data))
            self._last = rest[-KEPT_BYTES:]
            self._left_out += len(rest) - len(self._last)

    def _write(self, data: bytes) -> None:
        with suppress(OSError), self._path.open("ab") as log:  # a full disk ends no job
            log.write(data)
