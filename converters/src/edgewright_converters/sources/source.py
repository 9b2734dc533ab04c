"""The seam of sources: what every trained model can do, whatever wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

    from edgewright_runtimes.records import TensorSpec

    Arrays = Mapping[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Names, dtypes and shapes of a model's inputs and outputs, in the model's own order.

    The first dimension is the batch; ``None`` where a dimension is free.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


class Source(Protocol):
    """A trained model in memory. ``kind`` is its row: ``keras3``, ``tf_keras``, ..."""

    @property
    def kind(self) -> str: ...
    @property
    def signature(self) -> Signature: ...
    @property
    def stateful(self) -> bool:
        """True where it holds LSTM, GRU or other state (TFLite keeps it between invokes)."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What happened while reading, for the user: brought over from Keras 2, ..."""

    def predict(self, feeds: Arrays) -> dict[str, np.ndarray[Any, Any]]:
        """Run a batch in inference mode; arrays by input name in, by output name out."""

    def as_keras(self) -> Any:
        """The Keras 3 model, or ``None`` where there is none."""

    def as_concrete_function(self, *, batch: int | None) -> Any:
        """A ``tf.ConcreteFunction`` with the signature's names and that batch (None: dynamic).

        Inputs are keyword tensors by name, outputs a dict by name. Keep a reference to the
        source while it is used: the function does not own the variables.
        """
