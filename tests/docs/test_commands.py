"""The commands that README and docs print are ones that the program takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgewright.cli import VERBS, _parser
from edgewright.plan.plan import TEMPLATE
from edgewright_runtimes.errors import EdgewrightError

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "CONTRIBUTING.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
PAGES += [f"docs/verbs/{verb}.md" for verb in VERBS]
WRONG_ON_PURPOSE = ("edgewright: error:", "usage:")


def blocks(page: str) -> Iterator[str]:
    """The code blocks of a page that hold commands: those without a language of another kind."""
    text = (ROOT / page).read_text()
    for language, body in re.findall(r"^```(\w*)\n(.*?)^```", text, re.M | re.S):
        if language in ("", "sh", "console"):
            yield body


def commands(page: str) -> list[list[str]]:
    found = []
    for body in blocks(page):
        lines = body.splitlines()
        for line, after in zip(lines, [*lines[1:], ""], strict=True):
            words = shlex.split(line.removeprefix("$ "), comments=True) if _is_command(line) else []
            if words and not after.startswith(WRONG_ON_PURPOSE):
                found.append(words)
    return found


def _is_command(line: str) -> bool:
    known = re.match(r"(\$ )?(edgewright|make|python examples/|pip)(?!:) ?", line)
    return bool(known) and "[" not in line.split("#")[0].replace("[litert]", "").replace(
        "[onnx]", ""
    ).replace("[tflite]", "")


@pytest.mark.parametrize("page", PAGES)
def test_commands_are_understood(page: str) -> None:
    for words in commands(page):
        match words:
            case ["edgewright", "--help" | "--version"]:
                pass
            case ["edgewright", *rest]:
                try:
                    _parser(rest).parse_args(rest)
                except SystemExit as e:
                    assert e.code == 0, f"{page}: {shlex.join(words)}"
                except EdgewrightError as e:
                    raise AssertionError(f"{page}: {shlex.join(words)}: {e}") from e
            case ["make", *names]:
                assert set(names) <= _make_targets(), f"{page}: {shlex.join(words)}"
            case ["python", script, *_]:
                assert (ROOT / script).is_file(), f"{page}: {shlex.join(words)}"


@pytest.mark.parametrize("page", PAGES)
def test_make_has_every_target_that_is_named(page: str) -> None:
    named = set(re.findall(r"`make ([\w-]+)`", (ROOT / page).read_text()))
    assert named <= _make_targets()


def _make_targets() -> set[str]:
    return set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M))


def test_the_readme_has_its_commands() -> None:
    found = commands("README.md")
    assert ["make", "demo"] in found and ["make", "test"] in found
    assert {words[1] for words in found if words[0] == "edgewright"} >= {
        *("convert", "check", "bench", "report", "run", "doctor")
    }


def test_the_plan_page_shows_the_plan_that_init_writes() -> None:
    assert f"```toml\n{TEMPLATE}```\n" in (ROOT / "docs" / "plan.md").read_text()


def test_the_plan_page_names_every_field() -> None:
    from dataclasses import fields
    from typing import get_type_hints

    from edgewright.plan import plan

    text = (ROOT / "docs" / "plan.md").read_text()
    sections = {"model": plan.ModelSection, "convert": plan.ConvertSection}
    sections |= {"compress": plan.CompressSection}
    sections |= {"check": plan.CheckSection, "bench": plan.BenchSection}
    sections |= {"report": plan.ReportSection}
    assert set(sections) | {"out"} == set(get_type_hints(plan.Plan))
    missing = [
        f"{name}.{field.name}"
        for name, section in sections.items()
        for field in fields(section)
        if f"`{name}.{field.name}`" not in text
    ]
    assert not missing
