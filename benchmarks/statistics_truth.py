"""The statistics of latency against truth: simulated runs whose quantiles are known.

    python benchmarks/statistics_truth.py [RUNS]

Prints three tables in markdown: coverage of intervals and bounds, drift, comparisons. A run is
1,024 samples in 8 rounds. tests/runtimes/test_statistics_truth.py asserts what is printed here.

Truth of a quantile is that of all samples of all rounds there could be. Truth of the median's
interval is the median over all rounds of a round's median, for that is what it speaks of.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from edgewright_runtimes.statistics import Verdict, compare, summarize, verdict
from edgewright_runtimes.statistics.student import binomial_cdf

ROUNDS, SAMPLES = 8, 128
SPREAD = 0.2  # of the logarithm of a sample
MIDDLE_NS = 80e6  # 1,024 of them fill the 60 s of `standard`
THOUSAND = "standard"  # the preset of 1,024 samples
QUANTILES = (0.90, 0.95, 0.99)
NORMAL = NormalDist()

Generator = np.random.Generator
Logs = NDArray[np.float64]  # [rounds, samples]
Drawn = Callable[[Generator], Logs]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """``draw`` gives logarithms [rounds, samples]; ``truth`` the logarithm of a quantile."""

    name: str
    draw: Drawn
    truth: Callable[[float], float]


@dataclass(kw_only=True)
class Coverage:
    """Of how many runs an interval or bound was printed, and in how many it missed."""

    printed: int = 0
    missed: int = 0

    def add(self, printed: bool, missed: bool) -> None:
        self.printed += printed
        self.missed += printed and missed

    def holds(self, level: float) -> bool:
        """Not below ``level`` by a one-sided binomial test at 1 %."""
        if not self.missed:
            return True
        return 1 - binomial_cdf(self.missed - 1, self.printed, 1 - level) >= 0.01

    def __str__(self) -> str:
        if not self.printed:
            return "blank"
        return f"{1 - self.missed / self.printed:.2%} of {self.printed}"


@dataclass(kw_only=True)
class Outcome:
    """What ``runs`` runs of one scenario gave."""

    runs: int
    median: Coverage = field(default_factory=Coverage)
    tails: dict[float, Coverage] = field(default_factory=lambda: {p: Coverage() for p in QUANTILES})
    drifting: int = 0


def independent(rng: Generator) -> Logs:
    return SPREAD * rng.standard_normal((ROUNDS, SAMPLES))


def two_modes(rng: Generator) -> Logs:
    slow = rng.random((ROUNDS, SAMPLES)) < 0.3
    return 0.05 * rng.standard_normal((ROUNDS, SAMPLES)) + np.where(slow, math.log(2), 0.0)


def two_modes_truth(p: float) -> float:
    def below(x: float) -> float:
        return 0.7 * NORMAL.cdf(x / 0.05) + 0.3 * NORMAL.cdf((x - math.log(2)) / 0.05)

    low, high = -1.0, 2.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < p else (low, middle)
    return low


def autoregressive(rho: float) -> Drawn:
    def draw(rng: Generator) -> Logs:
        noise = rng.standard_normal((ROUNDS, SAMPLES))
        values = np.empty_like(noise)
        values[:, 0] = noise[:, 0]
        for i in range(1, SAMPLES):
            values[:, i] = rho * values[:, i - 1] + math.sqrt(1 - rho**2) * noise[:, i]
        return SPREAD * values

    return draw


def differing(share: float, spread: float = SPREAD) -> Drawn:
    """Rounds whose own level has ``share`` times the spread of their samples."""

    def draw(rng: Generator) -> Logs:
        levels = share * rng.standard_normal((ROUNDS, 1))
        return spread * (levels + rng.standard_normal((ROUNDS, SAMPLES)))

    return draw


def normal_truth(spread: float) -> Callable[[float], float]:
    return lambda p: spread * NORMAL.inv_cdf(p)


SCENARIOS = (
    Scenario(name="independent", draw=independent, truth=normal_truth(SPREAD)),
    Scenario(name="two modes", draw=two_modes, truth=two_modes_truth),
    Scenario(name="AR(0.5)", draw=autoregressive(0.5), truth=normal_truth(SPREAD)),
    Scenario(name="AR(0.9)", draw=autoregressive(0.9), truth=normal_truth(SPREAD)),
    Scenario(
        name="rounds that differ", draw=differing(1.0), truth=normal_truth(SPREAD * math.sqrt(2))
    ),
    Scenario(
        name="by 0.5 %, samples by 1 %",
        draw=differing(0.5, 0.01),
        truth=normal_truth(0.01 * math.sqrt(1.25)),
    ),
    Scenario(
        name="by 0.5 %, samples by 0.1 %",
        draw=differing(5.0, 0.001),
        truth=normal_truth(0.001 * math.sqrt(26)),
    ),
)


def as_rounds(logs: Logs) -> list[NDArray[np.int64]]:
    return list((MIDDLE_NS * np.exp(logs)).astype(np.int64))


def cover(scenario: Scenario, runs: int, seed: int) -> Outcome:
    """Draw ``runs`` runs of a stationary scenario and count what was printed and what missed."""
    rng = np.random.default_rng(seed)
    outcome = Outcome(runs=runs)
    median = MIDDLE_NS * math.exp(scenario.truth(0.5))
    for _ in range(runs):
        summary = summarize(as_rounds(scenario.draw(rng)), calls_per_sample=1, tails=QUANTILES)
        outcome.drifting += summary.drifting
        interval = summary.median_interval_ns
        low, high = interval or (0.0, 0.0)
        outcome.median.add(interval is not None, not low <= median <= high)
        for tail in summary.tails:
            truth = MIDDLE_NS * math.exp(scenario.truth(tail.p))
            outcome.tails[tail.p].add(tail.bound_ns is not None, (tail.bound_ns or 0.0) < truth)
    return outcome


def across(change: float, draw: Drawn = independent) -> Drawn:
    """Times that rise by ``change`` from the first sample of the run to the last, straight."""
    time = np.linspace(0.0, 1.0, ROUNDS * SAMPLES).reshape(ROUNDS, SAMPLES)
    return lambda rng: draw(rng) + np.log1p(change * time)


def within(change: float, draw: Drawn = independent) -> Drawn:
    """Times that rise by ``change`` inside each round and fall back before the next."""
    return lambda rng: draw(rng) + np.log1p(change * np.linspace(0.0, 1.0, SAMPLES))


def quiet(rng: Generator) -> Logs:
    return independent(rng) / 4


# (name, how runs are drawn, whether 95 % of them must be found)
DRIFTS: tuple[tuple[str, Drawn, bool], ...] = (
    ("+20 % over the run, 20 % noise", across(0.2), True),
    ("-20 % over the run, 20 % noise", across(-0.2), True),
    ("+5 % over the run, 5 % noise", across(0.05, quiet), True),
    ("+10 % over the run, two modes", across(0.1, two_modes), True),
    ("+20 % inside each round, 20 % noise", within(0.2), True),
    ("+30 % over the run, AR(0.5)", across(0.3, autoregressive(0.5)), True),
    ("+10 % over the run, 20 % noise", across(0.1), False),
    ("+30 % over the run, AR(0.9)", across(0.3, autoregressive(0.9)), False),
    ("+30 % over the run, rounds that differ", across(0.3, differing(1.0)), False),
)


def find_drifting(draw: Drawn, runs: int, seed: int) -> tuple[int, int]:
    """How many of ``runs`` were called drifting, and how many of those still had an interval."""
    rng = np.random.default_rng(seed)
    found, intervals = 0, 0
    for _ in range(runs):
        summary = summarize(as_rounds(draw(rng)), calls_per_sample=1)
        shown = summary.median_interval_ns or any(tail.bound_ns for tail in summary.tails)
        found += verdict(summary, preset=THOUSAND).verdict is Verdict.DRIFTING
        intervals += summary.drifting and bool(shown)
    return found, intervals


def noisy_rounds(rng: Generator) -> Logs:
    """Medians of rounds that differ by 1 %; samples of 5 %."""
    samples = 0.05 * rng.standard_normal((ROUNDS, SAMPLES))
    samples -= np.median(samples, axis=1, keepdims=True)
    return 0.01 * rng.standard_normal((ROUNDS, 1)) + samples


def compare_pairs(draw: Drawn, change: float, runs: int, seed: int) -> tuple[int, int]:
    """How many of ``runs`` were called different; how many of the rest can't see ``change``."""
    rng = np.random.default_rng(seed)
    different, too_small = 0, 0
    for _ in range(runs):
        new, base, again = (
            [values / 1.0 for values in as_rounds(draw(rng) + shift)]
            for shift in (math.log1p(change), 0.0, 0.0)
        )
        found = compare(new, base, again)
        different += found.different
        unseen = found.smallest_visible is None or change < found.smallest_visible
        too_small += not found.different and unseen
    return different, too_small


def print_coverage(runs: int) -> None:
    print(f"\n| {runs} runs | median (99.2 %) | p90 (99 %) | p95 (99 %) | p99 (99 %) | drifting |")
    print("|---|---|---|---|---|---|")
    for seed, scenario in enumerate(SCENARIOS):
        outcome = cover(scenario, runs, seed)
        tails = " | ".join(str(outcome.tails[p]) for p in QUANTILES)
        drifting = f"{outcome.drifting / runs:.1%}"
        print(f"| {scenario.name} | {outcome.median} | {tails} | {drifting} |", flush=True)


def print_drift(runs: int) -> None:
    print(f"\n| drift, {runs} runs | found | intervals printed for those |\n|---|---|---|")
    for seed, (name, draw, _) in enumerate(DRIFTS):
        found, intervals = find_drifting(draw, runs, seed)
        print(f"| {name} | {found / runs:.1%} | {intervals} |", flush=True)


def print_comparisons(runs: int) -> None:
    print(f"\n| comparison, {runs} pairs | called different | the rest: too small to be seen |")
    print("|---|---|---|")
    for seed, change in enumerate((0.0, 0.02, 0.05)):
        different, unseen = compare_pairs(noisy_rounds, change, runs, seed)
        print(f"| 1 % between rounds, true {change:.0%} | {different} | {unseen} |", flush=True)
    for seed, scenario in enumerate(SCENARIOS, start=3):
        different, unseen = compare_pairs(scenario.draw, 0.0, runs, seed)
        print(f"| {scenario.name}, true 0% | {different} | {unseen} |", flush=True)


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    print(f"{ROUNDS} rounds of {SAMPLES} samples; coverage of those printed, the others are blank")
    print_coverage(runs)
    print_drift(max(1, runs // 4))
    print_comparisons(max(1, runs // 4))


if __name__ == "__main__":
    main()
