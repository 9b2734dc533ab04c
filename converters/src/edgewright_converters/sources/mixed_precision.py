"""Keras models trained in mixed precision: float32 weights, computed with in 16 bits.

Training on a GPU asks for that; a converter does not. TFLite has no 16-bit convolutions, and
bfloat16 goes nowhere. The weights are whole, so the model is traced as if it computed in float32,
and each artifact rounds as its own scheme says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from edgewright_converters.sources.source import Signature
from edgewright_runtimes.records import TensorSpec

NOTE = "trained in mixed precision: computed in float32 here, as its weights are stored"
_NARROW = ("float16", "bfloat16")


def narrow_layers(model: Any) -> tuple[Any, ...]:
    """Layers of a Keras 3 model that compute in 16 bits with weights of 32."""
    return tuple(
        layer
        for layer in model._flatten_layers()
        if layer.compute_dtype in _NARROW and layer.variable_dtype == "float32"
        if layer.dtype_policy.quantization_mode is None  # quantized in Keras: as it is
    )


def in_float32(signature: Signature) -> Signature:
    """What the model takes and gives then."""

    def widened(spec: TensorSpec) -> TensorSpec:
        return replace(spec, dtype="float32") if spec.dtype in _NARROW else spec

    return Signature(
        inputs=tuple(map(widened, signature.inputs)),
        outputs=tuple(map(widened, signature.outputs)),
    )


@contextmanager
def computing_in_float32(layers: Sequence[Any]) -> Iterator[None]:
    """Give the layers their own policies back at the end: the model may be somebody's live one."""
    policies = [layer.dtype_policy for layer in layers]
    for layer in layers:
        layer.dtype_policy = "float32"
    try:
        yield
    finally:
        for layer, policy in zip(layers, policies, strict=True):
            layer.dtype_policy = policy
