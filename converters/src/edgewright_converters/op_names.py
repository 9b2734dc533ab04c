"""Says which operation a converter refused, where in the source it is, and who does take it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from edgewright_converters.errors import ConversionError

if TYPE_CHECKING:
    from edgewright_converters.sources.source import Source

_FLEX = re.compile(r"TF Select ops: ([\w, ]+)")
_CUSTOM = re.compile(r"Custom ops: ([\w, ]+)")


def conversion_error(
    format_: str, scheme: str, message: str, graph: Any, source: Source
) -> ConversionError:
    first = next((line for line in message.splitlines() if line.strip()), "no reason given")
    return ConversionError(f"{format_} {scheme}: {first.strip()[:300]}")
