"""The warm converter process: TensorFlow is imported once, for all jobs of a run.

``python -m edgewright_converters.child`` takes JSON lines and answers with rows, as
``edgewright_runtimes.protocol`` words them. A job that fails is a row; one that crashes the
process costs only itself, for the parent starts a fresh child.

Jobs:
  open      source, unsafe, signature -> ``source`` (kind, inputs, outputs, stateful, notes)
  goldens   source, raw, feeds (.npz or ""), seed, out -> ``goldens`` (sha256, golden)
  convert   source, request (``jobs.ConvertJob``)  -> ``written`` (file, details, warnings, ...)
  predict   source, unsafe, inputs, outputs        -> ``outputs`` (file); feeds are preprocessed
  tensors   source, format, feeds, outputs         -> ``tensors``: what ``trial`` can change
  trial     source, format, feeds, names, ratio, outputs -> ``trial`` (outputs, sqnr_db, ...)
"""

from __future__ import annotations

import errno
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from edgewright_converters.jobs import ConvertJob, convert, make_golden_file, predict
from edgewright_runtimes.errors import BadInput, EdgewrightError
from edgewright_runtimes.protocol import read_line, write_line
from edgewright_runtimes.record_json import from_dict
from edgewright_runtimes.records import Stage

if TYPE_CHECKING:
    from edgewright_converters.mixed.sensitivity import Trials
    from edgewright_converters.sources.source import Source

Row = dict[str, Any]
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


class Child:
    """Holds the one open source; ``answer`` turns a job into its row."""

    def __init__(self) -> None:
        self._source: Source | None = None
        self._opened: tuple[str, bool, str] | None = None
        self._tried: tuple[Any, Trials] | None = None

    def answer(self, job: Row) -> Row:
        verbs: dict[str, Callable[[Row], Row]] = {
            "open": self._open,
            "goldens": self._goldens,
            "convert": self._convert,
            "predict": self._predict,
            "tensors": self._tensors,
            "trial": self._trial,
        }
        return verbs[job["do"]](job)

    def _open(self, job: Row) -> Row:
        source = self._need(job)
        return {
            "row": "source",
            "kind": source.kind,
            "inputs": [_spec(s) for s in source.signature.inputs],
            "outputs": [_spec(s) for s in source.signature.outputs],
            "stateful": source.stateful,
            "notes": list(source.notes),
        }

    def _goldens(self, job: Row) -> Row:
        return {"row": "goldens", **make_golden_file(self._need(job), job)}

    def _convert(self, job: Row) -> Row:
        request = from_dict(ConvertJob, job["request"])
        return {"row": "written", **convert(self._need(job), request)}

    def _predict(self, job: Row) -> Row:
        predict(self._need(job), Path(job["inputs"]), Path(job["outputs"]))
        return {"row": "outputs", "file": job["outputs"]}

    def _tensors(self, job: Row) -> Row:
        return {"row": "tensors", **self._trials(job).tensors(Path(job["outputs"]))}

    def _trial(self, job: Row) -> Row:
        trials = self._trials(job)
        found = trials.trial(list(job["names"]), job["ratio"], Path(job["outputs"]))
        return {"row": "trial", **found}

    def _trials(self, job: Row) -> Trials:
        from edgewright_converters.mixed.sensitivity import Trials

        source, wanted = self._need(job), (job["source"], job["format"], job["feeds"])
        if self._tried is None or self._tried[0] != wanted:
            self._tried = wanted, Trials(source, job["format"], Path(job["feeds"]))
        return self._tried[1]

    def _need(self, job: Row) -> Source:
        from edgewright_converters.sources import open_source

        wanted = (job["source"], bool(job.get("unsafe", False)), str(job.get("signature", "")))
        if self._source is None or self._opened != wanted:
            path, unsafe, signature = wanted
            self._source = open_source(Path(path), unsafe=unsafe, signature=signature)
            self._opened = wanted
        return self._source


def _spec(spec: Any) -> Row:
    return {"name": spec.name, "dtype": spec.dtype, "shape": list(spec.shape)}


def failure_row(stage: Stage, error: BaseException) -> Row:
    hint = error.hint if isinstance(error, EdgewrightError) else ""
    known = isinstance(error, EdgewrightError)
    message = str(error.args[0]) if known else f"{type(error).__name__}: {error}"
    code = error.exit_code if isinstance(error, EdgewrightError) else 1
    return {
        "row": "failure",
        "stage": stage,
        "error": _one_line(message),
        "hint": hint,
        "known": known,
        "passing": isinstance(error, MemoryError) or getattr(error, "errno", None) in _DISK,
        "exit_code": code,
    }


def _one_line(message: str) -> str:
    text = " ".join(message.split())
    return text if len(text) <= 600 else f"{text[:600]} ..."


def serve(jobs: Iterable[str], rows: IO[str]) -> None:
    child = Child()
    for line in jobs:
        stage: Stage = "convert"
        try:
            job = read_line(line)
            stage = "run" if job.get("do") == "predict" else "convert"
            write_line(rows, child.answer(job))
        except KeyError as e:
            write_line(rows, failure_row(stage, BadInput(f"a job without {e}")))
        except MemoryError as e:
            write_line(rows, failure_row(stage, e))
        except Exception as e:  # whatever a converter raises is one row, not the end of the run
            if os.environ.get("EDGEWRIGHT_TRACEBACK"):
                import traceback

                traceback.print_exc()
            write_line(rows, failure_row(stage, e))


def lines_until_parent_ends(stream: IO[str]) -> Iterator[str]:
    """The lines of ``stream``; at its end the process ends, in the middle of a job if need be.

    A parent that was killed must not leave a converter behind that goes on writing.
    """
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for line in stream:
            lines.put(line)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    while True:
        yield lines.get()


def main() -> None:
    """Keep the channel clean: libraries print to descriptor 1, so rows go to a copy of it."""
    rows = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    serve(lines_until_parent_ends(sys.stdin), rows)


if __name__ == "__main__":
    main()
