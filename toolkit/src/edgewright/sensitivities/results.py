"""What a sensitivity run found, and its folder.

sensitivity.json   what was tried on what: source, format, data, the float model's scores
trials.ndjson      one line a trial, appended as it ends; a line cut short by a kill is passed over
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgewright.atomic import write_text
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.record_json import from_dict, from_json

HEAD, TRIALS = "sensitivity.json", "trials.ndjson"
ALL = "(all of them)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One tensor alone through 8 bits, or pruned by ``ratio``; ``ALL`` stands for every tensor.

    ``sqnr_db`` is the signal-to-quantization-noise ratio of the worst output, ``None`` where it
    is not changed at all. ``points_lost`` is the accuracy lost as the float model sees it, without
    labels (``edgewright_converters.mixed.criterion``); ``scores`` are by metric, with labels.
    """

    key: str
    what: str  # quantize | prune
    tensor: str
    kind: str  # activation | weights
    op: str
    layer: str
    elements: int
    ratio: float | None
    sqnr_db: float | None
    points_lost: float | None
    scores: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """``scores`` are the float artifact's on the same items. ``better`` is by metric name."""

    source: str
    source_sha256: str
    format: str
    data: str
    data_sha256: str
    items: int
    scores: Mapping[str, float] = field(default_factory=dict)
    better: Mapping[str, str] = field(default_factory=dict)
    schema: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityResult:
    """``trials`` are ranked, the worst first; ``taken`` of them lay there from an earlier run."""

    folder: Path | None
    head: Head
    trials: tuple[Trial, ...]
    taken: int = 0
    warnings: tuple[str, ...] = ()


def rank(trials: Iterable[Trial]) -> tuple[Trial, ...]:
    """The worst first: by the signal-to-noise ratio, which every item and value counts in."""
    unchanged = float("inf")

    def noise(trial: Trial) -> tuple[float, str]:
        return unchanged if trial.sqnr_db is None else trial.sqnr_db, trial.tensor

    return tuple(sorted(trials, key=noise))


def read_sensitivity(folder: Path | str) -> SensitivityResult:
    """Raises ``BadInput`` where no run left anything there."""
    folder = Path(folder)
    path = folder / HEAD
    if not path.exists():
        raise BadInput(f"{folder}: no sensitivity run left its {HEAD} there")
    head = from_json(Head, path.read_bytes(), where=str(path))
    return SensitivityResult(folder=folder, head=head, trials=rank(stored(folder)))


def stored(folder: Path) -> Iterator[Trial]:
    """The trials that were kept; the last of each key."""
    found: dict[str, Trial] = {}
    path = folder / TRIALS
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            trial = from_dict(Trial, json.loads(line))
        except (ValueError, BadInput):
            continue  # cut short
        found[trial.key] = trial
    yield from found.values()


def write_head(folder: Path, head: Head) -> None:
    write_text(folder / HEAD, json.dumps(asdict(head), indent=1, ensure_ascii=False) + "\n")


def append(folder: Path, trial: Trial) -> None:
    """A line of its own, also behind one that was cut short."""
    path = folder / TRIALS
    whole = not path.exists() or path.read_bytes()[-1:] in (b"", b"\n")
    with path.open("a", encoding="utf-8") as stream:
        stream.write(("" if whole else "\n") + json.dumps(asdict(trial)) + "\n")


def as_plain(result: SensitivityResult) -> dict[str, Any]:
    return {
        **asdict(result.head),
        "folder": None if result.folder is None else str(result.folder),
        "taken": result.taken,
        "warnings": list(result.warnings),
        "trials": [asdict(trial) for trial in result.trials],
    }
