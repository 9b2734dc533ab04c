"""Set-up over SSH: what is pushed, what is not pushed again, and what is left behind.

The wheels are packed from this machine's own packages, so that no index is asked.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import shlex
import stat
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from tests.device.ssh_server import SshServer

import edgewright.targets.ssh.on_board as scripts
from edgewright.devices.records import Device
from edgewright.targets.ssh import installation
from edgewright.targets.ssh.asking import MARK, BoardRefused, SetupTrouble, ask_any
from edgewright.targets.ssh.fit import NUMPY, Platform, wheels_for
from edgewright.targets.ssh.installation import Installed, prepare, purge
from edgewright.targets.ssh.link import Done, Link, LinkTrouble
from edgewright.targets.ssh.probe import probe
from edgewright.targets.ssh.wheelhouse import WheelFile, fetch, pack_runtimes
from edgewright.verbs.doctor import doctor
from edgewright_runtimes.agent.device_lock import DeviceLock

PYTHON = os.path.realpath(sys.executable)  # without the packages of this environment
LITERT = ("ai-edge-litert", "backports.strenum", "flatbuffers", "ml_dtypes", "protobuf")
PACKED = ("numpy", *LITERT, "tqdm", "typing_extensions")
SCRIPT = Path(scripts.__file__).with_name("packages.py")


def this_platform() -> Platform:
    _, _, version = os.confstr("CS_GNU_LIBC_VERSION").partition(" ")
    major, minor = (int(word) for word in version.split(".")[:2])
    python = (sys.version_info[0], sys.version_info[1])
    return Platform(python=python, machine=os.uname().machine, glibc=(major, minor))


def pack(name: str, folder: Path) -> WheelFile:
    """An installed package as a wheel, not compressed."""
    found = metadata.distribution(name)
    path = folder / f"{name}-{found.version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for file in found.files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                wheel.write(str(file.locate()), file.as_posix())
    from edgewright.targets.ssh.wheelhouse import _wheel_file

    return _wheel_file(path, name, found.version)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheelhouse as it is carried: numpy and LiteRT; ONNX Runtime was lost on the way."""
    folder = tmp_path_factory.mktemp("house")
    platform = this_platform()
    wanted: dict[str, list[str]] = {"numpy2": [NUMPY["numpy2"]]}
    for wheel in wheels_for(platform):
        wanted.setdefault(wheel.group, [NUMPY[wheel.group]]).append(wheel.requirement)
    for group, words in wanted.items():
        place = folder / str(platform) / group
        place.mkdir(parents=True)
        files = [pack(name, place) for name in PACKED] if group == "numpy2" else []
        rows = [{**asdict(file), "path": file.path.name} for file in files]
        (place / "wheels.json").write_text(json.dumps({"wanted": words, "files": rows}))
    return folder


@pytest.fixture
def device(sshd: SshServer) -> Device:
    return Device(name="pi", destination=sshd.destination, python=PYTHON)


def total(house: Path) -> int:
    """All that a first set-up pushes."""
    return sum(file.size_bytes for file in every(house))


def every(house: Path) -> list[WheelFile]:
    return [pack_runtimes(house), *fetch(this_platform(), house)["numpy2"]]


def test_set_up_twice_changed_and_purged(
    sshd: SshServer, device: Device, house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    with Link(device.destination, options=sshd.options) as link:
        first = prepare(link, device, folder=house, tell=told.append)
        root = Path(first.root)
        assert first.pushed_bytes == total(house) and told
        assert root == sshd.home / ".cache" / "edgewright" / "board"
        assert stat.S_IMODE(root.stat().st_mode) == 0o700
        assert not list((root / "incoming").iterdir())
        assert set(first.runtimes) == {"null", "litert"}
        assert "ai-edge-litert" in first.in_force["litert"]
        assert first.without["onnxruntime"].startswith("it fails there: ")
        assert first.python == PYTHON
        _its_own_packages_run(link, first)

        told.clear()
        second = prepare(link, device, folder=house, tell=told.append)
        assert second == replace(first, pushed_bytes=0) and not told

        _change_ours(house, monkeypatch)
        third = prepare(link, device, folder=house, tell=told.append)
        assert third.pushed_bytes == installation.pack_runtimes(house).size_bytes
        assert third.runtimes["null"][1:] == first.runtimes["null"][1:]
        assert third.runtimes["null"][0] != first.runtimes["null"][0]

        assert purge(link) and not purge(link)
        assert not list((sshd.home / ".cache").iterdir())


def _its_own_packages_run(link: Link, installed: Installed) -> None:
    code = "import numpy, edgewright_runtimes as e; print(numpy.__file__); print(e.__file__)"
    for runtime in installed.runtimes:
        done = link.run(installed.argv("-c", code, runtime=runtime))
        assert done.code == 0, done.stderr
        for line in done.stdout.decode().splitlines():
            assert line.startswith(f"{installed.root}/packages/")


def _change_ours(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after an update of Edgewright on the workstation."""
    ours = pack_runtimes(house)
    changed = house / "changed.zip"
    changed.write_bytes(ours.path.read_bytes())
    with zipfile.ZipFile(changed, "a") as files:
        files.writestr("edgewright_runtimes/added.py", "")
    from edgewright.targets.ssh.wheelhouse import _wheel_file

    again = _wheel_file(changed, ours.name, "0.1.1")
    monkeypatch.setattr(installation, "pack_runtimes", lambda _: again)


def test_a_set_up_that_was_cut_goes_on(
    sshd: SshServer, device: Device, house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Path] = []
    with Link(device.destination, options=sshd.options) as link:
        whole = link.push

        def cut(files: dict[str, Path]) -> None:
            there, here = next((t, h) for t, h in files.items() if "/numpy-" in t)
            whole({there: here})
            sent.append(here)
            raise LinkTrouble("the link was lost")

        monkeypatch.setattr(link, "push", cut)
        with pytest.raises(LinkTrouble):
            prepare(link, device, folder=house)
        monkeypatch.undo()
        installed = prepare(link, device, folder=house)
        assert installed.pushed_bytes == total(house) - sent[0].stat().st_size
        assert "litert" in installed.runtimes


def pretender(path: Path, **said: Any) -> str:
    """This Python, but for what it says of itself."""
    answer = {
        "executable": PYTHON,
        "version": "3.11.2",
        "implementation": "cpython",
        "platform_tag": "linux-aarch64",
        "pointer_bits": 64,
        "libc": "glibc 2.36",
        "free_threaded": False,
        **said,
    }
    words = shlex.quote(json.dumps(answer))
    path.write_text(
        f'#!/bin/sh\ncase "$3" in *pointer_bits*) echo {words};; *) exec {PYTHON} "$@";; esac\n'
    )
    path.chmod(0o700)
    return str(path)


def test_boards_that_nothing_fits_are_refused(sshd: SshServer, tmp_path: Path) -> None:
    header = tmp_path / "arm"
    header.write_bytes(b"\x7fELF\x01\x01\x01" + bytes(9) + b"\x02\x00\x28\x00" + bytes(40))
    arm = pretender(tmp_path / "32 bit;$(id)", executable=str(header), platform_tag="linux-armv7l")
    old = pretender(tmp_path / "py39", version="3.9.2")
    none = str(tmp_path / "nothing")
    with Link(sshd.destination, options=sshd.options) as link:
        for python, words in (
            (arm, "its ELF class is 32, its platform tag linux-armv7l"),
            (old, "Python 3.9: 3.10 is needed"),
            (none, "no program is there"),
        ):
            board = probe(link, python)
            assert words in board.refusal, board.refusal
            device = Device(name="pi", destination=sshd.destination, python=python)
            with pytest.raises(BoardRefused) as refused:
                prepare(link, device, folder=tmp_path / "house")
            assert words in str(refused.value) and refused.value.hint
    assert not (sshd.home / ".cache").exists()
    assert not list((tmp_path / "house").glob("cp*")), "nothing was fetched for it"


def test_a_home_that_can_not_be_written(sshd: SshServer, device: Device, house: Path) -> None:
    (sshd.home / ".cache").write_text("a file, where a folder must be")
    with (
        Link(device.destination, options=sshd.options) as link,
        pytest.raises(SetupTrouble, match=r"on the board: .*\.cache"),
    ):
        prepare(link, device, folder=house)


def test_doctor_looks_at_the_board(sshd: SshServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in sshd.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(sshd.folder / "config"))
    place = f"ssh:{sshd.destination}"
    found = {f.what: f for f in doctor(place)}
    assert found["python"].detail
    assert found["disk"].detail.endswith(str(sshd.home))
    assert {"board", "features", "memory", "system", "governor", "throttling"} <= set(found)
    assert not list(sshd.home.iterdir()), "it only looks"
    sshd.close()
    (line,) = doctor(place)
    assert (line.what, line.state) == ("link", "broken") and line.advice


class Says:
    """A board that answers with these bytes."""

    def __init__(self, stdout: bytes, code: int = 0, stderr: bytes = b"") -> None:
        self._done = Done(code=code, stdout=stdout, stderr=stderr)

    def run(self, *_: Any, **__: Any) -> Done:
        return self._done


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"", "gave no answer about its facts"),
        (MARK + b"{", "is not JSON"),
        (MARK + b'{"a": NaN}', "NaN is no number"),
        (MARK + b"[1]", "no JSON object"),
        (MARK + b"[" * 100_000, "not JSON"),
        (MARK + b'{"a": "' + b"x" * (1 << 20) + b'"}', "answered with 1,048,"),
        (MARK + b'{"error": "no \\u001b[2J room", "hint": "go"}', "on the board: no "),
    ],
)
def test_what_a_hostile_board_says(said: bytes, words: str) -> None:
    with pytest.raises(SetupTrouble) as trouble:
        ask_any(Says(b"Welcome!\n" + said + b"\n"), "facts", [])  # type: ignore[arg-type]
    assert words in str(trouble.value) and str(trouble.value).isprintable()


def test_no_python_there_says_what_to_do() -> None:
    with pytest.raises(BoardRefused, match="--python"):
        ask_any(Says(MARK + b"no-python\n"), "facts", [])  # type: ignore[arg-type]


# -- the script on the board, run here ------------------------------------------------------------


def on_board(
    home: Path, verb: str, *, first: Callable[[], None] | None = None, **asked: Any
) -> dict[str, Any]:
    """``first`` is called in its process."""
    done = subprocess.run(
        [PYTHON, "-I", "-", verb, json.dumps(asked)],
        input=SCRIPT.read_bytes(),
        capture_output=True,
        check=False,
        env={"HOME": str(home), "PATH": os.defpath},
        preexec_fn=first,
    )
    assert done.stdout.startswith(MARK), done.stderr.decode()
    return dict(json.loads(done.stdout[len(MARK) :]))


def arrive(home: Path, name: str, files: dict[str, str]) -> str:
    """Put a package into ``incoming``; its hash."""
    import hashlib

    on_board(home, "look", packages=[name])
    path = top(home) / "incoming" / f"{name}.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for inside, text in files.items():
            packed.writestr(inside, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def top(home: Path) -> Path:
    return home / ".cache" / "edgewright" / "board"


def test_a_wheel_is_unpacked_without_its_scripts(tmp_path: Path) -> None:
    files = {
        "one/__init__.py": "",
        "one-1.0.data/purelib/two.py": "two",
        "one-1.0.data/scripts/run": "#!/bin/sh",
    }
    sha256 = arrive(tmp_path, "one-1.0-a", files)
    looked = on_board(tmp_path, "look", packages=["one-1.0-a", "other"])
    assert (looked["present"], looked["arrived"]) == ([], ["one-1.0-a"])
    on_board(tmp_path, "unpack", packages={"one-1.0-a": sha256})
    folder = top(tmp_path) / "packages" / "one-1.0-a"
    unpacked = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    assert unpacked == ["one/__init__.py", "two.py"]
    assert on_board(tmp_path, "look", packages=["one-1.0-a"])["present"] == ["one-1.0-a"]
    again = on_board(tmp_path, "unpack", packages={"one-1.0-a": sha256})
    assert again == {"unpacked": []}, "another workstation did it meanwhile"


@pytest.mark.parametrize("name", ["../../../out.py", "/out.py", "a//b.py", "./a.py"])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    sha256 = arrive(home, "one", {"fine.py": "", name: "evil"})
    assert "holds the name" in on_board(home, "unpack", packages={"one": sha256})["error"]
    assert not list((top(home) / "packages").iterdir())
    assert not list(tmp_path.glob("out.py"))


def test_what_arrived_otherwise_is_not_unpacked(tmp_path: Path) -> None:
    arrive(tmp_path, "one", {"a.py": ""})
    said = on_board(tmp_path, "unpack", packages={"one": "0" * 64})
    assert "did not arrive as it was sent" in said["error"] and said["hint"]
    looked = on_board(tmp_path, "look", packages=["one"])
    assert not looked["present"] and not looked["arrived"], "so that it is sent again"


def test_a_disk_that_fills_up_leaves_no_half_of_a_package(tmp_path: Path) -> None:
    """By a limit on the size of a file, which fails in the same place as a full disk."""
    sha256 = arrive(tmp_path, "one", {"a.py": "", "large.so": "x" * 100_000})

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    said = on_board(tmp_path, "unpack", first=small, packages={"one": sha256})
    assert "File too large" in said["error"]
    assert not list((top(tmp_path) / "packages").iterdir())
    assert on_board(tmp_path, "look", packages=["one"])["arrived"] == ["one"], "not sent again"
    assert on_board(tmp_path, "unpack", packages={"one": sha256}) == {"unpacked": ["one"]}


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "", "a\0b"])
def test_a_package_is_one_part_of_a_path(tmp_path: Path, name: str) -> None:
    assert "is no name of a file" in on_board(tmp_path, "look", packages=[name])["error"]


def test_a_set_up_is_ready_while_all_it_stands_on_is_there(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("one")
    arrive(tmp_path, "one", {"a.py": ""})
    (top(tmp_path) / "packages" / "one").mkdir()
    kept = {"id": "x", "python": str(python), "packages": ["one"], "record": {"a": 1}}
    assert on_board(tmp_path, "ready", id="x") == {"record": None}
    on_board(tmp_path, "keep", **kept)
    assert on_board(tmp_path, "ready", id="x") == {"record": {"a": 1}}
    assert on_board(tmp_path, "ready", id="y") == {"record": None}
    python.write_text("another")
    assert on_board(tmp_path, "ready", id="x") == {"record": None}
    on_board(tmp_path, "keep", **kept)
    (top(tmp_path) / "packages" / "one").rmdir()
    assert on_board(tmp_path, "ready", id="x") == {"record": None}
    (top(tmp_path) / "ready" / "x.json").write_text("{")
    assert on_board(tmp_path, "ready", id="x") == {"record": None}


def test_what_nobody_stands_on_is_swept_away(tmp_path: Path) -> None:
    on_board(tmp_path, "look", packages=[])
    packages, day = top(tmp_path) / "packages", 86400
    for name, age in (("kept", 2 * day), ("old", 2 * day), ("new", 0), ("asked", 2 * day)):
        (packages / name).mkdir()
        os.utime(packages / name, (time.time() - age,) * 2)
    kept = {"python": PYTHON, "packages": ["kept"], "record": {}}
    on_board(tmp_path, "keep", id="x", **kept)
    on_board(tmp_path, "look", packages=["asked"])
    assert {path.name for path in packages.iterdir()} == {"kept", "new", "asked"}
    ready = top(tmp_path) / "ready" / "x.json"
    assert json.loads(ready.read_text())["boot"], "a clock that was just set leaps by weeks"
    ready.write_text(json.dumps({**json.loads(ready.read_text()), "boot": "another"}))
    os.utime(ready, (time.time() - 40 * day,) * 2)
    (top(tmp_path) / "jobs").mkdir()
    with (top(tmp_path) / "jobs" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        on_board(tmp_path, "look", packages=["asked"])
    assert {path.name for path in packages.iterdir()} == {"kept", "new", "asked"}, "a job runs"
    on_board(tmp_path, "look", packages=["asked"])
    assert {path.name for path in packages.iterdir()} == {"new", "asked"}
    incoming = top(tmp_path) / "incoming"
    for name in (".edgewright-0123.tmp", "old.zip", "asked.zip", "new.zip"):  # the first was cut
        (incoming / name).write_bytes(b"x")
        os.utime(incoming / name, (time.time() - (0 if name == "new.zip" else 2 * day),) * 2)
    on_board(tmp_path, "look", packages=["asked"])
    assert {path.name for path in incoming.iterdir()} == {"asked.zip", "new.zip"}


def test_a_set_up_that_is_used_is_of_this_start_of_the_board(tmp_path: Path) -> None:
    on_board(tmp_path, "look", packages=[])
    on_board(tmp_path, "keep", id="x", python=PYTHON, packages=[], record={"a": 1})
    ready = top(tmp_path) / "ready" / "x.json"
    kept = json.loads(ready.read_text())
    ready.write_text(json.dumps({**kept, "boot": "another"}))
    assert on_board(tmp_path, "ready", id="x") == {"record": {"a": 1}}
    assert json.loads(ready.read_text()) == kept


def test_nothing_is_purged_from_under_a_job(tmp_path: Path) -> None:
    on_board(tmp_path, "look", packages=[])
    (top(tmp_path) / "jobs").mkdir()
    with (top(tmp_path) / "jobs" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "a job is running" in on_board(tmp_path, "purge")["error"]
    (top(tmp_path).parent / "board.1.purged").mkdir()  # one that was cut short
    assert on_board(tmp_path, "purge") == {"purged": True}
    assert on_board(tmp_path, "purge") == {"purged": False}
    assert [path.name for path in tmp_path.iterdir()] == [".cache"], "which others use too"
    assert not list((tmp_path / ".cache").iterdir())


def test_who_waits_while_it_is_purged_finds_another_lock(tmp_path: Path) -> None:
    on_board(tmp_path, "look", packages=[])
    lock = DeviceLock(top(tmp_path) / "jobs" / "lock")
    assert lock.stands
    on_board(tmp_path, "purge")
    assert lock.take() and not lock.stands
    lock.close()


def dying(path: Path, marks: Path) -> str:
    """This Python, but killed when it first tries LiteRT, as by a kernel without memory."""
    path.write_text(
        f'#!/bin/sh\ncase "$*" in *probe*litert) [ -e {marks} ] || '
        f'{{ touch {marks}; kill -9 $$; }};; esac\nexec {PYTHON} "$@"\n'
    )
    path.chmod(0o700)
    return str(path)


def test_what_failed_by_chance_is_tried_again(sshd: SshServer, house: Path, tmp_path: Path) -> None:
    python = dying(tmp_path / "python", tmp_path / "tried")
    device = Device(name="pi", destination=sshd.destination, python=python)
    with Link(device.destination, options=sshd.options) as link:
        first = prepare(link, device, folder=house)
        assert set(first.runtimes) == {"null"}
        assert "signal 9" in first.without["litert"] and "again" in first.without["litert"]
        again = prepare(link, device, folder=house)
        assert "litert" in again.runtimes and "litert" not in again.without
        assert again.pushed_bytes == 0


def test_what_the_index_lacks_costs_no_other_runtime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels, house = tmp_path / "wheels", tmp_path / "house"
    wheels.mkdir()
    for name in ("numpy-1.26.4", "ai_edge_litert-2.1.0"):
        dotted = name.replace("-", "\nVersion: ")
        with zipfile.ZipFile(wheels / f"{name}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {dotted}\n")
            wheel.writestr(f"{name}.dist-info/WHEEL", "Wheel-Version: 1.0\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    pi = Platform(python=(3, 11), machine="aarch64", glibc=(2, 36))
    lost: dict[str, str] = {}
    found = fetch(pi, house, lost=lost)
    assert {f.name for f in found["numpy2"]} == {"numpy", "ai-edge-litert"}
    assert set(lost) == {"onnxruntime", "tflite-runtime"}
    assert all(f"found for {name}" in words for name, words in lost.items())
    with pytest.raises(SetupTrouble, match="found for onnxruntime"):
        fetch(pi, house)
    (wheels / "numpy-1.26.4-py3-none-any.whl").unlink()
    with pytest.raises(SetupTrouble, match="found for numpy"):
        fetch(pi, tmp_path / "other", lost={})


def test_purge_leaves_what_is_not_ours(tmp_path: Path) -> None:
    on_board(tmp_path, "look", packages=[])
    (tmp_path / ".cache" / "edgewright" / "wheels").mkdir()  # the board is a workstation too
    on_board(tmp_path, "purge")
    assert (tmp_path / ".cache" / "edgewright" / "wheels").is_dir()


def test_a_home_without_a_place_says_what_to_do() -> None:
    said = on_board(Path("/sys"), "look", packages=[])
    assert "/sys" in said["error"] and said["hint"]


def test_too_little_room_is_said_before_anything_is_sent(house: Path) -> None:
    files = every(house)
    with pytest.raises(SetupTrouble, match=r"set-up needs \d+ MB on the board, 1 MB are free"):
        installation._require_room(files, files, 1_000_000)


@pytest.mark.slow
def test_every_runtime_from_the_index(sshd: SshServer, device: Device, tmp_path: Path) -> None:
    """Of this machine, set up and tried; and of a Pi, fetched."""
    with Link(device.destination, options=sshd.options) as link:
        installed = prepare(link, device, folder=tmp_path / "house")
        wheels = {wheel.runtime for wheel in wheels_for(this_platform())}
        assert set(installed.runtimes) == {"null", *wheels}
        again = "from edgewright_runtimes.probe import probe; probe('onnxruntime')"
        assert link.run(installed.argv("-c", again, runtime="onnxruntime")).code == 0
        assert purge(link)
    assert [path.name for path in sshd.home.iterdir()] == [".cache"]
    assert not list((sshd.home / ".cache").iterdir()), "what a runtime writes for itself is left"
    for python in ((3, 10), (3, 11), (3, 12), (3, 13)):
        pi = Platform(python=python, machine="aarch64", glibc=(2, 36))
        found = fetch(pi, tmp_path / "house")
        names = {f.name for files in found.values() for f in files}
        assert {"numpy", "ai-edge-litert", "onnxruntime"} <= names
        assert ("tflite-runtime" in names) == (python <= (3, 11))
        for file in (f for files in found.values() for f in files):
            assert "aarch64" in file.path.name or file.path.name.endswith("-any.whl")
