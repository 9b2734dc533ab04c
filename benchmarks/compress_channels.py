"""``prune-channels --objective latency``, then ``qat``, on ResNet8: int8 TFLite, time and accuracy.

    EDGEWRIGHT_REAL=DIR python benchmarks/compress_channels.py [--seeds 0 1 2] [--without-amx]

The net is fine-tuned, cut while the fine-tuned one teaches, and trained with ``qat``. Beside the
latency cut stand the same net cut by multiply-accumulates, at several ratios, and as control the
original fine-tuned for as many epochs in all (flips and crops). Accuracy is of the int8 file on
cifar10_test, times are of ``bench`` in one job: LiteRT, one thread. A bundle for each seed under
``--work``: what is done there is not done again, so that training and timing (the widths, the
files) may be done apart: ``--train-only``, then again without.

To reach: the latency cut at least 1.5 x faster than the original int8 and 4.5 x than the original
float32, both ``trusted``; at least 75.48 % and at most 4 points under the control; and faster than
the cut by multiply-accumulates would be at its accuracy (a straight line between that one's rows).
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

from compress_nets import add_work
from machine import describe_machine
from without_amx import withhold_amx

if TYPE_CHECKING:
    import numpy as np

    from edgewright.latency.results import Row as Timed

    Array = np.ndarray[Any, Any]

HERE = Path(__file__).parent
AUGMENT = "compress_channels:flips_and_crops"
PADDING = 4  # pixels
ORIGINAL = 75.48  # %, as it came
LATENCY, MACS = 0.36, (0.5, 0.65)  # the shares to take away
LANES = 8  # of the latency cut: the widths are its multiples
FASTER, FASTER_FLOAT, POINTS = 1.5, 4.5, 4.0


@dataclass(frozen=True, kw_only=True)
class Epochs:
    """Of one row: the control trains as long as all three together."""

    before: int = 4
    cut: int = 14
    qat: int = 2

    @property
    def all(self) -> int:
        return self.before + self.cut + self.qat

    def __str__(self) -> str:
        return f"{self.before} + {self.cut} + {self.qat} epochs, the control {self.all}"


def flips_and_crops(image: Array, rng: np.random.Generator) -> Array:
    """[height, width, channels]: mirrored half the time, shifted by at most ``PADDING``."""
    import numpy as np

    edge = PADDING * image.shape[0] // 32
    padded = np.pad(image, ((edge, edge), (edge, edge), (0, 0)), mode="reflect")
    down, right = rng.integers(0, 2 * edge + 1, size=2)
    part = padded[down : down + image.shape[0], right : right + image.shape[1]]
    return part[:, ::-1] if rng.random() < 0.5 else part


@dataclass(frozen=True, kw_only=True)
class Study:
    """One model and its bundle: recipes are tables of ``[[steps]]``."""

    model: Path
    bundle: Path
    data: str
    check: str
    seed: int
    preprocess: Mapping[str, Any] | None = None

    def compress(self, name: str, steps: Sequence[Mapping[str, Any]]) -> str:
        """Returns the TFLite artifact's name. What is done already is taken."""
        from edgewright.verbs.compress import Settings, compress

        self.bundle.mkdir(parents=True, exist_ok=True)
        recipe = self.bundle.with_name(f"{self.bundle.name}-{name}.toml")
        recipe.write_text("".join(table("steps", step, many=True) for step in steps))
        print(f"{self.bundle.name}: {name}", file=sys.stderr, flush=True)
        settings = Settings(
            data=self.data,
            check=self.check,
            held_back=0.05,
            formats=("tflite",),
            seed=self.seed,
            preprocess=self.preprocess,
            augment=AUGMENT,
        )
        result = compress(self.model, recipe=recipe, out=self.bundle, settings=settings)
        for failure in result.failures:
            raise SystemExit(f"{failure.artifact}: {failure.error}")
        if result.interrupted:
            raise SystemExit(130)
        return result.artifacts[0].name

    def accuracies(self, names: Sequence[str]) -> dict[str, float]:
        """In points, by artifact, on ``check``."""
        from edgewright.verbs.check import check

        found = check(self.bundle, data=self.check, artifacts=tuple(names))
        scores = {result.artifact: result.score("accuracy") for result in found.results}
        return {n: 100 * s.artifact for n, s in scores.items() if s is not None and s.artifact}

    def times(self, names: Sequence[str], preset: str) -> dict[str, Timed]:
        """Of one job; an earlier one is taken where it has all of ``names``."""
        from edgewright.bundle import Bundle
        from edgewright.latency.results import read_results
        from edgewright.verbs.bench import bench

        rows = [r for r in read_results(Bundle.open(self.bundle)) if r.runtime == "litert"]
        if not set(names) <= {r.artifact for r in rows if r.preset == preset}:
            made = bench(self.bundle, artifacts=tuple(names), preset=preset, runtimes=("litert",))
            rows = list(made.rows)
        return {row.artifact: row for row in rows}


def table(name: str, values: Mapping[str, Any], *, many: bool = False) -> str:
    """TOML: tables within tables, and plain values."""
    import json

    lines = [f"[[{name}]]" if many else f"[{name}]"]
    lines += [f"{k} = {json.dumps(v)}" for k, v in values.items() if not isinstance(v, Mapping)]
    inner = [table(f"{name}.{k}", v) for k, v in values.items() if isinstance(v, Mapping)]
    return "\n".join(lines) + "\n" + "".join(inner)


def cut_and_train(objective: str, ratio: float, epochs: Epochs, **more: Any) -> list[Any]:
    """Fine-tuning, a cut that learns from labels and from what was fine-tuned, ``qat``, int8."""
    both = {"teacher": "labels+before"}
    before = [{"kind": "finetune", "epochs": epochs.before}] if epochs.before else []
    plan = {"epochs": epochs.cut, "learning_rate": 2e-3, **both}
    cut = {"kind": "prune-channels", "objective": objective, "ratio": ratio, **more}
    trained = {"epochs": epochs.qat, "learning_rate": 2e-4, **both}
    qat = [{"kind": "qat", "finetune": trained}] if epochs.qat else []
    return [*before, {**cut, "finetune": plan}, *qat, {"kind": "quantize", "schemes": ["int8"]}]


def control(epochs: Epochs) -> list[Any]:
    step = {"kind": "finetune", "epochs": epochs.all, "learning_rate": 1e-3}
    return [step, {"kind": "quantize", "schemes": ["int8"]}]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One artifact: accuracy in points, median nanoseconds, and how it compares."""

    name: str
    accuracy: float
    median_ns: float
    verdict: str
    faster: float  # than the original int8
    faster_float: float  # than the original float32


def lines(study: Study, names: Sequence[str], preset: str) -> dict[str, Line]:
    """The originals first."""
    every = ("tflite-float32", "tflite-int8", *names)
    accuracies, times = study.accuracies(every), study.times(every, preset)
    median = {name: times[name].summary.median_ns for name in every}
    return {
        name: Line(
            name=name,
            accuracy=accuracies[name],
            median_ns=median[name],
            verdict=times[name].judgement.verdict.value,
            faster=median["tflite-int8"] / median[name],
            faster_float=median["tflite-float32"] / median[name],
        )
        for name in every
    }


def print_lines(found: Sequence[Mapping[str, Line]]) -> None:
    """Means over the seeds, and their range where there are several."""
    print("| artifact | accuracy % | median us | x int8 | x float32 | verdicts |")
    print("|---|---|---|---|---|---|")
    for name in found[0]:
        each = [one[name] for one in found if name in one]
        verdicts = ", ".join(dict.fromkeys(line.verdict for line in each))
        cells = [
            spread([line.accuracy for line in each], ".2f"),
            spread([line.median_ns / 1e3 for line in each], ".1f"),
            spread([line.faster for line in each], ".2f"),
            spread([line.faster_float for line in each], ".2f"),
        ]
        print(f"| {name} | {' | '.join(cells)} | {verdicts} |")
    print()


def spread(values: Sequence[float], form: str) -> str:
    mean = format(statistics.mean(values), form)
    if len(values) == 1:
        return mean
    return f"{mean} ({min(values):{form}} to {max(values):{form}})"


def at_accuracy(rows: Sequence[Line], accuracy: float) -> float | None:
    """The time, in ns, of the cuts ``rows`` at ``accuracy``, on straight lines between them."""
    inside = sorted(rows, key=lambda row: row.accuracy)
    for low, high in itertools.pairwise(inside):
        if low.accuracy <= accuracy <= high.accuracy:
            way = (accuracy - low.accuracy) / max(high.accuracy - low.accuracy, 1e-9)
            return low.median_ns + way * (high.median_ns - low.median_ns)
    return None


def add_arguments(parser: argparse.ArgumentParser, epochs: Epochs) -> None:
    add_work(parser)
    default = (epochs.before, epochs.cut, epochs.qat)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--preset", default="standard", help="of bench")
    parser.add_argument("--epochs", type=int, nargs=3, default=default, metavar="N")
    parser.add_argument("--trials", type=int, default=48, help="models timed to find the widths")
    parser.add_argument("--without-amx", action="store_true", help="int8 kernels as without it")
    parser.add_argument("--train-only", action="store_true", help="no table: bench comes later")


def setting(args: argparse.Namespace, epochs: Epochs) -> str:
    amx = "; AMX withheld" if args.without_amx else ""
    return f"{describe_machine('tensorflow', 'ai-edge-litert')}{amx}; {epochs}"


def real(name: str) -> Path:
    root = os.environ.get("EDGEWRIGHT_REAL")
    if not root:
        raise SystemExit("name the collection of real models and data: EDGEWRIGHT_REAL=DIR")
    return Path(root) / name


def prepare(args: argparse.Namespace) -> None:
    """Before any framework is imported."""
    if args.without_amx:
        withhold_amx()
    importable()


def importable() -> None:
    """The process that trains imports ``AUGMENT``: it must find this folder."""
    paths = [str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_arguments(parser, Epochs())
    parser.add_argument("--ratio", type=float, default=LATENCY, help="of the latency")
    parser.add_argument("--macs", type=float, nargs="*", default=MACS, help="ratios to compare")
    args = parser.parse_args()
    prepare(args)
    epochs = Epochs(before=args.epochs[0], cut=args.epochs[1], qat=args.epochs[2])
    found, wins = [], {}
    for seed in args.seeds:
        study = Study(
            model=real("mlperf_tiny/pretrainedResnet.h5"),
            bundle=args.work / f"resnet8-channels-{seed}",
            data=str(real("data/cifar10_train20k.npz")),
            check=str(real("data/cifar10_test.npz")),
            seed=seed,
        )
        searched = {"trials": args.trials, "multiple": LANES}
        by_time = cut_and_train("latency", args.ratio, epochs, **searched)
        cut = study.compress("latency", by_time)
        tuned = study.compress("control", control(epochs))
        by_macs = [
            study.compress(f"macs{r:g}", cut_and_train("macs", r, epochs)) for r in args.macs
        ]
        if args.train_only:
            continue
        seen = lines(study, [tuned, cut, *by_macs], args.preset)
        found.append(seen)
        wins[seed] = compared(seen[tuned], seen[cut], [seen[name] for name in by_macs])
    if args.train_only:
        return
    print("## Channels cut by latency, ResNet8\n")
    print(f"{setting(args, epochs)}\n")
    print_lines(found)
    for seed, words in wins.items():
        print(f"- seed {seed}: {words}")


def compared(tuned: Line, cut: Line, by_macs: Sequence[Line]) -> str:
    other = at_accuracy(by_macs, cut.accuracy)
    beside = "outside the accuracies of the cuts by multiply-accumulates"
    if other is not None:
        beside = f"{other / cut.median_ns:.2f} x faster than a cut by multiply-accumulates"
    lost = tuned.accuracy - cut.accuracy
    reached = (
        cut.faster >= FASTER
        and cut.faster_float >= FASTER_FLOAT
        and cut.verdict == "trusted"
        and cut.accuracy >= ORIGINAL
        and lost <= POINTS
        and other is not None
        and other > cut.median_ns
    )
    words = f"{cut.faster:.2f} x the original int8, {lost:.2f} points under the control, {beside}"
    return f"{words}: {'reached' if reached else 'NOT reached'}"


if __name__ == "__main__":
    main()
