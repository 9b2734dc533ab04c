"""Pruning while training: masks that grow on a schedule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgewright_converters.compression.constraints import Masks

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.prune.schedule import Schedule
    from edgewright_converters.compression.training.kernels import Kernel

    Array = np.ndarray[Any, Any]
    MakeMasks = Callable[[Mapping[str, Array], float], dict[str, Array]]


class Pruning(Masks):
    """``make_masks`` gives masks by name for a sparsity, from the weights as they are then."""

    def __init__(
        self,
        kernels: Sequence[Kernel],
        make_masks: MakeMasks,
        *,
        final: float,
        schedule: Schedule,
    ) -> None:
        import numpy as np

        super().__init__([(k.variable, np.ones(k.variable.shape, bool)) for k in kernels])
        self._kernels, self._make_masks = kernels, make_masks
        self._final, self._schedule = final, schedule
        self._end = 0
        self.cut_short = False  # the rest was pruned at once, when training stopped

    def before_step(self, step: int, total: int) -> None:
        self._end = self._schedule.end(total)
        if self._schedule.due(step, total):
            self._renew(self._schedule.sparsity(step, total, self._final))

    def settled(self, step: int) -> bool:
        return step > self._end

    def finish(self) -> None:
        before = [mask.numpy() for mask in self._masks]
        self._renew(self._final)
        self.cut_short = any(
            (old != new.numpy()).any() for old, new in zip(before, self._masks, strict=True)
        )

    def _renew(self, sparsity: float) -> None:
        weights = {kernel.name: kernel.variable.numpy() for kernel in self._kernels}
        masks = self._make_masks(weights, sparsity)
        for kernel, mask in zip(self._kernels, self._masks, strict=True):
            mask.assign(masks[kernel.name])
        self.after_update()
