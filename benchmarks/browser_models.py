"""Real models in a browser: every variant of three formats in the runtimes that work there.

    EDGEWRIGHT_REAL=DIR python benchmarks/browser_models.py [MODEL ...] [--browser chromium]
        [--preset quick] [--items 1000] [--variants int8,float32] [--gpu] [--threads 1]

Accuracy through ``check`` on the same items as native LiteRT and ONNX Runtime of this machine, time
through ``bench`` in one run with them. To reach: what a browser answers is what the machine itself
answers, within the product's own table of tolerances for web runtimes (TF.js runs in no runtime of
this machine: it is judged against the source, with the scheme's tolerance on top). Whatever fails
is a row. Runtimes on a GPU that the browser makes up in software are left out, for their times are
no GPU's, but with --gpu. Below each table: what the report advises, and whether it follows from the
rows. A run that was cut short goes on with its next model.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass

import browser_bundles
import numpy as np
from browser_advice import Advice, advise
from browser_bundles import NAMES, Unfinished
from machine import describe_machine

from edgewright.accuracy.stored import current_evaluations
from edgewright.bundle import Bundle
from edgewright.latency.results import Row
from edgewright.settings import Settings
from edgewright.targets.browser.target import open_target
from edgewright.targets.web.runtimes import WEB_RUNTIMES
from edgewright.targets.web.tolerances import tolerance
from edgewright.verbs.bench import bench
from edgewright.verbs.check import check
from edgewright_converters.tolerances import judge
from edgewright_runtimes.records import Failure

NATIVE = {"tflite": "litert", "onnx": "onnxruntime"}
STUDY = 16.9  # times slower on CPU than natively: arXiv 2402.05981, of its models and machines


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """``equal``: to native within the tolerance, None where it was not compared; ``off`` is the
    largest difference over the source's range; ``slower`` times of the native median."""

    artifact: str
    runtime: str
    accuracy: float | None = None
    source_accuracy: float | None = None
    off: float | None = None
    equal: bool | None = None
    median_ms: float | None = None
    p90_ms: float | None = None
    threads: str = ""
    slower: float | None = None
    verdict: str = ""
    failure: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=", ".join(NAMES))
    parser.add_argument("--browser", default="chromium")
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--variants", default="", help="names or schemes, joined by commas")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--gpu", action="store_true", help="software GPUs, too")
    args = parser.parse_args()
    target = f"browser:{args.browser}"
    runtimes, left_out, version = _runtimes(target, args.gpu)
    packages = ("playwright", "ai-edge-litert", "onnxruntime")
    print(f"{describe_machine(*packages)}; {args.browser} {version}; `{args.preset}`")
    for words in left_out:
        print(f"\nLeft out: {words}")
    options = [args.browser, args.preset, args.items, args.threads, args.variants or "all"]
    unfinished = Unfinished("-".join(["models", *map(str, options), *["gpu"] * args.gpu]))
    reached = []
    for model in args.models or NAMES:
        if model not in unfinished.done:
            unfinished.add(model, _study(model, target, runtimes, args))
        lines, advice, items = unfinished.done[model]
        reached.append(_print(model, [Line(**x) for x in lines], Advice(**advice), items))
    unfinished.finish()
    return 0 if all(reached) else 1


def _runtimes(target: str, software: bool) -> tuple[list[str], list[str], str]:
    """Those that compute and that the browser offers; what is left out, and why."""
    with closing(open_target(target, Settings())) as opened:
        probed, version = opened.probe(), opened.browser.version
    found, left_out = [], []
    for row in WEB_RUNTIMES.values():
        why = probed["runtimes"].get(row.name, "the page has no such runtime")
        if row.computes and why:
            left_out.append(f"`{row.name}`: {why}")
        elif row.computes and row.needs and probed[f"{row.needs}_software"] and not software:
            left_out.append(f"`{row.name}`: a software GPU ({probed[row.needs]})")
        elif row.computes:
            found.append(row.name)
    return found, left_out, version


def _study(
    model: str, target: str, web: Sequence[str], args: argparse.Namespace
) -> tuple[list[dict[str, object]], dict[str, object], int]:
    """The lines of one model, the advice, and how many items were scored."""
    _say(f"{model}: convert")
    made = browser_bundles.make(model)
    bundle = Bundle.open(made.bundle)
    wanted = [word for word in args.variants.split(",") if word]
    names = [a.name for a in bundle.artifacts() if not wanted or {a.name, a.scheme} & {*wanted}]
    runtimes = [*NATIVE.values(), *web]
    places = f"local,{target}"
    _say(f"{model}: check")
    checked = check(
        made.bundle,
        data=str(made.data),
        metrics=["accuracy"],
        subset=args.items if args.items < made.items else None,
        artifacts=names,
        runtime=",".join(runtimes),
        target=places,
    )
    _say(f"{model}: bench")
    timed = bench(
        made.bundle,
        artifacts=names,
        preset=args.preset,
        threads=args.threads,
        runtimes=runtimes,
        target=places,
    )
    if timed.interrupted:
        raise SystemExit("interrupted; the next run goes on with this model")
    rows = [row for row in timed.rows if row.job == timed.job]
    scores = {(r.artifact, r.runtime): r.score("accuracy") for r in checked.results}
    answers = _answers(bundle, checked.data, names)
    keys = dict.fromkeys([*scores, *((r.artifact, r.runtime) for r in rows)])
    lines = [_line(key, scores.get(key), answers.get(key), rows) for key in keys]
    lines += [_failed(f) for f in (*checked.failures, *timed.failures)]
    lines += [
        Line(artifact=name.partition(":")[0], runtime="", failure=f"convert: {name}")
        for name in made.failures
    ]
    advice = advise(bundle, rows, target)
    return [asdict(line) for line in lines], asdict(advice), checked.items


def _line(
    key: tuple[str, str], score: object, answers: tuple[float, bool] | None, rows: Sequence[Row]
) -> Line:
    artifact, runtime = key
    row = next((r for r in rows if (r.artifact, r.runtime) == key), None)
    native = NATIVE.get(artifact.partition("-")[0])
    beside = next((r for r in rows if (r.artifact, r.runtime) == (artifact, native)), None)
    p90 = None if row is None else next(t.bound_ns for t in row.summary.tails if t.p == 0.9)
    return Line(
        artifact=artifact,
        runtime=runtime,
        accuracy=getattr(score, "artifact", None),
        source_accuracy=getattr(score, "source", None),
        off=None if answers is None else answers[0],
        equal=None if answers is None else answers[1],
        median_ms=None if row is None else row.summary.median_ns / 1e6,
        p90_ms=None if p90 is None else p90 / 1e6,
        threads="" if row is None else row.in_force.get("threads", str(row.threads)),
        slower=row.summary.median_ns / beside.summary.median_ns if row and beside else None,
        verdict="" if row is None else row.judgement.verdict.value,
    )


def _failed(failure: Failure) -> Line:
    words = f"{failure.stage}: {failure.error}" + (f"; {failure.hint}" if failure.hint else "")
    return Line(artifact=failure.artifact, runtime=failure.runtime, failure=words)


def _answers(
    bundle: Bundle, data: str, names: Sequence[str]
) -> dict[tuple[str, str], tuple[float, bool]]:
    """How far each web runtime is from native on the same items, and whether that is allowed."""
    kept, _ = current_evaluations(bundle)
    kept = tuple(e for e in kept if e.artifact in names and e.data == data)
    native = {e.artifact: e for e in kept if e.runtime in NATIVE.values()}
    found = {}
    for one in kept:
        if one.runtime not in WEB_RUNTIMES:
            continue
        scheme = bundle.artifact(one.artifact).scheme
        limit = tolerance(one.runtime, scheme)
        source, got = _array(bundle, one.source_outputs_file), _array(bundle, one.outputs_file)
        if one.artifact in native:
            near = _array(bundle, native[one.artifact].outputs_file)
            off = np.abs(got - near) / float(source.max() - source.min())
            fine = bool(off.max() <= limit.largest and off.mean() <= limit.mean)
            found[one.artifact, one.runtime] = float(off.max()), fine
        else:
            said = judge(scheme, {"y": source}, {"y": got}, real=True, runtime=limit)
            found[one.artifact, one.runtime] = said.max_error or 0.0, said.ok is True
    return found


def _array(bundle: Bundle, file: str) -> np.ndarray:
    """The only output, [items, classes]."""
    with np.load(bundle.array_file(file), allow_pickle=False) as arrays:
        (name,) = arrays.files
        return np.asarray(arrays[name], np.float64)


def _print(model: str, lines: Sequence[Line], advice: Advice, items: int) -> bool:
    source = next((x.source_accuracy for x in lines if x.source_accuracy is not None), None)
    score = "no labels" if source is None else f"source {source:.2%}"
    print(f"\n### {NAMES[model]}: {items:,} items, {score}\n")
    print("| artifact | runtime | accuracy | off from native | median | p90 <= | threads "
          "| against native | timing |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|")
    for line in lines:
        print(_row(line))
    web = [x for x in lines if x.equal is not None]
    equal = sum(x.equal is True for x in web)
    slower = sorted(x.slower for x in lines if x.slower and x.runtime in WEB_RUNTIMES)
    same = equal == len(web) > 0
    print(f"\nEqual to native within the tolerances: {equal} of {len(web)}: "
          f"{'reached' if same else 'NOT reached'}.")  # fmt: skip
    if slower:
        middle = slower[len(slower) // 2]
        print(f"Against native: {slower[0]:.1f} to {slower[-1]:.1f} times, {middle:.1f} in the "
              f"middle (a study found {STUDY} on CPU).")  # fmt: skip
    for words in (*advice.said, *advice.rows):
        print(f"- {words}")
    follows = not advice.against
    print(f"\nThe report's advice follows from the rows: {'reached' if follows else 'NOT reached'}"
          + "".join(f"; {words}" for words in advice.against))  # fmt: skip
    return same and follows


def _row(line: Line) -> str:
    if line.failure:
        text = line.failure.replace("|", "/")[:240]
        return f"| {line.artifact} | {line.runtime} | FAILED: {text} | | | | | | |"
    off = "" if line.off is None else f"{line.off:.1e}" + ("" if line.equal else " NOT equal")
    cells = (
        line.artifact,
        line.runtime,
        "" if line.accuracy is None else f"{line.accuracy:.2%}",
        off,
        "" if line.median_ms is None else f"{line.median_ms:.4g} ms",
        "-" if line.p90_ms is None else f"{line.p90_ms:.4g} ms",
        line.threads,
        "" if line.slower is None else f"{line.slower:.2f} x",
        line.verdict,
    )
    return f"| {' | '.join(cells)} |"


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
