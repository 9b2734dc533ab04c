"""The steps of a compressed model as rows of a table, and the lines below it."""

from __future__ import annotations

from collections.abc import Mapping

from edgewright.accuracy.metrics import TABLE
from edgewright_runtimes.records import Compressed, ModelCost, Try

HEADINGS = ("step", "parameters", "nonzero", "MACs", "bytes", "zipped", "score", "seconds")


def rows(compressed: Compressed) -> list[list[str]]:
    """The source first, then the model after each step."""
    first = compressed.records[0].before
    table = [["source", *_cost(first), _score(compressed.source_scores), ""]]
    for record in compressed.records:
        label = record.step.label or record.step.kind
        table.append([label, *_cost(record.after), _score(record.scores), f"{record.seconds:.1f}"])
    return table


def notes(compressed: Compressed) -> list[str]:
    """What the steps have to say, and the layers that they left as they were."""
    lines = []
    last = compressed.records[-1]
    if last.items:
        items = "1 item that was" if last.items == 1 else f"{last.items:,} items that were"
        lines.append(f"scores are of {items} not learnt from")
    for record in compressed.records:
        label = record.step.label or record.step.kind
        lines += [f"{label}: {note}" for note in record.notes]
        lines += [f"{label}: {s.layer} left as it was: {s.reason}" for s in record.skipped]
    return lines


def _cost(cost: ModelCost) -> list[str]:
    macs = "" if cost.macs is None else f"{cost.macs:,}"
    return [f"{n:,}" for n in (cost.parameters, cost.nonzero)] + [
        macs,
        f"{cost.size_bytes:,}",
        f"{cost.zipped_bytes:,}",
    ]


def _score(scores: Mapping[str, float]) -> str:
    if "accuracy" in scores:
        return f"{scores['accuracy']:.2%}"
    return " ".join(f"{name} {value:.4g}" for name, value in scores.items())


def try_line(attempt: Try) -> str:
    """One try: what it was, what came out, what it cost, and why it was taken or left."""
    parts = [f"  {attempt.artifact:32} {attempt.outcome}: {attempt.reason}"]
    if attempt.score is not None and attempt.change is not None:
        parts.append(f"{attempt.metric} {_accuracy(attempt, attempt.score, attempt.change)}")
    if attempt.size_bytes is not None:
        parts.append(f"{attempt.size_bytes:,} B")
    if attempt.seconds:
        parts.append(f"{attempt.seconds:.0f} s")
    return "; ".join(parts)


def _accuracy(attempt: Try, score: float, change: float) -> str:
    """As ``check`` prints it: points for proportions, else per cent of the source's."""
    row = TABLE.get(attempt.metric.partition("@")[0])
    share = row is not None and row.proportion
    unit = "" if share else " %"
    ends = ""
    if attempt.low is not None and attempt.high is not None:
        ends = f"; {100 * attempt.low:+.2f}..{100 * attempt.high:+.2f}"
    value = f"{100 * score:.2f} %" if share else f"{score:.4g}"
    return f"{value} ({100 * change:+.2f}{unit}{ends})"
