"""``report``: one self-contained page from a bundle."""

from __future__ import annotations

from pathlib import Path

from edgewright.atomic import write_text
from edgewright.bundle import Bundle


def report(bundle: Path | str, *, title: str = "", out: Path | None = None) -> Path:
    """Write ``report.html`` in the bundle (or ``out``) and return its path.

    Everything in it is computed from what the bundle holds now. Raises ``BadInput`` where
    ``bundle`` is none, ``WriteFailed`` where the page can't be written.
    """
    from edgewright.reporting.facts import read_facts
    from edgewright.reporting.page import render

    opened = Bundle.open(Path(bundle))
    path = out or opened.path / "report.html"
    write_text(path, render(read_facts(opened), title=title))
    return path
