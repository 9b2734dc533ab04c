"""Everything a report says, read from a bundle once; nothing here knows of HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgewright.accuracy.evaluate import evaluate
from edgewright.accuracy.intervals import Decision
from edgewright.accuracy.results import WORST_FIRST, Result, Score
from edgewright.bundle import Bundle, artifact_sha256
from edgewright.compression.auto import read_tries
from edgewright.compression.store import compressed_models
from edgewright.inspection.transfer import brotli_size
from edgewright.latency.results import Row, read_results, set_aside
from edgewright.reporting.again import Again, read_again
from edgewright.reporting.sensitivity import read_runs
from edgewright_runtimes.errors import EdgewrightError
from edgewright_runtimes.records import Artifact, Compressed, Failure, SourceInfo, Try

if TYPE_CHECKING:
    from edgewright.sensitivities import SensitivityResult
    from edgewright_runtimes.records import Evaluation

HARNESS = "null"  # the runtime that runs nothing: its rows are the cost of measuring
NOT_HERE: Mapping[str, str] = {"tfjs": "it runs in a browser: --target browser:chromium"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One artifact with all that is known of it. Lists are empty where nothing was measured.

    ``browsers``: the bundle has rows of some, so that what has none was not asked for there.
    ``brotli_bytes``: what a browser may be sent; of artifacts that run in one, and are there.
    """

    artifact: Artifact
    accuracy: tuple[Result, ...]
    latency: tuple[Row, ...]
    failures: tuple[Failure, ...]
    browsers: bool = False
    brotli_bytes: int | None = None

    @property
    def decision(self) -> Decision | None:
        found = {result.decision for result in self.accuracy}
        return next((d for d in WORST_FIRST if d in found), None)

    @property
    def compressed(self) -> str:
        """The key of the compressed model that it was made of; empty: of the source itself."""
        return str(self.artifact.details.get("compressed", ""))

    @property
    def not_here(self) -> str:
        """Why it was not run on this target, or nothing."""
        ran = self.accuracy or self.latency or self.browsers
        return "" if ran else NOT_HERE.get(self.artifact.format, "")

    def result(self, row: Row | None) -> Result | None:
        """The accuracy that goes with a row: of the same runtime where it was checked there."""
        target = [r for r in self.accuracy if row is None or r.target == row.target]
        same = [r for r in target if row is None or r.runtime == row.runtime]
        return next(iter(same or target), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """An artifact with both an accuracy and a latency."""

    artifact: Artifact
    row: Row
    score: Score

    @property
    def name(self) -> tuple[str, str, str]:
        return self.artifact.name, self.row.runtime, self.row.target

    @property
    def goodness(self) -> float:
        """The metric's value, turned so that more is better."""
        value = self.score.artifact or 0.0
        return value if self.score.better == "higher" else -value


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``again``: the baselines' second names. ``compressed``: the models of recipes, whose
    artifacts are among the ``subjects``. ``tries``: those of a search. ``set_aside``: measurements
    of files that are no longer there, and records that can't be read; they are named, never shown
    as results."""

    bundle: str
    source: SourceInfo | None
    subjects: tuple[Subject, ...]
    failures: tuple[Failure, ...]
    again: tuple[Again, ...]
    compressed: tuple[Compressed, ...]
    tries: tuple[Try, ...]
    sensitivities: tuple[SensitivityResult, ...]
    set_aside: tuple[str, ...]

    @property
    def decisions(self) -> Mapping[str, Decision | None]:
        return {s.artifact.name: s.decision for s in self.subjects}

    @property
    def results(self) -> tuple[Result, ...]:
        return tuple(r for s in self.subjects for r in s.accuracy)

    @property
    def rows(self) -> tuple[Row, ...]:
        return tuple(row for s in self.subjects for row in s.latency)

    @property
    def metric(self) -> str:
        """The metric that comes first, for the table and the chart."""
        return next((s.metric for r in self.results for s in r.scores[:1]), "")

    @property
    def points(self) -> tuple[Point, ...]:
        """Artifacts that have both a value of ``metric`` and a latency, for the chart."""
        found = []
        for subject in self.subjects:
            for row in subject.latency:
                result = subject.result(row)
                score = result.score(self.metric) if result else None
                real = row.is_latency and row.runtime != HARNESS
                if real and score and score.artifact is not None:
                    found.append(Point(artifact=subject.artifact, row=row, score=score))
        return tuple(found)

    @property
    def targets(self) -> tuple[str, ...]:
        """Where latency was measured, in the order of the rows."""
        return tuple(dict.fromkeys(row.target for row in self.rows))

    def place(self, row: Row) -> str:
        """`` on TARGET``, where rows of several targets stand beside each other."""
        return f" on {row.target}" if len(self.targets) > 1 else ""

    @property
    def front(self) -> frozenset[tuple[str, str, str]]:
        """(artifact, runtime, target) that no other of its target beats in both accuracy and
        latency: what is faster elsewhere is no choice here."""
        found: list[tuple[str, str, str]] = []
        for target in self.targets:
            points = [p for p in self.points if p.row.target == target]
            costs = [(p.row.summary.median_ns, -p.goodness) for p in points]
            found += [points[i].name for i in pareto(costs)]
        return frozenset(found)


def pareto(costs: list[tuple[float, float]]) -> list[int]:
    """Places of the (cost, cost) that none beats: as cheap in both, and cheaper in one."""

    def beaten(a: tuple[float, float]) -> bool:
        return any(b[0] <= a[0] and b[1] <= a[1] and b != a for b in costs)

    return [i for i, cost in enumerate(costs) if not beaten(cost)]


def read_facts(bundle: Bundle) -> Facts:
    """Raises nothing for damaged records: they are listed in ``set_aside``."""
    artifacts = bundle.artifacts()
    rows = read_results(bundle)
    problems: list[str] = []
    results = _accuracy(bundle, artifacts, problems)
    failures = bundle.failures()
    ran = {(row.artifact, row.target) for row in rows} | {(r.artifact, r.target) for r in results}
    web = {name for name, target in ran if target.startswith(("browser:", "page:"))}
    subjects = tuple(
        Subject(
            artifact=a,
            accuracy=tuple(r for r in results if r.artifact == a.name),
            latency=tuple(r for r in rows if r.artifact == a.name),
            failures=tuple(f for f in failures if f.artifact == a.name),
            browsers=bool(web),
            brotli_bytes=_brotli(bundle, a) if a.name in web or a.format == "tfjs" else None,
        )
        for a in artifacts
    )
    return Facts(
        bundle=bundle.path.resolve().name,
        source=bundle.source,
        subjects=subjects,
        failures=failures,
        again=read_again(bundle, rows),
        compressed=compressed_models(bundle),
        tries=read_tries(bundle),
        sensitivities=read_runs(bundle, problems),
        set_aside=(*set_aside(bundle), *dict.fromkeys(problems), *bundle.problems),
    )


def _accuracy(
    bundle: Bundle, artifacts: tuple[Artifact, ...], problems: list[str]
) -> tuple[Result, ...]:
    """The latest evaluation of each artifact, runtime and target, on the file that is there."""
    latest: dict[tuple[str, str, str], Evaluation] = {}
    now = {a.name: _sha256(bundle, a) for a in artifacts}
    for evaluation in sorted(bundle.evaluations(), key=lambda e: e.started):
        name = evaluation.artifact
        if now.get(name) != evaluation.artifact_sha256:
            what = "another file of this name" if name in now else "an artifact that is not here"
            problems.append(f"{name}: a check set aside, made on {what}")
            continue
        latest[name, evaluation.runtime, evaluation.target] = evaluation
    found = []
    for evaluation in latest.values():
        try:
            found.append(evaluate(bundle, evaluation))
        except (EdgewrightError, OSError, ValueError, KeyError) as e:
            problems.append(f"{evaluation.artifact}: a check set aside, {e}")
    return tuple(found)


def _brotli(bundle: Bundle, artifact: Artifact) -> int | None:
    try:
        model = bundle.model_file(artifact)
        files = [model] if artifact.format != "tfjs" else model.parent.rglob("*")
        return brotli_size(f for f in files if f.is_file() and f.name != "artifact.json")
    except (OSError, EdgewrightError):
        return None


def _sha256(bundle: Bundle, artifact: Artifact) -> str:
    try:
        return artifact_sha256(bundle, artifact)
    except (OSError, EdgewrightError):
        return ""
