"""Whether the data fits the model: said before training, in words of inputs and shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    from edgewright_converters.compression.context import Items


def check_items(model: Any, items: Items, *, what: str = "training") -> None:
    """Raises ``BadInput`` with the input's name, the shape that was given and the one expected."""
    given = list(items.inputs.items())
    if len(given) != len(model.inputs):
        names = ", ".join(name for name, _ in given)
        raise BadInput(
            f"the {what} data has {len(given)} inputs ({names}) and the model {len(model.inputs)}"
        )
    if not len(items):
        raise BadInput(f"the {what} data has no items")
    for (name, array), tensor in zip(given, model.inputs, strict=True):
        wanted = tuple(tensor.shape)
        if not _fits(array.shape, wanted):
            raise BadInput(
                f"the {what} data's input {name!r} is {_shown(array.shape)};"
                f" the model takes {_shown(wanted)}"
            )
        if len(array) != len(items):
            raise BadInput(
                f"the {what} data's input {name!r} has {len(array)} of {len(items)} items"
            )
    if items.labels is not None and len(items.labels) != len(items):
        raise BadInput(f"the {what} data has {len(items)} items and {len(items.labels)} labels")


def input_dtypes(model: Any, items: Items) -> dict[str, str]:
    return {
        name: str(tensor.dtype) for name, tensor in zip(items.inputs, model.inputs, strict=True)
    }


def _fits(given: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    if len(given) != len(wanted):
        return False
    return all(w is None or g == w for g, w in zip(given[1:], wanted[1:], strict=True))


def _shown(shape: tuple[int | None, ...]) -> str:
    return f"[{', '.join('any' if size is None else str(size) for size in ('items', *shape[1:]))}]"
