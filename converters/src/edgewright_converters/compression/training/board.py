"""TensorBoard's logs: every number of an epoch, and the range of each layer's weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any


class Board:
    """Writes to ``folder``; does nothing where that is ``None``."""

    def __init__(self, folder: Path | None) -> None:
        self._writer: Any = None
        if folder is not None:
            import tensorflow as tf

            self._writer = tf.summary.create_file_writer(str(folder))

    def __enter__(self) -> Board:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def step(self, step: int, numbers: Mapping[str, float]) -> None:
        self._write(step, {f"step/{name}": value for name, value in numbers.items()})

    def epoch(self, step: int, numbers: Mapping[str, float], model: Any) -> None:
        if self._writer is None:
            return
        ranges = {}
        for weight in model.trainable_variables:
            values = weight.numpy()
            if values.ndim > 1:
                ranges[f"ranges/{weight.path}/min"] = float(values.min())
                ranges[f"ranges/{weight.path}/max"] = float(values.max())
        self._write(step, {**{f"epoch/{n}": v for n, v in numbers.items()}, **ranges})
        self._writer.flush()

    def _write(self, step: int, numbers: Mapping[str, float]) -> None:
        """As ``tf.summary.scalar``, which wants TensorBoard installed: viewing may be elsewhere."""
        if self._writer is None:
            return
        import tensorflow as tf

        metadata = tf.compat.v1.SummaryMetadata(data_class="DATA_CLASS_SCALAR")
        metadata.plugin_data.plugin_name = "scalars"
        with self._writer.as_default():
            for name, value in numbers.items():
                tf.summary.write(name, tf.constant(value, tf.float32), step, metadata)
