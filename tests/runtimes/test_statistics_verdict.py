"""One word, by precedence; every reason stays visible."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgewright_runtimes.errors import UnknownName
from edgewright_runtimes.statistics import PRESETS, Summary, Verdict, summarize, verdict


@pytest.fixture(scope="module")
def good() -> Summary:
    rng = np.random.default_rng(3)
    samples = (60e6 * np.exp(0.02 * rng.standard_normal((8, 128)))).astype(np.int64)
    return summarize(list(samples), calls_per_sample=1)


def test_a_good_run_is_trusted(good: Summary) -> None:
    judged = verdict(good, preset="standard")
    assert judged.verdict is Verdict.TRUSTED
    assert judged.reasons == ()


def test_the_first_that_holds_wins_and_all_are_listed(good: Summary) -> None:
    bad = replace(good, drifting=True, noisy=True, n=1_000)
    on = {
        "emulated": True,
        "software_gpu": True,
        "throttled_on_purpose": True,
        "throttled": True,
    }
    seen = []
    for flag in [*on, None]:
        seen.append(verdict(bad, preset="standard", **on).verdict)
        if flag:
            on[flag] = False
    seen.append(verdict(replace(bad, n=1_024), preset="standard").verdict)
    seen.append(verdict(replace(bad, n=1_024, drifting=False), preset="standard").verdict)
    assert seen == list(Verdict)[:-1]
    judged = verdict(bad, preset="standard", emulated=True, throttled=True)
    assert [reason.split(":")[0] for reason in judged.reasons] == [
        "emulated",
        "throttled",
        "too few",
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"rounds": 7}, "too few: 7 rounds, standard wants 8"),
        ({"n": 1_023}, "too few: 1023 samples, standard wants 1024"),
        ({"total_seconds": 40.0}, "too few: 40.0 s, standard wants 60 s"),
    ],
)
def test_what_is_missing_of_a_preset_is_said(
    good: Summary, changed: dict[str, float], said: str
) -> None:
    judged = verdict(replace(good, **changed), preset="standard")  # type: ignore[arg-type]
    assert judged.verdict is Verdict.TOO_FEW
    assert judged.reasons == (said,)


def test_smoke_is_always_too_few(good: Summary) -> None:
    assert verdict(good, preset="smoke").verdict is Verdict.TOO_FEW


def test_unknown_sensors_are_listed_and_block_trust_on_boards_only(good: Summary) -> None:
    local = verdict(good, preset="standard", unknown_sensors=["temperature", "governor"])
    assert local.verdict is Verdict.TRUSTED
    assert local.reasons == ("unknown: temperature, governor",)
    board = verdict(good, preset="standard", unknown_sensors=["temperature"], target="ssh:pi")
    assert board.verdict is Verdict.NOISY
    assert board.reasons[-1] == "unknown: temperature"
    assert verdict(good, preset="standard", target="ssh:pi").verdict is Verdict.TRUSTED


def test_an_unknown_preset_is_refused(good: Summary) -> None:
    with pytest.raises(UnknownName, match="standard"):
        verdict(good, preset="standart")


def test_presets_are_the_designs() -> None:
    counts = {name: (p.rounds, p.seconds, p.samples) for name, p in PRESETS.items()}
    assert counts["smoke"] == (2, 1, 32)
    assert counts["quick"] == (8, 10, 132)
    assert counts["standard"] == (8, 60, 1_024)
    assert counts["sustained"][:2] == (1, 600)
