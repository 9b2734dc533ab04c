"""The records that flow through the toolkit, always left to right:

    Source -> Recipe -> Variant -> Artifact -> Measurement -> Report
                                \\-> Failure \\-> Failure

Every record is frozen, becomes one JSON object (``record_json``) and names its parent by id.
Nothing points back, and nothing here imports more than the standard library.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

SCHEMA = 1

Format = Literal["tflite", "onnx", "tfjs"]
Stage = Literal["convert", "verify", "load", "run", "measure", "transport"]
Plain = str | int | float | bool | None

FORMATS: tuple[Format, ...] = get_args(Format)
SCHEMES: Mapping[Format, tuple[str, ...]] = {
    "tflite": ("float32", "float16", "dynamic", "int8", "int8-io", "int16x8"),
    "onnx": ("float32", "float16", "dynamic", "int8"),
    "tfjs": ("float32", "float16", "uint8", "uint16"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSpec:
    """A tensor at the edge of a model; ``None`` in the shape is a free dimension.

    ``dtype`` is numpy's name (``string`` for text). ``scale`` and ``zero_point`` are set where
    the tensor is quantized: real = scale * (q - zero_point).
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    scale: float | None = None
    zero_point: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a recipe, as data. What it means lives beside the step, not here.

    ``label`` is its word in names: ``prune50``, ``prune2of4``, ``cluster16``.
    """

    kind: str
    label: str
    params: Mapping[str, Any] = field(default_factory=dict)  # plain data, tables may nest


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What to build: a format, the compression steps in order, and a scheme."""

    format: Format
    scheme: str
    steps: tuple[Step, ...] = ()

    @property
    def name(self) -> str:
        """``FORMAT-[STEP_..._]SCHEME``, for example ``onnx-prune50_equalize_int8``."""
        labels = [step.label for step in self.steps if step.label]
        return f"{self.format}-{'_'.join([*labels, self.scheme])}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCost:
    """What a Keras model weighs: ``nonzero`` weights, and the bytes of its float32 weights.

    ``zipped_bytes`` is what DEFLATE (level 6) makes of them. ``macs`` are multiply-accumulates of
    one item; ``None`` where a layer's cannot be counted.
    """

    parameters: int
    nonzero: int
    macs: int | None
    size_bytes: int
    zipped_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A layer that a step left as it was, and why."""

    layer: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """What one step did to a model. ``model_sha256`` names what came out by its content.

    ``scores`` are of the held-back items after the step, by metric name; ``items`` counts them.
    """

    step: Step
    before: ModelCost
    after: ModelCost
    model_sha256: str
    seconds: float
    scores: Mapping[str, float] = field(default_factory=dict)
    items: int = 0
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)  # of the step's own
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class Compressed:
    """A model after the steps of a recipe: a folder of the bundle, named by ``key``.

    ``source_scores`` are the source's on the same held-back items.
    """

    key: str
    source_sha256: str
    model: str  # relative to the bundle
    records: tuple[StepRecord, ...]
    source_scores: Mapping[str, float] = field(default_factory=dict)
    data: str = ""
    data_sha256: str = ""
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One attempt of a search for an artifact that passes its gates, and why it was left or taken.

    ``outcome``: ``taken`` passed; ``rejected`` was measured and did not; ``undecided`` had too few
    items; ``failed`` could not be made; ``skipped`` was not tried. ``change`` is artifact minus
    source of ``metric`` (a share of one for proportions), ``low`` and ``high`` its interval;
    ``speedup`` is over the format's own float32.
    """

    format: Format
    recipe: str
    artifact: str
    outcome: Literal["taken", "rejected", "undecided", "failed", "skipped"]
    reason: str
    metric: str = ""
    source_score: float | None = None
    score: float | None = None
    change: float | None = None
    low: float | None = None
    high: float | None = None
    items: int = 0
    speedup: float | None = None
    speedup_low: float | None = None
    size_bytes: int | None = None
    seconds: float = 0.0
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildKey:
    """All that decides what a build gives: equal keys, equal artifact, no second build."""

    source_sha256: str
    variant: Variant
    batch: int | None  # None: dynamic
    opset: int | None  # None: the lowest that converts
    calibration: Mapping[str, Plain]  # content sha256, count, seed; empty without data
    preprocess_sha256: str
    labels_sha256: str
    unsafe: bool
    signature: str
    tools: Mapping[str, str]
    converter: str  # the converter's own code version

    @property
    def digest(self) -> str:
        return content_key(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo:
    """The trained model a bundle was made from, and what was declared beside it."""

    path: str
    sha256: str
    kind: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    stateful: bool = False
    notes: tuple[str, ...] = ()
    unsafe: bool = False
    signature: str = ""  # of a SavedModel that has several
    preprocess: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    calibration: Mapping[str, Any] = field(default_factory=dict)  # data, count, seed, ranges
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What an artifact says of itself, from inside the file.

    ``preprocess`` is the declared preprocessing as plain data (``preprocess.Preprocess``);
    ``labels`` are stored once, apart from the 2 kB of the rest.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    batch: int | None
    scheme: str
    preprocess: Mapping[str, Any] = field(default_factory=dict)
    postprocess: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    quantization: Mapping[str, Plain] = field(default_factory=dict)
    provenance: Mapping[str, Plain] = field(default_factory=dict)
    goldens_sha256: str = ""
    stateful: bool = False
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """What was built: one file (or, for TF.js, one folder), and how big it came out.

    ``file`` is relative to the artifact's folder. ``sha256`` is the artifact's id: the hash of
    the file, or of the sorted (name, hash) lines of a folder. ``build_key`` is the digest of
    what was asked for. ``verified`` says what the goldens' run proved and by what.
    """

    name: str
    format: Format
    scheme: str
    file: str
    size_bytes: int
    zipped_bytes: int
    sha256: str
    build_key: str
    source_sha256: str
    verified: str
    max_error: float | None  # largest difference on the goldens over the source's output range
    golden: Literal["real", "random", "none"]
    batch: int | None
    tools: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)  # float ops, opset, U8S8, ...
    warnings: tuple[str, ...] = ()
    convert_seconds: float = 0.0
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One round of one artifact on one target. Samples lie beside it; statistics are derived.

    Samples are int64 nanoseconds per *call group*: divide by ``calls_per_sample`` for one call.
    ``label`` tells apart the two names of the baseline (``""`` or ``"again"``).
    """

    job: str
    artifact: str
    artifact_sha256: str
    label: str
    target: str
    runtime: str
    threads: int
    preset: str
    round: int
    order: int  # place in the shuffled sequence of the whole job
    samples_file: str
    warmup_samples: int  # the first of the samples in the file are warm-up
    calls_per_sample: int
    load_ns: int
    first_ns: int
    peak_memory_bytes: int | None = None
    partial: bool = False
    in_force: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, Plain] = field(default_factory=dict)  # environment before the round
    after: Mapping[str, Plain] = field(default_factory=dict)
    during: tuple[Mapping[str, Plain], ...] = ()  # sensors, and the seconds since the first call
    started: str = ""  # ISO 8601, UTC
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Instructions that an artifact executed on an emulated processor: a count, never a time.

    ``counts`` are of blocks of ``calls_per_block`` calls each; ``empty`` is what the marks around
    a block cost, and stands in each of them. One record for each process.
    """

    job: str
    artifact: str
    artifact_sha256: str
    target: str
    runtime: str
    threads: int
    round: int
    unit: Literal["instructions"]
    counts: tuple[int, ...]
    empty: int
    calls_per_block: int
    in_force: Mapping[str, str] = field(default_factory=dict)
    started: str = ""  # ISO 8601, UTC
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One artifact's outputs on a data set, beside the source's on the same items.

    The two files hold float32 [items, ...] arrays, one per output name, in one ``.npz``.
    """

    job: str
    artifact: str
    artifact_sha256: str
    target: str
    runtime: str
    data: str
    data_sha256: str
    items: int
    outputs_file: str
    source_outputs_file: str
    labels_file: str  # empty without labels
    metrics: tuple[str, ...]
    gates: tuple[str, ...]
    in_force: Mapping[str, str] = field(default_factory=dict)
    started: str = ""
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A step that did not work: a row of the report, not the end of the run."""

    artifact: str
    stage: Stage
    error: str
    hint: str = ""
    target: str = ""
    runtime: str = ""
    build_key: str = ""
    schema: int = SCHEMA


def content_key(record: Any) -> str:
    """Name a record by its content: equal records share one key, one cache entry."""
    import hashlib  # OpenSSL is 3 MB that no app needs

    text = json.dumps(asdict(record), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
