"""What the machine was like before and after a round.

Every path stands under a ``root``, so that a test (or an emulator's overlay) can bring its own
``/sys`` and ``/proc``. A sensor that is not there is listed under ``unknown``, never guessed.

Sources: kernel documentation (admin-guide/pm/cpufreq, driver-api/thermal/sysfs-api, proc(5)). What
only a Raspberry Pi has: ``firmware``.
"""

from __future__ import annotations

import math
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns

from edgewright_runtimes.firmware import (
    clock_mhz,
    is_pi,
    throttle_bits,
    throttled_now,
    throttled_since_boot,
    under_voltage,
)
from edgewright_runtimes.records import Plain
from edgewright_runtimes.version import __version__

ROOT = Path("/")
NO_SENSORS = ("busy", "frequency_driver")
OF_A_PI = ("clock_mhz", "throttled_since_boot", "under_voltage")  # nothing else is asked for them
BUSY_SHARE = 0.05  # of one core: below it a process is not worth a line
BUSY_SECONDS = 0.02  # two ticks: one may be chance
FEATURES = (
    "avx", "avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16",
    "avx512_fp16", "amx_tile", "amx_int8", "asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ticks:
    """Processor time so far, in seconds: of every process by id and name, and when.

    ``swapped_bytes``: moved to and from swap since boot; ``None`` where nobody counts.
    """

    at: float
    processes: dict[int, tuple[str, float]]
    swapped_bytes: int | None = None


def read_environment(root: Path = ROOT, *, since: Ticks | None = None) -> dict[str, Plain]:
    """One reading of everything; ``since`` adds who else was busy from then to now, and what went
    to and from swap.

    Units are in the names. Missing sensors are in ``unknown``, joined by commas.
    """
    return {"work_ns": work_ns(), **read_surroundings(root, since=since)}


def read_surroundings(root: Path = ROOT, *, since: Ticks | None = None) -> dict[str, Plain]:
    """The same but for ``work_ns``, for one that measures elsewhere than in this process."""
    values: dict[str, Plain] = {
        **_sensors(root),
        **_memory(root),
        "load_1m": _load(root),
        **_traffic(root, since),
        "frequency_driver": _text(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_driver"),
        **_machine(root),
    }
    expected = set(values) - set(NO_SENSORS) - set(() if is_pi(root) else OF_A_PI)
    unknown = sorted(name for name in expected if values[name] is None)
    known = {name: value for name, value in values.items() if value is not None}
    return {**known, "unknown": ",".join(unknown)}


def read_changing(root: Path = ROOT) -> dict[str, Plain]:
    """Only what changes within a round, cheap enough to be read in the middle of one."""
    return {name: value for name, value in _sensors(root).items() if value is not None}


def work_ns(repeats: int = 25) -> int:
    """The least time of a fixed loop of integer work, about 2 ms: slower after than before means
    a slower machine, whatever its sensors say. So short that some go by undisturbed."""
    best = None
    for _ in range(repeats):
        start = perf_counter_ns()
        x = 1
        for _ in range(12_000):
            x = (x * 48271) % 2147483647
        took = perf_counter_ns() - start
        best = took if best is None else min(best, took)
    return best or 0


def _sensors(root: Path) -> dict[str, Plain]:
    cpufreq = root / "sys/devices/system/cpu/cpu0/cpufreq"
    khz = _number(cpufreq / "scaling_cur_freq")
    bits = throttle_bits(root)
    return {
        "temperature_c": _temperature(root),
        "governor": _text(cpufreq / "scaling_governor"),
        "frequency_mhz": None if khz is None else khz / 1000,
        "clock_mhz": clock_mhz(root),
        "throttled": _events(root) if bits is None else throttled_now(bits),
        "throttled_since_boot": None if bits is None else throttled_since_boot(bits),
        "under_voltage": under_voltage(root, bits),
    }


def _temperature(root: Path) -> float | None:
    """The hottest thermal zone or core sensor, in degrees Celsius."""
    files = [
        *root.glob("sys/class/thermal/thermal_zone*/temp"),
        *root.glob("sys/class/hwmon/hwmon*/temp*_input"),
    ]
    values = [n for n in map(_number, files) if n is not None]
    return max(values) / 1000 if values else None


def _events(root: Path) -> str | None:
    """x86 counts throttling events since boot: a reading is compared with the one before it."""
    counts = root.glob("sys/devices/system/cpu/cpu*/thermal_throttle/*_throttle_count")
    events = [n for n in map(_number, counts) if n is not None]
    return f"{int(sum(events))} events" if events else None


def _traffic(root: Path, since: Ticks | None) -> dict[str, Plain]:
    """Who else was busy, and what went to and from swap; nothing where no beginning is known."""
    if since is None:
        return {}
    now = read_ticks(root)
    swapped = None
    if now.swapped_bytes is not None and since.swapped_bytes is not None:
        swapped = now.swapped_bytes - since.swapped_bytes
    return {"busy": busy(since, now), "swap_bytes": swapped}


def _memory(root: Path) -> dict[str, Plain]:
    text = _text(root / "proc/meminfo") or ""
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)

    def size(name: str) -> int | None:
        words = fields.get(name, "").split()
        return int(words[0]) * 1024 if words and words[0].isdigit() else None

    return {
        "memory_total_bytes": size("MemTotal"),
        "memory_available_bytes": size("MemAvailable"),
    }


def _load(root: Path) -> float | None:
    words = (_text(root / "proc/loadavg") or "").split()
    try:
        return float(words[0])
    except (IndexError, ValueError):
        return None


def _machine(root: Path) -> dict[str, Plain]:
    model, flags = "", set[str]()
    for line in (_text(root / "proc/cpuinfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model") and not model:
            model = value.strip()
        elif name.strip() in ("flags", "Features"):
            flags.update(value.split())
    board = _text(root / "proc/device-tree/model") or _text(
        root / "sys/firmware/devicetree/base/model"
    )
    return {
        "cpu": (board or "").strip("\0") or model or None,
        "cpu_features": ",".join(f for f in FEATURES if f in flags) or None,
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "edgewright": __version__,
        "platform": sys.platform,
    }


def read_ticks(root: Path = ROOT) -> Ticks:
    """Processor time of every process, from ``/proc/PID/stat`` (fields 2, 14 and 15); and swap."""
    hertz = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
    processes: dict[int, tuple[str, float]] = {}
    for folder in root.glob("proc/[0-9]*"):
        text = _text(folder / "stat")
        if text is None or ")" not in text:
            continue
        name = text[text.index("(") + 1 : text.rindex(")")]
        fields = text[text.rindex(")") + 1 :].split()
        processes[int(folder.name)] = (name, (int(fields[11]) + int(fields[12])) / hertz)
    return Ticks(perf_counter_ns() / 1e9, processes, _swapped_bytes(root))


def _swapped_bytes(root: Path) -> int | None:
    """From ``/proc/vmstat``, which counts pages in and out."""
    words = (_text(root / "proc/vmstat") or "").split()
    counts = dict(zip(words[::2], words[1::2], strict=False))
    try:
        pages = int(counts["pswpin"]) + int(counts["pswpout"])
    except (KeyError, ValueError):
        return None
    return pages * (os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4_096)


def busy(before: Ticks, after: Ticks) -> str:
    """Other processes that used more than 5 % of a core, ``name 37 %``, busiest first."""
    seconds = max(after.at - before.at, 1e-9)
    shares: list[tuple[float, str]] = []
    for pid, (name, used) in after.processes.items():
        took = used - before.processes.get(pid, (name, 0.0))[1]
        if pid != os.getpid() and took / seconds > BUSY_SHARE and took >= BUSY_SECONDS:
            shares.append((took / seconds, name))
    return ", ".join(f"{name} {share:.0%}" for share, name in sorted(shares, reverse=True)[:8])


def _text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", errors="replace").strip()
    except OSError:
        return None


def _number(path: Path) -> float | None:
    try:
        value = float(_text(path) or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
