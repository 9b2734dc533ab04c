"""Sensors are read under a root; what is not there is listed as unknown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgewright_runtimes.environment import Ticks, busy, read_changing, read_environment, read_ticks
from edgewright_runtimes.memory import peak_memory_bytes

CPUFREQ = "sys/devices/system/cpu/cpu0/cpufreq"
FLAGS = "sys/devices/platform/soc/soc:firmware/get_throttled"
TOOL = "usr/bin/vcgencmd"
VOLT = "sys/class/hwmon/hwmon1"
PI = {
    "sys/class/thermal/thermal_zone0/temp": "61200\n",
    "sys/class/thermal/thermal_zone1/temp": "48000\n",
    f"{CPUFREQ}/scaling_governor": "ondemand\n",
    f"{CPUFREQ}/scaling_cur_freq": "1500000\n",
    f"{CPUFREQ}/scaling_driver": "cpufreq-dt\n",
    FLAGS: "50005\n",
    TOOL: "#!/bin/sh\n[ \"$1 $2\" = 'measure_clock arm' ] && echo 'frequency(48)=600117184'\n",
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    "proc/cpuinfo": "processor\t: 0\nFeatures\t: fp asimd evtstrm crc32\n",
    "proc/loadavg": "0.52 0.58 0.59 1/467 1234\n",
    "proc/meminfo": "MemTotal:        3884000 kB\nMemAvailable:    3000000 kB\n",
    "proc/vmstat": "nr_free_pages 7\npswpin 30\npswpout 12\n",
}


def make_tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
        if name == TOOL:
            (root / name).chmod(0o755)
    return root


def tool(says: str, code: int = 0) -> dict[str, str]:
    """A ``vcgencmd`` that answers everything so, and no file of the kernel beside it."""
    return {TOOL: f"#!/bin/sh\necho '{says}'\nexit {code}\n"}


def without(*names: str) -> dict[str, str]:
    return {name: text for name, text in PI.items() if name not in names}


def test_a_board_with_every_sensor(tmp_path: Path) -> None:
    read = read_environment(make_tree(tmp_path, PI), since=read_ticks(tmp_path))
    assert read["temperature_c"] == 61.2
    assert read["governor"] == "ondemand"
    assert read["frequency_mhz"] == 1500.0  # what was asked for
    assert read["clock_mhz"] == pytest.approx(600.117184)  # what it is
    assert read["frequency_driver"] == "cpufreq-dt"
    assert read["throttled"] == "under-voltage, throttled"
    assert read["throttled_since_boot"] == "under-voltage, throttled"
    assert read["under_voltage"] == "now"
    assert read["swap_bytes"] == 0
    assert read["cpu"] == "Raspberry Pi 4 Model B Rev 1.4"
    assert read["cpu_features"] == "asimd"
    assert read["load_1m"] == 0.52
    assert read["memory_total_bytes"] == 3884000 * 1024
    assert read["unknown"] == ""
    assert isinstance(read["work_ns"], int) and read["work_ns"] > 0


@pytest.mark.parametrize(
    ("bits", "now", "since", "voltage"),
    [
        (0x0, "", "", ""),
        (0x1, "under-voltage", "", "now"),
        (0x2, "frequency capped", "", ""),
        (0x4, "throttled", "", ""),
        (0x8, "soft temperature limit", "", ""),
        (0x10000, "", "under-voltage", "since boot"),
        (0x20000, "", "frequency capped", ""),
        (0x40000, "", "throttled", ""),
        (0x80000, "", "soft temperature limit", ""),
        (
            0xE0008,
            "soft temperature limit",
            "frequency capped, throttled, soft temperature limit",
            "",
        ),
    ],
)
@pytest.mark.parametrize("teller", ["kernel", "kernel of a Pi 5", "tool"])
def test_each_bit_of_the_firmware(
    tmp_path: Path, teller: str, bits: int, now: str, since: str, voltage: str
) -> None:
    flags = {
        "kernel": {FLAGS: f"{bits:x}\n"},
        "kernel of a Pi 5": {FLAGS.replace("soc", "soc@107c000000"): f"{bits:x}\n"},
        "tool": tool(f"throttled={bits:#x}"),
    }[teller]
    read = read_changing(make_tree(tmp_path, without(FLAGS, TOOL) | flags))
    assert (read["throttled"], read["throttled_since_boot"]) == (now, since)
    assert read["under_voltage"] == voltage


@pytest.mark.parametrize(
    "files",
    [
        {},
        {FLAGS: "warm\n"},
        {FLAGS: ""},
        tool("VCHI initialization failed", 255),
        tool("throttled="),
        tool("throttled=hot"),
        tool("throttled=-1"),
        {TOOL: "no program"},
    ],
)
def test_a_pi_that_does_not_tell_of_throttling_is_unknown(
    tmp_path: Path, files: dict[str, str]
) -> None:
    unknown = str(read_environment(make_tree(tmp_path, without(FLAGS, TOOL) | files))["unknown"])
    assert unknown == "clock_mhz,throttled,throttled_since_boot,under_voltage"


@pytest.mark.parametrize(
    "files", [{}, tool("frequency(48)="), tool("frequency(48)=fast"), tool("frequency(48)=-7")]
)
def test_a_true_clock_that_is_not_told_is_unknown(tmp_path: Path, files: dict[str, str]) -> None:
    read = read_environment(make_tree(tmp_path, without(TOOL) | files))
    assert read["unknown"] == "clock_mhz"
    assert read["frequency_mhz"] == 1500.0


@pytest.mark.parametrize(
    ("alarm", "voltage"), [("1", "now"), ("0", ""), ("", None), ("low", None), (None, None)]
)
def test_the_alarm_of_the_voltage_needs_no_firmware(
    tmp_path: Path, alarm: str | None, voltage: str | None
) -> None:
    volt = {f"{VOLT}/name": "rpi_volt\n"}
    if alarm is not None:
        volt[f"{VOLT}/in0_lcrit_alarm"] = alarm
    read = read_environment(make_tree(tmp_path, without(FLAGS) | volt))
    assert read.get("under_voltage") == voltage
    assert ("under_voltage" in str(read["unknown"])) is (voltage is None)


def test_an_alarm_of_another_chip_is_not_the_board_s(tmp_path: Path) -> None:
    other = {f"{VOLT}/name": "nct6775\n", f"{VOLT}/in0_lcrit_alarm": "1"}
    assert "under_voltage" not in read_changing(make_tree(tmp_path, without(FLAGS) | other))


@pytest.mark.parametrize(
    ("text", "pages"),
    [
        ("pswpin 31\npswpout 22\n", 11),
        ("pswpin 30\npswpout 12\n", 0),
        ("pswpin 31\n", None),
        ("pswpin many\npswpout 2\n", None),
        ("", None),
    ],
)
def test_traffic_with_swap_since_a_time(tmp_path: Path, text: str, pages: int | None) -> None:
    before = read_ticks(make_tree(tmp_path, PI))
    read = read_environment(make_tree(tmp_path, {"proc/vmstat": text}), since=before)
    if pages is None:
        assert "swap_bytes" not in read and read["unknown"] == "swap_bytes"
    else:
        assert read["swap_bytes"] == pages * os.sysconf("SC_PAGE_SIZE")


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


@pytest.mark.parametrize("text", ["", "warm", "\udcff\udcfe", "nan", "1e999"])
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
