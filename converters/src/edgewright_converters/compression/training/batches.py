"""Items in batches: an order for each epoch that depends on the seed alone, and augmentation.

Every batch is full, so that batch normalization never sees a lone item: what is left over at the
end of an epoch is dropped, and another epoch's order drops other items.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.context import Augment, Items

    Array = np.ndarray[Any, Any]
    Batch = tuple[list[Array], Array | None]

_AUGMENT = 1  # tells an item's generator from an epoch's order
_ORDER = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    items: Items
    dtypes: Mapping[str, str]  # what the model takes, by input name
    size: int
    seed: int
    shuffle: bool
    augment: Augment | None = None

    @property
    def per_epoch(self) -> int:
        return max(1, len(self.items) // self.size)

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of epoch ``number``; the next one is made while one is trained on."""
        order = self._order(number)
        size = min(self.size, len(self.items))
        chosen = [order[i * size : (i + 1) * size] for i in range(self.per_epoch)]
        with ThreadPoolExecutor(1) as maker:
            coming = maker.submit(self._batch, chosen[0], number)
            for following in [*chosen[1:], None]:
                batch = coming.result()
                if following is not None:
                    coming = maker.submit(self._batch, following, number)
                yield batch

    def _order(self, epoch: int) -> Array:
        import numpy as np

        if not self.shuffle:
            return np.arange(len(self.items))
        return np.random.default_rng((self.seed, _ORDER, epoch)).permutation(len(self.items))

    def _batch(self, chosen: Array, epoch: int) -> Batch:
        import numpy as np

        inputs = []
        for name, array in self.items.inputs.items():
            taken = array[chosen]
            if self.augment is not None:
                taken = np.stack(
                    [
                        self._augmented(item, epoch, int(index))
                        for item, index in zip(taken, chosen, strict=True)
                    ]
                )
            inputs.append(taken.astype(self.dtypes[name], copy=False))
        labels = None if self.items.labels is None else np.asarray(self.items.labels[chosen])
        return inputs, labels

    def _augmented(self, item: Array, epoch: int, index: int) -> Array:
        import numpy as np

        assert self.augment is not None
        generator = np.random.default_rng((self.seed, _AUGMENT, epoch, index))
        changed = np.asarray(self.augment(item, generator))
        if changed.shape != item.shape:
            raise BadInput(
                f"the augmentation made {list(changed.shape)} of an item of {list(item.shape)}",
                hint="it must keep the shape",
            )
        return changed


def sorted_by_class(labels: Array | None) -> bool:
    """Whether items of one class stand together: far fewer changes of class than by chance."""
    import numpy as np

    if labels is None or labels.ndim != 1 or labels.dtype.kind not in "iub" or len(labels) < 20:
        return False
    known = np.asarray(labels)
    classes = len(np.unique(known))
    changes = int((known[1:] != known[:-1]).sum())
    shares = np.unique(known, return_counts=True)[1] / len(known)
    expected = float(1 - (shares**2).sum()) * (len(known) - 1)
    return classes > 1 and changes < max(classes, 0.1 * expected)
