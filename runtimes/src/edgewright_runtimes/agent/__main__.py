"""The verbs of the agent; an error is one row ``trouble``, and the exit code 1."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from edgewright_runtimes.agent.follow import follow, say
from edgewright_runtimes.agent.job_folder import JobFolder
from edgewright_runtimes.errors import BadInput, EdgewrightError


def main() -> int:
    args = _parser().parse_args()
    try:
        return _run(args)
    except BrokenPipeError:  # the link is gone; what was started goes on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (EdgewrightError, OSError) as e:
        hint = e.hint if isinstance(e, EdgewrightError) else ""
        message = e.args[0] if isinstance(e, EdgewrightError) else e
        say("trouble", error=f"the board's agent: {message}", hint=hint)
        return 1


def _run(args: argparse.Namespace) -> int:
    folders = [JobFolder(path) for path in args.folders]
    if args.verb == "start":
        return _start(args, folders[0])
    if args.verb == "follow":
        return follow(folders[0], args.offset)
    from edgewright_runtimes.agent.stop import remove, stop

    first: EdgewrightError | OSError | None = None
    for folder in folders:  # one that fails does not keep the others
        try:
            (stop if args.verb == "stop" else remove)(folder)
        except (EdgewrightError, OSError) as e:
            first = first or e
    if first is not None:
        raise first
    say("done")
    return 0


def _start(args: argparse.Namespace, folder: JobFolder) -> int:
    from edgewright_runtimes.agent.start import Start, start
    from edgewright_runtimes.agent.watch import Limits

    return start(
        Start(
            folder=folder,
            limits=Limits(silent_seconds=args.silent, seconds=args.limit),
            owner=args.owner,
            wait_seconds=args.wait,
            store=args.store,
            needs=dict(_need(text) for text in args.need),
            drop=tuple(args.drop),
        )
    )


def _need(text: str) -> tuple[str, int]:
    name, _, size = text.rpartition(":")
    if not size.isdecimal() or not _is_name(name):
        raise BadInput(f"--need {text!r} is not NAME:BYTES")
    return name, int(size)


def _is_name(text: str) -> bool:
    return bool(text) and Path(text).name == text and text not in (".", "..")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="edgewright-agent", allow_abbrev=False)
    verbs = parser.add_subparsers(dest="verb", required=True)
    one = verbs.add_parser("start", allow_abbrev=False)
    one.add_argument("folders", nargs=1, type=Path, metavar="DIR")
    one.add_argument("--limit", type=float, required=True, help="seconds in all")
    one.add_argument("--silent", type=float, required=True, help="seconds without a row")
    one.add_argument("--owner", required=True, help="who asks, for others who wait")
    one.add_argument("--wait", type=float, default=0.0, help="seconds for the board's lock")
    one.add_argument("--store", type=Path, help="where the files of --need lie")
    one.add_argument("--need", action="append", default=[], metavar="NAME:BYTES")
    one.add_argument("--drop", action="append", default=[], metavar="NAME", type=_folder_name)
    two = verbs.add_parser("follow", allow_abbrev=False)
    two.add_argument("folders", nargs=1, type=Path, metavar="DIR")
    two.add_argument("--offset", type=int, default=0, help="bytes of rows that are known")
    for name in ("stop", "remove"):
        verbs.add_parser(name).add_argument("folders", nargs="+", type=Path, metavar="DIR")
    return parser


def _folder_name(text: str) -> str:
    if not _is_name(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a folder")
    return text


if __name__ == "__main__":
    raise SystemExit(main())
