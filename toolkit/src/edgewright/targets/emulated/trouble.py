"""What can go wrong with an emulated board, apart from what runs on it."""

from __future__ import annotations

from edgewright_runtimes.errors import EdgewrightError

ELSEWHERE = (
    "or run in a container of Debian 12 (python:3.11-bookworm), or use a board: --target ssh:HOST"
)


class BoardTrouble(EdgewrightError):
    """The board cannot be built here, or does not start; the hint says what to install."""
