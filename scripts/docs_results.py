"""A hook of mkdocs: ``<!-- results: NAME -->`` in a page becomes that section of RESULTS.md.

So a table that was measured again is never copied by hand, and the site never shows an old one.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent.parent / "benchmarks" / "RESULTS.md"
MARK = re.compile(r"^<!-- results: (\w+) -->$", re.M)


def on_page_markdown(markdown: str, **_: Any) -> str:
    return MARK.sub(lambda mark: section(mark[1]), markdown)


def section(name: str) -> str:
    """The text under ``<!-- NAME -->``, without its heading. ``ValueError`` where there is none."""
    parts = re.split(r"(?m)^<!-- (\w+) -->\n", RESULTS.read_text())
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    if name not in found:
        raise ValueError(f"no section {name!r} in {RESULTS}; known: {', '.join(found)}")
    return re.sub(r"\A#+ .*\n", "", found[name].strip()).strip()
