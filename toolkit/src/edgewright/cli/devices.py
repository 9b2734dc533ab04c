"""``edgewright devices``: boards by name."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgewright.cli.lists import names
from edgewright.text_table import one_line, print_table
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    from edgewright.targets.ssh.board import Board

SUMMARY = "Name boards to log in to, look at them, and clean up after."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    add = actions.add_parser("add", help="keep a board under a name")
    add.add_argument("name", metavar="NAME", help="letters, digits, - and _")
    add.add_argument("target", metavar="ssh:USER@HOST[:PORT]", help="or a Host of ~/.ssh/config")
    add.add_argument(
        "--python", default="", metavar="PATH", help="the interpreter there (the first that fits)"
    )
    add.add_argument(
        "--threads", default="", metavar="LIST", help="to be kept with it, as in 1,2,4"
    )
    listing = actions.add_parser("list", help="show the boards and groups")
    probe = actions.add_parser("probe", help="say what a board is, and what runs there")
    probe.add_argument("device", metavar="NAME|ssh:USER@HOST", help="registered, or any other")
    remove = actions.add_parser("remove", help="forget a board, or a group as @NAME")
    remove.add_argument("name", metavar="NAME", help="registered")
    remove.add_argument("--purge", action="store_true", help="remove what is left there first")
    wheels = actions.add_parser("wheels", help="fetch what a kind of board needs, to be carried")
    wheels.add_argument("kind", metavar="KIND", help="such as cp311-aarch64-glibc2.36")
    wheels.add_argument(
        "--out", type=Path, metavar="DIR", help="where to (where set-up looks: EDGEWRIGHT_WHEELS)"
    )
    group = actions.add_parser("group", help="make @NAME of several boards")
    group.add_argument("name", metavar="NAME", help="letters, digits, - and _")
    group.add_argument("members", nargs="+", metavar="DEVICE", help="registered")
    for action in (add, listing, probe, remove, group, wheels):
        action.add_argument("--json", action="store_true", help="print the result as JSON")


def run(args: argparse.Namespace) -> int:
    ACTIONS[args.action](args)
    return 0


def _add(args: argparse.Namespace) -> None:
    from edgewright.verbs.devices import add_device

    device = add_device(args.name, args.target, python=args.python, threads=_counts(args.threads))
    if args.json:
        _print_json({"name": device.name, "destination": str(device.destination)})
        return
    print(f"{device.name}: {device.destination}, used as --target ssh:{device.name}")
    print(f"what it is: edgewright devices probe {device.name}")


def _list(args: argparse.Namespace) -> None:
    from edgewright.devices.registry import devices_file
    from edgewright.verbs.devices import list_devices

    registry = list_devices()
    rows = [
        {
            "name": device.name,
            "destination": str(device.destination),
            "python": device.python,
            "threads": list(device.threads),
            "groups": list(registry.groups_of(device.name)),
        }
        for device in registry.devices.values()
    ]
    if args.json:
        groups = {name: list(members) for name, members in registry.groups.items()}
        _print_json({"file": str(devices_file()), "devices": rows, "groups": groups})
    elif rows:
        head = ("name", "destination", "python", "threads", "groups")
        print_table(head, [[_cell(row[name]) for name in head] for row in rows])
    else:
        print("no device is registered; edgewright devices add NAME ssh:USER@HOST")


def _probe(args: argparse.Namespace) -> None:
    from edgewright.targets.ssh.advice import advise
    from edgewright.verbs.devices import probe_device

    board = probe_device(args.device)
    findings = advise(board)
    if args.json:
        from dataclasses import asdict

        _print_json({"board": _plain(board), "findings": [asdict(found) for found in findings]})
        return
    for found in findings:
        advice = f"  -> {found.advice}" if found.advice else ""
        print(one_line(f"{found.state:8} {found.what:24} {found.detail}{advice}"))


def _remove(args: argparse.Namespace) -> None:
    from edgewright.verbs.devices import remove_device

    left = remove_device(args.name, purge=args.purge)
    if args.json:
        _print_json({"removed": args.name, "purged": left})
        return
    there = "; what was on it is gone" if left else "; nothing was on it" if args.purge else ""
    print(f"{args.name}: forgotten{there}")


def _group(args: argparse.Namespace) -> None:
    from edgewright.verbs.devices import group_devices

    members = group_devices(args.name, args.members)
    name = args.name.removeprefix("@")
    if args.json:
        _print_json({"name": name, "devices": list(members)})
        return
    print(f"@{name}: {', '.join(members)}")


def _wheels(args: argparse.Namespace) -> None:
    from edgewright.verbs.devices import fetch_wheels

    folder, files = fetch_wheels(
        args.kind, args.out, tell=lambda words: print(words, file=sys.stderr)
    )
    size_bytes = sum(file.size_bytes for file in files)
    if args.json:
        shown = [{"name": f.name, "version": f.version, "sha256": f.sha256} for f in files]
        _print_json({"kind": args.kind, "folder": str(folder), "files": shown})
        return
    print(one_line(f"{args.kind}: {len(files)} files, {size_bytes / 1e6:.0f} MB in {folder}"))


ACTIONS = {
    "add": _add,
    "list": _list,
    "probe": _probe,
    "remove": _remove,
    "group": _group,
    "wheels": _wheels,
}


def _counts(text: str) -> list[int]:
    words = names(text)
    if not all(word.isascii() and word.isdigit() for word in words):
        raise BadInput(f"--threads {text!r} is no list of counts", hint="as in 1,2,4")
    return [int(word) for word in words]


def _cell(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _plain(board: Board) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        name: sorted(value) if isinstance(value, frozenset) else value
        for name, value in asdict(board).items()
    }


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=1))
