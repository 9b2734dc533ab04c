"""The statistics against truth: simulated runs of 1,024 samples in 8 rounds.

Scenarios and counting are benchmarks/statistics_truth.py's, which prints them as tables.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def _load() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "statistics_truth.py"
    spec = importlib.util.spec_from_file_location("statistics_truth", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


truth = _load()
SCENARIOS = {scenario.name: scenario for scenario in truth.SCENARIOS}
DRIFTS = {name: draw for name, draw, wanted in truth.DRIFTS if wanted}
# Which bounds 1,024 such samples carry in most runs, and which in next to none.
GIVEN = {
    "independent": {0.90, 0.95, 0.99},
    "two modes": {0.90, 0.95, 0.99},
    "AR(0.5)": {0.90, 0.95},
    "AR(0.9)": set(),
    "rounds that differ": set(),
    "by 0.5 %, samples by 1 %": {0.90, 0.95, 0.99},
    "by 0.5 %, samples by 0.1 %": {0.90, 0.95, 0.99},
}
BLANK = {
    "independent": set(),
    "two modes": set(),
    "AR(0.5)": {0.99},
    "AR(0.9)": {0.95, 0.99},
    "rounds that differ": {0.90, 0.95, 0.99},
    "by 0.5 %, samples by 1 %": set(),
    "by 0.5 %, samples by 0.1 %": set(),
}


def check_coverage(name: str, runs: int, seed: int) -> None:
    outcome = truth.cover(SCENARIOS[name], runs, seed)
    assert outcome.median.holds(1 - 2 / 2**8), f"median: {outcome.median}"
    assert outcome.median.printed + outcome.drifting == runs
    for p, coverage in outcome.tails.items():
        assert coverage.holds(0.99), f"p{p * 100:g}: {coverage}"
        if p in GIVEN[name]:
            assert coverage.printed > 0.8 * runs
        if p in BLANK[name]:
            assert coverage.printed < 0.02 * runs
    assert outcome.drifting <= 0.04 * runs


@pytest.mark.parametrize("name", SCENARIOS)
def test_intervals_and_bounds_keep_their_level(name: str) -> None:
    check_coverage(name, runs=120, seed=11)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_intervals_and_bounds_keep_their_level_over_2000_runs(name: str) -> None:
    check_coverage(name, runs=2_000, seed=list(SCENARIOS).index(name))


@pytest.mark.parametrize("name", DRIFTS)
def test_drift_gets_its_verdict_and_no_interval(name: str) -> None:
    found, intervals = truth.find_drifting(DRIFTS[name], 40, 7)
    assert found >= 38
    assert intervals == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", DRIFTS)
def test_drift_gets_its_verdict_in_95_percent_of_2000_runs(name: str) -> None:
    found, intervals = truth.find_drifting(DRIFTS[name], 2_000, 8)
    assert found >= 0.95 * 2_000
    assert intervals == 0


def test_comparisons_see_what_is_there() -> None:
    assert truth.compare_pairs(truth.noisy_rounds, 0.0, 60, 1)[0] <= 3
    assert truth.compare_pairs(truth.noisy_rounds, 0.05, 60, 2)[0] >= 0.9 * 60
    found, unseen = truth.compare_pairs(truth.noisy_rounds, 0.02, 60, 3)
    assert found >= 0.5 * 60 or found + unseen == 60


@pytest.mark.slow
@pytest.mark.parametrize("name", ["1 % between rounds", *SCENARIOS])
def test_at_most_11_of_500_null_pairs_are_called_different(name: str) -> None:
    draw = SCENARIOS[name].draw if name in SCENARIOS else truth.noisy_rounds
    assert truth.compare_pairs(draw, 0.0, 500, 21)[0] <= 11


@pytest.mark.slow
def test_true_differences_are_found_at_one_percent_noise() -> None:
    assert truth.compare_pairs(truth.noisy_rounds, 0.05, 500, 22)[0] >= 0.9 * 500
    assert truth.compare_pairs(truth.noisy_rounds, 0.02, 500, 23)[0] >= 0.5 * 500
