"""``edgewright bench``: the latency of every artifact, measured where it will run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright.cli.lists import names
from edgewright.cli.targets import (
    RUNTIMES,
    add_target_arguments,
    browser_options,
    page_options,
)
from edgewright.text_table import one_line
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    from edgewright.counting.run import CountResult
    from edgewright.latency.sweep import Progress
    from edgewright.verbs.bench import BenchResult

SUMMARY = "Time the artifacts of a bundle in shuffled rounds of fresh processes."
PRESETS = ("smoke", "quick", "standard", "sustained")
COUNTED = ("instructions",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", type=Path, metavar="DIR", help="a folder made by convert")
    parser.add_argument("--artifacts", default="", metavar="NAMES", help="names or schemes (all)")
    parser.add_argument(
        "--preset",
        default="quick",
        choices=PRESETS,
        help="how long: smoke 1 s, quick 10 s, standard 60 s for each artifact over all its "
        "rounds; sustained 600 s in one process (%(default)s)",
    )
    parser.add_argument("--threads", type=int, default=1, help="of the runtime (%(default)s)")
    parser.add_argument(
        "--runtime", default="", metavar="NAMES", help=f"{RUNTIMES}; and null (all but null)"
    )
    add_target_arguments(parser)
    parser.add_argument("--seconds", type=float, help="another total time for each artifact")
    parser.add_argument("--rounds", type=int, help="another number of rounds")
    parser.add_argument("--seed", type=int, help="of the order of the rounds (a new one)")
    parser.add_argument(
        "--limit",
        type=float,
        default=120.0,
        metavar="SECONDS",
        help="an artifact that gives no answer for so long is a failure (%(default)g)",
    )
    parser.add_argument(
        "--count",
        choices=COUNTED,
        help="on an emulated board: count them for each inference, and time nothing",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    if args.count:
        return _count(args)
    from edgewright.verbs.bench import bench

    with _progress(silent=args.json) as tell:
        result = bench(
            args.bundle,
            artifacts=names(args.artifacts),
            preset=args.preset,
            threads=args.threads,
            runtimes=names(args.runtime),
            target=args.target,
            seconds=args.seconds,
            rounds=args.rounds,
            limit_seconds=args.limit,
            seed=args.seed,
            browser=browser_options(args),
            page=page_options(args),
            tell=tell,
        )
    if args.json:
        from edgewright.latency.as_json import as_json

        print(as_json(result))
    else:
        _print(result)
    return result.exit_code


def _count(args: argparse.Namespace) -> int:
    from edgewright.counting.run import count_instructions
    from edgewright.counting.table import as_json

    if args.seconds is not None:
        raise BadInput("--seconds is for latencies", hint="with --count, --rounds says how many")
    with _progress(silent=args.json) as tell:
        result = count_instructions(
            args.bundle,
            artifacts=names(args.artifacts),
            runtimes=names(args.runtime),
            target=args.target,
            rounds=args.rounds,
            threads=args.threads,
            limit_seconds=args.limit,
            tell=tell,
        )
    if args.json:
        print(as_json(result))
    else:
        _print_counts(result)
    return result.exit_code


@contextmanager
def _progress(*, silent: bool) -> Iterator[Callable[[Progress], None]]:
    """A bar with the time left on a terminal, a line for each round in a pipe."""
    if silent:
        yield lambda _: None
    elif not sys.stderr.isatty():
        yield _print_round
    else:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bar

        text = TextColumn("{task.fields[left]} left  {task.description}", markup=False)
        columns = (BarColumn(), text)
        with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("", total=1.0, left="?")

            def tell(step: Progress) -> None:
                if step.failed:
                    bar.console.print(one_line(step.words), markup=False, highlight=False)
                    return
                left = _clock(step.seconds_left)
                bar.update(task, completed=step.part, description=one_line(step.words), left=left)

            yield tell


def _print_round(step: Progress) -> None:
    if step.finished or step.failed:
        left = "" if step.failed else f" ({_clock(step.seconds_left)} left)"
        print(f"  {one_line(step.words)}{left}", file=sys.stderr, flush=True)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _print(result: BenchResult) -> None:
    from edgewright.latency.table import HEADINGS, cells, notes
    from edgewright.text_table import print_table

    rows = [row for row in result.rows if row.job == result.job]
    if rows:
        print_table(HEADINGS, [cells(row) for row in rows])
    for line in (*notes(rows), *result.set_aside):
        print(f"  {line}")
    for name, reason in result.not_here.items():
        print(f"  {name}: {reason}")
    _print_end(result, "measured")


def _print_counts(result: CountResult) -> None:
    from edgewright.counting.table import HEADINGS, NOTE, cells
    from edgewright.text_table import print_table

    rows = [row for row in result.rows if row.job == result.job]
    if rows:
        print_table(HEADINGS, [cells(row) for row in rows])
        print(f"  all: {NOTE}")
    for name, reason in result.not_here.items():
        print(f"  {name}: {reason}")
    _print_end(result, "counted")


def _print_end(result: BenchResult | CountResult, done: str) -> None:
    state = f"interrupted; what was {done} is kept" if result.interrupted else done
    counts = f"{result.measured_rounds} rounds, {len(result.failures)} failed"
    print(f"{result.bundle}: {state}: {counts}")
