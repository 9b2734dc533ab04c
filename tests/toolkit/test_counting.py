"""One line of progress, written over: on a terminal, and never where a program reads along."""

from __future__ import annotations

import sys

import pytest

from edgewright.cli.counting import counting


def said(capsys: pytest.CaptureFixture[str], *, silent: bool) -> str:
    tell = counting("items", silent=silent)
    tell("tflite-int8", 512, 1200)
    tell("x" * 90, 1200, 1200)
    return capsys.readouterr().err


def test_it_writes_over_its_line_and_ends_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    first, second = said(capsys, silent=False).removeprefix("\r").split("\r")
    assert first == f"{'tflite-int8':40} 512 of 1,200 items"
    assert second == f"{'x' * 40} 1,200 of 1,200 items\n"
    assert said(capsys, silent=True) == ""


def test_nothing_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, silent=False) == ""
