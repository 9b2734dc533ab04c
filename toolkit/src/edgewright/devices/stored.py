"""``devices.toml``: read with the line of every error, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from edgewright.atomic import WriteFailed, write_text
from edgewright.devices.records import Device, Registry, require_name
from edgewright.targets.ssh.destination import parse_destination
from edgewright.toml_file import TomlFile, read_toml
from edgewright_runtimes.errors import BadInput, UnknownName, UsageError

HEAD = "# Written by `edgewright devices`; what you write here stays, but for comments.\n"
FIELDS = ("destination", "python", "threads")
TABLES = ("devices", "groups")
LOCK_SECONDS = 10.0


def read_registry(file: Path) -> Registry:
    """An empty one where there is no file. Raises ``BadInput`` with the line."""
    if not file.exists():
        return Registry()
    toml = read_toml(
        file,
        what="list of devices",
        unreadable="mend it, or remove it and add the devices anew",
        example='destination = "pi@192.168.1.20"',
    )
    for name in toml.data:
        if name not in TABLES:
            raise toml.error(UnknownName("table", name, TABLES), (name,))
    registry = Registry()
    for name, table in _table(toml, "devices").items():
        try:
            registry = registry.with_device(_device(name, table))
        except UsageError as e:
            raise toml.error(e, ("devices", name)) from None
    for name, members in _table(toml, "groups").items():
        try:
            registry = registry.with_group(name, _words(name, members))
        except UsageError as e:
            raise toml.error(e, ("groups", name)) from None
    return registry


def change_registry(file: Path, change: Callable[[Registry], Registry]) -> Registry:
    """Read, change and write it; two at once come one after the other."""
    from filelock import FileLock, Timeout

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_name(f".{file.name}.lock"), timeout=LOCK_SECONDS):
            changed = change(read_registry(file))
            write_text(file, as_toml(changed))
    except Timeout:
        raise WriteFailed(f"another edgewright holds {file} for {LOCK_SECONDS:g} s") from None
    except OSError as e:
        raise WriteFailed(f"cannot write {file}: {e.strerror or e}") from e
    return changed


def as_toml(registry: Registry) -> str:
    lines = [HEAD]
    for device in registry.devices.values():
        lines.append(f"[devices.{device.name}]\ndestination = {_text(str(device.destination))}\n")
        if device.python:
            lines.append(f"python = {_text(device.python)}\n")
        if device.threads:
            lines.append(f"threads = [{', '.join(map(str, device.threads))}]\n")
        lines.append("\n")
    if registry.groups:
        lines.append("[groups]\n")
    for name, members in registry.groups.items():
        lines.append(f"{name} = [{', '.join(map(_text, members))}]\n")
    return "".join(lines)


def _text(value: str) -> str:
    """A basic string of TOML; what JSON escapes is escaped in the same way there."""
    return json.dumps(value, ensure_ascii=False)


def _table(toml: TomlFile, name: str) -> Mapping[str, Any]:
    table = toml.data.get(name, {})
    if not isinstance(table, dict):
        raise toml.error(BadInput(f"{name} is {table!r}", hint=f"write [{name}]"), (name,))
    return table


def _device(name: str, table: object) -> Device:
    require_name("device", name)
    if not isinstance(table, dict) or not isinstance(table.get("destination"), str):
        raise BadInput(f"device {name!r} has no destination", hint='destination = "pi@HOST"')
    for key in table:
        if key not in FIELDS:
            raise UnknownName("field of a device", key, FIELDS)
    python, threads = table.get("python", ""), table.get("threads", [])
    if not isinstance(python, str):
        raise BadInput(f"python is {python!r}", hint="a path on the device, in quotes")
    if not isinstance(threads, list) or not all(type(count) is int for count in threads):
        raise BadInput(f"threads is {threads!r}", hint="write threads = [1, 4]")
    destination = parse_destination(table["destination"])
    return Device(name=name, destination=destination, python=python, threads=tuple(threads))


def _words(name: str, members: object) -> tuple[str, ...]:
    if not isinstance(members, list) or not all(isinstance(word, str) for word in members):
        raise BadInput(f"group {name!r} is {members!r}", hint=f'write {name} = ["shed"]')
    return tuple(members)
