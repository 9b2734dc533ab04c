"""A bundle of small models that are at hand, so that no test of `bench` needs a converter."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from edgewright.bundle import Bundle, content_sha256
from edgewright.targets.target import place_words
from edgewright_runtimes.records import Artifact, Format, Measurement

MODELS = Path(__file__).parents[1] / "models"
NETS: tuple[tuple[Format, str, str], ...] = (
    ("tflite", "float32", "dense.tflite"),
    ("tflite", "int8", "dense.tflite"),
    ("onnx", "float32", "dense.onnx"),
    ("tfjs", "float32", ""),
)


def make_bundle(folder: Path) -> Bundle:
    """``tflite-float32``, ``tflite-int8``, ``onnx-float32``, ``tfjs-float32``; real goldens."""
    bundle = Bundle.create(folder)
    for format_, scheme, file in NETS:
        built = bundle.work_folder() / f"{format_}-{scheme}"
        built.mkdir()
        model = built / (file or "model.json")
        if file:
            shutil.copy(MODELS / file, model)
        else:
            model.write_text("{}")
        bundle.add_artifact(make_artifact(format_, scheme, model), built)
    with np.load(MODELS / "expected.npz", allow_pickle=False) as arrays:
        np.savez(folder / "golden.npz", **{"input/x": arrays["dense/x"]})
    return bundle


def make_artifact(format_: Format, scheme: str, model: Path) -> Artifact:
    return Artifact(
        name=f"{format_}-{scheme}",
        format=format_,
        scheme=scheme,
        file=model.name,
        size_bytes=model.stat().st_size,
        zipped_bytes=model.stat().st_size // 2,
        sha256=content_sha256(model.parent if format_ == "tfjs" else model),
        build_key="key",
        source_sha256="source",
        verified="run",
        max_error=None,
        golden="real",
        batch=None,
    )


def add_rounds(
    bundle: Bundle,
    name: str,
    median_ns: float,
    *,
    job: str = "job-1",
    label: str = "",
    preset: str = "quick",
    started: str = "2026-01-01T00:00:00+00:00",
    runtime: str = "litert",
    before: dict[str, str | int] | None = None,
    after: dict[str, str | int] | None = None,
    cut_short: int | None = None,
    rounds: int = 8,
    during: tuple[dict[str, float], ...] = (),
    restless: float = 0.0,
    target: str = "local",
    in_force: dict[str, str] | None = None,
) -> None:
    """Rounds of 200 quiet samples as a job would have left them; 10 of them warm-up.

    The round ``cut_short`` was ended in its warm-up. ``restless`` is how far rounds lie apart.
    """
    rng = np.random.default_rng(len(name) + len(label) + len(job))
    for number in range(rounds):
        record = Measurement(
            job=job,
            artifact=name,
            artifact_sha256=bundle.artifact(name).sha256,
            label=label,
            target=target,
            runtime=runtime,
            threads=1,
            preset=preset,
            round=number,
            order=number,
            samples_file=f"{job}-{place_words(target)}{name}-{runtime}-{label}{number}.npy",
            warmup_samples=200 if number == cut_short else 10,
            partial=number == cut_short,
            calls_per_sample=2,
            load_ns=1_000_000,
            first_ns=200_000,
            peak_memory_bytes=50_000_000,
            in_force={"threads": "1", **(in_force or {})},
            before={"cores": 2, "unknown": "temperature_c,throttled"} if before is None else before,
            during=during,
            after=after or {},
            started=started,
        )
        noise = rng.normal(1.0, 0.002, 200)
        if restless:
            noise *= rng.normal(1.0, restless)
        bundle.add_measurement(record, np.asarray(2 * median_ns * noise, np.int64))
