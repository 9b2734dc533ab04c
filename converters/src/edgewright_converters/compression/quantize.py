"""The step that ends a recipe and names the artifacts: which scheme, in which formats.

It changes no model: the formats' writers quantize. With options (``mixed``, ``keep_float``,
``int16``, ``bias_correction``) it is ``edgewright_converters.mixed`` that writes the int8 file.

Its label stands before the scheme: none for plain post-training quantization (``int8``); ``mixed``
for a search (``mixed_int8``), ``mixed16`` for one that goes to 16 bits; ``biascorrected``, or both
(``mixedbiascorrected``). Patterns and limits of one's own add four digits of a hash of them
(``mixed3fa9``): such a recipe is a TOML file, for no name could say it.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from typing import Literal

from edgewright_runtimes.errors import BadInput, UnknownName
from edgewright_runtimes.records import FORMATS, SCHEMES

KNOWN = tuple(dict.fromkeys(scheme for schemes in SCHEMES.values() for scheme in schemes))
_SEARCHES = {"search": "mixed", "search-int16": "mixed16"}
_CORRECTED = "biascorrected"


@dataclass(frozen=True, kw_only=True)
class Quantize:
    """``schemes`` are built in every one of ``formats`` that has them; empty is every format.

    All else is for ``int8`` alone. ``keep_float`` and ``int16`` are patterns of layers (or of
    tensors of the float artifact): the operations at both ends of what they match stay float, or
    have 16-bit activations (TFLite alone). ``mixed`` searches for them: the fewest for which the
    loss, as the float model sees it without labels, is at most ``max_loss`` points, or the signal
    to noise of outputs that are no classes at least ``min_sqnr_db``; the file is at most
    ``max_size`` times the int8 one. ``bias_correction`` takes the mean error of each channel off
    the biases (Nagel et al. 2019).
    """

    schemes: tuple[str, ...] = ("int8",)
    formats: tuple[str, ...] = ()
    mixed: Literal["", "search", "search-int16"] = ""
    keep_float: tuple[str, ...] = ()
    int16: tuple[str, ...] = ()
    bias_correction: bool = False
    max_loss: float = 0.5
    min_sqnr_db: float = 20.0
    max_size: float = 1.4

    def __post_init__(self) -> None:
        for name in self.formats:
            if name not in FORMATS:
                raise UnknownName("format", name, FORMATS)
        for name in self.schemes:
            if name not in KNOWN:
                raise UnknownName("scheme", name, KNOWN)
        if not self.schemes:
            raise BadInput(
                "schemes is empty; one or more was expected", hint=f"known: {', '.join(KNOWN)}"
            )
        if self.label and self.schemes != ("int8",):
            raise BadInput(
                f"{self._word} is for int8 alone; the schemes are {', '.join(self.schemes)}",
                hint="a second recipe without it for the others",
            )
        self._check_options()

    def _check_options(self) -> None:
        if self.mixed and (self.keep_float or self.int16):
            raise BadInput(
                f"mixed is {self.mixed!r}, which finds itself what keep_float and int16 name",
                hint="leave mixed out, or keep_float and int16",
            )
        wide = self.int16 or self.mixed == "search-int16"
        others = [name for name in self.formats if name != "tflite"]
        if wide and others:
            raise BadInput(
                f"formats has {others[0]!r}, and 16-bit activations are TFLite's alone",
                hint='formats = ["tflite"]',
            )
        if self.label and "tfjs" in self.formats:
            raise BadInput(
                "formats has 'tfjs', and tfjs has no int8", hint='formats = ["tflite", "onnx"]'
            )
        if not self.max_loss >= 0:
            raise BadInput(f"max_loss is {self.max_loss:g}; 0 points or more was expected")
        if not self.max_size >= 1:
            raise BadInput(f"max_size is {self.max_size:g}; 1 (the int8 file) or more was expected")
        if math.isnan(self.min_sqnr_db):
            raise BadInput("min_sqnr_db is nan; a number of decibels was expected")

    @property
    def label(self) -> str:
        return self._word + self._digits if self._word else ""

    @property
    def _word(self) -> str:
        word = _SEARCHES.get(self.mixed, "mixed" if self.keep_float or self.int16 else "")
        return word + (_CORRECTED if self.bias_correction else "")

    @property
    def _digits(self) -> str:
        """Of all that the word does not say; empty where there is nothing."""
        own = (self.keep_float, self.int16, self.max_loss, self.min_sqnr_db, self.max_size)
        usual = ((), (), Quantize.max_loss, Quantize.min_sqnr_db, Quantize.max_size)
        if own == usual:
            return ""
        return hashlib.sha256(json.dumps(own).encode()).hexdigest()[:4]


def from_label(word: str) -> Quantize | None:
    """A scheme, or the label that stands before one."""
    if word in KNOWN:
        return Quantize(schemes=(word,))
    corrected = word.endswith(_CORRECTED)
    rest = word.removesuffix(_CORRECTED)
    for mixed, label in _SEARCHES.items():
        if rest == label:
            return Quantize(mixed=mixed, bias_correction=corrected)  # type: ignore[arg-type]
    return Quantize(bias_correction=True) if word == _CORRECTED else None
