"""What fits a board, why the rest does not, and what ``doctor`` advises."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from edgewright.finding import Finding
from edgewright.targets.ssh.advice import advise
from edgewright.targets.ssh.asking import BoardRefused, SetupTrouble
from edgewright.targets.ssh.board import Board, Interpreter
from edgewright.targets.ssh.fit import (
    NUMPY,
    WHEELS,
    Platform,
    parse_platform,
    platform_of,
    wheels_for,
    without,
)
from edgewright.targets.ssh.probe import read_board
from edgewright_runtimes.errors import BadInput

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
PYTHON: dict[str, Any] = {
    "path": "/usr/bin/python3",
    "executable": "/usr/bin/python3.11",
    "version": "3.11.2",
    "implementation": "cpython",
    "platform_tag": "linux-aarch64",
    "elf_class": 64,
    "elf_machine": "aarch64",
    "libc": "glibc 2.36",
    "free_threaded": False,
}
PI4: dict[str, Any] = {
    "kernel": "6.6.31+rpt-rpi-v8",
    "kernel_machine": "aarch64",
    "model": "Raspberry Pi 4 Model B Rev 1.4",
    "cpu_name": None,
    "cpu_parts": ["0xd08"],
    "cores": 4,
    "features": ["asimd", "crc32", "fp"],
    "os": "Debian GNU/Linux 12 (bookworm)",
    "memory_bytes": 4_000_000_000,
    "governor": "ondemand",
    "frequency_mhz": 600.0,
    "lowest_mhz": 600.0,
    "highest_mhz": 1800.0,
    "clock_mhz": 600.0,
    "temperature_c": 48.3,
    "throttled": 0,
    "home": "/somewhere",
    "home_writable": True,
    "free_disk_bytes": 20_000_000_000,
    "pythons": [PYTHON],
}


def board(*pythons: dict[str, Any], asked: bool = False, **changed: Any) -> Board:
    """A Pi 4 with these Pythons, each a Bookworm's but for what is named."""
    listed = [{**PYTHON, **one} for one in pythons] or [PYTHON]
    return read_board({**PI4, "pythons": listed, **changed}, asked=asked)


def lines(one: Board) -> dict[str, Finding]:
    return {finding.what: finding for finding in advise(one)}


def test_a_bookworm_pi_takes_all_three() -> None:
    platform = platform_of(board())
    assert platform == Platform(python=(3, 11), machine="aarch64", glibc=(2, 36))
    assert [w.runtime for w in wheels_for(platform)] == ["litert", "onnxruntime", "tflite-runtime"]
    assert not without(platform)


@pytest.mark.parametrize(
    ("python", "glibc", "reasons"),
    [
        ((3, 10), (2, 35), {}),
        ((3, 12), (2, 39), {"tflite-runtime": "no wheel for Python 3.12, the last is for 3.11"}),
        ((3, 13), (2, 41), {"tflite-runtime": "no wheel for Python 3.13"}),
        ((3, 11), (2, 31), {"tflite-runtime": "needs glibc 2.34, the board has 2.31"}),
        (
            (3, 10),
            (2, 26),
            {
                "litert": "needs glibc 2.27, the board has 2.26",
                "onnxruntime": "glibc 2.27",
                "tflite-runtime": "glibc 2.34",
            },
        ),
    ],
)
def test_what_does_not_fit_says_why(
    python: tuple[int, int], glibc: tuple[int, int], reasons: dict[str, str]
) -> None:
    platform = Platform(python=python, machine="aarch64", glibc=glibc)
    found = without(platform)
    assert set(found) == set(reasons)
    for name, words in reasons.items():
        assert words in found[name]
    assert {w.runtime for w in wheels_for(platform)} == {w.runtime for w in WHEELS} - set(reasons)


def test_the_requirements_are_those_of_the_extras() -> None:
    project = tomllib.loads((ROOT / "runtimes" / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = {wheel.runtime: wheel.requirement for wheel in WHEELS}
    assert [NUMPY["numpy2"]] == project["dependencies"]
    assert [wanted["litert"]] == extras["litert"]
    assert [wanted["onnxruntime"]] == extras["onnx"]
    plain = [line.partition(";")[0].strip() for line in extras["tflite"]]
    assert plain == [wanted["tflite-runtime"], NUMPY["numpy1"]]


def test_the_tags_go_from_the_newest_to_the_oldest() -> None:
    arm = Platform(python=(3, 11), machine="aarch64", glibc=(2, 19)).tags
    assert arm == (
        "manylinux_2_19_aarch64",
        "manylinux_2_18_aarch64",
        "manylinux_2_17_aarch64",
        "manylinux2014_aarch64",
    )
    intel = Platform(python=(3, 11), machine="x86_64", glibc=(2, 36)).tags
    assert intel[0] == "manylinux_2_36_x86_64"
    assert intel[-4:] == (
        "manylinux_2_5_x86_64",
        "manylinux2014_x86_64",
        "manylinux2010_x86_64",
        "manylinux1_x86_64",
    )


def test_python_3_9_is_told_what_to_do() -> None:
    one = board({"version": "3.9.2", "libc": "glibc 2.31"})
    with pytest.raises(BoardRefused) as refused:
        platform_of(one)
    said = "Python 3.9: 3.10 is needed; install Bookworm, or name another with --python"
    assert str(refused.value) == said
    python = lines(one)["python"]
    assert (python.state, f"{python.detail}; {python.advice}") == ("broken", said)
    assert "runtime litert" not in lines(one)


def test_another_python_that_fits_is_taken() -> None:
    old = {"version": "3.9.2", "path": "/usr/bin/python3"}
    new = {"version": "3.12.1", "path": "/opt/py/bin/python3"}
    assert board(old, new).python.path == "/opt/py/bin/python3"
    asked = board(old, new, asked=True)
    assert asked.python.path == "/usr/bin/python3"
    assert asked.advice == "/opt/py/bin/python3 fits: name it with --python"


def test_a_32_bit_system_is_refused_whatever_the_kernel_says() -> None:
    """Under a 64-bit kernel a 32-bit Python's own tag is ``linux-aarch64``: the header tells."""
    arm = {"elf_class": 32, "elf_machine": "arm"}
    for kernel, tag in (("armv7l", "linux-armv7l"), ("aarch64", "linux-aarch64")):
        one = board({**arm, "platform_tag": tag}, kernel_machine=kernel)
        assert "armv7 (32-bit Arm)" in one.refusal
        assert f"its ELF class is 32, its platform tag {tag}" in one.refusal
        assert ("only the kernel is 64-bit (uname -m: aarch64)" in one.refusal) == (
            kernel == "aarch64"
        )
        assert "no wheels" in one.refusal and "64-bit system" in one.advice
        with pytest.raises(BoardRefused, match="armv7"):
            platform_of(one)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"elf_machine": "riscv"}, "is for riscv: there are wheels for aarch64 and x86_64"),
        ({"libc": ""}, "the wheels need glibc"),
        ({"implementation": "pypy"}, "is pypy: the wheels are for CPython"),
        ({"version": "3.14.0"}, "Python 3.14: 3.13 is the newest that has wheels"),
        ({"free_threaded": True}, "free-threaded"),
        ({"version": "", "error": "it does not run"}, "/usr/bin/python3: it does not run"),
    ],
)
def test_what_else_is_refused(changed: dict[str, Any], words: str) -> None:
    one = board(changed)
    assert words in one.refusal and one.advice
    assert lines(one)["python"].state == "broken"


def test_no_python_at_all() -> None:
    with pytest.raises(BoardRefused, match="no Python 3 was found"):
        read_board({**PI4, "pythons": []})


def test_the_lines_of_a_board_that_is_well() -> None:
    found = lines(board(throttled=0, governor="performance"))
    assert found["board"].detail == "Raspberry Pi 4 Model B Rev 1.4, Cortex-A72, 4 cores"
    assert found["features"].detail == "dot product no, i8mm no, fp16 no"
    python = "3.11.2 at /usr/bin/python3, ELF64 aarch64, linux-aarch64, glibc 2.36"
    assert found["python"].detail == python
    assert found["temperature"].detail == "48.3 degC"
    assert found["throttling"].detail == "now: none; since boot: none"
    assert all(f.state == "ok" and not f.advice for f in found.values()), found


def test_the_features_of_a_pi_5() -> None:
    one = board(cpu_parts=["0xd0b"], features=["asimd", "asimddp", "asimdhp"])
    assert one.cpu == "Cortex-A76"
    assert lines(one)["features"].detail == "dot product yes, i8mm no, fp16 yes"


@pytest.mark.parametrize(
    ("changed", "what", "state", "words"),
    [
        ({"governor": "powersave"}, "governor", "broken", "echo performance | sudo tee"),
        ({"governor": "ondemand"}, "governor", "ok", "its clock follows the load"),
        ({"governor": None}, "governor", "missing", "unknown: no cpufreq there"),
        ({"temperature_c": 81.0}, "temperature", "broken", "cool it"),
        ({"temperature_c": None}, "temperature", "missing", "unknown"),
        ({"throttled": 0x50000}, "throttling", "broken", "power supply"),
        ({"throttled": 0x50005}, "throttling", "broken", "now: under-voltage, throttled"),
        ({"throttled": 0x8}, "throttling", "broken", "cool it"),
        ({"throttled": 0x80000}, "throttling", "ok", "since boot: soft temperature limit"),
        ({"throttled": None}, "throttling", "missing", "usermod -aG video"),
        ({"free_disk_bytes": 90_000_000}, "disk", "broken", "make room there"),
        ({"home_writable": False}, "disk", "broken", "can't be written"),
    ],
)
def test_what_would_make_its_numbers_wrong(
    changed: dict[str, Any], what: str, state: str, words: str
) -> None:
    found = lines(board(**changed))[what]
    assert found.state == state, found
    assert words in f"{found.detail} -> {found.advice}"


@pytest.mark.parametrize("libc", ["glibc 2.99999999999", "glibc 999.1", "glibc 2", "musl 1.2"])
def test_a_c_library_that_can_not_be_has_no_wheels(libc: str) -> None:
    one = Interpreter(path="/usr/bin/python3", libc=libc)
    assert one.glibc is None


def test_sensors_that_are_not_there_are_listed() -> None:
    one = board(governor=None, throttled=None, temperature_c=None)
    assert one.unknown == ("temperature_c", "governor", "throttled")


@pytest.mark.parametrize(
    "changed",
    [
        {"cores": "4"},
        {"cores": True},
        {"memory_bytes": 1e300},
        {"temperature_c": float("inf")},
        {"temperature_c": 10**400},
        {"model": 3},
        {"features": ["x"] * 501},
        {"features": "asimd"},
        {"cpu_parts": {"a": 1}},
    ],
)
def test_a_board_that_lies_about_its_types_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(SetupTrouble, match="the board says that its"):
        read_board({**PI4, **changed})


def test_its_words_can_not_act_on_a_terminal() -> None:
    one = board(model="Pi\x1b[2J\n" + "x" * 1000)
    assert one.model.isprintable() and len(one.model) < 400


def test_a_kind_of_board_is_read_as_it_is_shown() -> None:
    platform = platform_of(board())
    assert str(platform) == "cp311-aarch64-glibc2.36"
    assert parse_platform(str(platform)) == platform
    for wrong in ("cp39-aarch64-glibc2.31", "cp311-armv7l-glibc2.36", "cp311-aarch64", "../x"):
        with pytest.raises(BadInput, match="no kind of board"):
            parse_platform(wrong)
