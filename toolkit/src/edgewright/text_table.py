"""Tables for people: rich on a terminal, aligned plain columns in a pipe or a log."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def one_line(text: str) -> str:
    """``text`` as a terminal may see it: names from models and files can carry line ends, escape
    sequences or bytes that are no text, and none of them may act on the terminal."""
    words = " ".join(text.splitlines()) if not text.isprintable() else text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in words)


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of plain text, columns two spaces apart."""
    lines = [[one_line(cell) for cell in line] for line in (head, *rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> None:
    """Print it; on a terminal the first ``left`` columns are left-aligned, the others right."""
    if not sys.stdout.isatty():
        print("\n".join(aligned(head, rows)))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for place, name in enumerate(head):
        table.add_column(Text(name), justify="left" if place < left else "right")
    for row in rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    Console().print(table)
