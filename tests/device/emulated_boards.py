"""The emulated boards of the tests: of the user's cache, built where they are not there."""

from __future__ import annotations

import pytest

from edgewright.targets.emulated.target import EmulatedTarget
from edgewright_runtimes.errors import EdgewrightError

BOARDS = ("emulated:pi4", "emulated:pi5")


def emulated(name: str) -> EmulatedTarget:
    """The target with its board, or a skip that says what to install."""
    target = EmulatedTarget(name)
    try:
        target.board  # noqa: B018 - builds it
    except EdgewrightError as e:
        pytest.skip(f"no emulated board: {e}")
    return target
