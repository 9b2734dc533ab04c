"""Says which operation a converter refused, where in the source it is, and who does take it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from edgewright_converters.errors import ConversionError

if TYPE_CHECKING:
    from edgewright_converters.sources.source import Source

_FLEX = re.compile(r"TF Select ops: ([\w, ]+)")
_CUSTOM = re.compile(r"Custom ops: ([\w, ]+)")


def first_line(message: str) -> str:
    """What is worth showing of a framework's message."""
    lines = (line.strip() for line in message.splitlines())
    return next((line for line in lines if line), "no reason given")[:300]


def conversion_error(
    format_: str, scheme: str, message: str, graph: Any, source: Source
) -> ConversionError:
    return ConversionError(f"{format_} {scheme}: {first_line(message)}")
