"""The verb ``follow``: the rows of a folder from an offset on, until its jobs are over.

Half a second at most behind the worker, and at once when it ends; between looks it sleeps.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO

from edgewright_runtimes.agent.job_folder import RESULTS, JobFolder, boot_id
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.protocol import PROTOCOL

LOOK_SECONDS = 0.5
READ_BYTES = 256 << 10
PART_BYTES = 384 << 10  # of a file in one row: half a megabyte as base64


def follow(folder: JobFolder, offset: int) -> int:
    """Raises ``BadInput`` where there is no such folder, or not so many bytes."""
    over = threading.Event()
    threading.Thread(target=_tell, args=(folder, over), daemon=True).start()
    try:
        with folder.rows.open("rb") as rows:
            if offset > folder.rows.stat().st_size:
                raise BadInput(f"{folder.rows} has no byte {offset}")
            rows.seek(offset)
            _send_rows(rows, over)
    except FileNotFoundError:
        raise BadInput(f"no jobs were started in {folder.path}") from None
    for name in RESULTS:
        _send_file(folder.path / name)
    _send_end(folder)
    return 0


def say(row: str, **values: object) -> None:
    """A row of the agent's own. Raises ``BrokenPipeError`` where nobody reads it."""
    print(json.dumps({"protocol": PROTOCOL, "row": row, **values}), flush=True)


def _tell(folder: JobFolder, over: threading.Event) -> None:
    with suppress(OSError):  # nobody ever watched
        folder.wait()
    over.set()


def _send_rows(rows: IO[bytes], over: threading.Event) -> None:
    """Whole lines only: a row that was cut short by the end is left out."""
    out, rest = sys.stdout.buffer, b""
    while True:
        last = over.is_set()  # asked before reading: what is read then is all
        while data := rows.read(READ_BYTES):
            whole, end, rest = (rest + data).rpartition(b"\n")
            out.write(whole + end)
        out.flush()
        if last:
            return
        over.wait(LOOK_SECONDS)


def _send_file(path: Path) -> None:
    if not path.is_file():
        return
    size, at = path.stat().st_size, 0
    with path.open("rb") as file:
        while part := file.read(PART_BYTES):
            data = base64.b64encode(part).decode()
            say("file", name=path.name, at=at, of=size, data=data)
            at += len(part)


def _send_end(folder: JobFolder) -> None:
    ended = folder.ended
    if ended is not None:
        say("ended", code=ended.get("code"), why=ended.get("why"), log=folder.last_words())
        return
    same = (folder.started or {}).get("boot") == boot_id()
    why = "its agent was killed" if same else "the board was restarted"
    say("ended", code=None, why=why, log=folder.last_words())
