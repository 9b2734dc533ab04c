"""Hand-made bundles for the report: records and arrays only, no model is run."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from tests.toolkit.bench_bundle import add_rounds

from edgewright.bundle import Bundle, content_sha256
from edgewright.compression import store
from edgewright_runtimes.records import (
    Artifact,
    Compressed,
    Evaluation,
    Failure,
    Format,
    ModelCost,
    SourceInfo,
    Step,
    StepRecord,
    TensorSpec,
    Try,
)

Array = np.ndarray[Any, Any]

SOURCE = "0" * 64


def start(folder: Path, *, path: str = "net.keras", labels: tuple[str, ...] = ()) -> Bundle:
    """An empty bundle with a source."""
    bundle = Bundle.create(folder)
    info = SourceInfo(
        path=path,
        sha256=SOURCE,
        kind="keras3",
        inputs=(TensorSpec(name="x", dtype="float32", shape=(None, 4)),),
        outputs=(TensorSpec(name="y", dtype="float32", shape=(None, 3)),),
        labels=labels,
        calibration={"data": "train.npz", "samples": 256, "seed": 7},
    )
    bundle.write_head(info)
    return bundle


def add_artifact(
    bundle: Bundle,
    name: str,
    *,
    size: int = 10_000,
    warnings: tuple[str, ...] = (),
    compressed: str = "",
) -> Artifact:
    """A file of ``size`` bytes that says its own name."""
    format_, _, words = name.partition("-")
    built = bundle.work_folder() / name
    built.mkdir()
    file = built / ("model.json" if format_ == "tfjs" else f"model.{format_}")
    file.write_bytes(name.encode().ljust(size, b"."))
    artifact = Artifact(
        name=name,
        format=_format(format_),
        scheme=words.rpartition("_")[2],
        file=file.name,
        size_bytes=size,
        zipped_bytes=size // 2,
        sha256=content_sha256(built if format_ == "tfjs" else file),
        build_key="key",
        source_sha256=SOURCE,
        verified="run in litert, on real goldens",
        max_error=1e-6,
        golden="real",
        batch=1,
        tools={"tensorflow": "2.21.0"},
        warnings=warnings,
        details={"compressed": compressed} if compressed else {},
    )
    bundle.add_artifact(artifact, built)
    return artifact


def _format(word: str) -> Format:
    known: dict[str, Format] = {"tflite": "tflite", "onnx": "onnx", "tfjs": "tfjs"}
    return known[word]


def add_check(
    bundle: Bundle,
    name: str,
    *,
    classes: int = 3,
    items: int = 400,
    wrong: int = 0,
    gates: tuple[str, ...] = ("accuracy:3",),
    data: str = "test.npz",
    runtime: str = "litert",
) -> None:
    """The source is right on all but 8 items; the artifact on ``wrong`` items fewer."""
    y = np.arange(items) % classes
    source = _answers(y, classes, 8)
    artifact = _answers(y, classes, 8 + wrong)
    _save_outputs(_array(bundle, "check-1-source.npz"), source)
    _save_outputs(_array(bundle, f"check-1-{name}.npz"), artifact)
    names = np.asarray([str(k) for k in range(classes)], np.str_)
    np.savez(_array(bundle, "check-1-labels.npz"), y=y, indices=np.arange(items), class_names=names)
    bundle.add_evaluation(
        Evaluation(
            job="check-1",
            artifact=name,
            artifact_sha256=bundle.artifact(name).sha256,
            target="local",
            runtime=runtime,
            data=data,
            data_sha256="d",
            items=items,
            outputs_file=f"check-1-{name}.npz",
            source_outputs_file="check-1-source.npz",
            labels_file="check-1-labels.npz",
            metrics=(),
            gates=gates,
            started="2026-01-01T00:00:00+00:00",
        )
    )


def _save_outputs(path: Path, values: Array) -> None:
    with zipfile.ZipFile(path, "w") as archive, archive.open("output/y.npy", "w") as member:
        np.lib.format.write_array(member, values)


def _array(bundle: Bundle, name: str) -> Path:
    path = bundle.array_file(name)
    path.parent.mkdir(exist_ok=True)
    return path


def _answers(y: Array, classes: int, wrong: int) -> Array:
    picked = y.copy()
    picked[:wrong] = (picked[:wrong] + 1) % classes
    answers: Array = np.eye(classes, dtype=np.float32)[picked] * np.float32(0.8) + np.float32(0.1)
    return answers


def add_failure(bundle: Bundle, name: str, *, error: str, hint: str = "") -> None:
    bundle.add_failure(Failure(artifact=name, stage="convert", error=error, hint=hint))


def add_compressed(bundle: Bundle, key: str, *records: StepRecord) -> Compressed:
    """The model of a recipe, without its files."""
    compressed = Compressed(
        key=key,
        source_sha256=SOURCE,
        model=f"compressed/{key}/model.keras",
        records=records,
        source_scores={"accuracy": 0.9},
    )
    store.add_compressed(bundle, compressed)
    return compressed


def step(kind: str, label: str, **more: Any) -> StepRecord:
    """A step that halves what is not zero, of a model of 1,000 parameters."""
    before = ModelCost(
        parameters=1000, nonzero=1000, macs=50_000, size_bytes=4000, zipped_bytes=3800
    )
    after = ModelCost(parameters=1000, nonzero=500, macs=50_000, size_bytes=4000, zipped_bytes=2100)
    return StepRecord(
        step=Step(kind=kind, label=label),
        before=before,
        after=after,
        model_sha256="m",
        seconds=12.0,
        scores={"accuracy": 0.885},
        items=200,
        **more,
    )


def attempt(recipe: str, outcome: str = "rejected", **more: Any) -> Try:
    """A try of a search for a TFLite artifact."""
    fields = {"artifact": f"tflite-{recipe}", "reason": "outside accuracy:0.5", **more}
    return Try(format="tflite", recipe=recipe, outcome=outcome, **fields)  # type: ignore[arg-type]


def make_compressed(folder: Path, *, median_ns: float = 1e6, restless: float = 0.0) -> Bundle:
    """A pruned int8 beside the source's own float32 and int8; all that is new is as fast."""
    bundle = start(folder)
    add_artifact(bundle, "tflite-float32", size=40_000)
    add_artifact(bundle, "tflite-int8", size=11_000)
    add_artifact(bundle, "tflite-prune50_int8", size=11_000, compressed="key1")
    for name, median in (
        ("tflite-float32", 2e6),
        ("tflite-int8", 1e6),
        ("tflite-prune50_int8", median_ns),
    ):
        add_check(bundle, name)
        add_rounds(bundle, name, median, restless=restless)
    add_rounds(bundle, "tflite-float32", 2.004e6, label="again", restless=restless)
    add_compressed(bundle, "key1", step("prune", "prune50"))
    return bundle


def make_full(folder: Path) -> Bundle:
    """Two that may ship, one that may not, one for a browser, one failure."""
    bundle = start(folder, labels=("cat", "dog", "eel"))
    for name, size in (
        ("tflite-float32", 40_000),
        ("tflite-int8", 11_000),
        ("onnx-float32", 42_000),
        ("tfjs-float32", 41_000),
    ):
        add_artifact(bundle, name, size=size)
    add_check(bundle, "tflite-float32")
    add_check(bundle, "tflite-int8", wrong=60)
    add_check(bundle, "onnx-float32", runtime="onnxruntime")
    for name, median, runtime in (
        ("tflite-float32", 2e6, "litert"),
        ("tflite-int8", 1e6, "litert"),
        ("onnx-float32", 3e6, "onnxruntime"),
    ):
        add_rounds(bundle, name, median, runtime=runtime)
    add_rounds(bundle, "tflite-float32", 2.004e6, label="again")
    add_failure(bundle, "onnx-int8", error="no calibration data", hint="add --calibrate DATA")
    return bundle
