"""The ``edgewright`` command.

One module per verb, each with ``SUMMARY``, ``add_arguments`` and ``run``. They import nothing
heavy at the top, so ``--help`` never waits for numpy, let alone TensorFlow.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn, Protocol, cast

from edgewright.text_table import one_line
from edgewright_runtimes.errors import EdgewrightError, UnknownName

VERBS = (
    "convert",
    "compress",
    "check",
    "bench",
    "gate",
    "run",
    "report",
    "export-app",
    "inspect",
    "explain",
    "sensitivity",
    "devices",
    "doctor",
    "demo",
)
INTERRUPTED = 130
EXIT_CODES = """\
exit codes: 0 done; 1 nothing made, or an error; 2 usage, bad input, a missing extra;
3 done in part (failure rows); 4 a gate says no; 5 a gate has not enough data; 130 interrupted"""


class Command(Protocol):
    SUMMARY: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, args: argparse.Namespace) -> int: ...


class _Help(argparse.RawDescriptionHelpFormatter):
    """argparse's, without the import of shutil for the width of the terminal: 8 ms of --help."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    """As ``shutil.get_terminal_size`` has it: ``COLUMNS``, the terminal's width, else 80."""
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said) > 0:
        return int(said)
    try:
        return os.get_terminal_size(1).columns or 80
    except OSError:  # a pipe, or closed
        return 80


class _Parser(argparse.ArgumentParser):
    """argparse, with its messages in the form of all our errors."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"edgewright: error: {message}; try: {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        args = _parser(words).parse_args(words)
        code: int = args.run(args)
        sys.stdout.flush()
    except EdgewrightError as e:
        if os.environ.get("EDGEWRIGHT_TRACEBACK"):
            raise
        print(f"edgewright: error: {one_line(str(e))}", file=sys.stderr)
        return e.exit_code
    except KeyboardInterrupt:
        print("edgewright: interrupted; what was done is kept", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe went away: not an error of ours
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """The parser; of the verbs only the one asked for is imported, for help all."""
    from edgewright_runtimes.version import __version__

    parser = _Parser(
        "edgewright",
        description="Convert, check and measure models for devices and browsers.",
        epilog=EXIT_CODES,
        formatter_class=_Help,
    )
    parser.add_argument("--version", action="version", version=f"edgewright {__version__}")
    verb = words[0] if words and not words[0].startswith("-") else None
    if verb is not None and verb not in VERBS:
        raise UnknownName("verb", verb, VERBS)
    subparsers = parser.add_subparsers(required=True, metavar="VERB", parser_class=_Parser)
    for name in VERBS if verb is None else (verb,):
        command = _command(name)
        sub = subparsers.add_parser(
            name,
            help=command.SUMMARY,
            description=command.SUMMARY,
            epilog=EXIT_CODES,
            formatter_class=_Help,
        )
        if verb is not None:  # the list of verbs needs their summaries alone
            command.add_arguments(sub)
        sub.set_defaults(run=command.run)
    return parser


def _command(name: str) -> Command:
    return cast(Command, importlib.import_module(f"edgewright.cli.{name.replace('-', '_')}"))


__all__ = ["VERBS", "main"]
