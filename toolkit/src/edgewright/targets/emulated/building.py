"""An emulated board, built once from package registries into the user's cache.

    <cache>/edgewright/emulated/<key>/
        host/        qemu's user mode for this machine, where it is not installed
        root/        Debian's Python for arm64 and what it needs, unpacked and never configured
        sites/       wheels for aarch64, unpacked: one folder for each set that goes together
        packages/    ``edgewright_runtimes``, by the hash of its files
        pi4/, pi5/   the roots that programs see: ``root`` with the board's own ``/proc``, ``/sys``
        board.json   what was unpacked, with its sha256

The key names all that decides what is built. A build that fails leaves nothing, and what one left
that was killed is removed by the next.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from edgewright.atomic import WriteFailed, write_text
from edgewright.targets.emulated.apt import Apt, require_tools, run_tool, unpack
from edgewright.targets.emulated.models import MODELS, BoardModel
from edgewright.targets.emulated.trouble import ELSEWHERE, BoardTrouble
from edgewright.targets.emulated.wheels import PLATFORM, PYTHON, unpack_wheels
from edgewright.targets.ssh.fit import wheels_for

RECIPE = 1  # raise it when what is built changes
SUITE = "bookworm"
OS_RELEASE = Path("/etc/os-release")
BOARD_ARCHITECTURE = "arm64"
EMULATOR = ("qemu-user",)
BOARD_PACKAGES = (PYTHON, "libstdc++6", "libgomp1")
RECORD = "board.json"
OWN = ("proc", "sys")  # what each board has of its own
BUILDING = ".building-"
WAIT_SECONDS = 900  # for another process that builds the same

Say = Callable[[str], None]


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "edgewright" / "emulated"


def built(say: Say) -> Path:
    """The folder of the boards, built where it is not there; ``say`` hears what takes minutes.

    Raises ``BoardTrouble``, ``SetupTrouble``, ``MissingExtra`` or ``WriteFailed``.
    """
    from filelock import FileLock, Timeout

    key = _key()
    folder = cache_folder() / key
    if (folder / RECORD).exists():
        return folder
    _require_suite()
    require_tools()
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        with FileLock(cache_folder() / f".{key}.lock", timeout=WAIT_SECONDS):
            if not (folder / RECORD).exists():
                _build(folder, say)
    except Timeout:
        raise BoardTrouble(
            "another process has been building the emulated board for too long",
            hint=f"end it, or remove {cache_folder()}",
        ) from None
    except OSError as e:
        words = f"the emulated board cannot be built in {cache_folder()}: {e.strerror or e}"
        raise WriteFailed(words, hint="XDG_CACHE_HOME names another place") from e
    return folder


def _key() -> str:
    recipe: list[object] = [RECIPE, SUITE, os.uname().machine, EMULATOR, BOARD_PACKAGES]
    recipe += [str(PLATFORM), *(wheel.requirement for wheel in wheels_for(PLATFORM))]
    recipe += [[name, model.files()] for name, model in MODELS.items()]
    return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:16]


def _require_suite() -> None:
    words = _os_release()
    if words.get("ID") != "debian" or words.get("VERSION_CODENAME") != SUITE:
        name = words.get("PRETTY_NAME") or "another system"
        raise BoardTrouble(
            f"the emulated board is made of the packages of Debian 12 ({SUITE}); this is {name}",
            hint=ELSEWHERE.removeprefix("or "),
        )


def _os_release() -> Mapping[str, str]:
    try:
        lines = OS_RELEASE.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines)
    return {name: value.strip("\"'") for name, _, value in pairs}


def _build(folder: Path, say: Say) -> None:
    start = time.monotonic()
    say(f"building the emulated board in {folder} (once; one to three minutes)")
    for old in folder.parent.glob(f"{BUILDING}{folder.name}-*"):
        shutil.rmtree(old, ignore_errors=True)  # nobody else builds it: the lock is held
    prefix = f"{BUILDING}{folder.name}-"
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=prefix) as work:
        made, scratch = Path(work) / "board", Path(work) / "scratch"
        record = {
            "emulator_and_system": _unpack_system(made, scratch),
            "wheels": unpack_wheels(made / "sites"),
        }
        for model in MODELS.values():
            write_root(made / model.name, model)
        write_text(made / RECORD, json.dumps(record, indent=1, sort_keys=True) + "\n")
        made.rename(folder)
    say(f"the emulated board is built ({time.monotonic() - start:.0f} s)")


def _unpack_system(made: Path, scratch: Path) -> Mapping[str, str]:
    here = run_tool(["dpkg", "--print-architecture"], "dpkg").strip()
    apt = Apt(scratch / "apt", here, BOARD_ARCHITECTURE)
    apt.update()
    (made / "host").mkdir(parents=True)
    host = apt.fetch(EMULATOR, here, onto_system=True)
    board = apt.fetch(BOARD_PACKAGES, BOARD_ARCHITECTURE, onto_system=False)
    return {**unpack(host, made / "host"), **unpack(board, made / "root")}


def write_root(root: Path, model: BoardModel) -> None:
    """The board's own files in front of the common root, by links that survive a rename."""
    root.mkdir()
    for entry in sorted((root.parent / "root").iterdir()):
        if entry.name not in OWN:
            (root / entry.name).symlink_to(Path("..") / "root" / entry.name)
    for name, text in model.files().items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
