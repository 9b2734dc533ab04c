"""What a board is good for, and what to do where it is not: the lines of ``doctor --target``.

Sources of the thresholds: Raspberry Pi documentation (80 degC: the firmware lowers the clock; the
bits of ``get_throttled``), kernel documentation (governors).
"""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.finding import Finding
from edgewright.targets.ssh.board import Board
from edgewright.targets.ssh.fit import platform_of, wheels_for, without
from edgewright_runtimes.firmware import throttled_now, throttled_since_boot

HOT_C = 80.0
ROOM_BYTES = 400_000_000  # LiteRT, ONNX Runtime, tflite-runtime and two numpys, unpacked
STEADY_GOVERNORS = ("performance", "schedutil", "userspace")
FASTEST = "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
READ_ITS_FIRMWARE = "let the user read it (sudo usermod -aG video USER there), then log in anew"


def advise(board: Board) -> tuple[Finding, ...]:
    """What it is, what runs there, and what would make its numbers wrong."""
    return tuple(_lines(board))


def _lines(board: Board) -> Iterator[Finding]:
    yield Finding(what="board", state="ok", detail=_words(board.model, board.cpu, _cores(board)))
    yield Finding(what="features", state="ok", detail=_features(board))
    yield Finding(what="memory", state="ok", detail=_bytes(board.memory_bytes))
    yield Finding(what="system", state="ok", detail=_words(board.os, board.kernel_machine))
    yield _python(board)
    yield from _runtimes(board)
    yield _disk(board)
    yield _governor(board)
    yield _temperature(board)
    yield _throttled(board)


def _python(board: Board) -> Finding:
    one = board.python
    words = _words(one.python and f"{'.'.join(map(str, one.version))} at {one.path}",
                   one.elf_class and f"ELF{one.elf_class} {one.elf_machine}",
                   one.platform_tag, one.libc)  # fmt: skip
    others = ", ".join(
        f"{p.python} at {p.path}" for p in board.pythons if p is not one and p.python
    )
    detail = f"{words}; also {others}" if others else words
    if board.refusal:
        return Finding(what="python", state="broken", detail=board.refusal, advice=board.advice)
    return Finding(what="python", state="ok", detail=detail)


def _runtimes(board: Board) -> Iterator[Finding]:
    if board.refusal:
        return
    platform = platform_of(board)
    for wheel in wheels_for(platform):
        detail = f"{wheel.requirement} has a wheel for {platform}"
        yield Finding(what=f"runtime {wheel.runtime}", state="ok", detail=detail)
    for name, reason in without(platform).items():
        yield Finding(
            what=f"runtime {name}", state="missing", detail=reason, advice="use the others"
        )


def _disk(board: Board) -> Finding:
    if not board.home_writable:
        return Finding(
            what="disk",
            state="broken",
            detail=f"{board.home or 'the home folder'} can't be written",
            advice="where the card went read-only: sudo mount -o remount,rw /",
        )
    free = board.free_disk_bytes
    if free is not None and free < ROOM_BYTES:
        room = f"{_bytes(free)} free, set-up takes up to {_bytes(ROOM_BYTES)}"
        return Finding(what="disk", state="broken", detail=room, advice="make room there (df -h ~)")
    return Finding(what="disk", state="ok", detail=f"{_bytes(free)} free in {board.home}")


def _governor(board: Board) -> Finding:
    if not board.governor:
        return _unknown("governor", "no cpufreq there")
    clocks = [board.frequency_mhz, board.lowest_mhz, board.highest_mhz, board.clock_mhz]
    names = ("asked for", "lowest", "highest", "true clock")
    said = [f"{name} {mhz:.0f} MHz" for name, mhz in zip(names, clocks, strict=True) if mhz]
    detail = _words(board.governor, *said)
    if board.governor == "powersave":
        detail += ": the lowest clock, whatever is measured"
        return Finding(what="governor", state="broken", detail=detail, advice=FASTEST)
    steady = board.governor in STEADY_GOVERNORS
    advice = "" if steady else f"its clock follows the load; steadier: {FASTEST}"
    return Finding(what="governor", state="ok", detail=detail, advice=advice)


def _temperature(board: Board) -> Finding:
    if board.temperature_c is None:
        return _unknown("temperature", "no thermal zone there")
    detail = f"{board.temperature_c:.1f} degC"
    if board.temperature_c >= HOT_C:
        detail += f": at {HOT_C:.0f} degC a Pi lowers its clock"
        return Finding(what="temperature", state="broken", detail=detail, advice="cool it")
    return Finding(what="temperature", state="ok", detail=detail)


def _throttled(board: Board) -> Finding:
    if board.throttled is None:
        pi = board.model.startswith("Raspberry Pi")
        why = "its firmware does not say" if pi else "the kernel has no such sensor"
        return _unknown("throttling", why, READ_ITS_FIRMWARE if pi else "")
    now, before = throttled_now(board.throttled), throttled_since_boot(board.throttled)
    detail = f"now: {now or 'none'}; since boot: {before or 'none'}"
    if "under-voltage" in f"{now} {before}":
        advice = "use the board's own power supply and a short cable, then restart it"
        return Finding(what="throttling", state="broken", detail=detail, advice=advice)
    if now:
        return Finding(what="throttling", state="broken", detail=detail, advice="cool it")
    return Finding(what="throttling", state="ok", detail=detail)


def _unknown(what: str, why: str, advice: str = "") -> Finding:
    """A sensor that is not there is listed, for it keeps a measurement from being ``trusted``."""
    detail = f"unknown: {why}; no row will be trusted"
    return Finding(what=what, state="missing", detail=detail, advice=advice)


def _features(board: Board) -> str:
    have = (("dot product", board.dot_product), ("i8mm", board.i8mm), ("fp16", board.fp16))
    return ", ".join(f"{name} {'yes' if there else 'no'}" for name, there in have)


def _cores(board: Board) -> str:
    return f"{board.cores} cores" if board.cores else ""


def _bytes(size: int | None) -> str:
    return "unknown" if size is None else f"{size / 1e9:.1f} GB"


def _words(*words: object) -> str:
    return ", ".join(str(word) for word in words if word) or "unknown"
