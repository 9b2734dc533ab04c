"""One line of ``doctor``: what was looked at, how it is, and what to type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "missing", "broken"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line: ``advice`` is what to type, empty where nothing is to be done."""

    what: str
    state: State
    detail: str
    advice: str = ""
