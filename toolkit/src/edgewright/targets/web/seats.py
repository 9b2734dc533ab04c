"""A seat: one open page, from the side that gives it jobs and from the side that hears it.

``rows``, ``stop`` and ``close`` are for the thread that measures; everything else is called by
the server's. One lock stands between them.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgewright.targets.local import NEXT_STAGE
from edgewright.targets.web.delivery import Delivery, Out
from edgewright.targets.web.guard import Bucket
from edgewright.targets.web.schema import BadRow, OtherProtocol, read_row, shown
from edgewright_runtimes.protocol import PROTOCOL
from edgewright_runtimes.records import Stage

Row = Mapping[str, Any]
ROWS_A_SECOND, ROWS_AT_ONCE = 50.0, 1_000.0
REQUESTS_A_SECOND, REQUESTS_AT_ONCE = 25.0, 500.0
OPEN_REQUESTS = 16
MAX_ATTEMPTS = 3  # a page that is loaded anew again and again most likely crashes
ASK_SECONDS = 0.1
THERE_SECONDS = 10.0  # a page that lives asks for something every five
OTHER_TAB = "This is open in another tab. Load it again to go on in this one."
LOADS_KEPT = 64
HINT = "the other artifacts are not affected; try another --runtime"
SLOW_HINT = "where it is only slow, give --limit SECONDS"


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, and the JSON object that goes with it; none with 204."""

    status: int
    body: Mapping[str, object] = field(default_factory=dict)


class Seat:
    """``last_seen``: when the page last asked for anything, in seconds of ``time.monotonic``.

    ``away_seconds``: for so long a page may be silent altogether (its device sleeps) beyond the
    limit of a job. ``pause_seconds``: a page that was silent for longer while it measured begins
    that round anew, for the pause is in its numbers; 0: never.
    """

    def __init__(
        self,
        token: str,
        *,
        ring: Callable[[], None],
        away_seconds: float = 0.0,
        pause_seconds: float = 0.0,
    ) -> None:
        self.token = token
        self.stopped = False
        self.requests = Bucket(REQUESTS_A_SECOND, REQUESTS_AT_ONCE)
        self._away, self._pause = away_seconds, pause_seconds
        self._ring = ring  # wakes the long polls
        self._lock = threading.Lock()
        self._rows: queue.SimpleQueue[Row] = queue.SimpleQueue()
        self._budget = Bucket(ROWS_A_SECOND, ROWS_AT_ONCE)
        self._delivery: Delivery | None = None
        self._count = 0
        self._open = 0
        self._polls = 0
        self._seen = False
        self._page = ""
        self._older: deque[str] = deque(maxlen=LOADS_KEPT)
        self._last_seen = self._asked = time.monotonic()
        self._back = 0.0  # when the last silence ended
        self._closed: str | None = None
        self._told = False

    @property
    def last_seen(self) -> float:
        return time.monotonic() if self._open else self._last_seen

    @property
    def closed(self) -> bool:
        return self._closed is not None

    @property
    def is_to_hear(self) -> bool:
        """Whether a page is there that does not know yet that its seat is closed."""
        there = time.monotonic() - self.last_seen < THERE_SECONDS
        return not self._told and self._seen and there

    # The thread that measures

    def rows(
        self,
        job: Mapping[str, object],
        *,
        limit_seconds: float,
        failed: Callable[[], str | None] = lambda: None,
    ) -> Iterator[Row]:
        """Give the page ``job`` and yield its rows; the last is ``done`` or ``failure``.

        Files named in the job lie here, and those it writes are written here. ``failed`` is asked
        ten times a second, and says how the page died. An interrupt (Ctrl-C) stops the job,
        whose rows still come; a second one is raised.
        """
        stage: Stage = "load"
        with self._given(job):
            heard = time.monotonic()
            while True:
                row = self._next_row()
                if row is None:
                    error, hint = self._trouble(failed, heard, limit_seconds)
                    if not error:
                        continue
                    row = self._next_row() or {
                        "row": "failure", "stage": stage, "error": error, "hint": hint
                    }  # fmt: skip
                heard = time.monotonic()
                yield row
                if row["row"] in ("done", "failure"):
                    return
                stage = NEXT_STAGE.get(row["row"], stage)

    @contextmanager
    def _given(self, job: Mapping[str, object]) -> Iterator[None]:
        with self._lock:
            self._count += 1
            self._delivery = Delivery(self._count, job)
            self._rows = queue.SimpleQueue()
        self._ring()
        try:
            yield
        finally:
            with self._lock:
                self._delivery = None

    def _next_row(self) -> Row | None:
        try:
            return self._rows.get(timeout=ASK_SECONDS)
        except queue.Empty:
            return None
        except KeyboardInterrupt:
            if self.stopped:
                raise
            self.stop()
            return None

    def _trouble(
        self, failed: Callable[[], str | None], heard: float, limit_seconds: float
    ) -> tuple[str, str]:
        if self._closed is not None:
            return self._closed or "the page's seat is closed", ""
        words = failed()
        if words:
            return words, HINT
        now = time.monotonic()
        whole = limit_seconds + self._away
        silent = now - self._asked > THERE_SECONDS
        if self.stopped and self._away and silent:
            return "stopped while the device was away", ""
        if not self._away or not silent:
            since = max(heard, self._back) if self._away else heard
            if now - since < limit_seconds and now - heard < whole + limit_seconds:
                return "", ""
            return f"no answer within {limit_seconds:.0f} s; stopped", SLOW_HINT
        if now - heard < whole:
            return "", ""
        self.close("This device was away for too long.")
        return f"the device has been away for {whole:.0f} s", "keep the page open and in sight"

    def stop(self) -> None:
        """End the job at hand early, with what it has; the page takes no other one."""
        self.stopped = True
        self._ring()

    def close(self, words: str = "") -> None:
        """The page is told to stop asking, and shows ``words``."""
        with self._lock:
            if self._closed is None:
                self._closed = words
        self._ring()

    # The server's thread

    @contextmanager
    def request(self) -> Iterator[float]:
        """One request of the page; the value is how many seconds too early it comes."""
        self._open += 1
        self._seen = True
        self._asks()
        try:
            wait = self.requests.wait_seconds()
            yield max(wait, 1.0) if self._open > OPEN_REQUESTS else wait
        finally:
            self._open -= 1
            self._last_seen = time.monotonic()

    def _asks(self) -> None:
        """What was silent before is known by when its next request comes: one that waits for its
        answer says nothing of a device that sleeps meanwhile."""
        now = time.monotonic()
        silent, self._asked = now - self._asked, now
        if silent > THERE_SECONDS:
            self._back = now
        if self._pause and silent > self._pause:
            with self._lock:
                job = self._delivery
                if job is not None and not job.over and job.timed and "first" in job.seen:
                    self._begin_anew(job)  # the silence is in the numbers of its round

    def new_poll(self) -> int:
        """The number of a long poll, for ``next_job``."""
        self._polls += 1
        return self._polls

    def next_job(self, have: str, poll: int, page: str = "") -> Answer | None:
        """What there is for a page whose last job was ``have``; None: nothing yet.

        ``page`` is what a page calls itself, another one each time it is loaded: the newest has
        the seat and its job, under an id that no earlier one knows; those are sent away.
        The last poll alone may begin a job anew: an earlier one was left behind by a page that
        was since loaded anew, and its device may have gone without a word.
        """
        with self._lock:
            if self._closed is not None:
                self._told = True
                return Answer(410, {"words": self._closed})
            if not self._is_newest(page):
                return Answer(410, {"words": OTHER_TAB})
            job = self._delivery
            if job is None or job.over:
                return None
            if have == job.id:
                return Answer(200, _stop(job.id)) if self.stopped else None
            if job.page not in (None, page):
                self._begin_anew(job)
            elif job.seen:
                if poll != self._polls:
                    return None
                self._begin_anew(job)
            job.page = page
            return None if job.over else Answer(200, job.message())

    def _is_newest(self, page: str) -> bool:
        if page in self._older:
            return False
        if page != self._page:
            self._older.append(self._page)
            self._page = page
            self._ring()  # the one before hears that it is not
        return True

    def post(self, job_id: str, body: bytes) -> Answer:
        """Rows of a job, one a line; those that came before are dropped."""
        with self._lock:
            job = self._job(job_id)
            if isinstance(job, Answer):
                return job
            lines = body.splitlines()
            wait = self._budget.wait_seconds(len(lines))
            if wait:
                return Answer(429, {"error": "too many rows at once", "wait_seconds": wait})
            return self._take(job, lines)

    def find(self, job_id: str, name: str, below: str) -> Path | None:
        """A file of the job at hand, or None."""
        with self._lock:
            job = self._job(job_id)
            return None if isinstance(job, Answer) else job.find(name, below)

    def out(self, job_id: str, name: str) -> Out | Answer:
        """Where a file of the job at hand goes."""
        with self._lock:
            job = self._job(job_id)
            if isinstance(job, Answer):
                return job
            return job.out(name) or Answer(404, {"error": f"this job writes no {shown(name)!r}"})

    def keep(self, job_id: str, name: str, temporary: Path) -> Answer:
        """Take a file that is whole and checked to its place."""
        with self._lock:
            job = self._job(job_id)
            if isinstance(job, Answer):
                return job
            out = job.out(name)
            if out is None:
                return Answer(404)
            temporary.replace(out.path)
            job.wrote(name)
            return Answer(200, {})

    def spoil(self, job_id: str, error: str) -> Answer:
        """End the job at hand with a failure: what came back is not what it may be."""
        with self._lock:
            job = self._job(job_id)
            return job if isinstance(job, Answer) else self._fail(job, error)

    def _job(self, job_id: str) -> Delivery | Answer:
        if self._closed is not None:
            return Answer(410, {"words": self._closed})
        job = self._delivery
        return _over() if job is None or job.over or job.id != job_id else job

    def _take(self, job: Delivery, lines: list[bytes]) -> Answer:
        for line in lines:
            try:
                row = read_row(line)
                if row.seq > job.next:
                    break  # some are missing: ``next`` says from which on
                if row.seq == job.next:
                    self._rows.put(job.take(row, stopped=self.stopped))
            except OtherProtocol as e:
                return other_protocol(str(e.protocol))
            except BadRow as e:
                return self._fail(job, str(e))
            if job.over:
                break
        return Answer(200, {"next": job.next})

    def _fail(self, job: Delivery, error: str) -> Answer:
        job.over = True
        words = f"what the page sent is refused: {shown(error)}"
        self._rows.put({"row": "failure", "stage": "transport", "error": words, "hint": ""})
        return Answer(400, {"error": error})

    def _begin_anew(self, job: Delivery) -> None:
        if job.spoilt < MAX_ATTEMPTS - 1:
            if job.seen:
                self._rows.put({"row": "progress", "done": 0.0, "of": 1})
            job.anew()
            self._ring()
            return
        job.over = True
        error = f"the page was loaded anew or away {MAX_ATTEMPTS} times in this job"
        hint = "a browser out of memory does that by itself; else keep the page open"
        self._rows.put({"row": "failure", "stage": "run", "error": error, "hint": hint})


def _stop(job_id: str) -> dict[str, object]:
    return {"protocol": PROTOCOL, "job": "stop", "id": job_id}


def other_protocol(theirs: str) -> Answer:
    error = f"protocol {shown(theirs)} there, {PROTOCOL} here: reload the page"
    return Answer(426, {"protocol": PROTOCOL, "error": error})


def _over() -> Answer:
    return Answer(409, {"error": "this job is over, or was given out anew"})
