"""From TOML text to a ``Plan``: every field validated, every message with its line."""

from __future__ import annotations

from pathlib import Path

from edgewright.plan.plan import Plan
from edgewright.plan.values import CHECKS
from edgewright.toml_file import read_toml
from edgewright_converters.compression.fields import FieldError, read_fields


def read_plan(path: Path) -> Plan:
    """Raises ``BadInput`` with ``FILE:LINE`` where a field is unknown, missing or of a wrong type.

    Relative paths in it are relative to the file.
    """
    file = read_toml(
        path,
        what="plan",
        unreadable=f"edgewright run --init {path}",
        example='path = "model.keras"',
    )
    try:
        return read_fields(Plan, file.data, checks=CHECKS)
    except FieldError as e:
        raise file.error(e, e.way) from e
