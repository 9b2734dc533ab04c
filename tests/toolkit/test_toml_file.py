"""Every field of a TOML file is found by its line: of tables, of tables in lists, of both."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright.toml_file import TomlFile, read_toml
from edgewright_runtimes.errors import BadInput

TEXT = """\
out = "b"          # 1

[model]
path = "m"         # 4
"quoted" = [
    "text = no field",
]

[[steps]]
kind = "prune"     # 10
finetune.epochs = 3

[steps.schedule]
power = 2          # 14

[[ steps ]]
kind = "qat"       # 17
[steps.finetune]
epochs = 1         # 19
"""


def read(path: Path, text: str) -> TomlFile:
    path.write_text(text)
    return read_toml(path, what="plan", unreadable="make one", example="a = 1")


@pytest.mark.parametrize(
    ("way", "line"),
    [
        ((), 1),
        (("out",), 1),
        (("model",), 3),
        (("model", "path"), 4),
        (("model", "quoted"), 5),
        (("model", "gone"), 3),
        (("steps",), 9),
        (("steps", 0), 9),
        (("steps", 0, "kind"), 10),
        (("steps", 0, "finetune", "epochs"), 11),
        (("steps", 0, "schedule", "power"), 14),
        (("steps", 0, "schedule", "gone"), 13),
        (("steps", 1), 16),
        (("steps", 1, "kind"), 17),
        (("steps", 1, "finetune", "epochs"), 19),
        (("steps", 2, "kind"), 9),
        (("gone",), 1),
    ],
)
def test_a_field_has_its_line(way: tuple[str | int, ...], line: int, tmp_path: Path) -> None:
    file = read(tmp_path / "p.toml", TEXT)
    assert file.data["steps"][1]["finetune"] == {"epochs": 1}
    error = file.error(BadInput("it is wrong", hint="mend it"), way)
    assert str(error) == f"{tmp_path}/p.toml:{line}: it is wrong; mend it"


@pytest.mark.parametrize(("text", "line"), [("a = 1\nb = \n", 2), ("a = [1,\n", 1)])
def test_no_toml_has_its_line_and_what_a_line_is_like(text: str, line: int, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as error:
        read(tmp_path / "p.toml", text)
    said = str(error.value)
    assert said.startswith(f"{tmp_path}/p.toml:{line}: not TOML: ")
    assert said.endswith("; a line is like: a = 1")


def test_what_can_t_be_read_says_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"cannot read the plan .*; make one"):
        read_toml(tmp_path, what="plan", unreadable="make one", example="")
