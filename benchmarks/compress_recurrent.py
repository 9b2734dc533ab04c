"""A recurrent net on the ladder of --auto: what is tried, what is taken, and why.

    EDGEWRIGHT_REAL=DIR python benchmarks/compress_recurrent.py [--work DIR] [--epochs 4]

A bidirectional LSTM reads MNIST's images row by row, rolled and unrolled. To reach: an artifact
that loses more than 0.5 points is never taken, a converter that crashes costs its own try, and
what is taken is the smallest file that was made and passed.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

from compress_nets import add_work
from machine import describe_machine

ITEMS, SEED, UNITS, MAX_DROP = 20_000, 0, 48, 0.5


def data(work: Path, part: str, items: int) -> Path:
    """MNIST as ``x`` [items, 28, 28] in 0..1 and ``y``; permuted, for the files are sorted."""
    import numpy as np

    path = work / f"mnist-{part}-{items}.npz"
    if not path.exists():
        root = os.environ.get("EDGEWRIGHT_REAL")
        if not root:
            raise SystemExit("name the collection of real models and data: EDGEWRIGHT_REAL=DIR")
        work.mkdir(parents=True, exist_ok=True)
        with np.load(Path(root) / "data" / f"mnist_{part}.npz", allow_pickle=False) as given:
            chosen = np.random.default_rng(SEED).permutation(len(given["x"]))[:items]
            x = given["x"][chosen].reshape(-1, 28, 28).astype(np.float32) / 255
            partial = path.with_name(f"partial-{path.name}")
            np.savez(partial, allow_pickle=False, x=x, y=given["y"][chosen].astype(np.int64))
        partial.replace(path)
    return path


def trained(work: Path, train: Path, epochs: int, *, unroll: bool) -> Path:
    """One training serves both: rolled and unrolled hold the same weights."""
    import keras
    import numpy as np

    def net(*, unroll: bool) -> Any:
        given = keras.Input((28, 28), name="rows")
        x = keras.layers.Bidirectional(keras.layers.LSTM(UNITS, unroll=unroll), name="read")(given)
        return keras.Model(given, keras.layers.Dense(10, activation="softmax", name="digit")(x))

    rolled = work / f"rows-{epochs}-epochs-rolled.keras"
    if not rolled.exists():
        keras.utils.set_random_seed(SEED)
        model = net(unroll=False)
        model.compile("adam", "sparse_categorical_crossentropy")
        with np.load(train, allow_pickle=False) as given:
            model.fit(given["x"], given["y"], batch_size=64, epochs=epochs, verbose=2)
        model.save(rolled)
    if not unroll:
        return rolled
    path = rolled.with_name(rolled.name.replace("rolled", "unrolled"))
    if not path.exists():
        model = net(unroll=True)
        model.set_weights(keras.models.load_model(rolled).get_weights())
        model.save(path)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_work(parser)
    parser.add_argument("--epochs", type=int, default=4)
    args = parser.parse_args()
    from edgewright.verbs.compress import Settings, compress_auto

    work = args.work / "recurrent"
    train, test = data(work, "train", ITEMS), data(work, "test", 10_000)
    print("## A recurrent net on the ladder\n")
    print(f"{describe_machine('tensorflow', 'ai-edge-litert', 'onnxruntime')}\n")
    print("| net | artifact | outcome | accuracy | change, points (95 %) | bytes | s | reason |")
    print("|---|---|---|---|---|---|---|---|")
    for unroll in (False, True):
        name = "unrolled" if unroll else "rolled"
        result = compress_auto(
            trained(work, train, args.epochs, unroll=unroll),
            out=work / f"{name}-{args.epochs}.edgewright",
            gates=(f"accuracy:{MAX_DROP}",),
            settings=Settings(data=str(train), check=str(test)),
        )
        for t in result.tries:
            score = "" if t.score is None else f"{t.score:.2%}"
            change = "" if t.change is None else f"{100 * t.change:+.2f}"
            if t.low is not None and t.high is not None:
                change += f" ({100 * t.low:+.2f} to {100 * t.high:+.2f})"
            size = "" if t.size_bytes is None else f"{t.size_bytes:,}"
            print(
                f"| {name} | {t.artifact} | {t.outcome} | {score} | {change} | {size}"
                f" | {t.seconds:.0f} | {t.reason} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
