"""A board that is built: how a program is started on it, and what it is made of."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgewright.targets.emulated.apt import run_tool
from edgewright.targets.emulated.building import Say, built
from edgewright.targets.emulated.counter import COUNTS
from edgewright.targets.emulated.models import BoardModel, board_model
from edgewright.targets.emulated.trouble import ELSEWHERE, BoardTrouble
from edgewright.targets.emulated.wheels import PYTHON, groups, own_packages

QEMU = "qemu-aarch64"
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "PYTHONSAFEPATH": "1",
    "PYTHONNOUSERSITE": "1",
    "PYTHONHASHSEED": "0",  # the same instructions run after run
    "OPENBLAS_NUM_THREADS": "1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """``folder`` is that of ``building``; ``emulator`` the program, of there or installed."""

    folder: Path
    model: BoardModel
    emulator: Path

    @property
    def root(self) -> Path:
        """What programs on the board see in front of this machine's files."""
        return self.folder / self.model.name

    def command(
        self,
        runtime: str,
        words: Sequence[str],
        *,
        plugin: Path | None = None,
        counts: Path | None = None,
    ) -> list[str]:
        """The argv that starts the board's Python with ``words``, and what ``runtime`` needs.

        Of this machine's environment nothing goes in. ``plugin`` counts into the file ``counts``.
        """
        packages = [
            own_packages(self.folder / "packages"),
            self.folder / "sites" / groups()[runtime],
        ]
        environment = {
            **ENVIRONMENT,
            "PYTHONPATH": os.pathsep.join(map(str, packages)),
            "LD_LIBRARY_PATH": os.pathsep.join(map(str, self._libraries())),
            **({COUNTS: str(counts)} if counts else {}),
        }
        options = ["-L", str(self.root), "-cpu", self.model.cpu, "-seed", "1"]
        options += ["-U", "LD_LIBRARY_PATH", "-U", COUNTS]  # the emulator's, not the board's
        if plugin is not None:
            options += ["-plugin", str(plugin).replace(",", ",,")]
        settings = [f"{name}={value}" for name, value in environment.items()]
        python = self.root / "usr" / "bin" / PYTHON
        return ["env", "-i", *settings, str(self.emulator), *options, str(python), *words]

    def emulator_version(self) -> str:
        """``qemu-aarch64 version 7.2.19``. Raises ``BoardTrouble`` where it does not start."""
        libraries = os.pathsep.join(map(str, self._libraries()))
        argv = ["env", "-i", f"LD_LIBRARY_PATH={libraries}", str(self.emulator), "--version"]
        lines = run_tool(argv, f"{QEMU} --version").splitlines()
        return lines[0].partition(" (")[0] if lines else QEMU

    def _libraries(self) -> list[Path]:
        """The emulator's, where it was unpacked and not installed."""
        host = self.folder / "host"
        return [*host.glob("usr/lib/*-linux-gnu"), *host.glob("lib/*-linux-gnu")]


def open_board(name: str, say: Say) -> Board:
    """The board ``pi4`` or ``pi5``, built where it is not there.

    Raises ``UnknownName``, ``BoardTrouble`` or ``WriteFailed``.
    """
    model = board_model(name)
    folder = built(say)
    unpacked = folder / "host" / "usr" / "bin" / QEMU
    found = unpacked if unpacked.exists() else shutil.which(QEMU)
    if found is None:
        raise BoardTrouble(
            f"no {QEMU} in {folder} and none installed", hint=f"apt install qemu-user, {ELSEWHERE}"
        )
    return Board(folder=folder, model=model, emulator=Path(found))
