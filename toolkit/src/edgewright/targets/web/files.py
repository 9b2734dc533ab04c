"""What may be read: named files, and what lies inside named folders. Nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A file, under the one name ``name``; or, with ``folder``, every file below that."""

    path: Path
    name: str
    folder: bool = False

    def find(self, below: str) -> Path | None:
        """The file at ``below``, or None where there is none that may be read."""
        if self.folder:
            return inside(self.path, below)
        if below in ("", self.name) and self.path.is_file():
            return self.path
        return None

    def key(self) -> str:
        """Another one for every other content, as far as names, sizes and times of change tell."""
        files = (
            sorted(p for p in self.path.rglob("*") if p.is_file()) if self.folder else [self.path]
        )
        digest = hashlib.sha256()
        for path in files:
            digest.update(f"{path}\0".encode(errors="surrogateescape"))
            if path.exists():
                stat = path.stat()
                digest.update(f"{stat.st_size} {stat.st_mtime_ns}\0".encode())
        return digest.hexdigest()


def served(path: Path) -> Served:
    """How a file of a job is served: a TF.js ``model.json`` with its folder, for its shards."""
    if path.name == "model.json":
        return Served(path=path.parent, name=path.name, folder=True)
    return Served(path=path, name=path.name)


def inside(folder: Path, below: str) -> Path | None:
    """The file at ``below`` in ``folder``; None where it leaves it, by dots or by a link."""
    if "\0" in below or "\\" in below or not {"", ".", ".."}.isdisjoint(below.split("/")):
        return None
    root = folder.resolve()
    try:
        found = (root / below).resolve(strict=True)
    except (OSError, RuntimeError, ValueError):  # not there, a loop of links, no file name
        return None
    return found if found.is_relative_to(root) and found.is_file() else None
