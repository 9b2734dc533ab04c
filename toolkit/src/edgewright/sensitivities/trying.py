"""One run of the trials: open the source, find the tensors, try each that was not tried before."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright.conversion.converter import Converter
from edgewright.conversion.keys import converter_version, tool_versions
from edgewright.data import DataSet
from edgewright.data.calibration_set import Drawn, draw, warnings_for
from edgewright.data.feeds import model_feeds
from edgewright.sensitivities.results import (
    ALL,
    Head,
    SensitivityResult,
    Trial,
    append,
    rank,
    stored,
    write_head,
)
from edgewright.sensitivities.scoring import Metrics, find_metrics
from edgewright_runtimes.record_json import from_dict
from edgewright_runtimes.records import Format, TensorSpec

if TYPE_CHECKING:
    from edgewright_runtimes.preprocess import Preprocess

Tell = Callable[[str, int, int], None]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One run, validated. ``ratios`` are of pruning; ``samples`` items are drawn by ``seed``."""

    model: Path
    source_sha256: str
    format: Format
    what: tuple[str, ...]
    ratios: tuple[float, ...]
    metrics: tuple[str, ...]
    samples: int
    seed: int
    preprocess: Preprocess
    unsafe: bool
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """A trial to be made: what it changes, without what it finds."""

    what: str
    tensor: str
    kind: str
    op: str
    layer: str
    elements: int
    names: tuple[str, ...]
    ratio: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """The float artifact is in the child; ``job`` names it in every question."""

    job: Row
    tensors: tuple[Row, ...]
    drawn: Drawn
    metrics: Metrics
    head: Head
    warnings: tuple[str, ...]


def run(
    options: Options, data: DataSet, work: Path, keep: Path | None, tell: Tell
) -> SensitivityResult:
    """``work`` takes scratch files, ``keep`` the trials (``None``: they are not kept)."""
    converter = Converter(
        options.model, unsafe=options.unsafe, signature=options.signature, log=work / "child.log"
    )
    try:
        opened = _open(converter, options, data, work)
        known = {} if keep is None else {trial.key: trial for trial in stored(keep)}
        if keep is not None:
            write_head(keep, opened.head)
        trials, taken = [], 0
        planned = list(_plan(opened.tensors, options))
        for count, plan in enumerate(planned):
            tell(f"{plan.what} {plan.layer or plan.tensor}", count, len(planned))
            key = _key(options, opened.drawn, plan)
            taken += key in known
            trials.append(known.get(key) or _try(converter, opened, plan, key, work))
            if keep is not None and key not in known:
                append(keep, trials[-1])
        tell("", len(planned), len(planned))
    except BaseException:
        converter.kill()
        raise
    converter.close()
    return SensitivityResult(
        folder=keep,
        head=opened.head,
        trials=rank(trials),
        taken=taken,
        warnings=opened.warnings,
    )


def _open(converter: Converter, options: Options, data: DataSet, work: Path) -> _Opened:
    """Draw the items, have the float artifact made and run; find what can be tried."""
    drawn = draw(data, options.samples, options.seed)
    inputs = [from_dict(TensorSpec, spec) for spec in converter.open()["inputs"]]
    feeds = _write_feeds(drawn, options, inputs, work)
    job = {"format": options.format, "feeds": str(feeds)}
    row = converter.ask({"do": "tensors", **job, "outputs": str(work / "expected.npz")})
    outputs = Path(row["outputs"])
    metrics = find_metrics(outputs, drawn.y, options.metrics, tuple(data.class_names))
    return _Opened(
        job=job,
        tensors=tuple(row["tensors"]),
        drawn=drawn,
        metrics=metrics,
        head=_head(options, drawn, metrics, outputs),
        warnings=warnings_for(drawn, options.preprocess, inputs),
    )


def _write_feeds(drawn: Drawn, options: Options, inputs: Sequence[TensorSpec], work: Path) -> Path:
    import numpy as np

    feeds = model_feeds(drawn.x, options.preprocess, inputs)
    path = work / "feeds.npz"
    np.savez(path, **feeds)  # type: ignore[arg-type]
    return path


def _head(options: Options, drawn: Drawn, metrics: Metrics, expected: Path) -> Head:
    return Head(
        source=str(options.model),
        source_sha256=options.source_sha256,
        format=options.format,
        data=drawn.data,
        data_sha256=drawn.data_sha256,
        items=len(drawn.indices),
        scores=metrics.of(expected),
        better=metrics.better,
    )


def _plan(tensors: Sequence[Row], options: Options) -> Iterator[_Planned]:
    """Every tensor through 8 bits, all together first; then each layer's weights pruned."""
    if "quantize" in options.what:
        names = [tensor["name"] for tensor in tensors]
        nothing = {"name": ALL, "kind": "", "op": "", "layers": [], "elements": 0}
        yield _planned(nothing, "quantize", None, names)
        for tensor in tensors:
            yield _planned(tensor, "quantize", None, [tensor["name"]])
    if "prune" in options.what:
        for tensor in tensors:
            if tensor["kind"] == "weights":
                for ratio in options.ratios:
                    yield _planned(tensor, "prune", ratio, [tensor["name"]])


def _planned(tensor: Row, what: str, ratio: float | None, names: Sequence[str]) -> _Planned:
    layers = tensor["layers"]
    return _Planned(
        what=what,
        tensor=tensor["name"],
        kind=tensor["kind"],
        op=tensor["op"],
        layer=layers[-1] if layers else "",
        elements=int(tensor["elements"]),
        names=tuple(names),
        ratio=ratio,
    )


def _key(options: Options, drawn: Drawn, plan: _Planned) -> str:
    """All that decides what a trial finds."""
    plain: Mapping[str, Any] = {
        "source": options.source_sha256,
        "format": options.format,
        "data": [drawn.data_sha256, drawn.indices.tolist()],
        "preprocess": options.preprocess.to_dict(),
        "metrics": options.metrics,
        "trial": [plan.what, plan.names, plan.ratio],
        "tools": dict(tool_versions(options.format)),
        "converter": converter_version(),
    }
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:24]


def _try(converter: Converter, opened: _Opened, plan: _Planned, key: str, work: Path) -> Trial:
    start = time.perf_counter()
    outputs = work / "trial.npz"
    asked = {"names": list(plan.names), "ratio": plan.ratio, "outputs": str(outputs)}
    row = converter.ask({"do": "trial", **opened.job, **asked})
    return Trial(
        key=key,
        what=plan.what,
        tensor=plan.tensor,
        kind=plan.kind,
        op=plan.op,
        layer=plan.layer,
        elements=plan.elements,
        ratio=plan.ratio,
        sqnr_db=row["sqnr_db"],
        points_lost=row["points_lost"],
        scores=opened.metrics.of(outputs),
        seconds=round(time.perf_counter() - start, 3),
    )
