"""A plan is validated field by field: every message names the file and the line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Command

from edgewright.plan.plan import TEMPLATE
from edgewright.plan.reading import read_plan
from edgewright.plan.values import CHECKS, PRESETS
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.statistics import PRESETS as BENCH_PRESETS

HEAD = 'out = "b"\n[model]\npath = "m.keras"\n'

BAD = {
    "unknown section": (HEAD + "[conver]\n", 4, "did you mean 'convert'?"),
    "unknown field": (HEAD + "[convert]\nsample = 3\n", 5, "did you mean 'samples'?"),
    "unknown field in one of two": (HEAD + '[bench]\n[check]\ndata = "x"\nthreads = 1', 7, "known"),
    "known are listed": (HEAD + "[report]\nx = 3\n", 5, "no field 'x'; known: title"),
    "no out": ('[model]\npath = "m"\n', 1, "out is missing"),
    "no model": ('out = "b"\n', 1, "model is missing"),
    "no model path": ('out = "b"\n\n[model]\nunsafe = true\n', 3, "model.path is missing"),
    "no data to check": (HEAD + "[check]\n", 4, "check.data is missing"),
    "text for a number": (HEAD + '[convert]\nsamples = "x"\n', 5, "a whole number was expected"),
    "a fraction": (HEAD + "[convert]\nsamples = 2.5\n", 5, "samples is 2.5; a whole number"),
    "true is no number": (HEAD + "[convert]\nsamples = true\n", 5, "a whole number was"),
    "number for text": (HEAD + "[report]\ntitle = 3\n", 5, "report.title is 3; text was expected"),
    "text for a list": (HEAD + '[convert]\nformats = "onnx"\n', 5, "a list of texts was expected"),
    "list of numbers": (HEAD + "[convert]\nformats = [1]\n", 5, "a list of texts was expected"),
    "no table": ('out = "b"\nmodel = "m"\n', 2, "model is 'm'; a table was expected"),
    "tables in a list": (HEAD + '[[check]]\ndata = "x"\n', 4, "a table was expected"),
    "yes for true": (HEAD + 'unsafe = "yes"\n', 4, "true or false was expected"),
    "no TOML": (HEAD + "[convert]\nsamples = \n", 5, "not TOML"),
    "cut short": (HEAD + "[convert]\nformats = [", 5, "not TOML"),
    "twice": (HEAD + 'path = "other"\n', 4, "not TOML: Cannot overwrite a value"),
    "empty out": ('out = ""\n[model]\npath = "m"\n', 1, "out: it is empty"),
    "format": (HEAD + '[convert]\nformats = ["tflit"]\n', 5, "did you mean 'tflite'?"),
    "variant": (HEAD + '[convert]\n\nvariants = ["int9"]\n', 6, "did you mean 'int8'?"),
    "samples": (HEAD + "[convert]\nsamples = 0\n", 5, "it is 0; 1 or more is needed"),
    "seed": (HEAD + "[convert]\nseed = -1\n", 5, "0 or more is needed"),
    "batch": (HEAD + "[convert]\nbatch = 0\n", 5, "convert.batch: it is 0"),
    "batch word": (HEAD + '[convert]\nbatch = "dyn"\n', 5, 'a number or "dynamic"'),
    "opset": (HEAD + "[convert]\nopset = 2\n", 5, "an ONNX opset such as 17"),
    "workers": (HEAD + "[convert]\nworkers = 0\n", 5, "convert.workers: it is 0"),
    "metric": (HEAD + '[check]\ndata = "x"\nmetrics = ["acuracy"]\n', 6, "'accuracy'?"),
    "gate": (HEAD + '[check]\ndata = "x"\ngates = ["accuracy"]\n', 6, "is not METRIC:DROP"),
    "drop": (HEAD + '[check]\ndata = "x"\nmax_drop = -1\n', 6, "is not a drop"),
    "agreement": (HEAD + '[check]\ndata = "x"\nmin_agreement = 101\n', 6, "0 to 100"),
    "preset": (HEAD + '[bench]\npreset = "quik"\n', 5, "did you mean 'quick'?"),
    "runtime": (HEAD + '[bench]\nruntimes = ["lite"]\n', 5, "no runtime named 'lite'"),
    "target": (HEAD + '[bench]\ntarget = "locale"\n', 5, "did you mean 'local'?"),
    "a target to come": (HEAD + '[bench]\ntarget = "@shed"\n', 5, "is not in this version"),
    "no such browser": (HEAD + '[check]\ndata = "x"\ntarget = "browser:lynx"', 6, "named 'lynx'"),
    "twice the same target": (HEAD + '[bench]\ntarget = "page,page"\n', 5, "is named twice"),
    "web runtime": (HEAD + '[check]\ndata = "x"\nruntimes = ["tfjs"]\n', 6, "'tfjs-cpu'"),
    "threads": (HEAD + "[bench]\nthreads = 0\n", 5, "bench.threads: it is 0"),
}


@pytest.mark.parametrize("case", BAD)
def test_every_message_names_file_and_line(case: str, tmp_path: Path) -> None:
    text, line, expected = BAD[case]
    plan = tmp_path / "plan.toml"
    plan.write_text(text)
    with pytest.raises(BadInput) as error:
        read_plan(plan)
    assert str(error.value).startswith(f"{plan}:{line}: ")
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_the_template_is_a_plan_and_so_is_all_of_it_uncommented(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(TEMPLATE)
    read = read_plan(plan)
    assert (read.out, read.model.path, read.check, read.bench) == (
        "bundle",
        "model.keras",
        None,
        None,
    )
    bare = [
        line.removeprefix("# ") if "=" in line or "[" in line else line
        for line in TEMPLATE.splitlines()[2:]
    ]
    plan.write_text("\n".join(bare))
    read = read_plan(plan)
    assert read.check is not None and read.bench is not None and read.report is not None
    assert read.convert.variants == ("float32", "tflite-int8")
    assert read.convert.batch == "dynamic"
    assert read.check.max_drop == 1.0
    assert read.check.gates == ("accuracy:1",)
    assert read.check.target == read.bench.target == "local,browser:chromium"


def test_the_presets_are_those_of_bench() -> None:
    assert set(PRESETS) == set(BENCH_PRESETS)


def test_every_check_is_of_a_field_that_exists() -> None:
    import dataclasses
    import typing

    from edgewright.plan.plan import Plan

    fields = set()
    for name, hint in typing.get_type_hints(Plan).items():
        kinds = [k for k in (hint, *typing.get_args(hint)) if dataclasses.is_dataclass(k)]
        inner = [f"{name}.{f.name}" for k in kinds for f in dataclasses.fields(k)]  # type: ignore[arg-type]
        fields |= set(inner or [name])
    assert set(CHECKS) <= fields


def test_no_plan_no_text_and_a_folder(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"out = '\xff'")
    for name in ("absent.toml", "latin", "."):
        with pytest.raises(BadInput, match="cannot read the plan"):
            read_plan(tmp_path / name)


def test_init_writes_a_plan_and_never_over_one(command: Command, tmp_path: Path) -> None:
    plan = tmp_path / "new plan.toml"
    first = command("run", plan, "--init")
    assert first.code == 0 and f"edgewright run '{plan}'" in first.out
    plan.write_text(plan.read_text() + "# mine\n")
    second = command("run", plan, "--init")
    assert second.code == 2 and "is already there" in second.err
    assert plan.read_text().endswith("# mine\n")
    third = command("run", plan)
    assert third.code == 2 and "no such model" in third.err and third.err.count("\n") == 1


def test_a_plan_may_compress(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text('out = "b"\n[model]\npath = "m"\n[compress]\nrecipe = "prune50_int8"\n')
    plan = read_plan(path)
    assert plan.compress is not None and plan.compress.formats == ("tflite", "onnx")
    path.write_text('out = "b"\n[model]\npath = "m"\n[compress]\nrecipe = "x"\nheld_back = 1.5\n')
    with pytest.raises(BadInput, match=r"plan.toml:6: compress.held_back: it is 1.5"):
        read_plan(path)
