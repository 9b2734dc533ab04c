"""How a browser is to be driven; what the command line says of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgewright_runtimes.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserOptions:
    """``path``: this program, not the one that is found. ``headed``: in a window.

    ``cpu_throttle``: how many times slower the page's main thread is made to run; the jobs then
    run there, for a worker is not slowed dependably. Chromium and its kin only.
    """

    path: Path | None = None
    headed: bool = False
    cpu_throttle: float = 1.0

    def __post_init__(self) -> None:
        if not 1 <= self.cpu_throttle <= 100:
            raise BadInput(f"cpu throttle is {self.cpu_throttle:g}", hint="1 (none) to 100")


AS_IT_IS = BrowserOptions()
