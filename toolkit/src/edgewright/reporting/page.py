"""From facts to one HTML file that asks for nothing else."""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from markupsafe import Markup

from edgewright.accuracy.results import ClassRow, Result
from edgewright.bench.results import Row
from edgewright.reporting import charts, rows, words
from edgewright.reporting.facts import Facts, Point
from edgewright_runtimes.version import __version__

TEMPLATES = Path(__file__).parent / "templates"
MANY_CLASSES = 30


def render(facts: Facts, *, title: str) -> str:
    """The whole page. All text from models and users is escaped by the template engine."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    script = (TEMPLATES / "report.js").read_text()
    headline, tone = words.headline(facts)
    detector = any(len(r.classes) == 2 for s in facts.subjects for r in s.accuracy)
    return environment.get_template("report.html.j2").render(
        title=title or f"{_source_name(facts)} on the edge",
        version=__version__,
        today=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        css=Markup((TEMPLATES / "report.css").read_text()),
        js=Markup(script),
        script_hash=f"sha256-{_digest(script)}",
        headline=headline,
        tone=tone,
        details=words.details(facts),
        columns=[c for c in rows.COLUMNS if detector or c[0] != "false negatives"],
        lines=[line for s in facts.subjects for line in rows.lines_of(s, detector=detector)],
        table_notes=_table_notes(facts),
        metric=next((p.metric for p in facts.points), ""),
        scatter=_scatter(facts),
        strips=_strips(facts),
        timelines=list(_timelines(facts)),
        failures=facts.failures,
        accuracy=[_accuracy(r) for s in facts.subjects for r in s.accuracy],
        latency=[_latency(row) for s in facts.subjects for row in s.latency],
        set_aside=facts.set_aside,
        provenance=list(_provenance(facts)),
        repeat=_repeat(facts),
        bundle=facts.bundle,
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _source_name(facts: Facts) -> str:
    return Path(facts.source.path).name if facts.source else facts.bundle


def _table_notes(facts: Facts) -> list[str]:
    notes = []
    if any(s.artifact.golden == "random" for s in facts.subjects):
        notes.append(
            "Verified on seeded random items: without --calibrate no real ones were given."
        )
    for subject in facts.subjects:
        notes += [f"{subject.artifact.name}: {warning}" for warning in subject.artifact.warnings]
    return notes


def _scatter(facts: Facts) -> Markup | str:
    points = facts.points
    if len(points) < 2:
        return ""
    fronts = facts.fronts
    marks = [_mark(p, (p.artifact.name, p.row.runtime) in fronts) for p in points]
    return charts.scatter(
        marks, x_name="median latency", y_name=f"{points[0].metric}", x_text=words.time
    )


def _mark(point: Point, front: bool) -> charts.Mark:
    name = point.artifact.name
    size = words.size(point.artifact.size_bytes)
    shown = f"{point.value * 100:.2f} %" if 0 <= point.value <= 1 else f"{point.value:.4g}"
    median = words.time(point.row.summary.median_ns)
    return charts.Mark(
        x=point.row.summary.median_ns,
        y=point.value,
        size=point.artifact.size_bytes,
        kind=point.artifact.format,
        label=name,
        title=f"{name} in {point.row.runtime}: {point.metric} {shown}, {median}, {size}",
        front=front,
    )


def _strips(facts: Facts) -> Markup | str:
    found = [
        (f"{row.artifact} {row.runtime}", row.format, row.summary.round_medians_ns)
        for s in facts.subjects
        for row in s.latency
        if len(row.summary.round_medians_ns) > 1
    ]
    if not found:
        return ""
    return charts.strips(found, x_text=words.time, x_name="from the artifact's own median")


def _timelines(facts: Facts) -> Iterator[tuple[str, Markup]]:
    for subject in facts.subjects:
        for row in subject.latency:
            if len(row.timeline) > 1:
                chart = charts.timeline(
                    [(p.seconds, p.median_ns) for p in row.timeline],
                    y_text=words.time,
                    x_name="seconds since the first call",
                    y_name="median of one call",
                )
                yield f"{row.artifact} in {row.runtime}", chart


def _accuracy(result: Result) -> dict[str, Any]:
    many = len(result.classes) > MANY_CLASSES
    return {
        "name": f"{result.artifact} in {result.runtime}",
        "words": _accuracy_words(result),
        "scores": [
            {
                "metric": score.metric,
                "source": words.value(score, "source"),
                "artifact": words.value(score),
                "change": words.change(score)
                + (f"; {score.method}" if score.method else "")
                + (f"; McNemar p = {score.p_value:.3g}" if score.p_value is not None else ""),
                "better": score.better,
                "items": f"{score.items:,}",
            }
            for score in result.scores
        ],
        "classes": [_class(row) for row in result.classes],
        "confusion": [] if many else _confusion(result),
    }


def _accuracy_words(result: Result) -> str:
    parts = [f"{result.items:,} items of {result.data}, on {result.target}."]
    parts += [
        f"Gate {g.gate}: {g.decision.value}"
        + (f" (about {g.items_needed:,} items would decide)" if g.items_needed else "")
        + "."
        for g in result.gates
    ]
    if result.ties is not None:
        t = result.ties
        parts.append(
            f"{t.items:,} ties, where the source's two best answers are within {t.below:g} of its "
            f"output range; {t.disagreements:,} other answers, {t.on_ties:,} of them on ties."
        )
    for d in result.differences:
        parts.append(
            f"Output {d.output}: largest difference {d.largest:.3g} in a range of "
            f"{d.source_range:.3g}; mean cosine {d.cosine:.6f}."
        )
    return " ".join(parts)


def _class(row: ClassRow) -> dict[str, Any]:
    pairs = [
        (side(row.source), side(row.artifact))
        for side in (
            lambda r: r.precision,
            lambda r: r.recall,
            lambda r: r.false_positive_rate,
            lambda r: r.false_negative_rate,
        )
    ]
    return {
        "name": row.name,
        "items": row.items,
        "rates": [f"{_rate(a)} / {_rate(b)}" for a, b in pairs],
    }


def _rate(rate: float | None) -> str:
    return "none" if rate is None else f"{rate * 100:.1f} %"


def _confusion(result: Result) -> list[dict[str, Any]]:
    return [
        {
            "name": result.classes[i].name,
            "cells": [
                {"count": n, "right": i == j, "part": round(0.6 * n / max(1, sum(line)), 2)}
                for j, n in enumerate(line)
            ],
        }
        for i, line in enumerate(result.confusion)
    ]


def _latency(row: Row) -> dict[str, Any]:
    s = row.summary
    facts = [
        ("preset", f"{row.preset}, {s.rounds} rounds, {s.n:,} samples, worth {s.effective_n:,}"),
        ("calls per sample", str(s.calls_per_sample)),
        ("started", row.started),
        ("in force", _pairs(row.in_force)),
        ("environment before", _pairs(row.environment)),
        ("environment after", _pairs(row.environment_after)),
    ]
    if row.busy:
        facts.append(("other busy processes", ", ".join(row.busy)))
    verdict = row.judgement.verdict.value
    return {
        "name": f"{row.artifact} in {row.runtime} on {row.target}",
        "verdict": verdict,
        "reasons": row.judgement.reasons,
        "facts": facts,
    }


def _pairs(values: Any) -> str:
    return ", ".join(f"{key} {value}" for key, value in sorted(values.items())) or "not known"


def _provenance(facts: Facts) -> Iterator[tuple[str, str]]:
    source = facts.source
    if source is None:
        yield "source", "not known: bundle.json is missing or damaged"
        return
    yield "source", f"{Path(source.path).name} ({source.kind})"
    yield "source sha256", source.sha256
    for note in source.notes:
        yield "note", note
    calibration = dict(source.calibration)
    yield "calibration", _pairs(calibration) if calibration else "none"
    yield "preprocessing", _pairs(source.preprocess) if source.preprocess else "none declared"
    tools = {k: v for s in facts.subjects for k, v in s.artifact.tools.items()}
    yield "tools", _pairs(tools)
    for subject in facts.subjects:
        a = subject.artifact
        error = "" if a.max_error is None else f", off by {a.max_error:.1e} of the output range"
        yield a.name, f"{a.verified}{error}; sha256 {a.sha256}"


def _repeat(facts: Facts) -> str:
    """The commands; paths as they were given are not known here, so names stand for them."""
    source = facts.source
    model = Path(source.path).name if source else "MODEL"
    convert = ["edgewright", "convert", model, "--out", facts.bundle]
    if source and source.calibration:
        c = source.calibration
        convert += ["--calibrate", str(c["data"]), "--samples", str(c["samples"])]
        convert += ["--seed", str(c["seed"])]
    lines = [convert]
    results = [r for s in facts.subjects for r in s.accuracy]
    if results:
        gates = [word for g in results[0].gates for word in ("--gate", g.gate)]
        lines.append(["edgewright", "check", facts.bundle, "--data", results[0].data, *gates])
    timed = [row for s in facts.subjects for row in s.latency]
    if timed:
        row = timed[0]
        words_ = ["--preset", row.preset, "--threads", str(row.threads)]
        lines.append(["edgewright", "bench", facts.bundle, *words_])
    lines.append(["edgewright", "report", facts.bundle])
    return "\n".join(shlex.join(line) for line in lines)
