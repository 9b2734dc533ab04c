"""A hook of mkdocs: ``<!-- results: NAME -->`` in a page becomes that section of RESULTS.md.

``NAME*`` is every section whose name begins so, each under its own heading, or "Not measured yet."
where there is none. So a table that was measured again is never copied by hand, and the site never
shows an old one.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent.parent / "benchmarks" / "RESULTS.md"
MARK = re.compile(r"^<!-- results: (\w+\*?) -->$", re.M)


def on_page_markdown(markdown: str, **_: Any) -> str:
    return MARK.sub(lambda mark: section(mark[1]), markdown)


def section(name: str) -> str:
    """The text under ``<!-- NAME -->``, without its heading. ``ValueError`` where there is none."""
    found = _sections()
    if name.endswith("*"):
        wanted = [text for key, text in found.items() if key.startswith(name[:-1])]
        return "\n\n".join(re.sub(r"\A#+ ", "### ", t) for t in wanted) or "Not measured yet."
    if name not in found:
        raise ValueError(f"no section {name!r} in {RESULTS}; known: {', '.join(found)}")
    return re.sub(r"\A#+ .*\n", "", found[name]).strip()


def _sections() -> dict[str, str]:
    parts = re.split(r"(?m)^<!-- (\w+) -->\n", RESULTS.read_text())
    return {name: text.strip() for name, text in zip(parts[1::2], parts[2::2], strict=True)}
