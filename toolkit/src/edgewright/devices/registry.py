"""The user's own registry: ``devices.toml`` beside the settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edgewright.devices.records import Device, Registry
from edgewright.devices.stored import change_registry, read_registry
from edgewright.settings import user_file
from edgewright.targets.ssh.destination import parse_destination


def devices_file() -> Path:
    return user_file().with_name("devices.toml")


def registered() -> Registry:
    """Raises ``BadInput`` for a file that can't be read."""
    return read_registry(devices_file())


def change(how: Callable[[Registry], Registry]) -> Registry:
    """What ``how`` makes of it, written. Raises ``WriteFailed``, and what ``how`` raises."""
    return change_registry(devices_file(), how)


def find_device(place: str) -> Device:
    """What stands after ``ssh:``: a registered name, else a destination of ssh's.

    Raises ``BadInput`` for what is neither.
    """
    known = registered().devices.get(place)
    return known or Device(name=place, destination=parse_destination(place))


def find_group(name: str) -> tuple[Device, ...]:
    """What stands after ``@``. Raises ``UnknownName``, or ``BadInput`` where there is none."""
    return registered().group(name)


__all__ = [
    "Device",
    "Registry",
    "change",
    "devices_file",
    "find_device",
    "find_group",
    "registered",
]
