"""What a test does in a page that the product opened: the product itself only opens and watches."""

from __future__ import annotations

from typing import Any

from edgewright.targets.browser.driving import OpenPage


def evaluate(page: OpenPage, script: str, given: object = None, *, limit_seconds: float) -> Any:
    """What the function ``script`` gives there with ``given``; raises ``BrowserTrouble``."""
    assert page._page is not None
    work = page._page.evaluate(script, given)
    return page._loop.call(work, "the page", limit_seconds=limit_seconds)
