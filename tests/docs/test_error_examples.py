"""The errors that the pages show are the errors that the program prints."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from edgewright.cli import main

ROOT = Path(__file__).parents[2]
BAD_PLAN = """\
out = "bundle"
[model]
path = "m.keras"
[check]
data = "test.npz"
max_dorp = 1
"""
BAD_RECIPE = """\
[[steps]]
kind = "prune"
sparcity = 0.5
"""


def examples() -> list[tuple[str, str, str]]:
    """(page, command, message) of every command that a page shows with its error."""
    found = []
    for path in sorted((ROOT / "docs").rglob("*.md")):
        pairs = re.findall(r"^\$ (edgewright .*)\n(edgewright: error: .*)$", path.read_text(), re.M)
        found += [(path.relative_to(ROOT).as_posix(), *pair) for pair in pairs]
    return found


@pytest.mark.parametrize(("page", "command", "message"), examples())
def test_the_error_is_the_one_on_the_page(
    page: str,
    command: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits.keras").write_bytes(b"never read")
    (tmp_path / "bad.toml").write_text(BAD_PLAN)
    (tmp_path / "bad-recipe.toml").write_text(BAD_RECIPE)
    try:
        code = main(shlex.split(command)[1:])
    except SystemExit as e:  # argparse
        code = int(e.code or 0)
    assert capsys.readouterr().err.rstrip("\n") == message
    assert code == 2


def test_there_are_examples_of_most_verbs() -> None:
    verbs = {shlex.split(command)[1] for _, command, _ in examples()}
    assert verbs >= {"convert", "compress", "check", "bench", "report", "run", "inspect", "doctor"}
