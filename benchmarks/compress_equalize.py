"""A net whose channels were spoilt for integers: int8 with equalization and without it.

    EDGEWRIGHT_REAL=DIR python benchmarks/compress_equalize.py [--seeds N] [--work DIR]

Channels are scaled by exp(U(-a, a)) and undone in the next layer: floats read the same. To reach:
``equalize`` and then int8 within 0.5 points of float, in under 5 s. Rows that were measured are
kept in the work folder and not measured again.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from compress_nets import ONE_PAIR, accuracy, add_work, cifar10, rescaled, trained_mobile_net
from machine import describe_machine

CASES = ((2.0, ""), (3.0, ""), (4.0, ""), (5.0, ONE_PAIR))
CALIBRATION = 256


def int8_outputs(model: Any, calibration: Any, x: Any) -> Any:
    """Of the TFLite int8 file, in LiteRT."""
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    from edgewright_converters.formats import tflite
    from edgewright_converters.formats.format import Calibration, WriteRequest
    from edgewright_converters.sources.keras_models import source_of_keras3
    from edgewright_runtimes.records import Variant

    source = source_of_keras3(model)
    request = WriteRequest(
        variant=Variant(format="tflite", scheme="int8"),
        batch=1,
        calibration=Calibration(feeds={source.signature.inputs[0].name: calibration}),
    )
    with TemporaryDirectory() as folder:
        written = tflite.write(source, request, Path(folder))
        interpreter = Interpreter(model_path=str(Path(folder) / written.file), num_threads=1)
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]["index"]
    made = interpreter.get_output_details()[0]["index"]
    rows = []
    for item in x:
        interpreter.set_tensor(given, item[None])
        interpreter.invoke()
        rows.append(interpreter.get_tensor(made)[0])
    return np.array(rows)


def measure(work: Path, a: float, only: str, seed: int) -> dict[str, float]:
    from edgewright_converters.compression.context import Context
    from edgewright_converters.compression.equalize.step import Equalize, apply

    test, train = cifar10("test"), cifar10("train20k")
    calibration = train.x[:CALIBRATION]
    model = rescaled(trained_mobile_net(work), a, only=only, seed=seed)
    context = Context(train=None, held_back=None, original=model, folder=work)
    start = time.perf_counter()
    result = apply(model, Equalize(), context)
    seconds = time.perf_counter() - start
    plain = model.predict(test.x, batch_size=256, verbose=0)
    return {
        "float": accuracy(plain, test.y),
        "int8": accuracy(int8_outputs(model, calibration, test.x), test.y),
        "equalized": accuracy(int8_outputs(result.model, calibration, test.x), test.y),
        "seconds": seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Equalization of a net with spoilt channels.")
    parser.add_argument("--seeds", type=int, default=1)
    add_work(parser)
    given = parser.parse_args()
    kept = given.work / "compress_equalize.json"
    rows: dict[str, dict[str, float]] = json.loads(kept.read_text()) if kept.exists() else {}
    for seed in range(given.seeds):
        for a, only in CASES:
            name = f"a = {a:g}{', one pair' if only else ''}, seed {seed}"
            if name not in rows:
                rows[name] = measure(given.work, a, only, seed)
                kept.write_text(json.dumps(rows))
    print("## Equalization, then post-training int8\n")
    print(f"{describe_machine('tensorflow', 'keras', 'ai-edge-litert')}; 10,000 test images\n")
    print(
        "| channels scaled | float | int8 | equalize, int8 | under float | equalize, s | reached |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, row in rows.items():
        lost = row["float"] - row["equalized"]
        reached = "yes" if lost <= 0.5 and row["seconds"] < 5 else "no"
        print(
            f"| {name} | {row['float']:.2f} | {row['int8']:.2f} | {row['equalized']:.2f}"
            f" | {lost:.2f} | {row['seconds']:.1f} | {reached} |"
        )


if __name__ == "__main__":
    main()
