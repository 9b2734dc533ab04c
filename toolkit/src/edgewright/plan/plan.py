"""The plan's fields: each a section's dataclass, so that a field is declared in one place only."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSection:
    path: str
    preprocess: str = ""
    labels: str = ""
    signature: str = ""  # of a SavedModel that has several
    unsafe: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertSection:
    formats: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    calibrate: str = ""
    samples: int = 256
    seed: int = 0
    batch: int | str = ""  # "": each format's default
    opset: int = 0  # 0: the lowest that converts
    workers: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressSection:
    recipe: str  # a .toml file, or a name: prune50_int8
    data: str = ""
    check: str = ""
    held_back: float = 0.1
    formats: tuple[str, ...] = ("tflite", "onnx")
    samples: int = 256
    seed: int = 0
    augment: str = ""
    target: str = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSection:
    data: str
    metrics: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    max_drop: float | None = None
    min_agreement: float | None = None
    subset: int = 0  # 0: all
    runtimes: tuple[str, ...] = ()
    target: str = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchSection:
    preset: str = "quick"
    artifacts: tuple[str, ...] = ()
    runtimes: tuple[str, ...] = ()
    threads: int = 1
    target: str = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSection:
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``out`` is the bundle; a section that is left out is a step that is left out."""

    out: str
    model: ModelSection
    convert: ConvertSection = field(default_factory=ConvertSection)
    compress: CompressSection | None = None
    check: CheckSection | None = None
    bench: BenchSection | None = None
    report: ReportSection | None = None


TEMPLATE = """\
# An Edgewright plan: edgewright run plan.toml
# Paths are relative to this file.
out = "bundle"

[model]
path = "model.keras"             # .keras, .h5, or a SavedModel folder
# preprocess = "preprocess.toml" # scale, mean, std, resize, crop, layout, color
# labels = "labels.txt"          # one class name a line
# signature = "serving_default" # of a SavedModel that has several
# unsafe = false                 # true runs code that the model carries

[convert]
# formats = ["tflite", "onnx", "tfjs"]
# variants = ["float32", "tflite-int8"]  # schemes, or whole names
# calibrate = "train.npz"        # the integer schemes need it
# samples = 256
# seed = 0
# batch = "dynamic"              # or a number; TFLite takes 1, the others dynamic
# opset = 17
# workers = 1                    # converter processes

# [compress]                     # a recipe's steps, and its artifacts beside the source's own
# recipe = "prune50_int8"        # or a .toml file with [[steps]]
# data = "train.npz"             # to learn from and calibrate with
# check = "validation.npz"       # scores each step; else the items held back
# held_back = 0.1                # the share of the data that chooses the best epoch
# formats = ["tflite", "onnx"]
# samples = 256
# seed = 0
# augment = "mine:flip"          # (item, generator) -> item
# target = "local"               # where latencies that steer a step are measured

# [check]                        # accuracy, paired with the source item by item
# data = "test.npz"
# metrics = ["accuracy"]
# gates = ["accuracy:1"]         # points for proportions, "mae:5%" for the rest
# max_drop = 1.0                 # short for the gate accuracy:1
# min_agreement = 99.0           # for data without labels
# subset = 1000
# runtimes = ["litert", "litertjs-wasm"]
# target = "local,browser:chromium"  # or page: any device that opens the address

# [bench]                        # latency
# preset = "quick"               # smoke, quick, standard, sustained
# artifacts = ["tflite-int8"]
# runtimes = ["litert", "onnxruntime"]
# threads = 1
# target = "local,browser:chromium"

[report]                         # one self-contained report.html in the bundle
# title = "My model"
"""
