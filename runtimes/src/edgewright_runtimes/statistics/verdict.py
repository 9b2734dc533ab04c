"""May this number be believed? One word, with its thresholds and its precedence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from edgewright_runtimes.statistics.summary import Summary


class Verdict(str, Enum):
    """In order of precedence: the first that holds is the verdict."""

    EMULATED = "emulated"
    SOFTWARE_GPU = "software gpu"
    THROTTLED_ON_PURPOSE = "throttled on purpose"
    THROTTLED = "throttled"
    TOO_FEW = "too few"
    DRIFTING = "drifting"
    NOISY = "noisy"
    TRUSTED = "trusted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Totals of one artifact over all its rounds; both time and count must be reached."""

    rounds: int
    seconds: float
    samples: int


PRESETS: Mapping[str, Preset] = {
    "smoke": Preset(rounds=2, seconds=1, samples=32),
    "quick": Preset(rounds=8, seconds=10, samples=132),
    "standard": Preset(rounds=8, seconds=60, samples=1024),
    "sustained": Preset(rounds=1, seconds=600, samples=1024),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    verdict: Verdict
    reasons: tuple[str, ...]


def verdict(
    summary: Summary,
    *,
    preset: str,
    emulated: bool = False,
    software_gpu: bool = False,
    throttled_on_purpose: bool = False,
    throttled: bool = False,
    unknown_sensors: Sequence[str] = (),
    target: str = "local",
) -> Judgement:
    """Judge a summary by what was found around it; every reason that holds is listed."""
    raise NotImplementedError
