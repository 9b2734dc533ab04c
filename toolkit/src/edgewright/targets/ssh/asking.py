"""Run a script of ``on_board/`` on a board, and read its one line of answer.

What comes back was written by another machine: it is held against a size and a shape, and its
text is made fit for a terminal.

SetupTrouble(EdgewrightError)   exit 1   set-up came to nothing on this board, with the reason
  BoardRefused                             nothing of ours can run there as it is
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from edgewright.text_table import one_line
from edgewright_runtimes.errors import EdgewrightError

if TYPE_CHECKING:
    from edgewright.targets.ssh.link import Done, Link

Script = Literal["facts", "packages"]
MARK = b"EDGEWRIGHT-BOARD "
LONGEST_ANSWER = 1 << 20
NEED_PYTHON = "install one there (sudo apt install python3), or name it with --python PATH"
# The first Python 3.6 or newer takes the script. In one line and without a backslash, so that the
# login shell of the user may be any; a name that comes from outside is an argument.
FIND = (
    'asked=$1; shift; case $asked in "~/"*) asked=$HOME/${asked#"~/"};; esac; '
    "new='import sys; sys.exit(sys.version_info < (3, 6))'; "
    'for p in "$asked" python3 /usr/bin/python3 /usr/local/bin/python3 "$HOME"/.local/bin/python3 '
    '"$HOME"/.pyenv/versions/*/bin/python3 "$HOME"/.local/share/uv/python/*/bin/python3 python; do '
    '[ -n "$p" ] && "$p" -I -S -c "$new" </dev/null >/dev/null 2>&1 && exec "$p" -I - "$@"; '
    "done; echo EDGEWRIGHT-BOARD no-python"
)


class SetupTrouble(EdgewrightError):
    """Set-up did not come to an end; the message says on which step, the hint what to do."""


class BoardRefused(SetupTrouble):
    """The board, or the interpreter that was named, is none that has wheels."""


def no_python() -> BoardRefused:
    return BoardRefused("no Python 3 was found on the board", hint=NEED_PYTHON)


def ask_any(link: Link, script: Script, words: Sequence[str], python: str = "") -> dict[str, Any]:
    """By whatever Python 3 is there, ``python`` first.

    Raises ``BoardRefused`` where there is none, ``SetupTrouble`` for an answer that is none.
    """
    argv = ["sh", "-c", FIND, "sh", python, *words]
    return _answer(link.run(argv, stdin=_source(script), timeout_seconds=120), script)


def ask(
    link: Link, python: str, script: Script, words: Sequence[str], *, folder: str = ""
) -> dict[str, Any]:
    """By that interpreter, in that folder there. Unpacking on a slow card may take minutes."""
    argv = [python, "-I", "-", *words]
    argv = within(folder, argv) if folder else argv
    return _answer(link.run(argv, stdin=_source(script), timeout_seconds=900), script)


def _source(script: Script) -> bytes:
    return (resources.files("edgewright.targets.ssh.on_board") / f"{script}.py").read_bytes()


def _answer(done: Done, script: Script) -> dict[str, Any]:
    lines = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    if not lines:
        _no_answer(done, script)
    if lines[-1] == MARK + b"no-python":
        raise no_python()
    if len(lines[-1]) > LONGEST_ANSWER:
        raise SetupTrouble(f"the board answered with {len(lines[-1]):,} bytes about its {script}")
    try:
        answer = json.loads(lines[-1][len(MARK) :], parse_constant=_no_number)
    except (ValueError, RecursionError) as e:
        raise SetupTrouble(f"what the board answered is not JSON: {one_line(str(e))}") from e
    if not isinstance(answer, dict):
        raise SetupTrouble("what the board answered is no JSON object")
    if "error" in answer:
        said = f"on the board: {text(answer['error'])}"
        raise SetupTrouble(said, hint=text(answer.get("hint", "")))
    return answer


def _no_answer(done: Done, script: Script) -> NoReturn:
    said = done.stderr.decode(errors="replace").strip().splitlines()
    last = f": {one_line(said[-1][:300])}" if said else ""
    raise SetupTrouble(
        f"the board gave no answer about its {script} (exit code {done.code}){last}",
        hint="log in with ssh and see whether sh and python3 work there",
    )


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def text(value: object, most: int = 300) -> str:
    """As a message or a table may show it: of one line, printable, not endless."""
    return one_line(str(value)[:most])


def within(folder: str, argv: Sequence[str]) -> list[str]:
    """The command that runs ``argv`` in a folder of the board."""
    return ["sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", folder, *argv]


def as_words(value: Mapping[str, Any]) -> str:
    """A table of arguments for a script, as one word of its command line."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))
