"""Does ``bench`` in a browser call equal files equal, and find 10 % more work?

    python benchmarks/browser_pairs.py [chromium|firefox] [--groups 10] [--preset quick]

To reach, in Chromium with the preset `quick`: of 40 null pairs (a file against itself) at most 2
called different; of 20 pairs of a net of 10 equal blocks with one of 11 (10 % more by construction)
at least 18 found slower. Each group is a job of its own, with a baseline of its own: 4 null pairs
and 2 of the others, shuffled together, judged by what the report shows. A run that was cut short
goes on from its last whole group.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from browser_bundles import FOLDER, Unfinished
from machine import describe_machine

from edgewright.bundle import Bundle, content_sha256
from edgewright.verbs.bench import bench
from edgewright_runtimes.records import Artifact

NULLS, MORE = 4, 2  # of each group
BASE, BLOCKS, BLOCKS_MORE = "tflite-float32", 10, 11
RUNTIME = "litertjs-wasm"
MOST_CALLED_DIFFERENT = 2 / 40
LEAST_FOUND = 18 / 20

MAKE = """
import sys
import tensorflow as tf
from tf_keras import Sequential, initializers, layers, Input
for blocks in map(int, sys.argv[2:]):
    start = initializers.HeNormal(seed=1)
    same = dict(padding="same", activation="relu", kernel_initializer=start)
    block = lambda: layers.Conv2D(32, 3, **same)
    ends = layers.GlobalAveragePooling2D()
    net = Sequential([Input((24, 24, 32)), *(block() for _ in range(blocks)), ends])
    run = tf.function(lambda x: net(x)).get_concrete_function(tf.TensorSpec([1, 24, 24, 32]))
    with open(f"{sys.argv[1]}/blocks{blocks}.tflite", "wb") as file:
        file.write(tf.lite.TFLiteConverter.from_concrete_functions([run], net).convert())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """``ratio`` is of the medians; ``different`` what the product says, None: it can't tell."""

    group: int
    kind: str
    ratio: float
    different: bool | None
    words: str
    verdict: str
    median_ms: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("browser", nargs="?", default="chromium")
    parser.add_argument("--groups", type=int, default=10)
    parser.add_argument("--preset", default="quick")
    args = parser.parse_args()
    models = {blocks: _model(blocks) for blocks in (BLOCKS, BLOCKS_MORE)}
    unfinished = Unfinished(f"pairs-{args.browser}-{args.preset}")
    for group in range(args.groups):
        if str(group) not in unfinished.done:
            print(f"group {group + 1} of {args.groups}", file=sys.stderr, flush=True)
            found = _measure(group, models, f"browser:{args.browser}", args.preset)
            unfinished.add(str(group), [asdict(pair) for pair in found])
    pairs = [Pair(**row) for rows in unfinished.done.values() for row in rows]
    unfinished.finish()
    print(f"{describe_machine('playwright')}; {args.browser}, `{args.preset}`, {RUNTIME}\n")
    return _print([pair for pair in pairs if pair.group < args.groups])


def _model(blocks: int) -> Path:
    path = FOLDER / f"blocks{blocks}.tflite"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        argv = [sys.executable, "-c", MAKE, str(FOLDER), str(blocks)]
        subprocess.run(argv, check=True, stderr=subprocess.DEVNULL)
    return path


def _measure(group: int, models: dict[int, Path], target: str, preset: str) -> list[Pair]:
    nulls = [f"tflite-same{i}" for i in range(NULLS)]
    more = [f"tflite-more{i}" for i in range(MORE)]
    with tempfile.TemporaryDirectory() as folder:
        bundle = Bundle.create(Path(folder) / "b")
        for name in (BASE, *nulls):
            _add(bundle, name, models[BLOCKS])
        for name in more:
            _add(bundle, name, models[BLOCKS_MORE])
        x = np.random.default_rng(group).random((8, 24, 24, 32), dtype=np.float32)
        np.savez(bundle.path / "golden.npz", **{"input/args_0": x})
        done = bench(bundle.path, preset=preset, target=target, runtimes=[RUNTIME], seed=group)
    for failure in done.failures:
        raise SystemExit(f"{failure.artifact}: {failure.stage}: {failure.error}")
    if done.interrupted:
        raise SystemExit("interrupted; the next run goes on from here")
    pairs = []
    for row in done.rows:
        found = row.comparison
        if found is not None:
            pairs.append(
                Pair(
                    group=group,
                    kind="same" if row.artifact in nulls else "more",
                    ratio=found.ratio,
                    different=None if found.low is None else found.different,
                    words=found.words,
                    verdict=row.judgement.verdict.value,
                    median_ms=row.summary.median_ns / 1e6,
                )
            )
    return pairs


def _add(bundle: Bundle, name: str, model: Path) -> None:
    built = bundle.work_folder() / name
    built.mkdir()
    file = Path(shutil.copy(model, built / "model.tflite"))
    artifact = Artifact(
        name=name,
        format="tflite",
        scheme="float32",
        file=file.name,
        size_bytes=file.stat().st_size,
        zipped_bytes=file.stat().st_size,
        sha256=content_sha256(file),
        build_key="",
        source_sha256="",
        verified="run",
        max_error=None,
        golden="none",
        batch=1,
    )
    bundle.add_artifact(artifact, built)


def _print(pairs: list[Pair]) -> int:
    print("| pairs | of | called different | ratio, median (least to most) | no comparison | |")
    print("|---|---|---|---|---|---|")
    same = [p for p in pairs if p.kind == "same"]
    more = [p for p in pairs if p.kind == "more"]
    wrong = sum(p.different is True for p in same)
    found = sum(p.different is True and p.ratio > 1 for p in more)
    few = wrong <= MOST_CALLED_DIFFERENT * len(same)
    most = found >= LEAST_FOUND * len(more)
    for name, rows, count, wanted, reached in (
        ("a file against itself", same, wrong, "at most 2 of 40", few),
        ("11 equal blocks against 10", more, found, "at least 18 of 20", most),
    ):
        ratios = [p.ratio for p in rows]
        blank = sum(p.different is None for p in rows)
        spread = f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
        said = f"{wanted}: {'reached' if reached else 'NOT reached'}"
        print(f"| {name} | {len(rows)} | {count} | {spread} | {blank} | {said} |")
    typical = statistics.median(p.median_ms for p in same)
    verdicts = sorted({p.verdict for p in pairs})
    print(f"\nA call of the 10 blocks takes {typical:.2f} ms; verdicts: {', '.join(verdicts)}.")
    for pair in same:
        if pair.different:
            print(f"Called different: group {pair.group}: {pair.words} ({pair.verdict}).")
    for pair in more:
        if not pair.different:
            print(f"Not found: group {pair.group}: {pair.words} ({pair.verdict}).")
    return 0 if few and most else 1


if __name__ == "__main__":
    sys.exit(main())
