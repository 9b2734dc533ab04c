"""The source that a writer is given in place of the plain one: it rounds as was trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgewright_converters.errors import ConversionError
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    from edgewright_converters.compression.qat.rounded import Pooling
    from edgewright_converters.compression.ranges import TensorRanges
    from edgewright_converters.sources.source import Source


def rounding_source(source: Source, ranges: TensorRanges, *, pooling: Pooling) -> Source:
    """Of the same signature. Raises ``ConversionError`` where ``ranges`` are of another model."""
    from edgewright_converters.compression.qat.graph import with_ranges
    from edgewright_converters.sources.keras_models import source_of_keras3

    model = source.as_keras()
    if model is None:
        raise ConversionError(
            f"trained ranges belong to a Keras 3 model; this source is {source.kind}",
            hint="give the folder that compress wrote",
        )
    try:
        rounding = with_ranges(model, ranges, pooling=pooling)
    except BadInput as e:
        raise ConversionError(str(e.args[0]), hint=e.hint) from e
    return source_of_keras3(rounding, named_like=source.signature)
