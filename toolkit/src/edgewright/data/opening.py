"""From a word on the command line to a data set.

``FILE.npz``, ``FILE.csv``, a folder of class folders of images, or ``module:function``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright.data.dataset import DataSet
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    from edgewright_runtimes.preprocess import Preprocess

KINDS = "an .npz file, a .csv file, a folder of class folders of images, or module:function"


def open_data(spec: str, *, preprocess: Preprocess | None = None) -> DataSet:
    """Open a data set; nothing but names, shapes and labels is read.

    ``preprocess`` matters to images of different sizes only: they are resized as declared
    while they are read (resizing again changes nothing). Raises ``BadInput``.
    """
    path = Path(spec)
    if path.is_dir():
        from edgewright.data.images import ImageFolder

        return ImageFolder(path, resize=preprocess.resize if preprocess else None)
    if path.suffix == ".npz" and path.exists():
        from edgewright.data.npz import NpzData

        return NpzData(path)
    if path.suffix in (".csv", ".tsv", ".txt") and path.exists():
        from edgewright.data.table import TableData

        return TableData(path)
    if not path.exists() and re.fullmatch(r"[\w.]+:[\w.]+", spec):
        from edgewright.data.function import from_function

        return from_function(spec)
    if path.exists():
        raise BadInput(f"{path}: can't read this kind of data", hint=f"data is {KINDS}")
    raise BadInput(f"{path}: no such file or folder", hint=f"data is {KINDS}")
