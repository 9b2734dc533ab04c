"""The two judges of a TF.js folder: @tensorflow/tfjs in node, and the package ``tensorflowjs``.

The package (the oracle) lives in an environment of its own; ``EDGEWRIGHT_TFJS_PYTHON`` names its
interpreter. It converts the same SavedModels that our writer is given as concrete functions.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

JS = Path(__file__).parents[1] / "js"
ORACLE_SCRIPT = Path(__file__).with_name("tfjs_oracle_script.py")
NO_ORACLE = "the oracle's environment is absent (make oracle; EDGEWRIGHT_TFJS_PYTHON)"
NO_NODE = "node modules absent (make install)"

Arrays = dict[str, np.ndarray[Any, Any]]


def node_is_there() -> bool:
    return (
        _node() is not None and (JS / "node_modules" / "@tensorflow" / "tfjs-backend-wasm").is_dir()
    )


def oracle_python() -> str | None:
    python = os.environ.get("EDGEWRIGHT_TFJS_PYTHON", "")
    return python if python and shutil.which(python) else None


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What TF.js made of one model: outputs by signature name, or its message."""

    outputs: Arrays
    kernels: frozenset[str] = frozenset()
    error: str = ""


def run_in_node(
    jobs: Sequence[tuple[Path, Arrays]], work: Path, *, backend: str = "cpu"
) -> list[Ran]:
    """Run each (folder of a model, feeds by signature name) on a backend of TF.js, in one node."""
    work.mkdir(parents=True, exist_ok=True)
    plan = [
        {
            "model": str(folder),
            "feeds": _write_feeds(feeds, work / f"in{i}"),
            "out": str(work / f"out{i}"),
        }
        for i, (folder, feeds) in enumerate(jobs)
    ]
    (work / "jobs.json").write_text(json.dumps(plan))
    command = [str(_node()), str(JS / "run_graph_model.mjs"), backend, str(work / "jobs.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise RuntimeError(f"node ended with {done.returncode}: {done.stderr[-2000:]}")
    return [_read_result(work / f"out{i}") for i in range(len(jobs))]


def convert_with_oracle(jobs: Sequence[tuple[Path, Path]], work: Path) -> list[dict[str, Any]]:
    """Convert (SavedModel, output folder) pairs in one warm process of the oracle.

    Each result has ``seconds``, or ``error`` where the package refuses the model.
    """
    work.mkdir(parents=True, exist_ok=True)
    plan, results = work / "oracle-jobs.json", work / "oracle-results.json"
    plan.write_text(json.dumps([[str(a), str(b)] for a, b in jobs]))
    command = [str(oracle_python()), str(ORACLE_SCRIPT), str(plan), str(results)]
    env = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    env.pop("PYTHONPATH", None)
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=1200, env=env, check=False
    )
    if done.returncode:
        raise RuntimeError(f"the oracle ended with {done.returncode}: {done.stderr[-2000:]}")
    loaded: list[dict[str, Any]] = json.loads(results.read_text())
    return loaded


def save_for_oracle(source: Any, folder: Path) -> None:
    """The source as a SavedModel with one signature, the same names."""
    import tensorflow as tf

    module = tf.Module()
    module.keep = source.as_concrete_function(batch=None)
    module.variables_kept = list(module.keep.graph.variables)
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.keep})


def oracle_feeds(folder: Path, feeds: Arrays) -> Arrays:
    """The same feeds under the names that the oracle's signature gave the inputs."""
    signature = json.loads((folder / "model.json").read_text())["signature"]
    renamed = {}
    for key, info in signature["inputs"].items():
        tensor = info["name"].split(":")[0]
        matching = [n for n in feeds if n == key or tensor.endswith(n.replace(" ", "_"))]
        if matching:
            renamed[key] = feeds[max(matching, key=len)]
    return renamed


def oracle_outputs(folder: Path, outputs: Arrays, names: Sequence[str]) -> Arrays:
    """The outputs by the source's names: the package numbers them in sorted order."""
    signature = json.loads((folder / "model.json").read_text())["signature"]["outputs"]

    def place(key: str) -> int:
        number = signature[key]["name"].split(":")[0].rpartition("_")[2]
        return int(number) if number.isdigit() else 0

    return dict(zip(sorted(names), [outputs[k] for k in sorted(outputs, key=place)], strict=True))


def count_nodes(folder: Path) -> int:
    topology = json.loads((folder / "model.json").read_text())["modelTopology"]
    library = topology.get("library", {}).get("function", [])
    return len(topology["node"]) + sum(len(f.get("nodeDef", [])) for f in library)


def largest_difference(left: Mapping[str, Any], right: Mapping[str, Any]) -> float:
    if set(left) != set(right):
        raise ValueError(f"outputs {sorted(left)} against {sorted(right)}")
    return max(float(np.max(np.abs(left[n] - right[n]))) for n in left)


def _node() -> str | None:
    return shutil.which("node")


def _write_feeds(feeds: Arrays, folder: Path) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for i, (name, array) in enumerate(feeds.items()):
        stored = array.astype(np.int32) if array.dtype.kind in "iu" else array
        file = folder / f"{i}.bin"
        file.write_bytes(np.ascontiguousarray(stored).tobytes())
        written[name] = {"dtype": stored.dtype.name, "shape": stored.shape, "file": str(file)}
    return written


def _read_result(out: Path) -> Ran:
    result = json.loads((out / "result.json").read_text())
    outputs = {
        name: np.fromfile(o["file"], o["dtype"]).reshape(o["shape"])
        for name, o in result.get("outputs", {}).items()
    }
    kernels = frozenset(result.get("kernels", ()))
    return Ran(outputs=outputs, kernels=kernels, error=result.get("error", ""))
