"""JSON that nobody vouches for: each value as the kind that is wanted, or empty."""

from __future__ import annotations

import base64
import binascii

JsonObject = dict[str, object]


def as_object(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def as_text(value: object) -> str:
    return value if isinstance(value, str) else ""


def as_int(value: object, *, default: int) -> int:
    """A number, or text of one: protobuf's JSON writes int64 as text."""
    if isinstance(value, str) and len(value) < 20:
        try:
            return int(value)
        except ValueError:
            return default
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def as_bytes_text(value: object) -> str:
    """A bytes field of protobuf's JSON (base64); older writers left it a list of codes."""
    if isinstance(value, list):
        return "".join(chr(c) for c in value if isinstance(c, int) and 0 <= c < 128)
    try:
        return base64.b64decode(as_text(value), validate=True).decode("ascii", "replace")
    except (binascii.Error, ValueError):
        return ""
