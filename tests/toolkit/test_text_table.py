"""One kind of table for every verb: numbers to the right, in a pipe and on a terminal alike."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from edgewright.cli import main
from edgewright.text_table import aligned, print_table

MODELS = Path(__file__).parents[1] / "runtimes" / "models"
HEAD = ("name", "size", "change", "verdict")
ROWS = [("one", "1,200", "+0.5", "ship"), ("2nd", "7", "-", "1 of 2"), ("three", "42 kB", "", "-")]


def test_columns_of_numbers_stand_to_the_right_and_names_to_the_left() -> None:
    assert aligned(HEAD, ROWS) == [
        "name    size  change  verdict",
        "one    1,200    +0.5  ship",
        "2nd        7       -  1 of 2",
        "three  42 kB          -",
    ]
    assert aligned(("a", "b"), []) == ["a  b"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_and_a_pipe_show_the_same_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("TERM", "dumb")
    print_table(HEAD, ROWS)
    shown = [line.rstrip() for line in screen.getvalue().splitlines()]
    assert shown == [line.rstrip() for line in aligned(HEAD, ROWS)]


def test_inspect_prints_the_table_of_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(MODELS / "plain" / "model.onnx")]) == 0
    table = aligned(("op", "precision", "count", "MACs"), [("MatMul", "float32", "1", "12")])
    assert capsys.readouterr().out.splitlines()[-2:] == table
