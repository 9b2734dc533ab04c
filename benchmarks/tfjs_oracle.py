"""Our TF.js writer against the package ``tensorflowjs``: the same nets, both under TF.js in node.

Prints, per net: the largest difference between the two writers' outputs and between ours and the
source, how many nodes each graph has, and the seconds each conversion took in a warm process.

    EDGEWRIGHT_TFJS_PYTHON=... EDGEWRIGHT_REAL=... python benchmarks/tfjs_oracle.py [NET ...]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.converters.nets import NETS, build, feeds_for  # noqa: E402
from tests.cross_runtime import tfjs_peers as peers  # noqa: E402

REAL = {
    "ResNet8": "mlperf_tiny/pretrainedResnet.h5",
    "DS-CNN": "mlperf_tiny/kws_ref_model",
    "VWW": "mlperf_tiny/vww_96.h5",
    "hand gesture": "hand_gesture/keypoint_classifier.hdf5",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    net: str
    against_oracle: float | None  # None: the oracle refuses the net
    against_source: float
    nodes: int
    oracle_nodes: int | None
    seconds: float
    oracle_seconds: float | None
    oracle_error: str = ""


def compare(sources: dict[str, Any], work: Path) -> list[Row]:
    """Convert every source with both writers and run both results on the same feeds."""
    feeds = {name: feeds_for(source) for name, source in sources.items()}
    seconds = {name: _write(source, work, name) for name, source in sources.items()}
    theirs = peers.convert_with_oracle(
        [(work / "saved" / name, work / "theirs" / name) for name in sources], work
    )
    results = dict(zip(sources, theirs, strict=True))
    made = [name for name in sources if "seconds" in results[name]]
    jobs = [(work / "ours" / name, feeds[name]) for name in sources]
    jobs += [(work / "theirs" / n, peers.oracle_feeds(work / "theirs" / n, feeds[n])) for n in made]
    ran = peers.run_in_node(jobs, work / "node")
    ours = dict(zip(sources, ran, strict=False))
    oracle = dict(zip(made, ran[len(sources) :], strict=True))
    return [
        _row(name, work, ours[name], oracle.get(name), results[name], seconds[name],
             source.predict(feeds[name]))
        for name, source in sources.items()
    ]  # fmt: skip


def _write(source: Any, work: Path, name: str) -> float:
    from edgewright_converters.formats import tfjs
    from edgewright_converters.formats.format import WriteRequest
    from edgewright_runtimes.records import Variant

    peers.save_for_oracle(source, work / "saved" / name)
    request = WriteRequest(variant=Variant(format="tfjs", scheme="float32"), batch=None)
    start = time.perf_counter()
    tfjs.write(source, request, work / "ours" / name)
    return time.perf_counter() - start


def _row(
    name: str,
    work: Path,
    ours: peers.Ran,
    oracle: peers.Ran | None,
    converted: dict[str, Any],
    seconds: float,
    expected: peers.Arrays,
) -> Row:
    if ours.error:
        raise SystemExit(f"{name}: TF.js does not run ours: {ours.error}")
    error = converted.get("error", "") or (oracle.error if oracle else "")
    folder = work / "theirs" / name
    difference = None
    if oracle is not None and not oracle.error:
        named = peers.oracle_outputs(folder, oracle.outputs, list(ours.outputs))
        difference = peers.largest_difference(ours.outputs, named)
    return Row(
        net=name,
        against_oracle=difference,
        against_source=peers.largest_difference(ours.outputs, expected),
        nodes=peers.count_nodes(work / "ours" / name),
        oracle_nodes=None if oracle is None else peers.count_nodes(folder),
        seconds=seconds,
        oracle_seconds=converted.get("seconds"),
        oracle_error=" ".join(str(error).split())[:100],
    )


def table(rows: list[Row]) -> str:
    lines = [
        "| net | max diff, oracle | max diff, source | nodes, ours / theirs | s, ours / theirs |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        oracle = row.oracle_error if row.against_oracle is None else f"{row.against_oracle:.1e}"
        theirs = "-" if row.oracle_nodes is None else str(row.oracle_nodes)
        took = "-" if row.oracle_seconds is None else f"{row.oracle_seconds:.2f}"
        lines.append(
            f"| {row.net} | {oracle} | {row.against_source:.1e} | {row.nodes} / {theirs} "
            f"| {row.seconds:.2f} / {took} |"
        )
    return "\n".join(lines)


def sources(names: list[str]) -> dict[str, Any]:
    """Nets by name; without names every net, and the real models where they are."""
    from edgewright_converters.sources.reading import open_source

    found: dict[str, Any] = {name: build(name) for name in names or NETS if name in NETS}
    root = Path(os.environ.get("EDGEWRIGHT_REAL", "/nowhere"))
    for name, path in REAL.items():
        if (not names or name in names) and (root / path).exists():
            found[name] = open_source(root / path)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nets", nargs="*", help=f"of {', '.join([*NETS, *REAL])}")
    nets = parser.parse_args().nets
    if peers.oracle_python() is None:
        parser.exit(2, f"{peers.NO_ORACLE}\n")
    with tempfile.TemporaryDirectory() as work:
        print(table(compare(sources(nets), Path(work))))


if __name__ == "__main__":
    main()
