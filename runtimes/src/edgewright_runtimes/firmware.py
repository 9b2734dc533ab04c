"""What the firmware of a Raspberry Pi says of itself: throttling, under-voltage, the true clock.

Sources: Raspberry Pi documentation (``vcgencmd get_throttled``, ``measure_clock``); the kernel's
drivers ``raspberrypi`` (``get_throttled`` in sysfs) and ``rpi_volt`` (hwmon, ``in0_lcrit_alarm``).
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path("/")
WORDS = ("under-voltage", "frequency capped", "throttled", "soft temperature limit")
SINCE_BOOT = 16  # the first bit of those that stay set until the board is restarted
ASK_SECONDS = 5.0
PLACES = ("usr/bin/vcgencmd", "opt/vc/bin/vcgencmd")


def throttle_bits(root: Path) -> int | None:
    """The word of ``get_throttled``: the kernel's, else the tool's; ``None``: not known."""
    files = root.glob("sys/devices/platform/soc*/soc*:firmware/get_throttled")
    for text in map(_text, sorted(files)):
        if text:
            return _hexadecimal(text)
    return _hexadecimal(_ask(root, "get_throttled"))


def throttled_now(bits: int) -> str:
    """What holds the processor back, joined by commas; empty: nothing."""
    return _words(bits)


def throttled_since_boot(bits: int) -> str:
    """What did so at any time since the board was started."""
    return _words(bits >> SINCE_BOOT)


def clock_mhz(root: Path) -> float | None:
    """The true clock of the first core; the kernel's ``scaling_cur_freq`` is what was asked for."""
    text = _ask(root, "measure_clock", "arm")
    return int(text) / 1e6 if text.isdecimal() else None


def under_voltage(root: Path, bits: int | None) -> str | None:
    """``now``, ``since boot``, or empty: never; ``None``: not known."""
    alarms = [
        _text(file.with_name("in0_lcrit_alarm"))
        for file in root.glob("sys/class/hwmon/hwmon*/name")
        if _text(file) == "rpi_volt"
    ]
    if "1" in alarms or (bits is not None and bits & 1):
        return "now"
    if bits is not None:
        return "since boot" if bits >> SINCE_BOOT & 1 else ""
    return "" if "0" in alarms else None


def is_pi(root: Path) -> bool:
    model = _text(root / "proc/device-tree/model") or _text(
        root / "sys/firmware/devicetree/base/model"
    )
    return model.startswith("Raspberry Pi")


def _words(bits: int) -> str:
    return ", ".join(word for bit, word in enumerate(WORDS) if bits >> bit & 1)


def _hexadecimal(text: str) -> int | None:
    try:
        bits = int(text, 16)
    except ValueError:
        return None
    return bits if bits >= 0 else None


def _ask(root: Path, *words: str) -> str:
    """What stands behind the ``=`` of the tool's answer; empty where there is none."""
    found = [str(root / place) for place in PLACES if (root / place).is_file()]
    if not found and root == ROOT:
        found = [tool] if (tool := shutil.which("vcgencmd")) else []
    for tool in found[:1]:
        try:
            done = subprocess.run(
                [tool, *words],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=ASK_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        if done.returncode == 0:
            return done.stdout.decode(errors="replace").strip().partition("=")[2]
    return ""


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace").strip()
    except OSError:
        return ""
