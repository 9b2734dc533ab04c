"""A compressed artifact beside the source's own of the same format and scheme: its control."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgewright.latency.plan import BASELINE_SCHEME
from edgewright.reporting import words
from edgewright.reporting.cells import BLANK, Cell, against, compared, median
from edgewright.reporting.facts import HARNESS, Facts, Subject
from edgewright_runtimes.statistics import Comparison, compare

if TYPE_CHECKING:
    from edgewright.latency.results import Row

VALUES_ONLY = ("prune", "cluster")  # steps that change values, and leave every shape
STRUCTURAL = "prune-channels"
MOST_NAMED = 6
VISIBLE = 0.10  # where nothing smaller could have been seen, "no difference" says too little


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpaid:
    """An artifact that is no faster than its control, for all its zeros or clusters.

    ``visible`` is the smallest relative difference that would have been seen.
    """

    artifact: str
    control: str
    runtime: str
    what: str
    visible: float
    slower: bool
    words: str

    @property
    def sure(self) -> bool:
        return self.slower or self.visible <= VISIBLE


def control_names(subject: Subject) -> set[str]:
    """The source's float32 and same scheme, in the artifact's format."""
    artifact = subject.artifact
    return {f"{artifact.format}-{BASELINE_SCHEME}", f"{artifact.format}-{artifact.scheme}"}


def control_of(facts: Facts, subject: Subject) -> Subject | None:
    """The source's own of the same scheme; ``None`` for the source's own, and where it is gone."""
    if not subject.compressed:
        return None
    name = f"{subject.artifact.format}-{subject.artifact.scheme}"
    return next((s for s in facts.subjects if s.artifact.name == name), None)


def beside(facts: Facts, subject: Subject, row: Row) -> tuple[Row, Comparison] | None:
    """The control's row of the same job, and how ``row`` compares; ``None`` where there is none.

    What two names of one file differ by is known of the float32 baseline: its A/A pair widens
    this interval as it widens that one's.
    """
    control = control_of(facts, subject)
    place = (row.runtime, row.target, row.threads, row.job)
    rows = control.latency if control else ()
    base = next((r for r in rows if (r.runtime, r.target, r.threads, r.job) == place), None)
    if base is None or not row.is_latency:
        return None
    return base, compare(row.summary, base.summary, _again(facts, base))


def _again(facts: Facts, base: Row) -> list[np.ndarray[Any, np.dtype[np.float64]]] | None:
    """The control's rounds, as far from themselves as the baseline was from its second name."""
    place = (f"{base.format}-{BASELINE_SCHEME}", base.runtime, base.target, base.threads)
    twins = [a for a in facts.again if (a.artifact, a.runtime, a.target, a.threads) == place]
    firsts = [r for r in facts.rows if (r.artifact, r.runtime, r.target, r.threads) == place]
    if not twins or not firsts or firsts[0].job != base.job:
        return None
    apart = _mean_log(twins[0].round_medians_ns) - _mean_log(firsts[0].summary.round_medians_ns)
    return [np.array([ns * math.exp(apart)]) for ns in base.summary.round_medians_ns]


def _mean_log(medians_ns: tuple[float, ...]) -> float:
    return float(np.log(np.maximum(medians_ns, 1e-3)).mean())


def time_cells(facts: Facts, subject: Subject, row: Row | None) -> tuple[Cell, Cell, Cell]:
    """Median, against the control, against float32."""
    if row is None:
        blank = Cell(text=BLANK, title=words.NOT_MEASURED)
        return blank, blank, blank
    found = beside(facts, subject, row)
    alone = Cell(text=BLANK, title="no control in the same job")
    return median(row.summary), compared(found[1]) if found else alone, against(row)


def no_time_gained(facts: Facts) -> Iterator[Unpaid]:
    """Each artifact whose zeros or clusters were measured beside its control, and bought no time.

    Steps that change shapes are another matter: what they gain is in the tables.
    """
    recipes = {c.key: [r.step.kind for r in c.records] for c in facts.compressed}
    for subject in facts.subjects:
        kinds = recipes.get(subject.compressed, [])
        if STRUCTURAL in kinds or not any(kind in VALUES_ONLY for kind in kinds):
            continue
        for row in subject.latency:
            found = None if row.runtime == HARNESS else beside(facts, subject, row)
            if found is None:
                continue
            base, comparison = found
            visible = comparison.smallest_visible
            if visible is None or (comparison.different and comparison.ratio < 1):
                continue
            yield Unpaid(
                artifact=row.artifact,
                control=base.artifact,
                runtime=row.runtime,
                what="Zeros in the weights" if "prune" in kinds else "Clustered weights",
                visible=visible,
                slower=comparison.different,
                words=comparison.words,
            )


def without_control(facts: Facts) -> Iterator[str]:
    """A sentence on compressed artifacts that were not timed in one job with their control."""
    if not facts.rows:
        return
    found = [
        s.artifact.name
        for s in facts.subjects
        if s.compressed and not s.not_here and not any(beside(facts, s, row) for row in s.latency)
    ]
    if found:
        yield (
            "Not timed beside the source's own of the same scheme: "
            f"{words.some(found, MOST_NAMED)}. "
            f"edgewright bench {facts.bundle} times all in one job."
        )


def aloud(found: Iterable[Unpaid]) -> Iterator[str]:
    """A plain sentence of what zeros, and one of what clusters, did not buy; what shows little."""
    groups: dict[tuple[bool, str], list[Unpaid]] = {}
    for one in found:
        groups.setdefault((one.sure, one.what), []).append(one)
    for (sure, what), group in groups.items():
        names = words.some(list(dict.fromkeys(one.artifact for one in group)), MOST_NAMED)
        if len(group) == 1:
            than = f"{names} is no faster than {group[0].control} in {group[0].runtime}"
        else:
            than = f"{names} are no faster than the source's own of the same scheme"
        seen = f"{max(one.visible for one in group) * 100:.2g} %"
        if sure:
            yield f"{what} bought no time: {than}. A difference of {seen} would have been seen."
        else:
            yield (
                f"Whether {what[:1].lower()}{what[1:]} bought any time is not known: {than}, but "
                f"less than {seen} could not have been seen. A longer bench on a quiet machine can."
            )
