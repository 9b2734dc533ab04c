"""The jobs of the protocol, as records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgewright_runtimes.errors import UnknownName
from edgewright_runtimes.record_json import from_dict
from edgewright_runtimes.timing import MAX_SAMPLES


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchJob:
    """Time one artifact for one round. ``seconds`` and ``samples`` are this round's.

    ``feeds``: an ``.npz`` of real items, or empty for seeded random ones. The samples are written
    to ``samples_file``. Every ``sensor_seconds`` of the round its sensors are read (0: never).
    """

    artifact: str
    runtime: str
    threads: int
    seconds: float
    samples: int
    samples_file: str
    feeds: str = ""
    max_samples: int = MAX_SAMPLES
    seed: int = 0
    sensor_seconds: float = 0.0
    root: str = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryJob:
    """What this process needed at most to load the artifact and run it a few times."""

    artifact: str
    runtime: str
    threads: int
    feeds: str = ""
    seed: int = 0
    root: str = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class CountJob:
    """Calls between marks that a counter outside can see, in ``blocks`` of the same number each.

    A block has at least ``calls`` calls, and as many as take ``seconds`` of processor time.
    """

    artifact: str
    runtime: str
    threads: int
    feeds: str = ""
    seed: int = 0
    calls: int = 16
    seconds: float = 0.5
    blocks: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictJob:
    """Real-valued inputs [items, ...] by tensor name in, float32 outputs [items, ...] out."""

    artifact: str
    runtime: str
    threads: int
    inputs: str
    outputs: str


Job = BenchJob | MemoryJob | CountJob | PredictJob
JOBS: Mapping[str, type[Job]] = {
    "bench": BenchJob,
    "memory": MemoryJob,
    "count": CountJob,
    "predict": PredictJob,
}


def read_job(message: Mapping[str, Any]) -> Job:
    """Raises ``UnknownName`` for an unknown job, ``BadInput`` where a field is missing or wrong."""
    name = str(message.get("job"))
    if name not in JOBS:
        raise UnknownName("job", name, [*JOBS, "stop"])
    return from_dict(JOBS[name], message, where=f"job {name}")
