"""What the report advises of a bundle, beside what its rows say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgewright.bundle import Bundle
from edgewright.latency.results import Row
from edgewright.reporting.facts import read_facts
from edgewright.reporting.verdict import details
from edgewright_runtimes.statistics import Verdict

FASTEST, SLOWER = "Fastest", "Slower than float32"
NOT_ITS_OWN = (Verdict.SOFTWARE_GPU, Verdict.THROTTLED_ON_PURPOSE, Verdict.EMULATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """``said``: the report's sentences; ``rows``: int8 against float32, runtime by runtime;
    ``against``: what does not follow from the rows."""

    said: list[str]
    rows: list[str]
    against: list[str]


def advise(bundle: Bundle, rows: Sequence[Row], target: str) -> Advice:
    """``rows``: those of one job. The report reads the same bundle by itself."""
    said = [(n, w) for n, w in details(read_facts(bundle)) if n.startswith((FASTEST, SLOWER))]
    return Advice(
        said=[f"{name}: {words}" for name, words in said],
        rows=[_against(row) for row in rows if row.scheme == "int8" and row.comparison],
        against=[*_fastest(said, rows, target), *_slower(said, rows)],
    )


def _against(row: Row) -> str:
    found = row.comparison
    words = "" if found is None else found.words
    return f"{row.artifact} against float32 in {row.runtime} on {row.target}: {words}"


def _fastest(said: Sequence[tuple[str, str]], rows: Sequence[Row], target: str) -> list[str]:
    here = [r for r in rows if r.target == target and r.runtime != "null"]
    own = [r for r in here if r.judgement.verdict not in NOT_ITS_OWN] or here
    if not own:
        return []
    best = min(own, key=lambda r: r.summary.median_ns)
    wanted = f"{best.artifact} in {best.runtime},"
    named = [words for name, words in said if name.startswith(FASTEST) and name.endswith(target)]
    if any(words.startswith(wanted) for words in named):
        return []
    return [f"{wanted[:-1]} is the fastest on {target}, and the report says {named or 'nothing'}"]


def _slower(said: Sequence[tuple[str, str]], rows: Sequence[Row]) -> list[str]:
    """It names some of those that are slower, and none that is not."""
    slow = [r for r in rows if r.comparison and r.comparison.different and r.comparison.ratio > 1]
    named = _named(said)
    if slow and not named:
        return [f"{slow[0].artifact} in {slow[0].runtime} is slower, and the report does not say"]
    called = {(r.artifact, r.runtime) for r in rows if _is_named(r, named)}
    return [
        f"the report calls {artifact} in {runtime} slower, the row does not"
        for artifact, runtime in sorted(called - {(r.artifact, r.runtime) for r in slow})
    ]


def _named(said: Sequence[tuple[str, str]]) -> list[str]:
    """The report's list: ``ARTIFACT in RUNTIME``, with ``on TARGET`` where there are several."""
    listed = [words.partition(";")[0].split(", ") for name, words in said if name == SLOWER]
    return [entry for entries in listed for entry in entries]


def _is_named(row: Row, named: Sequence[str]) -> bool:
    words = f"{row.artifact} in {row.runtime}"
    return words in named or f"{words} on {row.target}" in named
