"""Latencies for a step that chooses widths: candidates become artifacts, and run on the target.

Short rounds, interleaved and shuffled, in one process; the figure is the least of the rounds'
lower deciles, for what else runs on the machine only ever adds time. It ranks candidates and is no
result: what comes out of a recipe is measured by ``bench``, in fresh processes.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright.conversion.converter import Converter
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.records import SCHEMES, Format

if TYPE_CHECKING:
    from edgewright.compression.options import CompressOptions
    from edgewright.targets.target import Target, Worker

ROUNDS, ROUND_SECONDS, LIMIT_SECONDS = 20, 0.1, 120.0
UNDISTURBED = 0.1  # the quantile of a round's calls: what else runs makes many slower, none faster
CALIBRATION_ITEMS = 64


class TargetLatencies:
    """Of ``options.formats[0]``, in the runtime that the target prefers, one thread. Close it."""

    def __init__(self, options: CompressOptions, train: Path | None, work: Path) -> None:
        self._options = options
        self._train = train
        self._work = work / "latency"
        self._format: Format = options.formats[0]
        self._converter: Converter | None = None
        self._target: Target | None = None
        self._worker: Worker | None = None
        self._made = 0

    def __call__(self, models: list[Path], *, scheme: str) -> list[float]:
        """Nanoseconds of one call. Raises ``BadInput`` or the converter's own error."""
        if scheme not in SCHEMES[self._format]:
            raise BadInput(
                f"scheme is {scheme!r}, and {self._format} has {', '.join(SCHEMES[self._format])}",
                hint="name one of them in the step, or another --formats first",
            )
        self._work.mkdir(parents=True, exist_ok=True)
        files = [self._convert(model, scheme) for model in models]
        rounds: list[list[float]] = [[] for _ in files]
        for round_ in range(ROUNDS):
            order = list(range(len(files)))
            random.Random(round_).shuffle(order)
            for number in order:
                rounds[number].append(self._time(files[number]))
        return [min(values) for values in rounds]

    def close(self) -> None:
        if self._converter is not None:
            self._converter.close()
        if self._worker is not None:
            self._worker.close()
        if self._target is not None:
            self._target.close()

    def _convert(self, model: Path, scheme: str) -> Path:
        if self._converter is None:
            self._converter = Converter(
                model, unsafe=False, signature="", log=self._work / "converter.log"
            )
        self._made += 1
        folder = self._work / str(self._made)
        request = {
            "variant": {"format": self._format, "scheme": scheme},
            "batch": 1,
            "opset": None,
            "folder": str(folder),
            "calibration": self._calibration() if scheme.startswith("int") else "",
            "goldens": "",
            "goldens_sha256": "",
            "source_name": model.name,
            "source_sha256": "",
        }
        row = self._converter.ask({"do": "convert", "request": request, "source": str(model)})
        return folder / str(row["file"])

    def _calibration(self) -> str:
        """Some of the items that are learnt from: ranges change no time, so a few will do."""
        import numpy as np

        path = self._work / "calibration.npz"
        if self._train is None:
            raise BadInput("int8 candidates are calibrated on data", hint="add --data TRAIN")
        if not path.exists():
            inputs = self._options.inputs
            arrays: dict[str, Any] = {
                name: np.load(self._train / f"{i}.npy", mmap_mode="r", allow_pickle=False)[
                    :CALIBRATION_ITEMS
                ]
                for i, name in enumerate(inputs)
            }
            np.savez(path, allow_pickle=False, **arrays)
        return str(path)

    def _time(self, file: Path) -> float:
        import numpy as np

        samples = self._work / "samples.npy"
        job = {
            "job": "bench",
            "artifact": str(file.resolve()),
            "runtime": self._runtime(),
            "threads": 1,
            "feeds": "",
            "seconds": ROUND_SECONDS,
            "samples": 1,
            "samples_file": str(samples),
            "seed": 0,
            "sensor_seconds": 0.0,
        }
        rows = {row["row"]: row for row in self._open_worker().rows(job)}
        if "samples" not in rows:
            failure = rows.get("failure", {"error": "no sample came"})
            raise BadInput(f"a candidate could not be timed: {failure['error']}")
        taken = rows["samples"]
        times = np.load(samples, allow_pickle=False)[taken["warmup_samples"] :]
        return float(np.quantile(times, UNDISTURBED)) / int(taken["calls_per_sample"])

    def _open_worker(self) -> Worker:
        if self._worker is None:
            self._worker = self._open_target().start(
                self._runtime(), folder=self._work, limit_seconds=LIMIT_SECONDS
            )
        return self._worker

    def _runtime(self) -> str:
        """The one that the target prefers. Raises ``BadInput`` where it has none."""
        target = self._open_target()
        found = target.runtimes(self._format)
        if not found:
            raise BadInput(
                f"no candidate can be timed as {self._format}: {target.why_not(self._format)}"
            )
        return found[0]

    def _open_target(self) -> Target:
        if self._target is None:
            from edgewright.settings import load_settings
            from edgewright.targets.target import open_target, parse_targets

            self._target = open_target(parse_targets(self._options.target)[0], load_settings())
        return self._target
