"""The script that looks at a board, run under an overlay root and with Pythons that lie."""

from __future__ import annotations

import ast
import json
import os
import shlex
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import edgewright.targets.ssh.on_board as scripts
from edgewright.targets.ssh.asking import FIND, MARK
from edgewright.targets.ssh.probe import read_board

FOLDER = Path(scripts.__file__).parent
FACTS = FOLDER / "facts.py"
OLD = sorted(Path.home().glob(".pyenv/versions/3.*/bin/python3"))  # some machines have old ones
CPUINFO = "".join(
    f"processor\t: {core}\nBogoMIPS\t: 108.00\n"
    "Features\t: fp asimd evtstrm aes crc32 asimdhp asimddp\n"
    "CPU implementer\t: 0x41\nCPU part\t: 0xd0b\nCPU revision\t: 1\n\n"
    for core in range(4)
)
PI = {
    "proc/cpuinfo": f"{CPUINFO}Revision\t: d04170\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n",
    "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
    "proc/meminfo": "MemTotal:        8245600 kB\nMemFree:         7000000 kB\n",
    "etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1500000\n",
    "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_min_freq": "1500000\n",
    "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "2400000\n",
    "sys/class/thermal/thermal_zone0/temp": "51234\n",
    "sys/class/thermal/thermal_zone1/temp": "49000\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An overlay with the text of a Pi 5."""
    for name, text in PI.items():
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "home").mkdir()
    (tmp_path / "bin").mkdir()
    return tmp_path / "root"


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def elf(path: Path, bits: int, machine: int) -> Path:
    """The first bytes of a program for another machine; nothing runs it."""
    head = b"\x7fELF" + bytes([{32: 1, 64: 2}[bits], 1, 1]) + bytes(9)
    path.write_bytes(head + (2).to_bytes(2, "little") + machine.to_bytes(2, "little") + bytes(44))
    return path


def pretender(path: Path, **said: Any) -> Path:
    """A ``python3`` that says of itself what it is told to."""
    answer = {
        "executable": str(path),
        "version": "3.11.2",
        "implementation": "cpython",
        "platform_tag": "linux-aarch64",
        "pointer_bits": 64,
        "libc": "glibc 2.36",
        "free_threaded": False,
        **said,
    }
    return program(path, f"echo {shlex.quote(json.dumps(answer))}")


def look(root: Path, asked: str = "", python: str | Path = sys.executable) -> dict[str, Any]:
    environment = {"PATH": str(root.parent / "bin"), "HOME": str(root.parent / "home")}
    argv = [str(python), "-I", "-", str(root), asked]
    done = subprocess.run(
        argv, input=FACTS.read_bytes(), capture_output=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.startswith(MARK) and done.stdout.count(b"\n") == 1
    return dict(json.loads(done.stdout[len(MARK) :]))


def test_every_field_of_a_pi(root: Path) -> None:
    pretender(root.parent / "bin" / "python3", executable=str(elf(root / "py", 64, 183)))
    found = look(root)
    board = read_board(found)
    assert board.model == "Raspberry Pi 5 Model B Rev 1.0"
    assert (board.cpu, board.cpu_parts, board.cores) == ("Cortex-A76", ("0xd0b",), 4)
    assert board.dot_product and board.fp16 and not board.i8mm
    assert board.memory_bytes == 8_245_600 * 1024
    assert board.os == "Debian GNU/Linux 12 (bookworm)"
    assert (board.governor, board.frequency_mhz) == ("ondemand", 1500.0)
    assert (board.lowest_mhz, board.highest_mhz) == (1500.0, 2400.0)
    assert board.temperature_c == 51.234
    assert board.throttled == 0x50005
    assert board.home == str(root.parent / "home") and board.home_writable
    assert board.free_disk_bytes and board.free_disk_bytes > 0
    assert not board.unknown and not board.refusal
    one = board.python
    assert (one.version, one.python, one.glibc) == ((3, 11, 2), "3.11", (2, 36))
    assert (one.elf_class, one.elf_machine, one.platform_tag) == (64, "aarch64", "linux-aarch64")


def test_what_is_not_there_is_null_and_listed(root: Path) -> None:
    for name in PI:
        (root / name).unlink()
    pretender(root.parent / "bin" / "python3", executable=str(elf(root / "py", 64, 183)))
    board = read_board(look(root))
    assert board.unknown == ("temperature_c", "governor", "frequency_mhz", "throttled")
    assert (board.model, board.os, board.memory_bytes, board.throttled) == ("", "", None, None)
    assert board.cores == os.cpu_count()


@pytest.mark.parametrize("text", ["", "no number", "nan", "0x", "-5"])
def test_a_sensor_that_says_nonsense_is_one_that_is_not_there(root: Path, text: str) -> None:
    for name in PI:
        if name.startswith("sys/") and not name.endswith("governor"):
            (root / name).write_text(text)
    (root / "sys/class/thermal/thermal_zone0/temp").write_text("nan")
    (root / "sys/class/thermal/thermal_zone1/temp").unlink()
    found = look(root)
    assert found["throttled"] is None and found["temperature_c"] is None


def test_the_firmware_s_own_tool(root: Path) -> None:
    """Where the kernel has no file: the bits, and the clock that it measured."""
    (root / "sys/devices/platform/soc/soc:firmware/get_throttled").unlink()
    words = 'case $1 in get_throttled) echo throttled=0xe0008;; *) echo "frequency(0)=1500398464";;'
    program(root / "usr/bin/vcgencmd", f"{words} esac")
    found = look(root)
    assert (found["throttled"], found["clock_mhz"]) == (0xE0008, 1500.398464)
    program(root / "usr/bin/vcgencmd", "echo 'Can not open device file: /dev/vcio'; exit 255")
    found = look(root)
    assert (found["throttled"], found["clock_mhz"]) == (None, None)


def test_a_32_bit_python_under_a_64_bit_kernel(root: Path) -> None:
    """It says ``linux-aarch64`` of itself; its header does not."""
    tag, header = "linux-aarch64", str(elf(root / "py", 32, 40))
    pretender(root.parent / "bin" / "python3", executable=header, platform_tag=tag)
    found = {**look(root), "kernel_machine": "aarch64"}
    board = read_board(found)
    assert (board.python.elf_class, board.python.elf_machine) == (32, "arm")
    assert "only the kernel is 64-bit" in board.refusal


def test_the_one_that_is_named_comes_first_even_if_it_is_not_there(root: Path) -> None:
    pretender(root.parent / "bin" / "python3", executable=str(elf(root / "py", 64, 183)))
    named = pretender(root.parent / "a b;$(c)'" / "py", executable=str(elf(root / "p2", 64, 183)))
    assert look(root, str(named))["pythons"][0]["path"] == str(named)
    found = read_board(look(root, str(root / "nothing")), asked=True)
    assert found.refusal == f"{root / 'nothing'}: no program is there"
    assert "python3 fits: name it with --python" in found.advice
    broken = program(root.parent / "broken", "exit 3")
    assert "it does not run" in read_board(look(root, str(broken)), asked=True).refusal
    dash = read_board(look(root, "-c"), asked=True)
    assert "no program is there" in dash.refusal


def test_each_python_is_listed_once(root: Path) -> None:
    header = str(elf(root / "py", 64, 183))
    one = pretender(root.parent / "bin" / "python3.11", executable=header)
    (root.parent / "bin" / "python3").symlink_to(one)
    home = root.parent / "home"
    other = {"executable": str(elf(root / "p2", 64, 183)), "version": "3.12.1"}
    pretender(home / ".pyenv/versions/3.12.1/bin/python3", **other)
    found = look(root)["pythons"]
    assert [one["version"] for one in found] == ["3.11.2", "3.12.1"]


@pytest.mark.parametrize("python", [sys.executable, *OLD], ids=lambda p: str(p).split("/")[-3])
def test_old_pythons_run_it_too(root: Path, python: str | Path) -> None:
    """And say what they are: of this machine, by the header of its own program."""
    real = look(root, str(python), python)["pythons"][0]
    assert real["path"] == str(python)
    assert (real["elf_class"], real["elf_machine"]) == (64, os.uname().machine)
    assert real["libc"].startswith("glibc 2.")


@pytest.mark.parametrize("script", ["facts", "packages"])
def test_the_scripts_are_python_3_6(script: str) -> None:
    ast.parse((FOLDER / f"{script}.py").read_text(), feature_version=(3, 6))


def find(root: Path, *words: str) -> str:
    """What the shell line prints that finds a Python for the script."""
    environment = {"PATH": str(root.parent / "bin"), "HOME": str(root.parent / "home")}
    argv = ["/bin/sh", "-c", FIND, "sh", *words]
    script = b"import sys; print(sys.executable, sys.argv[1:])"
    done = subprocess.run(argv, input=script, capture_output=True, check=False, env=environment)
    return done.stdout.decode()


def test_the_finder_takes_the_named_one_first(root: Path) -> None:
    real = os.path.realpath(sys.executable)
    named = root.parent / "a b;$(c)'" / "py"
    program(named, f'exec {real} "$@"')
    said = find(root, str(named), "one", "two words; $(id)")
    assert said.endswith("['one', 'two words; $(id)']\n")
    program(root.parent / "home" / "py", f'echo mine; exec {real} "$@"')
    assert find(root, "~/py").startswith("mine\n")


def test_the_finder_passes_over_what_is_no_python(root: Path) -> None:
    program(root.parent / "bin" / "python3", "exit 1")
    other = root.parent / "home" / ".pyenv/versions/3.9.1/bin/python3"
    program(other, f'exec {sys.executable} "$@"')
    assert find(root, "", "word").endswith("['word']\n")
