"""A function of the user's is found, or it is said why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright_converters.user_function import load_function
from edgewright_runtimes.errors import BadInput


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_is_looked_up_from_the_current_folder(here: Path) -> None:
    (here / "my_flip_of_a_test.py").write_text("class flips:\n    up = staticmethod(abs)\n")
    assert load_function("my_flip_of_a_test:flips.up")(-3) == 3


@pytest.mark.parametrize(
    ("spec", "text", "expected"),
    [
        ("gone_1:f", None, "no module named 'gone_1' here or installed"),
        ("mine_2:g", "f = 1", "has no attribute 'g'; name it module:function"),
        ("mine_3:f", "f = 1", "mine_3:f is int, a function was expected"),
        ("mine_4:f", "def f(:", "mine_4:f: importing it raised SyntaxError: "),
        ("mine_5:f", "1 / 0", "mine_5:f: importing it raised ZeroDivisionError: division by zero"),
        ("mine_6", "f = 1", "name it module:function"),
    ],
)
def test_why_there_is_none(spec: str, text: str | None, expected: str, here: Path) -> None:
    if text is not None:
        (here / f"{spec.partition(':')[0]}.py").write_text(text)
    with pytest.raises(BadInput) as error:
        load_function(spec)
    assert expected in str(error.value)
