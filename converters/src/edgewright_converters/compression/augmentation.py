"""The user's function that changes items that are learnt from: what it does wrong is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgewright_converters.user_function import load_function
from edgewright_runtimes.errors import BadInput, EdgewrightError

if TYPE_CHECKING:
    import numpy as np

    from edgewright_converters.compression.context import Items

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """``name`` is ``module:function``, as it was typed."""

    name: str
    function: Callable[[Array, np.random.Generator], Array]

    def __call__(self, item: Array, generator: np.random.Generator) -> Array:
        """Raises ``BadInput`` for whatever the function raises."""
        try:
            return self.function(item, generator)
        except EdgewrightError:
            raise
        except Exception as e:
            raise BadInput(
                f"{self.name} raised {type(e).__name__} on an item of {list(item.shape)}, "
                f"{item.dtype}: {e}",
                hint="it takes (item, numpy generator) and gives the item changed",
            ) from e

    def check(self, items: Items) -> None:
        """On the first item: what can't be learnt from is known before an epoch has begun."""
        import numpy as np

        for array in items.inputs.values():
            item = np.array(array[0])
            made = np.asarray(self(item, np.random.default_rng(0)))
            if made.shape != item.shape or made.dtype.kind not in "buif":
                raise BadInput(
                    f"{self.name} made {list(made.shape)}, {made.dtype} of an item of "
                    f"{list(item.shape)}, {item.dtype}",
                    hint="it gives numbers of the item's shape back",
                )
            if np.isfinite(item).all() and not np.isfinite(made).all():
                raise BadInput(f"{self.name} made NaN or infinity of an item without them")


def load_augmentation(name: str) -> Augmentation | None:
    """``None`` for no name. Raises ``BadInput`` where there is no such function."""
    return Augmentation(name=name, function=load_function(name)) if name else None
