"""``edgewright compress``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright.cli.convert import print_outcome, read_labels, silent
from edgewright.cli.lists import names
from edgewright.text_table import one_line
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    from edgewright.compression.auto import AutoResult
    from edgewright.compression.options import CompressResult
    from edgewright.verbs.compress import Settings
    from edgewright_runtimes.records import Artifact, Try

AGAIN = "do again what is done; begin a bundle of another model anew"
SUMMARY = "Prune, cluster, equalize or train for int8 by a recipe, each step checked."
RECIPE = "a .toml file with [[steps]], or a name: prune50_int8, equalize_int8, channels50_qat_int8"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, help=".keras, .h5/.hdf5: a Functional or Sequential")
    _add_goals(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the bundle")
    parser.add_argument(
        "--data",
        default="",
        metavar="TRAIN",
        help="to learn from and calibrate with: .npz, a folder of class folders, .csv, or "
        "module:function",
    )
    parser.add_argument(
        "--check", default="", metavar="DATA", help="scores each step (the items held back)"
    )
    parser.add_argument(
        "--held-back",
        type=float,
        default=0.1,
        metavar="SHARE",
        help="of --data: chooses epochs (0.1)",
    )
    parser.add_argument("--formats", default="tflite,onnx", metavar="F,...", help="(%(default)s)")
    parser.add_argument("--samples", type=int, default=256, help="calibration items (256)")
    parser.add_argument("--seed", type=int, default=0, help="of draws and training (0)")
    parser.add_argument("--preprocess", type=Path, metavar="FILE", help="TOML; as convert takes it")
    parser.add_argument("--labels", type=Path, metavar="FILE", help="one class name a line")
    parser.add_argument(
        "--augment",
        default="",
        metavar="MODULE:FUNCTION",
        help="(item, generator) -> item, on preprocessed items",
    )
    parser.add_argument(
        "--target", default="local", help="where latencies are measured (%(default)s)"
    )
    parser.add_argument("--tensorboard", type=Path, metavar="DIR", help="write logs there")
    parser.add_argument(
        "--resume",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="go on with a step that was cut short (on)",
    )
    parser.add_argument(
        "--signature", default="", metavar="NAME", help="of a SavedModel that has several"
    )
    parser.add_argument("--force", action="store_true", help=AGAIN)
    parser.add_argument("--unsafe", action="store_true", help="run code that the model carries")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _add_goals(parser: argparse.ArgumentParser) -> None:
    """A recipe, or a search with what it has to reach."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--recipe", default="", help=RECIPE)
    what.add_argument(
        "--auto",
        action="store_true",
        help="try the cheap things first, until --max-drop (and --min-speedup) are met",
    )
    parser.add_argument(
        "--max-drop", type=float, metavar="P", help="--auto: points of accuracy that may be lost"
    )
    parser.add_argument(
        "--gate",
        action="append",
        default=[],
        metavar="METRIC:DROP",
        help="--auto: another metric's, as check takes it; may be repeated",
    )
    parser.add_argument(
        "--min-speedup", type=float, metavar="X", help="--auto: times as fast as float32"
    )


def run(args: argparse.Namespace) -> int:
    return _auto(args) if args.auto else _recipe(args)


def _recipe(args: argparse.Namespace) -> int:
    from edgewright.verbs.compress import compress

    _refuse_goals(args)
    with _progress(silent_=args.json) as hear:
        result = compress(
            args.model,
            recipe=args.recipe,
            out=args.out,
            settings=_settings(args),
            tell=silent if args.json else print_outcome,
            hear=hear,
        )
    if args.json:
        print(json.dumps(_plain(result), indent=1, ensure_ascii=False))
    else:
        _print(result, args.target)
    return result.exit_code


def _auto(args: argparse.Namespace) -> int:
    from edgewright.compression.shown import try_line
    from edgewright.verbs.compress import compress_auto

    gates = [*args.gate, *([] if args.max_drop is None else [f"accuracy:{args.max_drop}"])]
    if not gates:
        raise BadInput("--auto has no gate", hint="add --max-drop 0.5, or --gate METRIC:DROP")

    def tell_try(attempt: Try) -> None:
        if not args.json:
            print(one_line(try_line(attempt)), flush=True)

    with _progress(silent_=args.json) as hear:
        result = compress_auto(
            args.model,
            out=args.out,
            gates=gates,
            min_speedup=args.min_speedup,
            settings=_settings(args),
            hear=hear,
            tell_try=tell_try,
        )
    if args.json:
        print(json.dumps(_plain_auto(result), indent=1, ensure_ascii=False))
    else:
        _print_auto(result)
    return result.exit_code


def _settings(args: argparse.Namespace) -> Settings:
    from edgewright.verbs.compress import Settings

    return Settings(
        data=args.data,
        check=args.check,
        held_back=args.held_back,
        formats=names(args.formats),
        samples=args.samples,
        seed=args.seed,
        preprocess=args.preprocess,
        labels=read_labels(args.labels),
        augment=args.augment,
        target=args.target,
        tensorboard=args.tensorboard,
        resume=args.resume,
        force=args.force,
        unsafe=args.unsafe,
        signature=args.signature,
    )


def _refuse_goals(args: argparse.Namespace) -> None:
    given = {
        "--max-drop": args.max_drop is not None,
        "--gate": bool(args.gate),
        "--min-speedup": args.min_speedup is not None,
    }
    for option, is_given in given.items():
        if is_given:
            raise BadInput(
                f"{option} is for --auto", hint="check decides gates of a recipe's bundle"
            )


@contextmanager
def _progress(*, silent_: bool) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """A bar with the time left on a terminal; in a pipe a line for each step that is done."""
    if silent_:
        yield lambda _: None
    elif not sys.stderr.isatty():
        yield _print_step
    else:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (BarColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
        with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("", total=None)

            def hear(row: Mapping[str, Any]) -> None:
                if row["row"] == "progress":
                    total = row["total"] or None
                    words = one_line(" ".join([row["words"], *_numbers(row["numbers"])]))
                    bar.update(task, completed=row["done"], total=total, description=words)
                elif row["row"] == "step":
                    bar.reset(task, total=None)

            yield hear


def _print_step(row: Mapping[str, Any]) -> None:
    if row["row"] == "step":
        record = row["record"]
        words = [*_numbers(record["scores"]), f"done in {record['seconds']:.0f} s"]
        print(f"  {record['step']['label']}: {', '.join(words)}", file=sys.stderr)


def _numbers(numbers: Mapping[str, float]) -> list[str]:
    return [f"{name} {value:.4g}" for name, value in numbers.items()]


def _print(result: CompressResult, target: str) -> None:
    from edgewright.compression.shown import HEADINGS, notes, rows
    from edgewright.text_table import print_table

    for warning in result.warnings:
        print(f"edgewright: warning: {one_line(warning)}", file=sys.stderr)
    if result.compressed is not None:
        print_table(HEADINGS, rows(result.compressed))
        for line in notes(result.compressed):
            print(f"  {one_line(line)}")
        print(f"{one_line(str(result.bundle))}/{result.compressed.model}")
    state = "interrupted; what was trained is kept" if result.interrupted else "done"
    made = "1 artifact" if len(result.artifacts) == 1 else f"{len(result.artifacts)} artifacts"
    counts = f"{made}, {len(result.controls)} of the source beside"
    print(f"{one_line(str(result.bundle))}: {state}: {counts}, {len(result.failures)} failed")
    if result.artifacts:
        where, on = one_line(str(result.bundle)), _on_target(result.artifacts, target)
        print(f"  next: edgewright check {where} --data TEST{on}; edgewright bench {where}{on}")


def _on_target(artifacts: Sequence[Artifact], target: str) -> str:
    """The option that a next command needs: no runtime of this machine takes TF.js."""
    if target != "local":
        return f" --target {one_line(target)}"
    only_web = all(artifact.format == "tfjs" for artifact in artifacts)
    return " --target browser:chromium" if only_web else ""


def _plain(result: CompressResult) -> dict[str, object]:
    from edgewright.bundle import as_mapping

    return {
        "bundle": str(result.bundle),
        "compressed": as_mapping(result.compressed) if result.compressed else None,
        "controls": [as_mapping(a) for a in result.controls],
        "artifacts": [as_mapping(a) for a in result.artifacts],
        "failures": [as_mapping(f) for f in result.failures],
        "warnings": list(result.warnings),
        "exit_code": result.exit_code,
    }


def _print_auto(result: AutoResult) -> None:
    where = one_line(str(result.bundle))
    for artifact in result.taken:
        file = f"{where}/artifacts/{artifact.name}/{artifact.file}"
        print(f"{artifact.name}: {file}, {artifact.size_bytes:,} B")
    for format_ in result.formats:
        if format_ not in {artifact.format for artifact in result.taken}:
            print(f"{format_}: nothing passes, so nothing is taken; each try says what it lacked")
    print(f"{where}: {len(result.tries)} tries, {len(result.taken)} taken")


def _plain_auto(result: AutoResult) -> dict[str, object]:
    from dataclasses import asdict

    from edgewright.bundle import as_mapping

    return {
        "bundle": str(result.bundle),
        "tries": [asdict(attempt) for attempt in result.tries],
        "taken": [as_mapping(artifact) for artifact in result.taken],
        "exit_code": result.exit_code,
    }
