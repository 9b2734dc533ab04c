"""All that training stands on after an epoch, in one file that is whole or not there.

An ``.npz`` of plain arrays (nothing pickled) with a JSON header in it.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    Groups = Mapping[str, Sequence[Array]]

_HEADER = "header"


def save_checkpoint(path: Path, groups: Groups, header: Mapping[str, Any]) -> None:
    """``groups`` are lists of arrays by name. Raises ``OSError``; nothing is left half-written."""
    import numpy as np

    packed = io.BytesIO()  # at once: a zip that is closed on a full disk complains twice
    text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    arrays = {
        f"{name}.{i}": array for name, group in groups.items() for i, array in enumerate(group)
    }
    np.savez(packed, allow_pickle=False, **{_HEADER: text, **arrays})
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            stream.write(packed.getbuffer())
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def load_checkpoint(path: Path) -> tuple[dict[str, list[Array]], dict[str, Any]] | None:
    """``None`` where there is none that can be read."""
    import numpy as np

    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            header = json.loads(bytes(file[_HEADER]))
            groups: dict[str, list[Array]] = {}
            for key in file.files:
                if key != _HEADER:
                    groups.setdefault(key.rpartition(".")[0], []).append(file[key])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return groups, header
