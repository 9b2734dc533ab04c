"""A source's name by its bytes; imports no framework, so that a finished run stays instant."""

from __future__ import annotations

import hashlib
from pathlib import Path

from edgewright_converters.errors import UnreadableSource

_CHUNK = 1 << 20


def source_sha256(path: Path) -> str:
    """The sha256 of a file, or of the sorted (relative name, sha256) lines of a folder.

    Raises ``UnreadableSource`` where there is nothing to read.
    """
    path = Path(path)
    try:
        if path.is_file():
            return _file_sha256(path)
        if path.is_dir():
            return _folder_sha256(path)
    except OSError as error:
        raise UnreadableSource(f"{path} can't be read: {error}") from error
    raise UnreadableSource(f"no such file or folder: {path}")


def _folder_sha256(folder: Path) -> str:
    files = sorted(
        (file.relative_to(folder).as_posix(), file) for file in folder.rglob("*") if file.is_file()
    )
    lines = "".join(f"{name} {_file_sha256(file)}\n" for name, file in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def _file_sha256(path: Path) -> str:
    # hashlib.file_digest is this loop, from Python 3.11 on.
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_CHUNK))
    with path.open("rb", buffering=0) as stream:
        while count := stream.readinto(buffer):
            digest.update(buffer[:count])
    return digest.hexdigest()
