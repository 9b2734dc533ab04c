"""Open an artifact in its runtime and run it on the goldens: no artifact without having run."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from edgewright.line_process import LineProcess, ProcessDied, ProcessHung
from edgewright_runtimes.errors import EdgewrightError
from edgewright_runtimes.protocol import PROTOCOL
from edgewright_runtimes.records import Format, Stage

if TYPE_CHECKING:
    import numpy as np

    Arrays = Mapping[str, np.ndarray[Any, Any]]

RUNTIME: Mapping[Format, str] = {"tflite": "litert", "onnx": "onnxruntime"}
VERIFY_LIMIT_SECONDS = 600.0
AGAIN_HINT = "the other variants are not affected; run it again to try this one again"
CRASH_HINT = "its runtime can't hold it: the other variants are not affected, take one of those"


class NotVerified(EdgewrightError):
    """It did not load, did not run, crashed, or answered outside its scheme's tolerance."""

    def __init__(
        self, stage: Stage, message: str, *, hint: str = "", passing: bool = False
    ) -> None:
        super().__init__(message, hint=hint)
        self.stage: Stage = stage
        self.passing = passing  # it may go otherwise next time


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    words: str
    max_error: float | None  # over the source's output range; None where it was not judged


class Verifier:
    """One worker process for all artifacts; one that crashes it costs only itself."""

    def __init__(self, goldens: Arrays, *, real: bool, folder: Path) -> None:
        import numpy as np

        self._expected = _part(goldens, "output/")
        self._real = real
        self._folder = folder
        self._feeds = folder / "verify-feeds.npz"
        np.savez(self._feeds, **_part(goldens, "input/"))  # type: ignore[arg-type]
        self._worker: LineProcess | None = None

    def verify(self, model: Path, format_: Format, scheme: str) -> Verified:
        """Raises ``NotVerified``."""
        outputs = self._run(model, RUNTIME[format_])
        return self._judge(scheme, outputs, f"run in {RUNTIME[format_]}")

    def verify_rebuilt(self, outputs_file: str, scheme: str) -> Verified:
        """For TF.js: the outputs of the graph rebuilt from its files, run in TensorFlow."""
        return self._judge(scheme, _load(Path(outputs_file)), "graph, not a browser")

    def close(self) -> None:
        if self._worker is not None:
            self._worker.close()

    def kill(self) -> None:
        """In the middle of an artifact, from another thread."""
        worker = self._worker
        if worker is not None:
            worker.kill()

    def _run(self, model: Path, runtime: str) -> Arrays:
        outputs = self._folder / "verify-outputs.npz"
        job = {
            "protocol": PROTOCOL,
            "job": "predict",
            "artifact": str(model),
            "runtime": runtime,
            "threads": 1,
            "inputs": str(self._feeds),
            "outputs": str(outputs),
        }
        try:
            self._start().send(job)
            while (row := self._start().receive(timeout=VERIFY_LIMIT_SECONDS))["row"] != "done":
                if row["row"] == "failure":
                    raise NotVerified(
                        cast(Stage, row["stage"]), row["error"], hint=row.get("hint", "")
                    )
        except (ProcessDied, ProcessHung) as e:
            self.close()
            self._worker = None
            passing = isinstance(e, ProcessHung) or not e.of_itself
            hint = AGAIN_HINT if passing else CRASH_HINT
            raise NotVerified("run", f"{runtime}: {e}", hint=hint, passing=passing) from e
        return _load(outputs)

    def _start(self) -> LineProcess:
        if self._worker is None:
            argv = [sys.executable, "-m", "edgewright_runtimes.worker"]
            self._worker = LineProcess(argv, log=self._folder / "worker.log")
        return self._worker

    def _judge(self, scheme: str, outputs: Arrays, how: str) -> Verified:
        from edgewright_converters.tolerances import judge

        missing = [name for name in self._expected if name not in outputs]
        if missing:
            raise NotVerified("verify", f"the artifact has no output {missing[0]!r}")
        judgement = judge(scheme, self._expected, outputs, real=self._real)
        if judgement.ok is False:
            raise NotVerified("verify", judgement.words, hint=judgement.hint)
        kind = "real" if self._real else "random"
        return Verified(words=f"{how}, on {kind} goldens", max_error=judgement.max_error)


def _part(arrays: Arrays, prefix: str) -> dict[str, np.ndarray[Any, Any]]:
    return {k.removeprefix(prefix): a for k, a in arrays.items() if k.startswith(prefix)}


def _load(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    import numpy as np

    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)
