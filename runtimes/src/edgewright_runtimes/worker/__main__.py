"""Take jobs one after the other. A job that fails is a row, and the next one is taken.

``{"job": "stop"}``, or SIGINT, ends the job at hand early: it gives what it has, marked partial,
and no other is taken.

Where the input is a pipe, whoever asks holds it open: its end means that nobody waits for an
answer any more (a parent that was killed, say), and the process ends at once, in the middle of a
job if need be. Where it is a file it is a list of jobs, and all of them are done.
"""

from __future__ import annotations

import os
import queue
import signal
import stat
import sys
import threading
from collections.abc import Mapping
from typing import IO, Any

from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.protocol import read_line
from edgewright_runtimes.worker.jobs import BenchJob, CountJob, MemoryJob, PredictJob, read_job
from edgewright_runtimes.worker.rows import Rows

Jobs = queue.SimpleQueue[str | None]


def main() -> int:
    channel = _take_channel()
    stop = threading.Event()
    jobs: Jobs = queue.SimpleQueue()
    signal.signal(signal.SIGINT, lambda number, frame: _stop(stop, jobs))
    threading.Thread(target=_read, args=(jobs, stop), daemon=True).start()
    rows = Rows(channel, stop.is_set)
    try:
        _serve(jobs, rows)
    except BrokenPipeError:  # whoever asked is gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), channel.fileno())
        return 1
    return 0


def _take_channel() -> IO[str]:
    """Keep stdout for rows alone: native libraries print there, so fd 1 becomes stderr."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return channel


def _read(jobs: Jobs, stop: threading.Event) -> None:
    # not sys.stdin, whose lock a thread that still reads at exit would keep from the interpreter
    for line in open(0, encoding="utf-8", closefd=False):  # noqa: SIM115
        if _is_stop(line):
            _stop(stop, jobs)
        elif line.strip():
            jobs.put(line)
    if not stat.S_ISREG(os.fstat(0).st_mode):
        os._exit(0)
    jobs.put(None)


def _is_stop(line: str) -> bool:
    try:
        return read_line(line).get("job") == "stop"
    except BadInput:
        return False  # the job at hand goes on; this line fails when its turn comes


def _stop(stop: threading.Event, jobs: Jobs) -> None:
    stop.set()
    jobs.put(None)


def _serve(jobs: Jobs, rows: Rows) -> None:
    from edgewright_runtimes.worker.predict import Sessions

    sessions = Sessions()
    while (line := jobs.get()) is not None and not rows.stopping():
        with rows.job():
            message: Mapping[str, Any] = read_line(line)
            match read_job(message):
                case BenchJob() as job:
                    from edgewright_runtimes.worker.bench import run_bench

                    run_bench(job, rows)
                case MemoryJob() as job:
                    from edgewright_runtimes.worker.bench import run_memory

                    run_memory(job, rows)
                case CountJob() as job:
                    from edgewright_runtimes.worker.count import run_count

                    run_count(job, rows)
                case PredictJob() as job:
                    from edgewright_runtimes.worker.predict import run_predict

                    run_predict(job, rows, sessions)
    sessions.close()


if __name__ == "__main__":
    raise SystemExit(main())
