"""Devices by name, and groups of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from edgewright.targets.ssh.destination import Destination
from edgewright_runtimes.errors import BadInput, UnknownName

MOST_THREADS = 1024
HOW_TO_ADD = "edgewright devices add NAME ssh:USER@HOST"
HOW_TO_GROUP = "edgewright devices group NAME DEVICE..."
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """``python``: the interpreter there, empty for the first that fits; ``threads``: the numbers
    of them that are worth a look there. Raises ``BadInput``."""

    name: str
    destination: Destination
    python: str = ""
    threads: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _require_interpreter(self.python)
        for count in self.threads:
            if not 1 <= count <= MOST_THREADS:
                raise BadInput(f"threads is {count}", hint=f"1 to {MOST_THREADS}, as in 1,2,4")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """``groups``: the names of the devices of each, in their order."""

    devices: Mapping[str, Device] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def device(self, name: str) -> Device:
        """Raises ``UnknownName``, or ``BadInput`` where there is none at all."""
        if not self.devices:
            raise BadInput(f"no device named {name!r}: none is registered", hint=HOW_TO_ADD)
        if name not in self.devices:
            raise UnknownName("device", name, self.devices)
        return self.devices[name]

    def group(self, name: str) -> tuple[Device, ...]:
        """Raises ``UnknownName``, or ``BadInput`` where there is none at all."""
        if not self.groups:
            raise BadInput(f"no group named {name!r}: there is none", hint=HOW_TO_GROUP)
        if name not in self.groups:
            raise UnknownName("group", name, self.groups)
        return tuple(self.devices[member] for member in self.groups[name])

    def groups_of(self, name: str) -> tuple[str, ...]:
        return tuple(group for group, members in self.groups.items() if name in members)

    def with_device(self, device: Device) -> Registry:
        """Raises ``BadInput`` where the name is another's already."""
        require_name("device", device.name)
        known = self.devices.get(device.name)
        if known is not None and known != device:
            raise BadInput(
                f"device {device.name!r} is registered already: {known.destination}",
                hint=f"edgewright devices remove {device.name} forgets that one",
            )
        return Registry(devices={**self.devices, device.name: device}, groups=self.groups)

    def without_device(self, name: str) -> Registry:
        """It leaves its groups too; one that is then empty goes. Raises as ``device`` does."""
        self.device(name)
        groups = {g: tuple(m for m in members if m != name) for g, members in self.groups.items()}
        return Registry(
            devices={n: d for n, d in self.devices.items() if n != name},
            groups={group: members for group, members in groups.items() if members},
        )

    def with_group(self, name: str, members: tuple[str, ...]) -> Registry:
        """In place of the one of that name. Raises ``BadInput``, and as ``device`` does."""
        require_name("group", name)
        if not members:
            raise BadInput(f"group {name!r} has no device", hint=HOW_TO_GROUP)
        for member in members:
            self.device(member)
            if members.count(member) > 1:
                raise BadInput(f"device {member!r} is named twice")
        return Registry(devices=self.devices, groups={**self.groups, name: members})

    def without_group(self, name: str) -> Registry:
        """Raises as ``group`` does."""
        self.group(name)
        rest = {group: members for group, members in self.groups.items() if group != name}
        return Registry(devices=self.devices, groups=rest)


def require_name(what: str, name: str) -> None:
    """Raises ``BadInput`` for what could not stand in a target on the command line."""
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"{what} {name!r} is no name", hint="letters, digits, - and _, such as shed-2"
        )


def _require_interpreter(python: str) -> None:
    """A whole path, one below ``~/``, or a program's bare name."""
    whole = python.startswith(("/", "~/"))
    if not python.isprintable() or python.startswith("-") or (not whole and "/" in python):
        raise BadInput(
            f"--python {python!r} is no interpreter on a device",
            hint="its whole path there, or a name such as python3.11",
        )
