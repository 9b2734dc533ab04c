"""Widths: the candidates, the least loss for a cost, a search where the time is known."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

import keras
import numpy as np
import pytest

from edgewright_converters.compression.channels.analysis import Space, analyse
from edgewright_converters.compression.channels.latency import search
from edgewright_converters.compression.channels.ranking import by_batch_norm, by_weights
from edgewright_converters.compression.channels.sizes import Sizes
from edgewright_converters.compression.channels.taylor import by_taylor
from edgewright_converters.compression.channels.widths import (
    Ranked,
    candidates,
    nearest,
    under_cost,
)
from edgewright_converters.compression.context import Items
from edgewright_converters.compression.graph.flat import flatten
from edgewright_runtimes.errors import BadInput

layers = keras.layers


def space(width: int, pinned: int = 0) -> Space:
    return Space(layers=("a",), units=tuple(range(width - pinned)), pinned=pinned)


@pytest.mark.parametrize(
    ("width", "multiple", "least", "pinned", "expected"),
    [
        (32, 8, 1, 0, (8, 16, 24, 32)),
        (20, 8, 1, 0, (8, 16, 20)),
        (8, 8, 1, 0, (4, 8)),
        (3, 8, 1, 0, (2, 3)),
        (1, 8, 1, 0, (1,)),
        (32, 8, 12, 0, (16, 24, 32)),
        (32, 8, 99, 0, (32,)),
        (16, 4, 1, 6, (0, 2, 6, 10)),
    ],
)
def test_candidates(width: int, multiple: int, least: int, pinned: int, expected: Any) -> None:
    assert candidates(space(width, pinned), multiple, least) == expected


def test_the_wider_of_two_that_are_as_near() -> None:
    assert nearest((8, 16, 24), 12) == 16


def chain(*widths: int, norm: bool = True) -> Any:
    given = x = keras.Input((8, 8, 3))
    for width in widths:
        x = layers.Conv2D(width, 3, padding="same")(x)
        x = layers.ReLU()(layers.BatchNormalization()(x) if norm else x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(given, layers.Dense(4, activation="softmax")(x))


@pytest.fixture(scope="module")
def net() -> Any:
    keras.utils.set_random_seed(0)
    return chain(16, 32, 48)


def parts(model: Any) -> tuple[Any, Any, Sizes, list[Sequence[int]]]:
    analysis = analyse(flatten(model))
    spaces = tuple(s for s in analysis.spaces if s.units)
    return analysis, spaces, Sizes(analysis, spaces), [candidates(s, 8, 1) for s in spaces]


def test_a_cost_is_met_and_unimportant_spaces_give_most(net: Any) -> None:
    analysis, spaces, sizes, choices = parts(net)
    importance = np.ones(analysis.count)
    importance[list(spaces[1].units)] = 0.01
    full = sizes.macs(np.array([16.0, 32.0, 48.0]))
    widths = under_cost(Ranked(spaces, importance), choices, sizes.macs, full / 2, what="macs")
    assert sizes.macs(widths) <= full / 2
    assert widths[0] == 16 and widths[1] < 32


def test_what_cannot_be_reached_is_said(net: Any) -> None:
    analysis, spaces, sizes, choices = parts(net)
    ranked = Ranked(spaces, np.ones(analysis.count))
    with pytest.raises(BadInput, match=r"0\.99 of the parameters can't be removed: at most 0\.92"):
        most = sizes.parameters(np.array([16.0, 32.0, 48.0])) * 0.01
        under_cost(ranked, choices, sizes.parameters, most, what="parameters")


def test_the_least_important_go_first() -> None:
    analysis = analyse(flatten(chain(4)))
    ranked = Ranked((space(4),), np.array([0.3, 0.1, 0.9, 0.2]))
    kept = ranked.keep(analysis, np.array([2.0]))
    assert kept[:4].tolist() == [True, False, True, False]


def lanes_of_16(widths: Sequence[int], chain: Sequence[int] = (16, 32, 48)) -> float:
    """Time of the chain on a machine that computes 16 channels at a time, in any unit."""
    into, total = 3, 2000.0
    for width in widths:
        total += ceil(width / 16) * into * 16 + 300
        into = width
    return total


def test_the_search_finds_what_multiply_accumulates_do_not_show(net: Any) -> None:
    """8 channels cost what 16 do: a cut by time leaves 16, one by operations narrows to 8."""
    analysis, spaces, sizes, choices = parts(net)
    ranked = Ranked(spaces, np.ones(analysis.count))
    full = lanes_of_16((16, 32, 48))
    calls: list[int] = []

    def measure(widths: Sequence[tuple[int, ...]]) -> list[float]:
        calls.append(len(widths))
        return [lanes_of_16(w) / full for w in widths]

    widths, trials = search(ranked, choices, sizes, measure, most=0.8, trials=24, seconds=60.0)
    assert lanes_of_16([int(w) for w in widths]) / full <= 0.8
    fits = [w for w in all_widths(choices) if lanes_of_16(w) / full <= 0.8]
    best = max(ranked.total(np.array(w)) for w in fits)
    assert ranked.total(widths) == pytest.approx(best)
    assert len(trials) + sum(trial.again is not None for trial in trials) == sum(calls) <= 24
    assert max(calls) <= 6
    assert len({trial.widths for trial in trials}) == len(trials)


def all_widths(choices: list[Sequence[int]]) -> list[tuple[int, ...]]:
    from itertools import product

    return list(product(*choices))


def test_a_latency_that_nothing_reaches(net: Any) -> None:
    _, _, _, choices = parts(net)
    narrowest, calls = tuple(choice[0] for choice in choices), []

    def measure(widths: Sequence[tuple[int, ...]], least: float) -> list[float]:
        calls.append(len(widths))
        return [least if w == narrowest else 1.0 for w in widths]

    with pytest.raises(BadInput, match=r"can't be cut by 0\.50: .* narrowest it was cut by 0\.04"):
        _search(net, lambda widths: measure(widths, 0.96), most=0.5)
    assert calls == [2], "nothing else is measured"
    with pytest.raises(
        BadInput, match=r"could not be cut by 0\.50: the fastest of \d+ .* by 0\.49"
    ):
        _search(net, lambda widths: measure(widths, 0.51), most=0.5)


def _search(net: Any, measure: Any, *, most: float) -> Any:
    analysis, spaces, sizes, choices = parts(net)
    ranked = Ranked(spaces, np.ones(analysis.count))
    return search(ranked, choices, sizes, measure, most=most, trials=12, seconds=60.0)


def test_rankings_see_what_matters() -> None:
    """One channel of each kind made unimportant; all three criteria put it last."""
    keras.utils.set_random_seed(1)
    model = chain(6, 6)
    conv, norm = model.layers[1], model.layers[2]
    kernel, bias = conv.get_weights()
    kernel[..., 2] *= 0.001
    conv.set_weights([kernel, bias])
    gamma, beta, mean, variance = norm.get_weights()
    gamma[2] = 0.001
    norm.set_weights([gamma, beta, mean, variance])
    analysis = analyse(flatten(model))
    first = analysis.makers[conv.name][1]
    x = np.random.default_rng(0).normal(size=(40, 8, 8, 3)).astype(np.float32)
    for labels in (None, np.arange(40) % 4):
        found = by_taylor(analysis, model, Items(inputs={"x": x}, labels=labels), seed=0)
        assert found[first].argmin() == 2
        assert np.isfinite(found).all() and found[first].max() > 0
    assert by_weights(analysis)[first].argmin() == 2
    importance, without = by_batch_norm(analysis)
    assert importance[first].argmin() == 2
    assert without == ("dense",) or without[0].startswith("dense")


def test_taylor_is_the_change_of_the_loss_for_a_small_change() -> None:
    """Against a difference quotient: gamma and beta of one channel scaled down a little."""
    keras.utils.set_random_seed(2)
    model = chain(3)
    analysis = analyse(flatten(model))
    rng = np.random.default_rng(0)
    items = Items(
        inputs={"x": rng.normal(size=(16, 8, 8, 3)).astype(np.float32)}, labels=np.arange(16) % 4
    )
    norm = model.layers[2]
    norm.set_weights([rng.normal(size=3) for _ in range(2)] + norm.get_weights()[2:])
    found = by_taylor(analysis, model, items, seed=0)
    loss = keras.losses.SparseCategoricalCrossentropy()

    def value() -> float:
        return float(loss(items.labels, model(items.inputs["x"], training=False)))

    before, step = value(), 1e-2
    for channel, unit in enumerate(analysis.makers[model.layers[1].name][1]):
        weights = norm.get_weights()
        changed = [w.copy() for w in weights]
        for w in changed[:2]:
            w[channel] *= 1 - step
        norm.set_weights(changed)
        assert found[unit] == pytest.approx(abs(value() - before) / step, rel=0.1, abs=1e-4)
        norm.set_weights(weights)


def test_luck_is_looked_at_again(net: Any) -> None:
    """One set of widths reads fast the first time only: it is not what is chosen."""
    analysis, spaces, sizes, choices = parts(net)
    ranked = Ranked(spaces, np.ones(analysis.count))
    seen: set[tuple[int, ...]] = set()
    lucky = (16, 32, 32)

    def measure(widths: Sequence[tuple[int, ...]]) -> list[float]:
        first = [w not in seen for w in widths]
        seen.update(widths)
        macs = [
            sizes.macs(np.array(w, float)) / sizes.macs(np.array([16.0, 32, 48])) for w in widths
        ]
        return [
            0.5 if w == lucky and new else m for w, m, new in zip(widths, macs, first, strict=True)
        ]

    widths, trials = search(ranked, choices, sizes, measure, most=0.6, trials=24, seconds=60.0)
    assert tuple(widths) != lucky
    again = {trial.widths: trial.again for trial in trials}
    assert again[lucky] is not None and again[lucky] > 0.6
