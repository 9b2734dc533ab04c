"""``devices``: the boards that a person has named, what they are, and what is left on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgewright.devices.records import Device, Registry
from edgewright.devices.registry import change, find_device, registered
from edgewright.targets.ssh.destination import parse_destination
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    from edgewright.targets.ssh.board import Board
    from edgewright.targets.ssh.wheelhouse import WheelFile

SCHEME = "ssh:"


def add_device(name: str, target: str, *, python: str = "", threads: Sequence[int] = ()) -> Device:
    """Keep ``ssh:USER@HOST[:PORT]`` under ``name``; nothing is asked of it yet.

    Raises ``BadInput`` for what is no name, destination or interpreter, and for a name that is
    another's.
    """
    if not target.startswith(SCHEME):
        raise BadInput(f"{target!r} is no device", hint="write ssh:USER@HOST or ssh:HOST:PORT")
    destination = parse_destination(target.removeprefix(SCHEME))
    device = Device(name=name, destination=destination, python=python, threads=tuple(threads))
    change(lambda registry: registry.with_device(device))
    return device


def list_devices() -> Registry:
    """All that are registered, with their groups."""
    return registered()


def probe_device(place: str) -> Board:
    """Look at a registered device, or at any ``ssh:USER@HOST``; nothing is written there.

    Raises as ``Link`` and ``probe`` do.
    """
    from edgewright.targets.ssh.link import Link
    from edgewright.targets.ssh.probe import probe

    device = find_device(place.removeprefix(SCHEME))
    with Link(device.destination) as link:
        return probe(link, device.python)


def remove_device(name: str, *, purge: bool = False) -> bool:
    """Forget a device, or the group ``@NAME``; with ``purge`` whether anything was left there.

    What ``purge`` can't remove keeps the device registered. Raises ``UnknownName``, ``BadInput``,
    and with ``purge`` as ``Link`` does.
    """
    if name.startswith("@"):
        if purge:
            raise BadInput(f"{name} is a group", hint="purge its devices one by one")
        change(lambda registry: registry.without_group(name[1:]))
        return False
    device = registered().device(name)
    left = purge and _purge(device)
    change(lambda registry: registry.without_device(name))
    return left


def group_devices(name: str, members: Sequence[str]) -> tuple[str, ...]:
    """Make ``@NAME`` of registered devices, in place of one of that name.

    Raises ``UnknownName`` and ``BadInput``.
    """
    group = name.removeprefix("@")
    return change(lambda registry: registry.with_group(group, tuple(members))).groups[group]


def fetch_wheels(
    kind: str, out: Path | None = None, *, tell: Callable[[str], None] = lambda _: None
) -> tuple[Path, tuple[WheelFile, ...]]:
    """The files that a kind of board needs (``cp311-aarch64-glibc2.36``) and their folder, to be
    carried to a workstation without an index.

    Raises ``BadInput`` for no such kind, ``SetupTrouble`` with pip's reason.
    """
    from edgewright.targets.ssh.fit import parse_platform
    from edgewright.targets.ssh.wheelhouse import fetch, wheels_folder

    folder = out or wheels_folder()
    groups = fetch(parse_platform(kind), folder, tell=tell)
    return folder, tuple(file for files in groups.values() for file in files)


def _purge(device: Device) -> bool:
    from edgewright.targets.ssh.installation import purge
    from edgewright.targets.ssh.link import Link

    with Link(device.destination) as link:
        return purge(link, device.python)
