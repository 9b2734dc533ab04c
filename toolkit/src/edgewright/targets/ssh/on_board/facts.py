"""What a board is. ``python -I - ROOT [PYTHON]``: ``ROOT`` is ``/``, or a test's overlay.

It reads and asks, and changes nothing. What is not there, or can't be read, is null.
Sources: kernel documentation (admin-guide/pm/cpufreq, driver-api/thermal/sysfs-api, proc(5));
``vcgencmd``: Raspberry Pi documentation; the header of a program: elf(5).
"""

import contextlib
import glob
import json
import math
import os
import re
import shutil
import subprocess
import sys
import time
from typing import Any, Dict, List, Optional, Set

MARK = "EDGEWRIGHT-BOARD "
NAMES = ["python3"] + ["python3.%d" % minor for minor in range(14, 5, -1)]
MOST_PYTHONS = 16
SECONDS_EACH, SECONDS_ALL = 20.0, 60.0
ELF_MACHINES = {3: "i386", 40: "arm", 62: "x86_64", 183: "aarch64", 243: "riscv"}
ASK = """
import json, os, struct, sys, sysconfig
try:
    libc = os.confstr("CS_GNU_LIBC_VERSION") or ""
except (AttributeError, OSError, ValueError):
    libc = ""
print(json.dumps({
    "executable": os.path.realpath(sys.executable),
    "version": "%d.%d.%d" % sys.version_info[:3],
    "implementation": sys.implementation.name,
    "platform_tag": sysconfig.get_platform(),
    "pointer_bits": struct.calcsize("P") * 8,
    "libc": libc,
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
}))
"""


def facts(root: str, asked: str) -> Dict[str, Any]:
    kernel = os.uname()
    found: Dict[str, Any] = {"kernel": kernel.release, "kernel_machine": kernel.machine}
    found.update(_machine(root))
    found.update(_system(root))
    found.update(_clocks(root))
    found.update(_home())
    found["temperature_c"] = _temperature(root)
    found["throttled"] = _throttled(root)
    found["pythons"] = pythons(root, asked)
    return found


def _machine(root: str) -> Dict[str, Any]:
    cores, name = 0, ""
    parts: List[str] = []
    features: Set[str] = set()
    for line in (_text(root, "proc/cpuinfo") or "").splitlines():
        key, _, value = line.partition(":")
        key, value = key.strip(), value.strip()
        if key == "processor":
            cores += 1
        elif key == "CPU part" and value not in parts:
            parts.append(value)
        elif key in ("Features", "flags"):
            features.update(value.split())
        elif key == "model name" and not name:
            name = value
    model = _text(root, "proc/device-tree/model") or _text(
        root, "sys/firmware/devicetree/base/model"
    )
    model = model or _text(root, "sys/class/dmi/id/product_name")
    return {
        "model": (model or "").strip("\0 ") or None,
        "cpu_name": name or None,
        "cpu_parts": parts,
        "cores": cores or os.cpu_count(),
        "features": sorted(features),
    }


def _system(root: str) -> Dict[str, Any]:
    release = _text(root, "etc/os-release") or _text(root, "usr/lib/os-release") or ""
    name = re.search(r'^PRETTY_NAME="?([^"\n]*)', release, re.M)
    memory = re.search(r"^MemTotal:\s*(\d+) kB", _text(root, "proc/meminfo") or "", re.M)
    return {
        "os": name.group(1) if name else None,
        "memory_bytes": int(memory.group(1)) * 1024 if memory else None,
    }


def _clocks(root: str) -> Dict[str, Any]:
    """``frequency_mhz`` is what was asked for; ``clock_mhz`` what the firmware measured."""
    folder = "sys/devices/system/cpu/cpu0/cpufreq/"

    def mhz(name: str) -> Optional[float]:
        khz = _number(root, folder + name)
        return None if khz is None else khz / 1000

    hertz = _vcgencmd(root, "measure_clock", "arm") or ""
    return {
        "governor": _text(root, folder + "scaling_governor"),
        "frequency_mhz": mhz("scaling_cur_freq"),
        "lowest_mhz": mhz("cpuinfo_min_freq"),
        "highest_mhz": mhz("cpuinfo_max_freq"),
        "clock_mhz": int(hertz) / 1e6 if hertz.isdigit() else None,
    }


def _temperature(root: str) -> Optional[float]:
    """The hottest thermal zone, in degrees Celsius."""
    zones = glob.glob(os.path.join(glob.escape(root), "sys/class/thermal/thermal_zone*/temp"))
    values = [n for n in (_number("/", zone) for zone in zones) if n is not None]
    return max(values) / 1000 if values else None


def _throttled(root: str) -> Optional[int]:
    """The bits of ``get_throttled``, from the driver's file or the firmware's own tool."""
    pattern = "sys/devices/platform/soc*/soc*:firmware/get_throttled"
    files = sorted(glob.glob(os.path.join(glob.escape(root), pattern)))
    words = (_text("/", files[0]) if files else None) or _vcgencmd(root, "get_throttled")
    try:
        bits = int(words or "", 16)
    except ValueError:
        return None
    return bits if bits >= 0 else None


def _vcgencmd(root: str, *words: str) -> Optional[str]:
    tools = [os.path.join(root, place) for place in ("usr/bin/vcgencmd", "opt/vc/bin/vcgencmd")]
    found = [tool for tool in tools if os.access(tool, os.X_OK)]
    if not found:
        return None
    return _run(found[:1] + list(words), 5.0).strip().partition("=")[2] or None


def _home() -> Dict[str, Any]:
    home = os.path.expanduser("~")
    free = None
    with contextlib.suppress(OSError):
        disk = os.statvfs(home)
        free = disk.f_bavail * disk.f_frsize
    return {
        "home": home,
        "home_writable": os.access(home, os.W_OK | os.X_OK),
        "free_disk_bytes": free,
    }


def pythons(root: str, asked: str) -> List[Dict[str, Any]]:
    """The one that was asked for first, then those of the search path, then other places."""
    found: List[Dict[str, Any]] = []
    seen: Set[str] = set()
    stop = time.monotonic() + SECONDS_ALL
    for path in _candidates(root, asked)[:MOST_PYTHONS]:
        if time.monotonic() > stop:
            break
        one = _python(path)
        name = one.get("executable", path)
        if name not in seen and ("error" not in one or path == asked):
            seen.add(name)
            found.append(one)
    return found


def _candidates(root: str, asked: str) -> List[str]:
    home = os.path.expanduser("~")
    folders = os.environ.get("PATH", "").split(os.pathsep)
    folders += [os.path.join(root, "usr/local/bin"), os.path.join(root, "usr/bin")]
    folders += [os.path.join(home, ".local/bin")]
    paths = [os.path.join(folder, name) for folder in folders if folder for name in NAMES]
    for pattern in (".pyenv/versions/*/bin", ".local/share/uv/python/*/bin"):
        places = glob.glob(os.path.join(glob.escape(home), pattern, "python3"))
        paths += sorted(places, reverse=True)
    kept: List[str] = []
    seen: Set[str] = set()
    for path in paths:
        real = os.path.realpath(path)
        if real not in seen and os.access(path, os.X_OK):
            seen.add(real)
            kept.append(path)
    return ([asked] if asked else []) + kept


def _python(path: str) -> Dict[str, Any]:
    try:
        one = json.loads(_run([path, "-I", "-c", ASK], SECONDS_EACH))
    except ValueError:
        there = os.access(path, os.X_OK)
        return {"path": path, "error": "it does not run" if there else "no program is there"}
    one["path"] = path
    one.update(_header(one["executable"]))
    return dict(one)


def _header(path: str) -> Dict[str, Any]:
    """Of an ELF program: 32 or 64, and the machine it is for; null where it is none."""
    try:
        with open(path, "rb") as stream:
            head = stream.read(20)
    except OSError:
        head = b""
    if head[:4] != b"\x7fELF" or len(head) < 20:
        return {"elf_class": None, "elf_machine": None}
    number = int.from_bytes(head[18:20], "little" if head[5] == 1 else "big")
    return {
        "elf_class": {1: 32, 2: 64}.get(head[4]),
        "elf_machine": ELF_MACHINES.get(number, "machine %d" % number),
    }


def _run(argv: List[str], seconds: float) -> str:
    """What it prints; nothing where it does not run, fails or takes longer."""
    null = subprocess.DEVNULL
    try:
        done = subprocess.run(
            argv, stdin=null, stdout=subprocess.PIPE, stderr=null, timeout=seconds
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
    return "" if done.returncode else done.stdout.decode("utf-8", "replace")


def _text(root: str, path: str) -> Optional[str]:
    try:
        with open(os.path.join(root, path), "rb") as stream:
            return stream.read(1 << 20).decode("utf-8", "replace").strip() or None
    except OSError:
        return None


def _number(root: str, path: str) -> Optional[float]:
    try:
        value = float(_text(root, path) or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _where(asked: str) -> str:
    """``~/bin/python`` and a bare name to the path of a program, where there is one."""
    path = os.path.expanduser(asked) if asked.startswith("~") else asked
    return path if "/" in path else shutil.which(path) or path


if __name__ == "__main__":
    wanted = _where(sys.argv[2]) if len(sys.argv) > 2 else ""
    print(MARK + json.dumps(facts(sys.argv[1], wanted)))
