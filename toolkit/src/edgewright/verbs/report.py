"""``report``: one self-contained page from a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgewright.atomic import write_text
from edgewright.bundle import Bundle

if TYPE_CHECKING:
    from edgewright.reporting.facts import Facts


def report(bundle: Path | str, *, title: str = "", out: Path | None = None) -> Path:
    """Write ``report.html`` in the bundle (or ``out``) and return its path.

    Everything in it is computed from what the bundle holds now. Raises ``BadInput`` where
    ``bundle`` is none, ``WriteFailed`` where the page can't be written.
    """
    return write_report(bundle, title=title, out=out)[0]


def write_report(
    bundle: Path | str, *, title: str = "", out: Path | None = None
) -> tuple[Path, Facts]:
    """``report``, with the facts that the page shows."""
    from edgewright.reporting.facts import read_facts
    from edgewright.reporting.page import render

    opened = Bundle.open(Path(bundle))
    facts = read_facts(opened)
    path = out or opened.path / "report.html"
    write_text(path, render(facts, title=title))
    return path, facts
