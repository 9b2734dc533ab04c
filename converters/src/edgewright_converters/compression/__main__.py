"""The compression process: ``python -m edgewright_converters.compression``.

One job in three lines, each answered before the next one comes:
  a ``job.CompressJob``              -> opened      inputs: name, dtype and shape of each
  its ``job.DataFolders``            -> ready
  {"do": "compress"}                 -> rows
of which the last one gives
  source     scores, items           of the model as it was
  progress   stage, done, total, words, numbers
  step       stage, record           one stage is done, and lies in its folder
  measure    models, scheme          a question: the answer is a line {"medians_ns": [...]} or
                                     {"error": ..., "hint": ...}
  done | interrupted | failure       the last one; an interruption's words say what is kept
A failure ends it wherever it stands; one of a step has its ``number`` and the ``field`` at fault.

An interrupt (SIGINT) ends it in good order: what is trained so far is kept.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from edgewright_converters.child import failure_row, lines_until_parent_ends
from edgewright_converters.compression.job import (
    CompressJob,
    DataFolders,
    compress,
    open_data,
    open_job,
)
from edgewright_converters.compression.refusals import StepRefused
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.protocol import read_line, write_line
from edgewright_runtimes.record_json import from_dict

Row = Mapping[str, Any]


class _Parent:
    """Asks the process that started this one for latencies."""

    def __init__(self, lines: Iterator[str], rows: IO[str]) -> None:
        self._lines = lines
        self._rows = rows

    def __call__(self, models: Sequence[Any], *, scheme: str) -> list[float]:
        with TemporaryDirectory(prefix="edgewright-") as folder:
            paths = [Path(folder) / f"{i}.keras" for i in range(len(models))]
            for model, path in zip(models, paths, strict=True):
                model.save(path)
            write_line(
                self._rows, {"row": "measure", "models": [str(p) for p in paths], "scheme": scheme}
            )
            answer = read_line(next(self._lines))
        if "error" in answer:
            raise BadInput(str(answer["error"]), hint=str(answer.get("hint", "")))
        return [float(median) for median in answer["medians_ns"]]


def main() -> None:
    """Keep the channel clean: libraries print to descriptor 1, so rows go to a copy of it."""
    rows = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    lines = lines_until_parent_ends(sys.stdin)
    try:
        opened = open_job(from_dict(CompressJob, read_line(next(lines)), where="job"))
        inputs = [{"name": s.name, "dtype": s.dtype, "shape": s.shape} for s in opened.inputs]
        write_line(rows, {"row": "opened", "inputs": inputs})
        data = open_data(opened, from_dict(DataFolders, read_line(next(lines)), where="data"))
        write_line(rows, {"row": "ready"})
        next(lines)
        compress(opened, data, lambda row: write_line(rows, row), _Parent(lines, rows))
        write_line(rows, {"row": "done"})
    except KeyboardInterrupt as e:
        write_line(rows, {"row": "interrupted", "words": str(e)})
    except Exception as e:  # whatever a step raises is one row for the parent to show
        if os.environ.get("EDGEWRIGHT_TRACEBACK"):
            import traceback

            traceback.print_exc()
        at = {"number": e.number, "field": e.field} if isinstance(e, StepRefused) else {}
        write_line(rows, {**failure_row("convert", e), **at})


if __name__ == "__main__":
    main()
