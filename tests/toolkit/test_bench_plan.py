"""The plan: baselines beside every artifact, rounds in an order of their own, and the settings."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from edgewright.latency.plan import Budget, Cell, choose, plan_cells, shuffle_rounds
from edgewright.settings import Settings, load_settings
from edgewright.targets.local import LocalTarget
from edgewright.targets.target import TargetName, parse_targets, place_words
from edgewright_runtimes.errors import BadInput, UnknownName
from edgewright_runtimes.records import Artifact, Format


def artifact(format_: Format, scheme: str) -> Artifact:
    return Artifact(
        name=f"{format_}-{scheme}",
        format=format_,
        scheme=scheme,
        file="model",
        size_bytes=1,
        zipped_bytes=1,
        sha256="s",
        build_key="k",
        source_sha256="s",
        verified="run",
        max_error=None,
        golden="real",
        batch=1,
    )


ALL = tuple(
    artifact(f, s)
    for f, s in (("tflite", "float32"), ("tflite", "int8"), ("onnx", "int8"), ("tfjs", "float32"))
)
LOCAL = LocalTarget("local", Settings())


def words(cells: tuple[Cell, ...]) -> list[tuple[str, str, str]]:
    return sorted((c.artifact.name, c.runtime, c.label) for c in cells)


def test_the_baseline_comes_along_twice() -> None:
    cells, not_here = plan_cells(ALL[1:2], ALL, ["null"], LOCAL)
    assert words(cells) == [
        ("tflite-float32", "null", ""),
        ("tflite-float32", "null", "again"),
        ("tflite-int8", "null", ""),
    ]
    assert not not_here


def test_a_format_without_its_float32_is_measured_all_the_same() -> None:
    cells, _ = plan_cells(ALL[2:3], ALL, ["null"], LOCAL)
    assert words(cells) == [("onnx-int8", "null", "")]


def test_the_null_runtime_runs_only_when_asked() -> None:
    cells, not_here = plan_cells(ALL, ALL, [], LOCAL)
    assert {c.runtime for c in cells} <= {"litert", "onnxruntime", "tflite-runtime"}
    assert list(not_here) == ["tfjs-float32"]


def test_a_runtime_that_does_not_take_the_format_is_said() -> None:
    cells, not_here = plan_cells(ALL[2:3], ALL, ["litert"], LOCAL)
    assert not cells
    assert not_here == {"onnx-int8": "litert does not take onnx"}


def test_a_scheme_names_every_format_that_has_it() -> None:
    assert [a.name for a in choose(ALL, ["int8"])] == ["tflite-int8", "onnx-int8"]
    assert [a.name for a in choose(ALL, ["onnx-int8", "tfjs-float32"])] == [
        "onnx-int8",
        "tfjs-float32",
    ]
    assert choose(ALL, []) == ALL


def test_each_round_runs_every_cell_once_in_an_order_of_its_own() -> None:
    cells = [Cell(a, "null") for a in ALL]
    slots = shuffle_rounds(cells, 50, seed=3)
    assert [s.order for s in slots] == list(range(200))
    rounds = [[s.cell.artifact.name for s in slots if s.round == n] for n in range(50)]
    assert all(sorted(r) == sorted(a.name for a in ALL) for r in rounds)
    assert len({tuple(r) for r in rounds}) > 10
    firsts = Counter(r[0] for r in rounds)
    assert min(firsts[a.name] for a in ALL) >= 3
    assert slots == shuffle_rounds(cells, 50, seed=3) != shuffle_rounds(cells, 50, seed=4)


def test_the_order_leaves_the_random_numbers_of_others_alone() -> None:
    random.seed(1)
    expected = random.random()
    random.seed(1)
    shuffle_rounds([Cell(ALL[0], "null")], 5, seed=9)
    assert random.random() == expected


def test_totals_are_shared_by_the_rounds() -> None:
    budget = Budget(rounds=8, seconds=10, samples=132)
    assert budget.round_seconds == 1.25
    assert budget.round_samples == 17


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("local", [TargetName("local")]),
        ("page, ssh:pi@shed", [TargetName("page"), TargetName("ssh", "pi@shed")]),
        ("browser:firefox,@lab", [TargetName("browser", "firefox"), TargetName("fleet", "lab")]),
        ("emulated:pi5", [TargetName("emulated", "pi5")]),
    ],
)
def test_the_grammar_of_targets(text: str, names: list[TargetName]) -> None:
    assert list(parse_targets(text)) == names
    assert ",".join(map(str, names)) == text.replace(" ", "")


@pytest.mark.parametrize("text", ["Local", "browser", "ssh:", "@", "emulated:pi3", "a:b"])
def test_targets_outside_the_grammar_are_refused(text: str) -> None:
    with pytest.raises(UnknownName, match="known: @FLEET"):
        parse_targets(text)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_folder_s_settings_override_the_user_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert load_settings(tmp_path).pythons == {}
    for name in ("one", "two"):
        write(tmp_path / name, "").chmod(0o755)
    user = tmp_path / "config" / "edgewright" / "settings.toml"
    write(user, f'[runtimes.litert]\npython = "{tmp_path}/one"\n[other]\nx = 1\n')
    assert load_settings(tmp_path).pythons == {"litert": tmp_path / "one"}
    write(tmp_path / "edgewright.toml", '[runtimes.litert]\npython = "two"\n')
    assert load_settings(tmp_path).pythons == {"litert": tmp_path / "two"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[runtimes", "must be TOML"),
        ("runtimes = 3", "write \\[runtimes.NAME\\]"),
        ("[runtimes.lite]\npython = 'x'", "no runtime named 'lite'"),
        ("[runtimes.litert]\npython = 3", "needs python = PATH"),
        ("[runtimes.litert]\npython = 'absent'", "no interpreter is there"),
    ],
)
def test_settings_that_can_t_be_used_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    write(tmp_path / "edgewright.toml", text)
    with pytest.raises((BadInput, UnknownName), match=message):
        load_settings(tmp_path)


def test_no_two_targets_share_a_file_name() -> None:
    names = ["ssh:pi-4", "ssh:pi_4", "ssh:pi4", "ssh:Pi4", "ssh:a@pi4", "ssh:a.pi4", "page:pi4"]
    assert len({place_words(name).lower() for name in names}) == len(names)
    assert place_words("browser:chromium") == "browser-chromium" and place_words("local") == ""
