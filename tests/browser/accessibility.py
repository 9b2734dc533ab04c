"""axe-core in an open page: what it finds wrong, and that it looked."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
AXE = ROOT / "runtimes" / "web" / "node_modules" / "axe-core" / "axe.min.js"
SEE = """async () => {
  const { violations, incomplete, passes } = await axe.run();
  const told = (found) => found.map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html)}`);
  return [told(violations), told(incomplete), passes.length];
}"""


class Seen(NamedTuple):
    """Rules that are broken and that a person has to look at, each with its elements."""

    violations: list[str]
    incomplete: list[str]
    passes: int


def bring_axe(page: Page) -> None:
    """Before the page is opened."""
    page.add_init_script(path=AXE)


def look(page: Page) -> Seen:
    return Seen(*page.evaluate(SEE))
