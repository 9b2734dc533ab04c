"""Real models that others trained, in every scheme: accuracy against the source, and size.

    EDGEWRIGHT_REAL=DIR python benchmarks/real_models.py [MODEL ...] [--schemes tflite-int8,...]

Each row is one artifact, contract included, run on every scored item beside its source. ``ties``
are items whose two best scores lie closer than 1e-4 in the source. Calibration items are never
scored; where they come from is printed with each model. The reference is the file that the
model's authors ship.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np

from edgewright_runtimes.records import SCHEMES, Contract, Variant

SEED = 0
CALIBRATION_ITEMS = 256
TIE = 1e-4  # of the source's output range, which is 1 for probabilities


@dataclass(frozen=True, kw_only=True)
class Data:
    """``x`` and ``y`` are scored (``y`` None: nothing to score); ``calibration`` never is."""

    x: np.ndarray[Any, Any]
    y: np.ndarray[Any, Any] | None
    calibration: np.ndarray[Any, Any]
    origin: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """``accuracy`` in points; ``agreement`` without ties; ``reference_bytes`` of the authors'."""

    variant: str
    size_bytes: int
    reference_bytes: int | None
    accuracy: float | None
    agreement: float
    different: int  # labels that differ from the source's, ties left out
    max_error: float  # over the source's output range
    mean_error: float
    details: dict[str, Any] = field(default_factory=dict)


def real() -> Path:
    root = os.environ.get("EDGEWRIGHT_REAL")
    if not root:
        sys.exit("set EDGEWRIGHT_REAL to the folder of real models")
    return Path(root)


def _draw(items: int, count: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(SEED).permutation(items)[:count]


def _split(x: Any, y: Any, origin: str) -> Data:
    """Calibrate on items drawn from the set by seed, score all others."""
    drawn = _draw(len(x), CALIBRATION_ITEMS)
    rest = np.setdiff1d(np.arange(len(x)), drawn)
    return Data(x=x[rest], y=y[rest], calibration=x[drawn], origin=origin)


def _cifar() -> Data:
    test = np.load(real() / "data/cifar10_test.npz")
    train = np.load(real() / "data/cifar10_train20k.npz")["x"]
    return Data(
        x=test["x"].astype(np.float32),
        y=test["y"],
        calibration=train[_draw(len(train), CALIBRATION_ITEMS)].astype(np.float32),
        origin=f"{CALIBRATION_ITEMS} of cifar10_train20k",
    )


def _keywords() -> Data:
    data = np.load(real() / "data/kws_mfcc_test.npz")
    return _split(data["x"], data["y"], f"{CALIBRATION_ITEMS} of kws_mfcc_test, not scored")


def _persons() -> Data:
    """The 11 images that the labelling leaves out calibrate, with their mirror images."""
    data = np.load(real() / "data/vww_coco128.npz")
    x, area = data["x"].astype(np.float32) / 255, data["person_area"]
    unsure = (area > 0) & (area <= 0.005)
    left_out = x[unsure]
    return Data(
        x=x[~unsure],
        y=(area[~unsure] > 0.005).astype(np.int64),
        calibration=np.concatenate([left_out, left_out[:, :, ::-1]]),
        origin=f"the {len(left_out)} images with 0 < person_area <= 0.005, and mirrored",
    )


def _gesture(name: str, columns: int) -> Data:
    table = np.loadtxt(real() / f"hand_gesture/{name}.csv", delimiter=",", dtype=np.float32)
    origin = f"{CALIBRATION_ITEMS} rows of {name}.csv, not scored"
    return _split(table[:, 1 : 1 + columns], table[:, 0].astype(np.int64), origin)


def _sound() -> Data:
    """No data is shipped for it: random numbers, good for its size and its graph alone."""
    x = np.random.default_rng(SEED).normal(size=(512, 640)).astype(np.float32)
    return Data(x=x[:256], y=None, calibration=x[256:], origin="random numbers: size only")


MODELS: dict[str, tuple[str, Callable[[], Data]]] = {
    "resnet8": ("mlperf_tiny/pretrainedResnet.h5", _cifar),
    "ds-cnn": ("mlperf_tiny/kws_ref_model", _keywords),
    "vww": ("mlperf_tiny/vww_96.h5", _persons),
    "keypoint": ("hand_gesture/keypoint_classifier.hdf5", lambda: _gesture("keypoint", 42)),
    "point-history": (
        "hand_gesture/point_history_classifier.hdf5",
        lambda: _gesture("point_history", 32),
    ),
    "ad01": ("mlperf_tiny/ad01.h5", _sound),
}
REFERENCES = {
    ("resnet8", "tflite-float32"): "pretrainedResnet.tflite",
    ("resnet8", "tflite-int8"): "pretrainedResnet_quant.tflite",
    ("ds-cnn", "tflite-float32"): "kws_ref_model_float32.tflite",
    ("ds-cnn", "tflite-int8"): "kws_ref_model.tflite",
    ("vww", "tflite-float32"): "vww_96_float.tflite",
    ("vww", "tflite-int8"): "vww_96_int8.tflite",
    ("ad01", "tflite-float32"): "ad01_fp32.tflite",
    ("ad01", "tflite-int8"): "ad01_int8.tflite",
}


def study(model: str, variants: list[Variant], *, quiet: bool = False) -> Iterator[Row]:
    """Convert ``model`` to each variant and run it on every scored item."""
    from edgewright_converters.sources.reading import open_source

    file, load_data = MODELS[model]
    data = load_data()
    source = open_source(real() / file)
    name = source.signature.inputs[0].name
    output = source.signature.outputs[0].name
    expected = source.predict({name: data.x})[output]
    if not quiet:
        print(f"\n{model}: calibrated on {data.origin}; source {_points(expected, data.y)}")
    for variant in variants:
        with tempfile.TemporaryDirectory() as folder:
            yield _row(model, variant, source, data, expected, Path(folder))


def _row(model: str, variant: Variant, source: Any, data: Data, expected: Any, folder: Path) -> Row:
    from edgewright_converters.embed import embed_contract
    from edgewright_converters.formats import onnx, tflite
    from edgewright_converters.formats.format import Calibration, WriteRequest
    from edgewright_runtimes.model import load

    name = source.signature.inputs[0].name
    batch = 1 if variant.format == "tflite" else None
    request = WriteRequest(
        variant=variant, batch=batch, calibration=Calibration(feeds={name: data.calibration})
    )
    written = {"tflite": tflite, "onnx": onnx}[variant.format].write(source, request, folder)
    path = folder / written.file
    embed_contract(path, _contract(written, variant, batch))
    with load(path) as opened:
        got = opened.predict(data.x)
    if isinstance(got, dict):
        got = got[source.signature.outputs[0].name]
    reference = REFERENCES.get((model, variant.name))
    return _compare(
        variant.name,
        path.stat().st_size,
        (real() / "mlperf_tiny" / reference).stat().st_size if reference else None,
        expected,
        np.asarray(got),
        data.y,
        dict(written.details),
    )


def _contract(written: Any, variant: Variant, batch: int | None) -> Contract:
    return Contract(
        inputs=written.inputs,
        outputs=written.outputs,
        batch=batch,
        scheme=str(written.details.get("scheme_in_force", variant.scheme)),
        quantization=written.quantization,
        provenance={"source_sha256": "0" * 64, "edgewright": "0.1.0", "source": "model.h5"},
        goldens_sha256="0" * 64,
    )


def _compare(
    variant: str,
    size: int,
    reference: int | None,
    expected: Any,
    got: Any,
    labels: Any,
    details: dict[str, Any],
) -> Row:
    spread = float(expected.max() - expected.min())
    best = np.sort(expected, axis=-1)
    clear = (best[:, -1] - best[:, -2]) > TIE * spread
    same = expected.argmax(-1) == got.argmax(-1)
    error = np.abs(got.astype(np.float64) - expected) / spread
    return Row(
        variant=variant,
        size_bytes=size,
        reference_bytes=reference,
        accuracy=None if labels is None else 100 * float((got.argmax(-1) == labels).mean()),
        agreement=100 * float(same[clear].mean()),
        different=int((~same[clear]).sum()),
        max_error=float(error.max()),
        mean_error=float(error.mean()),
        details=details,
    )


def _points(outputs: Any, labels: Any) -> str:
    if labels is None:
        return "has no labels"
    return f"{100 * (outputs.argmax(-1) == labels).mean():.2f} % of {len(labels)}"


def variants(names: str) -> list[Variant]:
    """All of TFLite and ONNX, or the named ones (``tflite-int8,onnx-float16``)."""
    known = [
        Variant(format=format_, scheme=scheme)
        for format_ in ("tflite", "onnx")
        for scheme in SCHEMES[format_]
    ]
    wanted = names.split(",") if names else [v.name for v in known]
    return [v for v in known if v.name in wanted]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=", ".join(MODELS))
    parser.add_argument("--schemes", default="", help="names of variants; default all")
    args = parser.parse_args()
    for model in args.models or MODELS:
        for row in study(model, variants(args.schemes)):
            _print(row)


def _print(row: Row) -> None:
    against = f"{row.size_bytes / row.reference_bytes - 1:+7.1%}" if row.reference_bytes else ""
    accuracy = "" if row.accuracy is None else f"{row.accuracy:6.2f} %"
    print(
        f"  {row.variant:16} {row.size_bytes:>9,} B {against:>8} {accuracy:>9}"
        f"  agrees {row.agreement:6.2f} % ({row.different} differ)"
        f"  error max {row.max_error:.1e} mean {row.mean_error:.1e}  {row.details or ''}",
        flush=True,
    )


if __name__ == "__main__":
    main()
