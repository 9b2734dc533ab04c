"""The record of a board: what the script ``on_board/facts.py`` found there.

What is not there, or can't be read, is ``None`` or empty and stands in ``unknown``; nothing is
guessed. It was true when it was read: temperature, clocks and free disk change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgewright.targets.ssh.asking import SetupTrouble, text

MOST_ENTRIES = 500
# of arch/arm64/include/asm/cputype.h; what the boards of this class have
CORTEX = {
    "0xd03": "Cortex-A53", "0xd04": "Cortex-A35", "0xd05": "Cortex-A55", "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72", "0xd09": "Cortex-A73", "0xd0a": "Cortex-A75", "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse-N1", "0xd0d": "Cortex-A77", "0xd41": "Cortex-A78", "0xd42": "Cortex-A78AE",
    "0xd46": "Cortex-A510", "0xd47": "Cortex-A710", "0xd80": "Cortex-A520",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """One Python of a board.

    ``elf_class`` (32 or 64) and ``elf_machine`` are those of the program's own header: under a
    64-bit kernel a 32-bit Python calls itself ``linux-aarch64``. ``error``: why it does not run.
    """

    path: str
    executable: str = ""
    version: tuple[int, ...] = ()
    implementation: str = ""
    platform_tag: str = ""
    elf_class: int | None = None
    elf_machine: str = ""
    libc: str = ""
    free_threaded: bool = False
    error: str = ""

    @property
    def python(self) -> str:
        """``3.11``; empty where it did not run."""
        return ".".join(map(str, self.version[:2]))

    @property
    def glibc(self) -> tuple[int, int] | None:
        """``(2, 36)``; ``None`` where it has another C library."""
        name, _, version = self.libc.partition(" ")
        words = version.split(".")
        if name != "glibc" or len(words) < 2:
            return None
        if not all(w.isdecimal() and len(w) < 3 for w in words[:2]):
            return None
        return int(words[0]), int(words[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """``python``: the interpreter that was chosen. ``refusal`` and ``advice``: why nothing of ours
    runs there, and what to do; both empty where it does."""

    model: str
    cpu: str
    cpu_parts: tuple[str, ...]
    cores: int | None
    features: frozenset[str]
    memory_bytes: int | None
    os: str
    kernel: str
    kernel_machine: str
    pythons: tuple[Interpreter, ...]
    python: Interpreter
    refusal: str
    advice: str
    governor: str
    frequency_mhz: float | None
    lowest_mhz: float | None
    highest_mhz: float | None
    clock_mhz: float | None
    temperature_c: float | None
    throttled: int | None
    home: str
    home_writable: bool
    free_disk_bytes: int | None
    unknown: tuple[str, ...]

    @property
    def dot_product(self) -> bool:
        return not self.features.isdisjoint({"asimddp", "avx512_vnni", "avx_vnni"})

    @property
    def i8mm(self) -> bool:
        return "i8mm" in self.features

    @property
    def fp16(self) -> bool:
        """Arithmetic in half precision, not only its storage."""
        return not self.features.isdisjoint({"asimdhp", "avx512_fp16"})


class Facts:
    """Fields of what a board said, each of the type and size that it must have."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self._facts = facts

    def text(self, name: str) -> str:
        value = self._facts.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self._wrong(name, value)
        return text(value)

    def number(self, name: str) -> float | None:
        value = self._facts.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(name, value)
        if not abs(value) <= 1e18:  # exact for whole numbers, and false for NaN
            raise self._wrong(name, value)
        return float(value)

    def whole(self, name: str) -> int | None:
        value = self.number(name)
        return None if value is None else int(value)

    def flag(self, name: str) -> bool:
        return self._facts.get(name) is True

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(text(value) for value in self._list(name) if isinstance(value, str))

    def table(self, name: str) -> dict[str, str]:
        value = self._facts.get(name) or {}
        if not isinstance(value, dict) or len(value) > MOST_ENTRIES:
            raise self._wrong(name, value)
        return {text(key): text(words) for key, words in value.items()}

    def tables(self, name: str) -> tuple[Mapping[str, Any], ...]:
        return tuple(value for value in self._list(name) if isinstance(value, dict))

    def _list(self, name: str) -> list[Any]:
        value = self._facts.get(name) or []
        if not isinstance(value, list) or len(value) > MOST_ENTRIES:
            raise self._wrong(name, value)
        return value

    def _wrong(self, name: str, value: object) -> SetupTrouble:
        return SetupTrouble(f"the board says that its {name} is {text(repr(value), 60)}")


def read_interpreter(said: Mapping[str, Any]) -> Interpreter:
    facts = Facts(said)
    words = facts.text("version").split(".")
    return Interpreter(
        path=facts.text("path"),
        executable=facts.text("executable"),
        version=tuple(int(w) for w in words if w.isdecimal() and len(w) < 6),
        implementation=facts.text("implementation"),
        platform_tag=facts.text("platform_tag"),
        elf_class=facts.whole("elf_class"),
        elf_machine=facts.text("elf_machine"),
        libc=facts.text("libc"),
        free_threaded=facts.flag("free_threaded"),
        error=facts.text("error"),
    )
