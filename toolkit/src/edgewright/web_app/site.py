"""The folder of a site: it appears whole, and takes the place of an earlier one alone.

A site lists its own files in ``app.json``. What else lies in the folder (``CNAME``, ``.git``) is
not ours: without ``force`` it is a reason to stop, with it it stays where it is. Where one of
those files has the name of one of ours, nothing helps but another folder.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgewright.atomic import WriteFailed
from edgewright_runtimes.errors import BadInput

SETTINGS = "app.json"
MARK = "edgewright_app"


def check_place(out: Path, *, force: bool) -> None:
    """Raises ``BadInput`` where ``out`` is a file, or holds what is not of an earlier site."""
    if out.exists() and not out.is_dir():
        raise BadInput(f"{out} is a file; a site is a folder", hint="name another --out")
    if force or not out.is_dir():
        return
    foreign = _foreign(out)
    if foreign:
        is_site = _own_files(out)
        what = "holds more than an earlier export" if is_site else "is not empty and not an export"
        raise BadInput(
            f"{out} {what}: {', '.join(foreign[:3])}",
            hint="name another --out, or --force to write among them",
        )


@contextmanager
def new_site(out: Path) -> Iterator[Path]:
    """A folder to fill; it becomes ``out`` when the block ends well, and is gone otherwise."""
    out = out.resolve()
    built = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        built.parent.mkdir(parents=True, exist_ok=True)
        built.mkdir()
        yield built
        _check_names(built, out)
        _take_place(built, out)
    except OSError as e:
        raise WriteFailed(f"cannot write {out}: {e.strerror or e}") from e
    finally:
        shutil.rmtree(built, ignore_errors=True)


def _check_names(built: Path, out: Path) -> None:
    taken = [name for name in _foreign(out) if _is_in_the_way(built, name)] if out.exists() else []
    if taken:
        raise BadInput(
            f"{out} holds files that are not of an export and have its names: "
            f"{', '.join(taken[:3])}",
            hint="move them away, or name another --out",
        )


def _is_in_the_way(built: Path, name: str) -> bool:
    """Whether the new site has this file, or a file where this one's folder is."""
    folders = (built / parent for parent in Path(name).parents)
    return (built / name).exists() or any(folder.is_file() for folder in folders)


def _take_place(built: Path, out: Path) -> None:
    if not out.exists():
        built.rename(out)
        return
    ours = set(_own_files(out))
    old = out.with_name(f".{out.name}.{os.getpid()}.old")
    out.rename(old)
    try:
        built.rename(out)
    except OSError:
        old.rename(out)
        raise
    _keep(old, out, ours)
    shutil.rmtree(old, ignore_errors=True)


def _keep(old: Path, new: Path, ours: set[str], under: str = "") -> None:
    """Move what is not of the old site; the new one has nothing of that name."""
    folders = {parent.as_posix() for name in ours for parent in Path(name).parents}
    for entry in old.iterdir():
        name, target = under + entry.name, new / entry.name
        if entry.is_dir() and not entry.is_symlink() and (target.is_dir() or name in folders):
            target.mkdir(exist_ok=True)
            _keep(entry, target, ours, f"{name}/")
            if not any(target.iterdir()):
                target.rmdir()
        elif name not in ours:
            entry.rename(target)


def _foreign(out: Path) -> list[str]:
    """The files that lie in the folder and are not of the site that it lists."""
    ours = set(_own_files(out))
    files = (p.relative_to(out).as_posix() for p in out.rglob("*") if not p.is_dir())
    return sorted(name for name in files if name not in ours)


def _own_files(out: Path) -> list[str]:
    """The files that the site in ``out`` says are its own; none where it is no site."""
    try:
        data = json.loads((out / SETTINGS).read_bytes())
        files = data["files"] if MARK in data else []
        return [SETTINGS, *(name for name in files if isinstance(name, str))] if files else []
    except (OSError, ValueError, KeyError, TypeError):
        return []
