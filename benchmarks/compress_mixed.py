"""Mixed precision on nets that int8 ruins: accuracy, size and time, beside plain int8 and float.

    EDGEWRIGHT_REAL=DIR python benchmarks/compress_mixed.py [--work DIR] [--items N]

The MobileNet-like net of ``compress_nets.py`` as trained, with one pair of layers rescaled (a = 5)
and with every pair (a = 3); no labels are used but to count. To reach, on the one pair: within 1
point of float, at most 1.4 times its own int8 file, under 10 s. A row that was made is kept in
``--work`` and not made again.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import compress_nets as nets
import numpy as np
from machine import describe_machine

CALIBRATION = 256
NETS = {
    "one pair, a = 5": (5.0, nets.ONE_PAIR),
    "as trained": (0.0, ""),
    "all pairs, a = 3": (3.0, ""),
}
VARIANTS = {
    "tflite": ("float32", "int8", "int16x8", "mixed_int8", "mixed16_int8", "biascorrected_int8"),
    "onnx": ("float32", "int8", "mixed_int8", "biascorrected_int8"),
}
HEAD = (
    "| net | artifact | accuracy | bytes | of its int8 | not in int8 | trials | search s"
    " | all s, CPU |"
)


def rows(work: Path, items: int) -> Iterator[dict[str, Any]]:
    from edgewright.conversion.keys import source_hash

    packages = ("edgewright_converters.mixed", "edgewright_converters.formats")
    code = "".join(source_hash(package) for package in packages)
    store = work / "compress_mixed.json"
    known = json.loads(store.read_text()) if store.exists() else {}
    for net, (a, only) in NETS.items():
        source = None
        for format_, names in VARIANTS.items():
            for name in names:
                key = f"{net}|{format_}-{name}|{items}|{code}"
                if key not in known:
                    source = source or _source(work, net, a, only)
                    known[key] = _row(source, net, format_, name, items)
                    store.write_text(json.dumps(known, indent=1))
                yield known[key]


def _source(work: Path, net: str, a: float, only: str) -> Any:
    from edgewright_converters.sources import open_source

    model = nets.trained_mobile_net(work)
    path = work / f"{net.replace(' ', '-').replace(',', '')}.keras"
    (nets.rescaled(model, a, only=only) if a else model).save(path)
    return open_source(path, unsafe=False, signature="")


def _row(source: Any, net: str, format_: str, name: str, items: int) -> dict[str, Any]:
    from edgewright_converters.compression.recipe import parse_name
    from edgewright_converters.errors import ConversionError
    from edgewright_converters.formats import onnx, tflite
    from edgewright_converters.formats.format import Calibration, WriteRequest
    from edgewright_runtimes.records import Variant

    calibration = Calibration(feeds={"image": nets.cifar10("train20k").x[:CALIBRATION]})
    scheme = name.rsplit("_", 1)[-1]
    steps = parse_name(name)
    variant = Variant(format=format_, scheme=scheme, steps=steps if steps[-1].label else ())
    request = WriteRequest(variant=variant, batch=1, calibration=calibration)
    row: dict[str, Any] = {"net": net, "artifact": variant.name}
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        try:
            written = {"tflite": tflite, "onnx": onnx}[format_].write(source, request, Path(folder))
        except ConversionError as e:
            return {**row, "refused": str(e.args[0])}
        row["cpu_seconds"] = time.process_time() - start
        path = Path(folder) / written.file
        row["bytes"] = path.stat().st_size
        row["accuracy"] = _accuracy(path, format_, items)
    return {**row, "mixed": written.details.get("mixed")}


def _accuracy(path: Path, format_: str, items: int) -> float:
    from edgewright_runtimes import load

    test = nets.cifar10("test")
    with load(path) as model:
        outputs = np.asarray(model.predict(test.x[:items]))
    return nets.accuracy(outputs, test.y[:items])


def _line(row: dict[str, Any], int8_bytes: dict[tuple[str, str], int]) -> str:
    if "refused" in row:
        return f"| {row['net']} | {row['artifact']} | refused: {row['refused']} | | | | | | |"
    own = int8_bytes.get((row["net"], row["artifact"].split("-")[0]))
    ratio = f"{row['bytes'] / own:.2f}" if own else ""
    mixed = row["mixed"] or {}
    kept = [*mixed.get("float", ()), *(f"{n} (int16)" for n in mixed.get("int16", ()))]
    return (
        f"| {row['net']} | {row['artifact']} | {row['accuracy']:.2f} | {row['bytes']:,} | {ratio} |"
        f" {', '.join(kept)} | {mixed.get('trials', '')} | {mixed.get('seconds', '')} |"
        f" {row['cpu_seconds']:.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Mixed precision on nets that int8 ruins.")
    nets.add_work(parser)
    parser.add_argument("--items", type=int, default=10_000, metavar="N", help="test images")
    args = parser.parse_args()
    found = list(rows(args.work, args.items))
    int8 = {
        (row["net"], row["artifact"].split("-")[0]): row["bytes"]
        for row in found
        if row["artifact"].endswith("-int8")
    }
    packages = ("tensorflow", "ai-edge-litert", "ai-edge-quantizer", "onnxruntime")
    print(f"## Mixed precision\n\n{describe_machine(*packages)}\n")
    print(f"{args.items:,} test images; {CALIBRATION} unlabelled ones calibrate and search.\n")
    print(HEAD)
    print("|---|---|---|---|---|---|---|---|---|")
    for row in found:
        print(_line(row, int8))


if __name__ == "__main__":
    main()
