"""Look at a board: model, processor, memory, system, Pythons, clocks, temperature, disk.

One script over one command; nothing is written there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgewright.targets.ssh.asking import ask_any
from edgewright.targets.ssh.board import CORTEX, Board, Facts, read_interpreter
from edgewright.targets.ssh.fit import choose, why_refused

if TYPE_CHECKING:
    from edgewright.targets.ssh.link import Link

SENSORS = ("temperature_c", "governor", "frequency_mhz", "throttled")


def probe(link: Link, python: str = "") -> Board:
    """``python``: the interpreter that was named for it; a board that none fits is returned too,
    with its ``refusal``.

    Raises ``LinkTrouble``; ``BoardRefused`` where there is no Python 3 at all; ``SetupTrouble``
    where the answer can't be read.
    """
    return read_board(ask_facts(link, python), asked=bool(python))


def ask_facts(link: Link, python: str = "") -> dict[str, Any]:
    """As the board says them; ``read_board`` makes the record."""
    return ask_any(link, "facts", ["/", python], python)


def read_board(said: Mapping[str, Any], *, asked: bool = False) -> Board:
    """``asked``: an interpreter was named, the first; otherwise the first that fits is chosen.

    Raises ``SetupTrouble`` for a field that is not what it must be, ``BoardRefused`` where there
    is no Python.
    """
    facts = Facts(said)
    pythons = tuple(read_interpreter(one) for one in facts.tables("pythons"))
    machine = facts.text("kernel_machine")
    python = choose(pythons, machine, asked=asked)
    refusal, advice = why_refused(python, machine)
    other = next((p.path for p in pythons if not why_refused(p, machine)[0]), "")
    if refusal and other:
        advice = f"{other} fits: name it with --python"
    parts = facts.texts("cpu_parts")
    return Board(
        model=facts.text("model"),
        cpu=" + ".join(CORTEX.get(p, f"CPU part {p}") for p in parts) or facts.text("cpu_name"),
        cpu_parts=parts,
        cores=facts.whole("cores"),
        features=frozenset(facts.texts("features")),
        memory_bytes=facts.whole("memory_bytes"),
        os=facts.text("os"),
        kernel=facts.text("kernel"),
        kernel_machine=machine,
        pythons=pythons,
        python=python,
        refusal=refusal,
        advice=advice,
        governor=facts.text("governor"),
        frequency_mhz=facts.number("frequency_mhz"),
        lowest_mhz=facts.number("lowest_mhz"),
        highest_mhz=facts.number("highest_mhz"),
        clock_mhz=facts.number("clock_mhz"),
        temperature_c=facts.number("temperature_c"),
        throttled=facts.whole("throttled"),
        home=facts.text("home"),
        home_writable=facts.flag("home_writable"),
        free_disk_bytes=facts.whole("free_disk_bytes"),
        unknown=tuple(name for name in SENSORS if said.get(name) in (None, "")),
    )
