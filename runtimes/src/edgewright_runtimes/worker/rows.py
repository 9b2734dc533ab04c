"""Rows out, and what becomes of an error: a row with its stage and a hint, never a traceback."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO

from edgewright_runtimes.errors import EdgewrightError
from edgewright_runtimes.protocol import PROTOCOL, write_line
from edgewright_runtimes.records import Stage


class Rows:
    """Where a job writes its rows; ``stage`` says where it is, should it fail."""

    def __init__(self, stream: IO[str], stopping: Callable[[], bool]) -> None:
        self._stream = stream
        self.stopping = stopping
        self.stage: Stage = "load"

    def write(self, row: str, **values: object) -> None:
        write_line(self._stream, {"protocol": PROTOCOL, "row": row, **values})

    @contextmanager
    def job(self) -> Iterator[None]:
        """End the job's rows with ``done``, or with the one failure that ended it."""
        self.stage = "load"
        try:
            yield
        except BrokenPipeError:
            raise
        except EdgewrightError as e:
            self._fail({"error": str(e.args[0]), "hint": e.hint})
        except MemoryError:
            self._fail({"error": "out of memory", "hint": "free memory, or use smaller batches"})
        except Exception as e:
            traceback.print_exc(file=sys.stderr)
            reason = " ".join(str(e).split())[:300]
            self._fail({"error": f"{type(e).__name__}: {reason}", "hint": ""})
        else:
            self.write("done")

    def _fail(self, values: Mapping[str, object]) -> None:
        self.write("failure", stage=self.stage, **values)
