"""From facts to one HTML file that asks for nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from markupsafe import Markup

from edgewright.reporting import (
    compression,
    errors,
    provenance,
    rows,
    sensitivity,
    verdict,
    words,
)
from edgewright.reporting.facts import Facts
from edgewright.reporting.scatter import scatter
from edgewright.reporting.strips import strips
from edgewright.reporting.timeline import timelines
from edgewright_runtimes.version import __version__

TEMPLATES = Path(__file__).parent / "templates"


def render(facts: Facts, *, title: str) -> str:
    """The whole page. All text from models and users is escaped by the template engine."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = (TEMPLATES / "report.js").read_text()
    headline, tone = verdict.headline(facts)
    page = environment.get_template("report.html.j2").render(
        title=title or f"{_source_name(facts)} on the edge",
        version=__version__,
        today=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        css=Markup((TEMPLATES / "report.css").read_text()),
        js=Markup(script),
        script_hash=f"sha256-{_digest(script)}",
        headline=headline,
        tone=tone,
        details=list(verdict.details(facts)),
        subtitle=_subtitle(facts),
        table=rows.table_of(facts),
        warnings=list(_warnings(facts)),
        metric=words.title(facts.metric),
        scatter=scatter(facts),
        formats=[
            n
            for n in ("tflite", "onnx", "tfjs")
            if any(p.artifact.format == n for p in facts.points)
        ],
        compression=compression.story(facts),
        sensitivity=list(sensitivity.plots(facts)),
        strips=strips(facts),
        again=bool(facts.again),
        timelines=list(timelines(facts)),
        missed=errors.missed_by_class(facts),
        checks=errors.checks(facts),
        failures=facts.failures,
        not_here=[s for s in facts.subjects if s.not_here],
        set_aside=facts.set_aside,
        environment=provenance.environment(facts),
        timed=provenance.timed(facts),
        provenance=list(provenance.provenance(facts)),
        artifacts=list(provenance.artifacts(facts)),
        repeat=provenance.repeat(facts),
        bundle=facts.bundle,
    )
    return page.encode("utf-8", "replace").decode()  # a hostile label may hold half a character


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _source_name(facts: Facts) -> str:
    return Path(facts.source.path).name if facts.source else facts.bundle


def _subtitle(facts: Facts) -> str:
    """What the page is about, in one line."""
    count = len(facts.subjects)
    said = [f"{count} artifact{'s' * (count != 1)}"]
    if facts.source:
        said.append(f"made from {_source_name(facts)} ({facts.source.kind})")
    targets = list(dict.fromkeys(row.target for row in facts.rows))
    if targets:
        said.append(f"timed on {words.joined(targets)}")
    return ", ".join(said)


def _warnings(facts: Facts) -> Iterator[tuple[str, str]]:
    """(names, warning): one that several artifacts share is said once."""
    found: dict[str, list[str]] = {}
    for subject in facts.subjects:
        for warning in subject.artifact.warnings:
            found.setdefault(warning, []).append(subject.artifact.name)
    for warning, names in found.items():
        yield words.some(names), warning
    random = [s.artifact.name for s in facts.subjects if s.artifact.golden == "random"]
    if random:
        yield words.some(random), "verified on seeded random items: no real ones were given"
