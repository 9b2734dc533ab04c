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
    """Lines of plain text, columns two spaces apart, those of numbers to the right."""
    right = _of_numbers(head, rows)
    lines = [[one_line(cell) for cell in line] for line in (head, *rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    ]


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print it; columns of numbers are right-aligned, on a terminal and in a pipe alike."""
    if not sys.stdout.isatty():
        print("\n".join(aligned(head, rows)))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name, number in zip(head, _of_numbers(head, rows), strict=True):
        table.add_column(Text(name), justify="right" if number else "left")
    for row in rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))  # names are text, never markup
    Console().print(table)


def _of_numbers(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[bool]:
    """Columns of which every cell begins as a number, or is blank; the first is of names."""
    return [i > 0 and all(_is_number(row[i]) for row in rows) for i in range(len(head))]


def _is_number(cell: str) -> bool:
    return cell in ("", "-") or cell.lstrip("+-")[:1].isdecimal()
