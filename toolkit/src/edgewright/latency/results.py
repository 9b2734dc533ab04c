"""From what was measured to what it says: computed when read, never stored.

Of each artifact, runtime, target and number of threads, the latest job counts; it is compared with
the baseline of that very job, for only what ran shuffled together is compared. Measurements of a
file that is no longer there are set aside, and so is a round that was cut short in its warm-up.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgewright.bundle import Bundle, artifact_sha256
from edgewright.latency.plan import AGAIN, baseline_name
from edgewright_runtimes.errors import EdgewrightError
from edgewright_runtimes.records import Artifact, Measurement, Plain
from edgewright_runtimes.statistics import (
    Comparison,
    Judgement,
    Summary,
    Verdict,
    compare,
    summarize,
    verdict,
)
from edgewright_runtimes.statistics.median import median_interval
from edgewright_runtimes.statistics.summary import NOISY_WIDTH

REQUIRED = ("frequency_mhz", "governor", "temperature_c", "throttled", "work_ns")  # of ssh: boards
SLOWER_WORK = 1.2  # the fixed loop of work after the rounds over before them
SLOWER_CLOCK = 1.2  # what the kernel asked for over the true clock
SELF_SCALING = ("intel_pstate", "amd-pstate", "amd-pstate-epp")  # `powersave` is their normal
NO_LATENCY = "a time under emulation is no latency: bench --count instructions"
TIMELINE_POINTS = 120
STRETCHES = 8  # of a round that is alone: as many as a preset has rounds

Key = tuple[str, str, str, int]  # artifact, runtime, target, threads


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A stretch of a sustained run: seconds since its first call, and the median of one call."""

    seconds: float
    median_ns: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """All that is known of the latency of one artifact in one runtime.

    ``load_ns``, ``first_ns`` are medians over the rounds; ``environment`` is that before the
    first round, ``during`` what the sensors said within a sustained one; ``unknown_sensors`` were
    so before or after any round. ``comparison`` is
    ``None`` for the baseline itself and where there is none (``no_comparison`` says why).
    """

    artifact: str
    format: str
    scheme: str
    runtime: str
    target: str
    threads: int
    preset: str
    job: str
    size_bytes: int
    zipped_bytes: int
    baseline: bool
    partial: bool
    summary: Summary
    comparison: Comparison | None
    no_comparison: str
    judgement: Judgement
    load_ns: int
    first_ns: int
    peak_memory_bytes: int | None
    in_force: Mapping[str, str]
    environment: Mapping[str, Plain]
    environment_after: Mapping[str, Plain]
    unknown_sensors: tuple[str, ...]
    busy: tuple[str, ...]
    during: tuple[Mapping[str, Plain], ...]
    timeline: tuple[Point, ...]
    started: str

    @property
    def is_latency(self) -> bool:
        """Whether its times are a device's at all: those of an emulated board are not."""
        return not is_emulated(self.target)


def is_emulated(target: str) -> bool:
    return target.startswith("emulated:")


def read_results(bundle: Bundle) -> tuple[Row, ...]:
    """One row for each artifact, runtime, target and number of threads that was measured."""
    good, _ = _sort_out(bundle)
    groups = _grouped(good)
    artifacts = {a.name: a for a in bundle.artifacts()}
    order = {name: i for i, name in enumerate(artifacts)}
    measured = _Measured(bundle, groups)
    rows = [
        _row(bundle, artifacts[key[0]], _own(groups, key, job), measured)
        for key, job in _latest(groups).items()
    ]
    return tuple(sorted(rows, key=lambda r: (order[r.artifact], r.runtime, r.target, r.threads)))


def set_aside(bundle: Bundle) -> tuple[str, ...]:
    """A line for each artifact whose measurements are not shown, and why."""
    return _sort_out(bundle)[1]


def twins_apart(bundle: Bundle) -> Mapping[tuple[Key, str], float]:
    """Of each baseline and job, how far its two names lay apart: the logarithm of their ratio."""
    groups = _grouped(_sort_out(bundle)[0])
    measured = _Measured(bundle, groups)
    apart: dict[tuple[Key, str], float] = {}
    for key, label, job in groups:
        first, again = (measured.summary(key, name, job) for name in ("", AGAIN))
        if label == AGAIN and first is not None and again is not None:
            logs = [
                float(np.mean(np.log(np.maximum(s.round_medians_ns, 1e-3)))) for s in (first, again)
            ]
            apart[key, job] = logs[1] - logs[0]
    return apart


def _sort_out(bundle: Bundle) -> tuple[list[Measurement], tuple[str, ...]]:
    now: dict[str, str] = {}
    for artifact in bundle.artifacts():
        try:
            now[artifact.name] = artifact_sha256(bundle, artifact)
        except (OSError, EdgewrightError):
            continue
    good: list[Measurement] = []
    aside: dict[tuple[str, str], int] = {}
    for record in bundle.measurements():
        name = record.artifact
        if name not in now:
            why = "measured on an artifact that is not here"
        elif now[name] != record.artifact_sha256:
            why = "measured on another file of this name"
        elif not _steady(bundle, record).size:
            why = "cut short in the warm-up"
        else:
            good.append(record)
            continue
        aside[name, why] = aside.get((name, why), 0) + 1
    lines = (
        f"{name}: {count} round{'s' * (count > 1)} set aside, {why}"
        for (name, why), count in sorted(aside.items())
    )
    return good, tuple(lines)


Groups = dict[tuple[Key, str, str], list[Measurement]]  # of a key, a label and a job


def _grouped(records: Iterable[Measurement]) -> Groups:
    """The rounds in the order they ran."""
    groups: Groups = {}
    for record in sorted(records, key=lambda r: r.order):
        key = (record.artifact, record.runtime, record.target, record.threads)
        groups.setdefault((key, record.label, record.job), []).append(record)
    return groups


def _latest(groups: Groups) -> dict[Key, str]:
    """The job of each key that was started last."""
    jobs: dict[Key, tuple[str, str]] = {}
    for (key, _, job), rounds in groups.items():
        started = max(record.started for record in rounds)
        jobs[key] = max(jobs.get(key, ("", "")), (started, job))
    return {key: job for key, (_, job) in jobs.items()}


def _own(groups: Groups, key: Key, job: str) -> list[Measurement]:
    """A job that ended early may have come to the baseline's second name alone."""
    return groups.get((key, "", job)) or groups[key, AGAIN, job]


def _steady(bundle: Bundle, record: Measurement) -> NDArray[np.int64]:
    samples: NDArray[np.int64] = bundle.samples(record)
    return samples[record.warmup_samples :]


class _Measured:
    """Summaries of groups, each made once: a baseline is beside many."""

    def __init__(self, bundle: Bundle, groups: Groups) -> None:
        self._bundle = bundle
        self.groups = groups
        self._made: dict[tuple[Key, str, str], Summary] = {}

    def summary(self, key: Key, label: str, job: str) -> Summary | None:
        """``None`` where it was not measured."""
        place = key, label, job
        if place in self.groups and place not in self._made:
            self._made[place] = _summary(self._bundle, self.groups[place])
        return self._made.get(place)


def _summary(bundle: Bundle, rounds: Sequence[Measurement]) -> Summary:
    return summarize(
        [_steady(bundle, r) for r in rounds],
        calls_per_sample=[r.calls_per_sample for r in rounds],
    )


def _row(
    bundle: Bundle, artifact: Artifact, rounds: Sequence[Measurement], measured: _Measured
) -> Row:
    first, last = rounds[0], rounds[-1]
    summary = _summary(bundle, rounds)
    comparison, why = _compare(first, summary, measured)
    judgement = judge(summary, rounds)
    if len(rounds) == 1:
        judgement = _judge_alone(judgement, _steady(bundle, first))
    peaks = [r.peak_memory_bytes for r in rounds if r.peak_memory_bytes is not None]
    return Row(
        artifact=artifact.name,
        format=artifact.format,
        scheme=artifact.scheme,
        runtime=first.runtime,
        target=first.target,
        threads=first.threads,
        preset=first.preset,
        job=first.job,
        size_bytes=artifact.size_bytes,
        zipped_bytes=artifact.zipped_bytes,
        baseline=artifact.name == baseline_name(artifact.format),
        partial=any(r.partial for r in rounds),
        summary=summary,
        comparison=comparison,
        no_comparison=why,
        judgement=judgement,
        load_ns=int(statistics.median(r.load_ns for r in rounds)),
        first_ns=int(statistics.median(r.first_ns for r in rounds)),
        peak_memory_bytes=max(peaks, default=None),
        in_force=first.in_force,
        environment=first.before,
        environment_after=last.after,
        unknown_sensors=unknown_sensors(rounds),
        busy=tuple(dict.fromkeys(str(r.after["busy"]) for r in rounds if r.after.get("busy"))),
        during=tuple(values for r in rounds for values in r.during),
        timeline=_timeline(bundle, first) if first.preset == "sustained" else (),
        started=first.started,
    )


def _compare(
    first: Measurement, summary: Summary, measured: _Measured
) -> tuple[Comparison | None, str]:
    name = baseline_name(first.artifact.partition("-")[0])  # type: ignore[arg-type]
    if first.artifact == name:
        return None, "the baseline"
    if is_emulated(first.target):
        return None, NO_LATENCY
    key = (name, first.runtime, first.target, first.threads)
    base = measured.summary(key, "", first.job)
    if base is None:
        another = any(known == key for known, _, _ in measured.groups)
        return None, f"{name} was {'measured in another job' if another else 'not measured'}"
    return compare(summary, base, measured.summary(key, AGAIN, first.job)), ""


def judge(summary: Summary, rounds: Sequence[Measurement]) -> Judgement:
    """The verdict on these rounds, with what the machine said around them."""
    first = rounds[0]
    return verdict(
        summary,
        preset=first.preset,
        emulated=is_emulated(first.target),
        software_gpu=any(r.in_force.get("software_gpu") == "yes" for r in rounds),
        throttled_on_purpose=any(_held_down(r) for r in rounds),
        throttled=was_throttled(rounds),
        unknown_sensors=unknown_sensors(rounds),
        target=first.target,
    )


def unknown_sensors(rounds: Sequence[Measurement]) -> tuple[str, ...]:
    """Named as such before or after a round. On a board far away silence is no good reading: what
    it says nothing of there is unknown too."""
    found: set[str] = set()
    for r in rounds:
        for reading in (r.before, r.after):
            found |= {word for word in str(reading.get("unknown", "")).split(",") if word}
            if r.target.startswith("ssh:"):
                found |= {name for name in REQUIRED if reading.get(name) is None}
    return tuple(sorted(found))


def _judge_alone(judgement: Judgement, samples: NDArray[np.int64]) -> Judgement:
    """One round has no other to differ from: its stretches of equal length stand for rounds."""
    if samples.size < STRETCHES:
        return judgement
    medians = [float(np.median(part)) for part in np.array_split(samples, STRETCHES)]
    interval = median_interval(medians)
    middle = statistics.median(medians)
    if interval is None or interval[1] - interval[0] <= NOISY_WIDTH * middle:
        return judgement
    width = (interval[1] - interval[0]) / middle
    reason = (
        f"noisy: the medians of its {STRETCHES} stretches are {width:.0%} apart; "
        f"{NOISY_WIDTH:.0%} at most is wanted"
    )
    if judgement.verdict is Verdict.TRUSTED:
        return Judgement(verdict=Verdict.NOISY, reasons=(reason, *judgement.reasons))
    return Judgement(verdict=judgement.verdict, reasons=(*judgement.reasons, reason))


def _held_down(record: Measurement) -> bool:
    """A governor that keeps the lowest frequency, or a browser told to be slow: somebody set it."""
    if record.in_force.get("cpu_throttle", "1") != "1":
        return True
    driver = record.before.get("frequency_driver")
    return record.before.get("governor") == "powersave" and driver not in SELF_SCALING


def was_throttled(rounds: Sequence[Measurement]) -> bool:
    """The processor said so, had too little voltage, counted new events, remembers more than
    before, ran a fifth slower than was asked of it in most readings, or did the fixed work a fifth
    slower after, in half of the rounds at least (a busy neighbour may do that to one)."""
    for r in rounds:
        before, after = r.before.get("throttled"), r.after.get("throttled")
        said = [v.get("throttled") for v in (r.before, r.after, *r.during)]
        if any(word and not str(word).endswith(" events") for word in said):
            return True
        if any(v.get("under_voltage") == "now" for v in (r.before, r.after, *r.during)):
            return True
        if before is not None and after is not None and before != after:
            return True
        since = [v.get("throttled_since_boot") for v in (r.before, r.after)]
        if None not in since and since[0] != since[1]:  # in the middle of the round
            return True
    # the true clock against what the kernel asked for, where the round's load is still on
    loaded = [v for r in rounds for v in (r.after, *r.during)]
    clocks = [(_number(v, "clock_mhz"), _number(v, "frequency_mhz")) for v in loaded]
    slower = [asked / true for true, asked in clocks if true and asked]
    if slower and statistics.median_low(slower) > SLOWER_CLOCK:
        return True
    works = [(_number(r.before, "work_ns"), _number(r.after, "work_ns")) for r in rounds]
    ratios = [after / before for before, after in works if before and after]
    return bool(ratios) and statistics.median_low(ratios) > SLOWER_WORK


def _number(reading: Mapping[str, object], name: str) -> float:
    """0 where it is not known. A bundle may come from anywhere: only a number is one."""
    value = reading.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(value) if 0 < value < 2**53 else 0.0


def _timeline(bundle: Bundle, record: Measurement) -> tuple[Point, ...]:
    """All samples, warm-up too, in stretches of equal time inside the calls."""
    samples = bundle.samples(record)
    ends = np.cumsum(samples) / 1e9
    edges = np.linspace(0.0, float(ends[-1]), TIMELINE_POINTS + 1)[1:]
    places = np.searchsorted(ends, edges, side="right")
    points, start = [], 0
    for edge, place in zip(edges, places, strict=True):
        if place > start:
            median = float(np.median(samples[start:place])) / record.calls_per_sample
            points.append(Point(seconds=float(edge), median_ns=median))
            start = int(place)
    return tuple(points)
