"""Set a board up: our package and the runtimes' wheels in a private folder there.

No root, no index, no compiler on the board: the wheels come from the workstation, and the
board's own Python unpacks them. Every package lies in a folder named by its content, so that a
second set-up pushes what is not there yet, and one that was cut short goes on. A set-up that was
tried out is remembered on the board: the next one is a single question. One that lacks a runtime
by chance is not remembered: what is missing is tried again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright.targets.ssh.asking import SetupTrouble, as_words, ask, ask_any, within
from edgewright.targets.ssh.board import Facts
from edgewright.targets.ssh.fit import NUMPY, WHEELS, platform_of, wheels_for, without
from edgewright.targets.ssh.probe import ask_facts, read_board
from edgewright.targets.ssh.wheelhouse import (
    Tell,
    WheelFile,
    Wheelhouse,
    cache_folder,
    fetch,
    pack_runtimes,
    silent,
    wheels_folder,
)

if TYPE_CHECKING:
    from edgewright.devices.registry import Device
    from edgewright.targets.ssh.link import Link

LAYOUT = 2  # of the folder on the board: another one is set up anew
# ONNX Runtime 1.31 and newer sends events to its maker otherwise, and leaves a database in ~/.cache
VARIABLES = {"PYTHONNOUSERSITE": "1", "PYTHONSAFEPATH": "1", "ORT_DISABLE_TELEMETRY": "1"}
TRIED_AGAIN = "it is tried again in the next run"
COMPILED = 1.2  # Python writes its bytecode beside what it imports


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What stands on a board. ``root`` is the private folder, in which ``jobs`` and ``store`` are
    the agent's.

    ``runtimes``: of each that works there, the folders of its packages; ``null`` needs numpy
    alone. ``in_force``: what each said of itself. ``without``: why another is not there.
    ``pushed_bytes``: what was sent to come to this.
    """

    python: str
    root: str
    runtimes: Mapping[str, tuple[str, ...]]
    in_force: Mapping[str, str]
    without: Mapping[str, str]
    pushed_bytes: int = 0

    def argv(self, *words: str, runtime: str = "null") -> list[str]:
        """``argv("-m", "edgewright_runtimes.agent", ...)``: the command there, with the packages
        of that runtime and no others, from the private folder: before 3.11 Python imports
        from where it is started, and that is the home folder."""
        variables = {"PYTHONPATH": ":".join(self.runtimes[runtime]), **VARIABLES}
        pairs = (f"{name}={value}" for name, value in variables.items())
        return within(self.root, ["env", *pairs, self.python, *words])


def prepare(
    link: Link, device: Device, *, folder: Path | None = None, tell: Tell = silent
) -> Installed:
    """``folder`` keeps the wheels on this machine. ``tell`` hears what takes time.

    Raises ``BoardRefused`` where nothing of ours fits, ``SetupTrouble`` where a step fails there
    or pip fails here, ``LinkTrouble`` where the link is lost.
    """
    house = folder or wheels_folder()
    ours = pack_runtimes(folder or cache_folder())  # wheels may lie on what is only read
    name = _identity(ours, device.python)
    asked = ["ready", as_words({"id": name})]
    record = ask_any(link, "packages", asked, device.python).get("record")
    if record is not None:
        return _read_record(record)
    return _set_up(link, device.python, name, ours, house, tell)


def purge(link: Link, python: str = "") -> bool:
    """Remove everything that a set-up or a job left on the board; whether there was anything.

    Raises ``SetupTrouble`` while a job runs there.
    """
    return ask_any(link, "packages", ["purge", "{}"], python).get("purged") is True


def _set_up(
    link: Link, asked: str, name: str, ours: WheelFile, house: Path, tell: Tell
) -> Installed:
    board = read_board(ask_facts(link, asked), asked=bool(asked))
    platform = platform_of(board)
    lost: dict[str, str] = {}
    groups = fetch(platform, house, tell=tell, lost=lost)
    files = {file.package: file for file in (ours, *(f for g in groups.values() for f in g))}
    python = board.python.path
    there = Facts(ask(link, python, "packages", ["look", as_words({"packages": list(files)})]))
    root = there.text("root")
    pushed = _push(link, python, files, there, tell)
    fetched = [w.runtime for w in wheels_for(platform) if w.runtime not in lost]
    runtimes = _paths(root, ours, groups, fetched)
    tell("trying out " + ", ".join(runtimes))
    words = as_words({"python": python, "runtimes": runtimes, "variables": VARIABLES})
    tried = Facts(ask(link, python, "packages", ["try", words], folder=root))
    works, fails, chance = (
        _only(runtimes, tried.table(name)) for name in ("works", "fails", "chance")
    )
    if "null" in fails:
        raise SetupTrouble(f"what was unpacked on the board does not run: {fails['null']}")
    record = {
        "python": python,
        "root": root,
        "runtimes": {n: list(path) for n, path in runtimes.items() if n not in fails},
        "in_force": works,
        "without": {
            **without(platform),
            **{name: f"it can't be fetched: {words}" for name, words in lost.items()},
            **{name: f"it fails there: {words}" for name, words in fails.items()},
            **{name: f"it fails there: {words}; {TRIED_AGAIN}" for name, words in chance.items()},
        },
    }
    if not lost and not chance:
        kept = {"id": name, "python": python, "packages": list(files), "record": record}
        ask(link, python, "packages", ["keep", as_words(kept)])
    return _read_record(record, pushed_bytes=pushed)


def _push(link: Link, python: str, files: Mapping[str, WheelFile], there: Facts, tell: Tell) -> int:
    """What is not there yet; how many bytes that was."""
    missing = {n: f for n, f in files.items() if n not in there.texts("present")}
    if not missing:
        return 0
    to_send = [file for name, file in missing.items() if name not in there.texts("arrived")]
    _require_room(to_send, missing.values(), there.whole("free_bytes"))
    size = sum(file.size_bytes for file in to_send)
    if to_send:
        tell(f"pushing {len(to_send)} packages, {size / 1e6:.1f} MB")
        incoming = f"{there.text('root')}/incoming"
        link.push({f"{incoming}/{file.package}.zip": file.path for file in to_send})
    tell(f"unpacking {len(missing)} packages there")
    hashes = {name: file.sha256 for name, file in missing.items()}
    ask(link, python, "packages", ["unpack", as_words({"packages": hashes})])
    return size


def _require_room(
    to_send: Iterable[WheelFile], to_unpack: Iterable[WheelFile], free: int | None
) -> None:
    needed = sum(file.size_bytes for file in to_send)
    needed += int(COMPILED * sum(file.unpacked_bytes for file in to_unpack))
    if free is not None and free < needed:
        raise SetupTrouble(
            f"set-up needs {needed / 1e6:,.0f} MB on the board, {free / 1e6:,.0f} MB are free",
            hint="make room there (df -h ~)",
        )


def _paths(
    root: str, ours: WheelFile, groups: Wheelhouse, runtimes: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """Of each runtime, the folders of its group's packages; ``null`` needs numpy, the first."""

    def folders(files: Iterable[WheelFile]) -> tuple[str, ...]:
        return tuple(f"{root}/packages/{file.package}" for file in (ours, *files))

    group_of = {wheel.runtime: wheel.group for wheel in WHEELS}
    paths = {name: folders(groups[group_of[name]]) for name in runtimes}
    return {"null": folders(groups["numpy2"][:1]), **paths}


def _only(names: Iterable[str], said: Mapping[str, str]) -> dict[str, str]:
    """It goes back to the board as words of a command, which have a limit."""
    return {name: said[name] for name in names if name in said}


def _identity(ours: WheelFile, asked: str) -> str:
    """Of what is asked for: our code, the wheels wanted, the interpreter that was named."""
    wanted = [[wheel.requirement, wheel.group] for wheel in WHEELS]
    words = json.dumps([LAYOUT, ours.package, dict(NUMPY), wanted, asked])
    return hashlib.sha256(words.encode()).hexdigest()[:24]


def _read_record(record: object, *, pushed_bytes: int = 0) -> Installed:
    """From the board, where anybody may have written it."""
    if not isinstance(record, dict):
        raise SetupTrouble("what the board says of its set-up can't be read", hint=_SET_UP_AGAIN)
    said, paths = Facts(record), record.get("runtimes")
    if not isinstance(paths, dict):
        raise SetupTrouble("what the board says of its set-up can't be read", hint=_SET_UP_AGAIN)
    installed = Installed(
        python=said.text("python"),
        root=said.text("root"),
        runtimes={name: Facts(paths).texts(name) for name in paths},
        in_force=said.table("in_force"),
        without=said.table("without"),
        pushed_bytes=pushed_bytes,
    )
    if not installed.python.startswith("/") or "null" not in installed.runtimes:
        raise SetupTrouble("what the board says of its set-up can't be read", hint=_SET_UP_AGAIN)
    return installed


_SET_UP_AGAIN = "remove ~/.cache/edgewright/board there, and try again"
