"""May this number be believed? One word, with its thresholds and its precedence.

The thresholds: `too few` is under the preset's rounds, samples or time (or the preset `smoke`);
`drifting` is what ``drift`` finds; `noisy` is an interval of the median wider than 10 % of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from edgewright_runtimes.errors import UnknownName
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
ALWAYS_TOO_FEW = "smoke"
TIME_SHARE = 0.75  # of a preset's time must be in samples: a fifth may be warm-up, some the loop's


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """``reasons``: everything that speaks against the number, the verdict's own first."""

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
    """Judge a summary by what was found around it; every reason that holds is listed.

    Sensors that are not there are listed as unknown. On ``ssh:`` targets they keep `trusted`
    away: nobody can say that the board was not throttled, so a number that is good in every
    other way is `noisy` there. Raises ``UnknownName`` for a preset that is not in ``PRESETS``.
    """
    if preset not in PRESETS:
        raise UnknownName("preset", preset, PRESETS)
    few = _too_few(summary, preset)
    unknown = f"unknown: {', '.join(unknown_sensors)}" if unknown_sensors else ""
    blind = bool(unknown) and target.startswith("ssh:")
    found: tuple[tuple[Verdict, bool, str], ...] = (
        (Verdict.EMULATED, emulated, "emulated: its time is not a device's time"),
        (Verdict.SOFTWARE_GPU, software_gpu, "software gpu: its time is not a GPU's time"),
        (Verdict.THROTTLED_ON_PURPOSE, throttled_on_purpose, "throttled on purpose, as asked"),
        (Verdict.THROTTLED, throttled, "throttled: the processor ran slower than it can"),
        (Verdict.TOO_FEW, bool(few), few),
        (Verdict.DRIFTING, summary.drifting, ""),
        (Verdict.NOISY, summary.noisy, ""),
        (Verdict.NOISY, blind, "could have been throttled: a sensor is missing"),
    )
    holding = [kind for kind, holds, _ in found if holds]
    reasons = [reason for _, holds, reason in found if holds and reason]
    return Judgement(
        verdict=holding[0] if holding else Verdict.TRUSTED,
        reasons=(*reasons, *summary.reasons, *([unknown] if unknown else ())),
    )


def _too_few(summary: Summary, preset: str) -> str:
    """What is missing of the preset, or nothing."""
    wanted = PRESETS[preset]
    if preset == ALWAYS_TOO_FEW:
        return f"too few: {preset} only shows that it runs"
    if summary.rounds < wanted.rounds:
        return f"too few: {summary.rounds} rounds, {preset} wants {wanted.rounds}"
    if summary.n < wanted.samples:
        return f"too few: {summary.n} samples, {preset} wants {wanted.samples}"
    if summary.total_seconds < TIME_SHARE * wanted.seconds:
        return f"too few: {summary.total_seconds:.1f} s, {preset} wants {wanted.seconds:g} s"
    return ""
