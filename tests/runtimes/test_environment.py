"""Sensors are read under a root; what is not there is listed as unknown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgewright_runtimes.environment import Ticks, busy, read_changing, read_environment, read_ticks
from edgewright_runtimes.memory import peak_memory_bytes

CPUFREQ = "sys/devices/system/cpu/cpu0/cpufreq"
PI = {
    "sys/class/thermal/thermal_zone0/temp": "61200\n",
    "sys/class/thermal/thermal_zone1/temp": "48000\n",
    f"{CPUFREQ}/scaling_governor": "ondemand\n",
    f"{CPUFREQ}/scaling_cur_freq": "1500000\n",
    f"{CPUFREQ}/scaling_driver": "cpufreq-dt\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    "proc/cpuinfo": "processor\t: 0\nFeatures\t: fp asimd evtstrm crc32\n",
    "proc/loadavg": "0.52 0.58 0.59 1/467 1234\n",
    "proc/meminfo": "MemTotal:        3884000 kB\nMemAvailable:    3000000 kB\n",
}


def make_tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_a_board_with_every_sensor(tmp_path: Path) -> None:
    read = read_environment(make_tree(tmp_path, PI))
    assert read["temperature_c"] == 61.2
    assert read["governor"] == "ondemand"
    assert read["frequency_mhz"] == 1500.0
    assert read["frequency_driver"] == "cpufreq-dt"
    assert read["throttled"] == "under-voltage, throttled"
    assert read["cpu"] == "Raspberry Pi 4 Model B Rev 1.4"
    assert read["cpu_features"] == "asimd"
    assert read["load_1m"] == 0.52
    assert read["memory_total_bytes"] == 3884000 * 1024
    assert read["unknown"] == ""
    assert isinstance(read["work_ns"], int) and read["work_ns"] > 0


def test_bits_of_the_past_do_not_throttle_now(tmp_path: Path) -> None:
    flag = {"sys/devices/platform/soc/soc:firmware/get_throttled": "50000"}
    assert read_changing(make_tree(tmp_path, PI | flag))["throttled"] == ""


def test_x86_counts_throttling_events(tmp_path: Path) -> None:
    counts = {
        "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "3",
        "sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count": "4",
    }
    assert read_changing(make_tree(tmp_path, counts))["throttled"] == "7 events"


def test_what_is_not_there_is_unknown(tmp_path: Path) -> None:
    read = read_environment(tmp_path)
    assert read["unknown"] == (
        "cpu,cpu_features,frequency_mhz,governor,load_1m,memory_available_bytes,"
        "memory_total_bytes,temperature_c,throttled"
    )
    assert "temperature_c" not in read
    assert read_changing(tmp_path) == {}


@pytest.mark.parametrize("text", ["", "warm", "\udcff\udcfe"])
def test_a_sensor_that_talks_nonsense_is_unknown(tmp_path: Path, text: str) -> None:
    make_tree(tmp_path, PI)
    zone = tmp_path / "sys/class/thermal/thermal_zone0/temp"
    zone.write_bytes(text.encode("utf-8", "surrogateescape"))
    (tmp_path / "sys/class/thermal/thermal_zone1/temp").unlink()
    assert "temperature_c" in str(read_environment(tmp_path)["unknown"])


def test_busy_processes_are_named_busiest_first(tmp_path: Path) -> None:
    def stat(name: str, user: int, system: int) -> str:
        return f"7 ({name}) S 1 7 7 0 -1 4194560 1 0 0 0 {user} {system} 0 0 20 0 1 0 100"

    hertz = os.sysconf("SC_CLK_TCK")
    files = {"proc/71/stat": stat("py (x) thon", hertz, hertz), "proc/72/stat": stat("idle", 0, 0)}
    after = read_ticks(make_tree(tmp_path, files))
    before = Ticks(after.at - 4.0, {71: ("py (x) thon", 1.0), 72: ("idle", 0.0)})
    assert busy(before, after) == "py (x) thon 25%"
    newcomer = Ticks(after.at - 4.0, {})
    assert busy(newcomer, after) == "py (x) thon 50%"


def test_this_process_is_not_counted_as_another() -> None:
    after = read_ticks()
    assert os.getpid() in after.processes
    before = Ticks(after.at - 1.0, {})
    own = Ticks(after.at, {os.getpid(): ("python", 100.0)})
    assert busy(before, own) == ""


def test_peak_memory_is_the_high_water_mark(tmp_path: Path) -> None:
    make_tree(tmp_path, {"proc/self/status": "Name:\tx\nVmHWM:\t  1234 kB\nVmRSS:\t 99 kB\n"})
    assert peak_memory_bytes(tmp_path) == 1234 * 1024
    assert peak_memory_bytes(tmp_path / "absent") is None
