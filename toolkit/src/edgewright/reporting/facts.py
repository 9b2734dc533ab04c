"""Everything a report says, read from a bundle once; nothing here knows of HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgewright.accuracy.evaluate import evaluate
from edgewright.accuracy.intervals import Decision
from edgewright.accuracy.results import WORST_FIRST, Result
from edgewright.bench.results import Row, read_results, set_aside
from edgewright.bundle import Bundle, artifact_sha256
from edgewright_runtimes.errors import EdgewrightError
from edgewright_runtimes.records import Artifact, Failure, SourceInfo

if TYPE_CHECKING:
    from edgewright_runtimes.records import Evaluation


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One artifact with all that is known of it. Lists are empty where nothing was measured."""

    artifact: Artifact
    accuracy: tuple[Result, ...]
    latency: tuple[Row, ...]
    failures: tuple[Failure, ...]

    @property
    def decision(self) -> Decision | None:
        found = {result.decision for result in self.accuracy}
        return next((d for d in WORST_FIRST if d in found), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """``set_aside``: measurements of files that are no longer there, and records that can't be
    read; they are named, never shown as results."""

    bundle: str
    source: SourceInfo | None
    subjects: tuple[Subject, ...]
    failures: tuple[Failure, ...]
    set_aside: tuple[str, ...]

    @property
    def decisions(self) -> Mapping[str, Decision | None]:
        return {s.artifact.name: s.decision for s in self.subjects}

    @property
    def fronts(self) -> frozenset[tuple[str, str]]:
        """(artifact, runtime) that no other beats in both accuracy and latency."""
        return pareto(self.points)

    @property
    def points(self) -> tuple[Point, ...]:
        """Artifacts that have both an accuracy and a latency, for the chart."""
        return tuple(
            Point(artifact=s.artifact, row=row, metric=score.metric, value=score.artifact)
            for s in self.subjects
            for result in s.accuracy
            for score in result.scores[:1]
            for row in s.latency
            if score.artifact is not None and row.target == result.target
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    artifact: Artifact
    row: Row
    metric: str
    value: float


def pareto(points: tuple[Point, ...]) -> frozenset[tuple[str, str]]:
    """The points that no other beats: none is as good in both and better in one."""

    def beaten(p: Point) -> bool:
        return any(
            q.value >= p.value
            and q.row.summary.median_ns <= p.row.summary.median_ns
            and (q.value > p.value or q.row.summary.median_ns < p.row.summary.median_ns)
            for q in points
        )

    return frozenset((p.artifact.name, p.row.runtime) for p in points if not beaten(p))


def read_facts(bundle: Bundle) -> Facts:
    """Raises nothing for damaged records: they are listed in ``set_aside``."""
    artifacts = bundle.artifacts()
    rows = read_results(bundle)
    problems: list[str] = []
    results = _accuracy(bundle, artifacts, problems)
    failures = bundle.failures()
    subjects = tuple(
        Subject(
            artifact=a,
            accuracy=tuple(r for r in results if r.artifact == a.name),
            latency=tuple(r for r in rows if r.artifact == a.name),
            failures=tuple(f for f in failures if f.artifact == a.name),
        )
        for a in artifacts
    )
    return Facts(
        bundle=bundle.path.name,
        source=bundle.source,
        subjects=subjects,
        failures=failures,
        set_aside=(*set_aside(bundle), *problems, *bundle.problems),
    )


def _accuracy(
    bundle: Bundle, artifacts: tuple[Artifact, ...], problems: list[str]
) -> tuple[Result, ...]:
    """The latest evaluation of each artifact, runtime and target, on the file that is there."""
    latest: dict[tuple[str, str, str], Evaluation] = {}
    now = {a.name: _sha256(bundle, a) for a in artifacts}
    for evaluation in sorted(bundle.evaluations(), key=lambda e: e.started):
        if now.get(evaluation.artifact) != evaluation.artifact_sha256:
            problems.append(
                f"{evaluation.artifact}: a check set aside, made on another file of this name"
            )
            continue
        latest[evaluation.artifact, evaluation.runtime, evaluation.target] = evaluation
    found = []
    for evaluation in latest.values():
        try:
            found.append(evaluate(bundle, evaluation))
        except (EdgewrightError, OSError) as e:
            problems.append(f"{evaluation.artifact}: a check set aside, {e}")
    return tuple(found)


def _sha256(bundle: Bundle, artifact: Artifact) -> str:
    try:
        return artifact_sha256(bundle, artifact)
    except (OSError, EdgewrightError):
        return ""
