"""Options that take several names: ``--formats tflite,onnx``."""

from __future__ import annotations


def names(text: str) -> list[str]:
    """The names between the commas, without blanks."""
    return [name.strip() for name in text.split(",") if name.strip()]
