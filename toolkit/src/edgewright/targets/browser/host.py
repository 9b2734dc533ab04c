"""What the machine around the browser was like; the page says what is inside."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from edgewright.targets.browser.processes import Marked, children
from edgewright_runtimes.environment import (
    ROOT,
    Ticks,
    busy,
    read_changing,
    read_surroundings,
    read_ticks,
)
from edgewright_runtimes.records import Plain

OWN_LOOK = ("cores", "platform", "python")  # the page has its own, or it says nothing


@dataclass(slots=True)
class Host:
    """Read ``before`` the page gets its job; complete what the page says with ``beside``."""

    browser: Marked
    _before: Mapping[str, Plain] = field(default_factory=dict)
    _ticks: Ticks | None = None

    def before(self) -> None:
        self._before = self._read()
        self._ticks = read_ticks()

    def beside(self, when: str, values: Mapping[str, Plain]) -> dict[str, Plain]:
        """``values`` of the page, and those of the machine that it can't know."""
        if when == "during":
            return {**read_changing(ROOT), **values}
        host = dict(self._before if when == "before" else self._read())
        if when == "after" and self._ticks is not None:
            host["busy"] = self._others(self._ticks)
        # what only a page is asked (its device, its battery) is no sensor of this machine
        return {**host, **values, "unknown": host.get("unknown", "")}

    def _read(self) -> dict[str, Plain]:
        return {k: v for k, v in read_surroundings(ROOT).items() if k not in OWN_LOOK}

    def _others(self, since: Ticks) -> str:
        """Who else was busy: not the browser, nor what drives it."""
        after = read_ticks()
        ours = self.browser.members().keys() | children(os.getpid())
        others = {pid: used for pid, used in after.processes.items() if pid not in ours}
        return busy(since, Ticks(after.at, others))
