"""What every runtime refuses in the same words: a file, a run, feeds that do not fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from edgewright_runtimes.errors import ArtifactError, BadInput

if TYPE_CHECKING:
    from edgewright_runtimes.records import TensorSpec
    from edgewright_runtimes.runtime import Arrays


def refused(path: Path, package: str, error: Exception, verb: str = "open") -> ArtifactError:
    """One line with the runtime's own reason, cut where it repeats itself for every tensor."""
    reason = " ".join(str(error).split()) or type(error).__name__
    return ArtifactError(f"{path}: {package} cannot {verb} it: {reason[:300]}")


def closed(path: Path) -> ArtifactError:
    return ArtifactError(f"{path}: this session is closed", hint="open it again")


def closed_run(path: Path) -> Callable[[Arrays], Arrays]:
    """What ``run`` is from ``close`` on."""

    def run(feeds: Arrays) -> NoReturn:
        raise closed(path)

    return run


def check_feeds(specs: Sequence[TensorSpec], feeds: Arrays) -> None:
    """Raise ``BadInput`` where feeds differ from the specs in name, dtype or shape."""
    for spec in specs:
        if spec.name not in feeds:
            given, wanted = ", ".join(feeds) or "nothing", ", ".join(s.name for s in specs)
            raise BadInput(f"no input {spec.name!r} was given ({given}); expected: {wanted}")
        value = feeds[spec.name]
        dtype = str(getattr(value, "dtype", type(value).__name__))
        if dtype != spec.dtype and spec.dtype != "string":
            raise BadInput(f"input {spec.name!r} is {dtype}; expected {spec.dtype}")
        shape = np.shape(value)
        fits = len(shape) == len(spec.shape) and all(
            want is None or want == got for want, got in zip(spec.shape, shape, strict=True)
        )
        if not fits:
            raise BadInput(f"input {spec.name!r} has shape {shape}; expected {shown(spec.shape)}")


def shown(shape: tuple[int | None, ...]) -> str:
    """``(N, 28, 28)``, for messages."""
    return "(" + ", ".join("N" if d is None else str(d) for d in shape) + ")"
