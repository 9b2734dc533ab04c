"""A bundle of artifacts with contracts and goldens that nothing runs: what `export-app` reads."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgewright.bundle import Bundle, content_sha256
from edgewright_converters.embed import embed_contract
from edgewright_runtimes.contract import KEY, LABEL_NAMES, to_payload
from edgewright_runtimes.records import Artifact, Contract, TensorSpec

MODELS = Path(__file__).parents[1] / "models"
LABELS = ("cat", "dog", "fox")
IMAGE = TensorSpec(name="image", dtype="float32", shape=(None, 8, 6, 1))
KIND = TensorSpec(name="kind", dtype="float32", shape=(None, 3))


def contract(*inputs: TensorSpec, **changes: Any) -> Contract:
    said: dict[str, Any] = {
        "inputs": inputs or (IMAGE,),
        "outputs": (KIND,),
        "batch": None,
        "scheme": "float32",
        "labels": LABELS,
    }
    return Contract(**{**said, **changes})


def make_bundle(
    folder: Path,
    said: Contract,
    *,
    raw: dict[str, Any] | None = None,
    golden: str = "real",
    op: str = "Softmax",
) -> Bundle:
    """One artifact, ``tfjs-float32``, and eight goldens (pixels of 0 to 255 for an image).

    ``op`` is that of the graph's one node.
    """
    bundle = Bundle.create(folder)
    built = bundle.work_folder() / "tfjs-float32"
    built.mkdir()
    stored = {**to_payload(said), LABEL_NAMES: list(said.labels)}
    model = {
        "modelTopology": {"node": [{"name": "y", "op": op}]},
        "weightsManifest": [],
        "userDefinedMetadata": {KEY: stored},
    }
    (built / "model.json").write_text(json.dumps(model))
    (built / "group1-shard1of1.bin").write_bytes(bytes(12))
    bundle.add_artifact(make_artifact(said, content_sha256(built), golden), built)
    rng = np.random.default_rng(0)
    items = {
        s.name: rng.integers(0, 256, (8, *(n or 1 for n in s.shape[1:]))).astype("f4")
        for s in said.inputs
    }
    arrays = {f"raw/{name}": value for name, value in (raw or items).items()}
    arrays |= {f"input/{name}": np.full_like(value, 0.5) for name, value in items.items()}
    outputs = {f"output/{s.name}": np.full((8, 3), 1 / 3, "f4") for s in said.outputs}
    np.savez(folder / "golden.npz", **arrays, **outputs)
    return bundle


def make_artifact(said: Contract, sha256: str = "0" * 64, golden: str = "real") -> Artifact:
    return Artifact(
        name=f"tfjs-{said.scheme}",
        format="tfjs",
        scheme=said.scheme,
        file="model.json",
        size_bytes=400,
        zipped_bytes=200,
        sha256=sha256,
        build_key="key",
        source_sha256="source",
        verified="run",
        max_error=None,
        golden="random" if golden == "random" else "real",
        batch=said.batch,
    )


def make_form_bundle(folder: Path) -> Bundle:
    """``onnx-float32`` that runs: eight numbers, standardized by its contract, to three labels."""
    bundle = Bundle.create(folder)
    built = bundle.work_folder() / "onnx-float32"
    built.mkdir()
    model = built / "model.onnx"
    shutil.copy(MODELS / "dense.onnx", model)
    x = TensorSpec(name="x", dtype="float32", shape=(None, 8))
    scores = TensorSpec(name="scores", dtype="float32", shape=(None, 3))
    preprocess = {"mean": [float(i) for i in range(8)], "std": 2.0}
    said = contract(x, outputs=(scores,), preprocess=preprocess)
    embed_contract(model, said)
    artifact = make_artifact(said, content_sha256(model))
    bundle.add_artifact(
        replace(artifact, name="onnx-float32", format="onnx", file=model.name), built
    )
    with np.load(MODELS / "expected.npz", allow_pickle=False) as arrays:
        ready, answers = arrays["dense/x"], arrays["dense/scores"]
    raw = (ready * 2 + np.arange(8)).astype("f4")
    np.savez(folder / "golden.npz", **{"raw/x": raw, "input/x": ready, "output/scores": answers})
    return bundle
