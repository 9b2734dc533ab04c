"""Do two models answer the same? Asked of random input, told in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright_converters.sources.frameworks import import_tensorflow

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.sources.traced import TracedSource
    from edgewright_runtimes.records import TensorSpec

TOLERANCE = 1e-5  # of the output's range
_ITEMS = 4
# Sizes of free dimensions and spread of the values, tried until the answer is a finite number:
# a stack of strided convolutions wants many pixels, a logarithm nothing negative.
# Small sizes come last: a map that shrinks to nothing may answer with whatever lay in memory.
_TRIALS = ((96, "normal"), (32, "normal"), (8, "normal"), (32, "uniform"))
_LONGEST = 32  # of a free dimension that is no image's: recurrent layers go step by step
_SEED = 20_240


def difference(reference: TracedSource, other: TracedSource) -> str:
    """Empty where ``other`` answers like ``reference`` to 1e-5 of the output's range, else why."""
    wanted, given = reference.signature, other.signature
    if len(wanted.outputs) != len(given.outputs) or len(wanted.inputs) != len(given.inputs):
        return "it has other inputs or outputs there"
    feeds, expected = _trial(reference)
    renamed = {
        spec.name: feeds[old.name] for spec, old in zip(given.inputs, wanted.inputs, strict=True)
    }
    answers = other.call(renamed)
    for old, new in zip(wanted.outputs, given.outputs, strict=True):
        problem = _apart(expected[old.name].numpy(), answers[new.name].numpy())
        if problem:
            return f"the output {old.name!r} differs there by {problem}"
    return ""


def _trial(source: TracedSource) -> tuple[dict[str, Any], Any]:
    """Random tensors the model takes, and what it answers."""
    tf = import_tensorflow()
    last: Exception | None = None
    for free, spread in _TRIALS:
        feeds = {spec.name: _random(spec, free, spread) for spec in source.signature.inputs}
        try:
            answers = source.call(feeds)
        except (ValueError, tf.errors.InvalidArgumentError) as error:
            last = error
            continue
        if all(_is_finite(answer.numpy()) for answer in answers.values()):
            return feeds, answers
    raise ValueError("no random input gives it a finite output") from last


def _is_finite(answer: np.ndarray[Any, Any]) -> bool:
    import numpy as np

    if not np.issubdtype(answer.dtype, np.floating):
        return answer.size > 0
    return answer.size > 0 and bool(np.isfinite(answer).all())


def _random(spec: TensorSpec, free: int, spread: str) -> Any:
    import numpy as np

    tf = import_tensorflow()
    rng = np.random.default_rng(_SEED)
    own = spec.shape[:1]
    free = free if len(spec.shape) > 3 else min(free, _LONGEST)
    shape = [free if size is None else size for size in spec.shape]
    shape[:1] = [own[0] or _ITEMS] if own else []
    if spec.dtype == "string":
        return tf.constant(rng.choice(["a", "b", "the", ""], size=shape))
    if spec.dtype == "bool":
        return tf.constant(rng.random(shape) < 0.5)
    if np.issubdtype(tf.dtypes.as_dtype(spec.dtype).as_numpy_dtype, np.integer):
        # Small numbers: every vocabulary and every embedding has them.
        return tf.constant(rng.integers(0, 2, size=shape), dtype=spec.dtype)
    values = rng.standard_normal(shape) if spread == "normal" else rng.random(shape)
    return tf.cast(tf.constant(values), spec.dtype)


def _apart(expected: np.ndarray[Any, Any], answer: np.ndarray[Any, Any]) -> str:
    import numpy as np

    if expected.shape != answer.shape:
        return f"its shape {list(answer.shape)}, not {list(expected.shape)}"
    if not np.issubdtype(expected.dtype, np.floating):
        return "" if np.array_equal(expected, answer) else "values that are no numbers"
    span = float(np.ptp(expected)) or float(np.max(np.abs(expected), initial=0.0)) or 1.0
    apart = float(np.max(np.abs(expected - answer), initial=0.0)) / span
    # Written so that NaN counts as apart.
    return "" if apart <= TOLERANCE else f"{apart:.1e} of its range"
