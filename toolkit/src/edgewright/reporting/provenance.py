"""Where it ran, where it comes from, and how to do it again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgewright.latency.results import Row
from edgewright.reporting import words
from edgewright.reporting.facts import Facts
from edgewright_runtimes.errors import UsageError
from edgewright_runtimes.records import Compressed, Plain

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """How one row of latency came about: its verdict, why, and its own environment."""

    name: str
    verdict: str
    reasons: tuple[str, ...]
    facts: tuple[Pair, ...]


def environment(facts: Facts) -> list[Pair]:
    """What all rounds had in common, and the sensors that were not there."""
    seen = [row.environment for row in facts.rows]
    if not seen:
        return []
    shared = _shared(seen)
    found = [_readable(key, v) for key, v in sorted(shared.items()) if key != "unknown"]
    unknown = sorted({w for env in seen for w in str(env.get("unknown", "")).split(",") if w})
    if unknown:
        found.append(("unknown sensors", words.joined(unknown).replace("_", " ")))
    return found


def _readable(key: str, value: Plain) -> Pair:
    if key.endswith("_bytes") and isinstance(value, int):
        return key.removesuffix("_bytes").replace("_", " "), words.size(value)
    return key.replace("_", " "), str(value).replace(",", ", ")


def _shared(seen: list[Mapping[str, Plain]]) -> dict[str, Plain]:
    return {k: v for k, v in seen[0].items() if all(e.get(k) == v for e in seen) and v is not None}


def timed(facts: Facts) -> list[Timed]:
    shared = _shared([row.environment for row in facts.rows]) if facts.rows else {}
    return [_timed(row, shared) for row in facts.rows]


def _timed(row: Row, shared: Mapping[str, Plain]) -> Timed:
    s = row.summary
    before = {k: v for k, v in row.environment.items() if k not in shared and k != "unknown"}
    after = {k: v for k, v in row.environment_after.items() if shared.get(k) != v}
    after.pop("unknown", None)
    pairs = [
        ("preset", f"{row.preset}: {s.rounds} rounds, {s.n:,} samples worth {s.effective_n:,}"),
        ("calls per sample", f"{s.calls_per_sample:,}"),
        (
            "shortest, mean, longest",
            " · ".join(words.time(v) for v in (s.min_ns, s.mean_ns, s.max_ns)),
        ),
        ("against float32", row.comparison.words if row.comparison else row.no_comparison),
        ("in force", words.pairs(row.in_force)),
        ("before", words.pairs(before)),
        ("after", words.pairs(after)),
        ("started", row.started),
    ]
    if row.busy:
        pairs.append(("other busy processes", words.joined(row.busy)))
    return Timed(
        name=f"{row.artifact} in {row.runtime} on {row.target}",
        verdict=row.judgement.verdict.value + (", partial" if row.partial else ""),
        reasons=row.judgement.reasons,
        facts=tuple(pairs),
    )


def provenance(facts: Facts) -> Iterator[Pair]:
    source = facts.source
    if source is None:
        yield "source", "not known: bundle.json is missing or damaged"
        return
    yield "source", f"{Path(source.path).name} ({source.kind})"
    yield "sha256", source.sha256
    for note in source.notes:
        yield "note", note
    calibration = dict(source.calibration)
    yield "calibration", words.pairs(calibration) if calibration else "none"
    yield "preprocessing", words.pairs(source.preprocess) if source.preprocess else "none declared"
    tools = {k: v for s in facts.subjects for k, v in s.artifact.tools.items()}
    yield "tools", words.pairs(tools)


def artifacts(facts: Facts) -> Iterator[tuple[str, str, str, str]]:
    """Name, how it was verified, how far off it was on the goldens, sha256."""
    for subject in facts.subjects:
        a = subject.artifact
        off = "\N{EN DASH}" if a.max_error is None else f"{a.max_error:.1e}"
        yield a.name, a.verified, off, a.sha256


def _compress(compressed: Compressed, recipe: str, model: str, bundle: str) -> list[str]:
    """By the name of the recipe, where its steps are what their labels say; else by its file."""
    from edgewright_converters.compression.recipe import parse_name

    done = [dict(record.step.params) for record in compressed.records]
    try:
        said = [dict(step.params) for step in parse_name(recipe)]
    except UsageError:  # a label of another version
        said = []
    if said[: len(done)] != done:
        recipe = "RECIPE.toml"
    words_ = ["edgewright", "compress", model, "--recipe", recipe, "--out", bundle]
    return [*words_, *(["--data", compressed.data] if compressed.data else [])]


def _targets(targets: Sequence[str]) -> list[str]:
    """As they are asked for: a device that came to a page is one of ``page``."""
    names = dict.fromkeys("page" if t.startswith("page:") else t for t in targets)
    return [] if list(names) == ["local"] else ["--target", ",".join(names)]


def repeat(facts: Facts) -> str:
    """The commands; where the source lay is not known here, so its name stands for it."""
    source = facts.source
    model = Path(source.path).name if source else "MODEL"
    lines = [["edgewright", "convert", model, "--out", facts.bundle]]
    if source and source.calibration.get("data"):
        for option, key in (("--calibrate", "data"), ("--samples", "samples"), ("--seed", "seed")):
            if source.calibration.get(key) is not None:
                lines[0] += [option, str(source.calibration[key])]
    if facts.compressed:  # it built no more of the source than the controls
        own = [s.artifact.name for s in facts.subjects if not s.compressed]
        lines[0] += ["--variants", ",".join(own)] if own else []
    for compressed in facts.compressed:
        made = [s.artifact.name for s in facts.subjects if s.compressed == compressed.key]
        for recipe in dict.fromkeys(name.partition("-")[2] for name in made):
            lines.append(_compress(compressed, recipe, model, facts.bundle))
    checked: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for r in facts.results:
        checked.setdefault((r.data, tuple(g.gate for g in r.gates)), []).append(r.target)
    for (data, gates), targets in checked.items():
        words_ = [word for gate in gates for word in ("--gate", gate)]
        words_ += _targets(targets)
        lines.append(["edgewright", "check", facts.bundle, "--data", data, *words_])
    timed_on: dict[tuple[str, int], list[str]] = {}
    for row in facts.rows:
        timed_on.setdefault((row.preset, row.threads), []).append(row.target)
    for (preset, threads), targets in timed_on.items():
        options = ["--preset", preset, "--threads", str(threads), *_targets(targets)]
        lines.append(["edgewright", "bench", facts.bundle, *options])
    lines.append(["edgewright", "report", facts.bundle])
    return "\n".join(shlex.join(line) for line in lines)
