"""What a Keras file says of itself, read without Keras: nothing in it is executed or loaded.

Bounded against archives that lie: members that leave the archive, that unpack to far more than
they weigh, and HDF5 files that point at other files of the machine.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from edgewright_converters.errors import UnreadableSource, UnsafeSource

_ZIP, _HDF5 = b"PK", b"\x89HDF\r\n\x1a\n"
_JSON_BYTES = 64 << 20  # the largest config that is read
_MEMBERS = 10_000
# Unpacked over packed: weights hardly compress, a bomb does so a thousandfold.
_RATIO, _SLACK_BYTES = 100, 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class KerasFile:
    """``version`` is the Keras that wrote it, ``2.4.0`` for example; empty where not said."""

    path: Path
    container: Literal["keras", "h5"]
    version: str
    config: Mapping[str, Any]

    @property
    def is_keras2(self) -> bool:
        return self.version[:2] in ("1.", "2.")


def read_keras_file(path: Path) -> KerasFile:
    """Raises ``UnreadableSource`` for what is no whole Keras model, ``UnsafeSource`` for traps."""
    try:
        with path.open("rb") as stream:
            head = stream.read(64)
            if head.startswith(_ZIP):
                return _read_zip(path)
            if head.startswith(_HDF5):
                return _read_h5(path)
    except PermissionError as error:
        raise UnreadableSource(f"{path} can't be read: permission denied") from error
    raise UnreadableSource(
        f"{path} is no Keras model: {_what_it_is(head)}, neither a .keras archive nor HDF5",
        hint="give a .keras or .h5 file, or a SavedModel folder",
    )


def _what_it_is(head: bytes) -> str:
    if not head:
        return "it is empty"
    if head[4:8] == b"TFL3":
        return "it is a TFLite artifact"
    if head.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer, not the file itself"
    text = head.decode("utf-8", errors="ignore")
    if all(letter.isprintable() or letter.isspace() for letter in text):
        return f"it is text ({text[:20]!r}...)"
    return f"it begins {head[:8]!r}"


def _read_zip(path: Path) -> KerasFile:
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(path, archive)
            metadata = _json(path, _member(path, archive, "metadata.json"))
            config = _json(path, _member(path, archive, "config.json"))
            if "model.weights.h5" in archive.namelist():
                with archive.open("model.weights.h5") as weights:
                    _check_h5(path, weights)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise UnreadableSource(f"{path} is truncated or damaged: {error}") from error
    version = str(metadata.get("keras_version", ""))
    return KerasFile(path=path, container="keras", version=version, config=config)


def _check_members(path: Path, archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    if len(members) > _MEMBERS:
        raise UnsafeSource(f"{path} holds {len(members)} members; at most {_MEMBERS} are read")
    for member in members:
        parts = re.split(r"[/\\]", member.filename)
        if ".." in parts or parts[0] == "" or ":" in parts[0]:
            raise UnsafeSource(f"{path} holds {member.filename!r}, which leads out of the archive")
    unpacked = sum(member.file_size for member in members)
    _check_ratio(path, unpacked)


def _check_ratio(path: Path, unpacked: int) -> None:
    packed = path.stat().st_size
    if unpacked > packed * _RATIO + _SLACK_BYTES:
        raise UnsafeSource(
            f"{path} has {packed:,} bytes and unpacks to {unpacked:,}: more than {_RATIO} times"
        )


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise UnreadableSource(f"{path} is a zip archive without {name}: no .keras model") from None
    if info.file_size > _JSON_BYTES:
        raise UnsafeSource(f"{path}: {name} has {info.file_size:,} bytes; at most {_JSON_BYTES:,}")
    return archive.read(info)


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises ``UnreadableSource``, or ``UnsafeSource`` if too large."""
    if path.stat().st_size > _JSON_BYTES:
        raise UnsafeSource(f"{path} is larger than {_JSON_BYTES:,} bytes")
    return _json(path, path.read_bytes())


def _json(path: Path, data: bytes | str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnreadableSource(f"{path}: its config is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise UnreadableSource(f"{path}: its config is a {type(value).__name__}, not an object")
    return value


def _read_h5(path: Path) -> KerasFile:
    with path.open("rb") as stream:
        _check_h5(path, stream)
    import h5py

    with h5py.File(path, "r") as file:
        attributes = {key: file.attrs.get(key) for key in ("model_config", "keras_version")}
    config, version = (_text(value) for value in attributes.values())
    if not config:
        raise UnreadableSource(
            f"{path} holds weights only, no model",
            hint="save the whole model: model.save('model.keras')",
        )
    return KerasFile(path=path, container="h5", version=version, config=_json(path, config))


def _text(value: Any) -> str:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value or "")


def _check_h5(path: Path, stream: IO[bytes]) -> None:
    """Whole, no larger than it may be, and pointing at nothing outside itself."""
    import h5py

    links: list[tuple[str, object]] = []
    try:
        with h5py.File(stream, "r") as file:
            # Collected first: an error must not travel through HDF5's own visitor.
            file.visititems_links(lambda name, link: links.append((name, link)))
            unpacked = sum(_weigh(path, file, name, link) for name, link in links)
    except (OSError, KeyError, ValueError, RuntimeError, SystemError) as error:
        # h5py says how much is missing: "truncated file: eof = 300, ..., stored_eof = 4096"
        reason = re.sub(r"^Unable to (synchronously )?open file ?", "", str(error)).strip("() ")
        raise UnreadableSource(f"{path} is truncated or damaged: {reason}") from error
    _check_ratio(path, unpacked)


def _weigh(path: Path, file: Any, name: str, link: object) -> int:
    """The bytes of a dataset when read; raises for one whose bytes lie elsewhere."""
    import h5py

    if isinstance(link, h5py.ExternalLink):
        raise UnsafeSource(f"{path}: {name!r} points at another file ({link.filename!r})")
    item = file[name] if isinstance(link, h5py.HardLink) else None
    if not isinstance(item, h5py.Dataset):
        return 0
    if item.external or item.is_virtual:
        raise UnsafeSource(f"{path}: the values of {name!r} lie in another file")
    return int(item.nbytes)
