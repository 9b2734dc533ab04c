"""What fits a board: which of its interpreters, which wheels, and why the others do not.

Knows the wheels as they are published: LiteRT for Python 3.10 to 3.13, ONNX Runtime for 3.10 on,
tflite-runtime up to 3.11, none of them for 32-bit Arm or for another C library than glibc. Which
version of one is taken is for pip to say (``wheelhouse.py``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edgewright.targets.ssh.asking import BoardRefused, no_python
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    from edgewright.targets.ssh.board import Board, Interpreter

Group = Literal["numpy2", "numpy1"]
OLDEST, NEWEST = (3, 10), (3, 13)
MACHINES = ("aarch64", "x86_64")
ANOTHER = "name another with --python"
FOR_64_BIT = "a 64-bit system is needed (Raspberry Pi OS 64-bit; for Pi 3, Zero 2 and later)"
NUMPY: Mapping[Group, str] = {"numpy2": "numpy>=1.26,<3", "numpy1": "numpy<2"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """A runtime's wheel: ``group`` is the environment it lives in, for one wants numpy 1.

    ``newest``: the last Python it is made for. ``glibc``: the oldest that it runs on, by machine.
    """

    runtime: str
    requirement: str
    group: Group
    newest: tuple[int, int]
    glibc: Mapping[str, tuple[int, int]]


_GLIBC_2_27 = {"aarch64": (2, 27), "x86_64": (2, 27)}
WHEELS = (
    Wheel(
        runtime="litert",
        requirement="ai-edge-litert>=2.1",
        group="numpy2",
        newest=(3, 13),
        glibc=_GLIBC_2_27,
    ),
    Wheel(
        runtime="onnxruntime",
        requirement="onnxruntime>=1.20",
        group="numpy2",
        newest=(3, 13),
        glibc=_GLIBC_2_27,
    ),
    Wheel(
        runtime="tflite-runtime",
        requirement="tflite-runtime>=2.14",
        group="numpy1",
        newest=(3, 11),
        glibc={"aarch64": (2, 34), "x86_64": (2, 17)},
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """What decides which wheels are right: CPython's version, the machine, the C library."""

    python: tuple[int, int]
    machine: str
    glibc: tuple[int, int]

    def __str__(self) -> str:
        dotted = ".".join(map(str, self.glibc))
        return f"cp{self.python[0]}{self.python[1]}-{self.machine}-glibc{dotted}"

    @property
    def tags(self) -> tuple[str, ...]:
        """pip's ``--platform``, the newest first (PEP 600; aarch64 begins with glibc 2.17)."""
        oldest = 5 if self.machine == "x86_64" else 17
        tags = [f"manylinux_2_{m}_{self.machine}" for m in range(self.glibc[1], oldest - 1, -1)]
        legacy = {"2014": 17, "2010": 12, "1": 5}
        tags += [f"manylinux{y}_{self.machine}" for y, m in legacy.items() if m >= oldest]
        return tuple(tags)


def parse_platform(text: str) -> Platform:
    """``cp311-aarch64-glibc2.36``, as ``doctor --target`` shows it. Raises ``BadInput``."""
    found = re.fullmatch(r"cp3(\d{1,2})-(\w+)-glibc2\.(\d{1,2})", text)
    if found is None or found[2] not in MACHINES or not OLDEST <= (3, int(found[1])) <= NEWEST:
        raise BadInput(
            f"{text!r} is no kind of board that has wheels",
            hint="as in cp311-aarch64-glibc2.36: CPython 3.10 to 3.13, "
            f"{' or '.join(MACHINES)}, the version of glibc",
        )
    return Platform(python=(3, int(found[1])), machine=found[2], glibc=(2, int(found[3])))


def platform_of(board: Board) -> Platform:
    """Raises ``BoardRefused`` with the reason where nothing fits."""
    one = board.python
    if board.refusal or one.glibc is None:
        raise BoardRefused(board.refusal, hint=board.advice)
    return Platform(
        python=(one.version[0], one.version[1]), machine=one.elf_machine, glibc=one.glibc
    )


def wheels_for(platform: Platform) -> tuple[Wheel, ...]:
    return tuple(wheel for wheel in WHEELS if not why_not(wheel, platform))


def without(platform: Platform) -> Mapping[str, str]:
    """The runtimes that have no wheel for it, each with the reason."""
    found = {wheel.runtime: why_not(wheel, platform) for wheel in WHEELS}
    return {name: reason for name, reason in found.items() if reason}


def why_not(wheel: Wheel, platform: Platform) -> str:
    """Why this wheel does not fit; empty where it does."""
    if platform.python > wheel.newest:
        return (
            f"{wheel.runtime} has no wheel for Python {_dotted(platform.python)}, "
            f"the last is for {_dotted(wheel.newest)}"
        )
    needed = wheel.glibc[platform.machine]
    if platform.glibc < needed:
        return (
            f"{wheel.runtime} needs glibc {_dotted(needed)}, the board has "
            f"{_dotted(platform.glibc)}"
        )
    return ""


def choose(pythons: Sequence[Interpreter], machine: str, *, asked: bool) -> Interpreter:
    """The first where it was asked for; else the first that fits, else the first.

    Raises ``BoardRefused`` where there is none at all.
    """
    if not pythons:
        raise no_python()
    if asked:
        return pythons[0]
    return next((p for p in pythons if not why_refused(p, machine)[0]), pythons[0])


def why_refused(one: Interpreter, kernel_machine: str) -> tuple[str, str]:
    """Why nothing of ours runs with it, and what to do; both empty where it does."""
    if one.error:
        return f"{one.path}: {one.error}", f"see that it runs there, or {ANOTHER}"
    if one.elf_class == 32 or (one.elf_class is None and _says_32_bit(one.platform_tag)):
        return _why_32_bit(one, kernel_machine), FOR_64_BIT
    if one.elf_machine not in MACHINES:
        kind = one.elf_machine or one.platform_tag
        known = " and ".join(MACHINES)
        return f"{one.path} is for {kind}: there are wheels for {known}", FOR_64_BIT
    if one.implementation != "cpython":
        return f"{one.path} is {one.implementation}: the wheels are for CPython", ANOTHER
    if one.glibc is None:
        name = one.libc or "another C library than glibc (musl, as on Alpine?)"
        return f"{one.path} runs on {name}: the wheels need glibc", "use a system with glibc"
    return _why_version(one)


def _why_32_bit(one: Interpreter, kernel_machine: str) -> str:
    kind = "armv7 (32-bit Arm)" if one.elf_machine == "arm" else f"32-bit ({one.elf_machine})"
    words = f"{one.path} is {kind}: its ELF class is {one.elf_class or 32}, its platform tag "
    words += f"{one.platform_tag}"
    if kernel_machine in MACHINES:
        words += f"; only the kernel is 64-bit (uname -m: {kernel_machine})"
    return f"{words}; LiteRT and ONNX Runtime have no wheels for it"


def _why_version(one: Interpreter) -> tuple[str, str]:
    version = one.version[:2]
    if version < OLDEST:
        return (
            f"Python {one.python}: {_dotted(OLDEST)} is needed",
            f"install Bookworm, or {ANOTHER}",
        )
    if version > NEWEST:
        return f"Python {one.python}: {_dotted(NEWEST)} is the newest that has wheels", ANOTHER
    if one.free_threaded:
        return f"{one.path} is a free-threaded build: it has no wheels", ANOTHER
    return "", ""


def _says_32_bit(platform_tag: str) -> bool:
    return re.fullmatch(r"linux[-_](armv\d+l?|i\d86)", platform_tag) is not None


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
