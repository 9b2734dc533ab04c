"""The board's Python packages: its platform's wheels, unpacked into folders that go together.

They come from the wheelhouse of the boards over SSH (``targets.ssh.wheelhouse``), and ours is
packed as it is for them.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from edgewright.targets.ssh.fit import Group, Platform, wheels_for
from edgewright.targets.ssh.wheelhouse import fetch, pack_runtimes, wheels_folder

# Debian 12's; 3.11 is the last Python that tflite-runtime has a wheel for
PLATFORM = Platform(python=(3, 11), machine="aarch64", glibc=(2, 36))
PYTHON = "python3.11"


def groups() -> Mapping[str, Group]:
    """Of each runtime the folder of packages it lives in; ``null`` wants numpy alone."""
    return {"null": "numpy2", **{wheel.runtime: wheel.group for wheel in wheels_for(PLATFORM)}}


def unpack_wheels(sites: Path) -> Mapping[str, str]:
    """Each group into a folder of its name; the sha256 of each file, by name.

    Raises ``SetupTrouble``, ``MissingExtra`` or ``WriteFailed``.
    """
    house = fetch(PLATFORM, wheels_folder())
    for group, files in house.items():
        _unzip((file.path for file in files), sites / group)
    return {file.path.name: file.sha256 for files in house.values() for file in files}


@cache
def own_packages(folder: Path) -> Path:
    """A folder in ``folder`` that holds ``edgewright_runtimes`` alone, as it is installed here.

    Beside the original lie packages of this machine's architecture. Of each content there is one
    copy, so that what Python compiles stays.
    """
    packed = pack_runtimes(wheels_folder())
    to = folder / packed.sha256[:16]
    if not to.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=f".{to.name}.") as work:
            made = Path(work) / to.name
            _unzip([packed.path], made)
            try:
                made.rename(to)
            except OSError:
                if not to.exists():  # else another process was first
                    raise
    return to


def _unzip(files: Iterable[Path], into: Path) -> None:
    into.mkdir(parents=True)
    for file in files:
        with zipfile.ZipFile(file) as archive:
            archive.extractall(into)
