"""What ``sftp -b`` is told: files put under a name of their own beside the place, then renamed.

sftp reads a line with quotes, escapes and patterns of its own (makeargv in sftp.c). A backslash
before every character that is not plain makes any path one word of it, and data; of the patterns'
characters sftp keeps that backslash, and takes it off before the name goes to the device
(undo_glob_escape). Files of this machine are linked under numbers in a folder, where sftp runs.
"""

from __future__ import annotations

import posixpath
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgewright_runtimes.errors import BadInput

_NOT_PLAIN = re.compile(r"[^\w/.-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """``local`` goes to ``remote``, through ``temporary`` in the same folder there."""

    local: Path
    remote: str
    temporary: str

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.remote)


def plan_pushes(files: Mapping[str, Path]) -> tuple[Push, ...]:
    """Raises ``BadInput`` for a path that can be no file's, there or here."""
    return tuple(_plan(remote, local) for remote, local in files.items())


def batch(pushes: tuple[Push, ...], folder: Path) -> bytes:
    """The commands; ``folder`` gets a link to each file, and is where sftp has to run."""
    lines = []
    for number, push in enumerate(pushes):
        (folder / str(number)).symlink_to(push.local.absolute())
        lines.append(f"put {number} {escaped(push.temporary)}")
        lines.append(f"rename {escaped(push.temporary)} {escaped(push.remote)}")
    return "".join(f"{line}\n" for line in lines).encode()


def there(path: str) -> str:
    """A path on the device as a word that no program takes for an option: one that is not absolute
    begins at the home folder. Raises ``BadInput`` for an empty one, or one with control characters.
    """
    if not path or path.endswith("/") or not path.isprintable():
        raise BadInput(f"{path!r} is no path of a file on a device")
    return path if path.startswith("/") else f"./{path}"


def escaped(path: str) -> str:
    """One word of sftp's, whatever ``path`` holds."""
    return _NOT_PLAIN.sub(lambda found: f"\\{found[0]}", path)


def _plan(remote: str, local: Path) -> Push:
    if not local.is_file():
        raise BadInput(f"no file {local} to be pushed")
    path = there(remote)
    name = f".edgewright-{secrets.token_hex(8)}.tmp"
    temporary = posixpath.join(posixpath.dirname(path), name)
    return Push(local=local, remote=path, temporary=temporary)
