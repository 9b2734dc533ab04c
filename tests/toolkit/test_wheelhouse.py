"""Wheels for another machine, fetched by pip from a folder of small ones: no index is asked."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

import edgewright.targets.ssh.closure as closure
import edgewright.targets.ssh.installation as installation
from edgewright.cli import main
from edgewright.devices.records import Device
from edgewright.targets.ssh.asking import SetupTrouble
from edgewright.targets.ssh.destination import parse_destination
from edgewright.targets.ssh.fit import Platform
from edgewright.targets.ssh.wheelhouse import fetch, pack_runtimes, wheels_folder
from edgewright_runtimes.errors import MissingExtra

PI = Platform(python=(3, 10), machine="aarch64", glibc=(2, 36))
OURS = "cp310-cp310-manylinux_2_28_aarch64"
NONE: tuple[str, ...] = ()


def wheel(
    folder: Path, name: str, version: str, *, needs: Sequence[str] = NONE, tag: str = "py3-none-any"
) -> Path:
    """A wheel of one empty module."""
    info = f"{name}-{version}.dist-info"
    lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    lines += [f"Requires-Dist: {need}" for need in needs]
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as files:
        files.writestr(f"{name}/__init__.py", f"version = {version!r}\n")
        files.writestr(f"{info}/METADATA", "\n".join(lines) + "\n")
        files.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}\n")
        files.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What pip finds: numpy and the runtimes, for a Pi and for another machine."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    wheel(folder, "numpy", "1.26.4", tag=OURS)
    wheel(folder, "numpy", "2.2.6", tag=OURS)
    wheel(folder, "numpy", "2.4.0", tag="cp311-cp311-manylinux_2_28_aarch64")
    needs = ("numpy>=1.23.2", "early; python_version < '3.11'", "late; python_version >= '3.11'")
    wheel(folder, "ai_edge_litert", "2.3.0", tag=OURS, needs=(*needs, "never; extra == 'npu'"))
    wheel(folder, "ai_edge_litert", "2.3.1", tag="cp310-cp310-manylinux_2_28_x86_64")
    arm = ("numpy>=1.21.6", "arm; platform_machine == 'aarch64'", "intel; os_name == 'nt'")
    wheel(folder, "onnxruntime", "1.23.2", tag=OURS, needs=arm)
    wheel(folder, "tflite_runtime", "2.14.0", tag="cp310-cp310-manylinux_2_34_aarch64")
    for name in ("early", "late", "never", "arm", "intel"):
        wheel(folder, name, "1.0")
    return folder


def test_the_board_decides_what_is_needed(index: Path, tmp_path: Path) -> None:
    """Not the interpreter that runs pip: this test runs on others than Python 3.10 on aarch64."""
    found = fetch(PI, tmp_path / "house")
    names = {group: [f"{f.name} {f.version}" for f in files] for group, files in found.items()}
    assert names == {
        "numpy2": [
            "numpy 2.2.6",
            "ai-edge-litert 2.3.0",
            "onnxruntime 1.23.2",
            "early 1.0",
            "arm 1.0",
        ],
        "numpy1": ["numpy 1.26.4", "tflite-runtime 2.14.0"],
    }
    for file in (f for files in found.values() for f in files):
        assert file.path.is_file() and file.path.is_relative_to(tmp_path / "house" / str(PI))
        assert file.size_bytes == file.path.stat().st_size
        assert file.package == f"{file.name}-{file.version}-{file.sha256[:16]}"


def test_what_is_there_is_taken_with_no_question(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also at another place, as when it was carried; a file that differs is fetched again."""
    first = fetch(PI, tmp_path / "house")
    carried = (tmp_path / "house").rename(tmp_path / "carried")
    told: list[str] = []
    monkeypatch.setattr(closure, "_pip_download", lambda *_: told.append("asked"))
    second = fetch(PI, carried, tell=told.append)
    assert not told
    assert [f.package for f in second["numpy2"]] == [f.package for f in first["numpy2"]]
    second["numpy2"][0].path.write_bytes(b"another")
    monkeypatch.undo()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    third = fetch(PI, carried, tell=told.append)
    assert third["numpy2"] == second["numpy2"]
    assert [words.partition(" ")[0] for words in told] == ["fetching"]


def test_a_later_requirement_is_heard(index: Path, tmp_path: Path) -> None:
    for version in ("1.0", "2.0"):
        wheel(index, "shared", version)
    wheel(index, "early", "1.1", needs=("shared", "deep"))
    wheel(index, "deep", "1.0", needs=("shared<2",))
    found = {f.name: f.version for f in fetch(PI, tmp_path / "house")["numpy2"]}
    assert (found["shared"], found["deep"]) == ("1.0", "1.0")
    place = tmp_path / "house" / str(PI) / "numpy2"
    assert len(list(place.glob("shared-*.whl"))) == 1
    rows = json.loads((place / "wheels.json").read_text())["files"]
    assert {row["path"] for row in rows} == {path.name for path in place.glob("*.whl")}


def test_what_pip_can_not_find_is_said(index: Path, tmp_path: Path) -> None:
    (index / f"onnxruntime-1.23.2-{OURS}.whl").unlink()
    with pytest.raises(SetupTrouble) as trouble:
        fetch(PI, tmp_path / "house")
    assert str(trouble.value).startswith(f"pip download for {PI}: No matching distribution found")
    assert "onnxruntime" in str(trouble.value) and "EDGEWRIGHT_WHEELS" in trouble.value.hint
    assert not list((tmp_path / "house").rglob("wheels.json"))


def test_an_environment_without_pip_says_what_to_type(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closure.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match="python -m ensurepip"):
        fetch(PI, tmp_path / "house")


def test_our_own_package_is_packed_once(tmp_path: Path) -> None:
    one, two = pack_runtimes(tmp_path / "a"), pack_runtimes(tmp_path / "b")
    assert one.package == two.package and one.path.read_bytes() == two.path.read_bytes()
    before = one.path.stat().st_mtime_ns
    assert pack_runtimes(tmp_path / "a") == one and one.path.stat().st_mtime_ns == before
    with zipfile.ZipFile(one.path) as files:
        names = files.namelist()
    assert "edgewright_runtimes/worker/__main__.py" in names
    assert not [name for name in names if "__pycache__" in name or name.startswith(("/", ".."))]


def test_where_the_wheels_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGEWRIGHT_WHEELS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert wheels_folder() == tmp_path / "edgewright" / "wheels"
    monkeypatch.setenv("EDGEWRIGHT_WHEELS", str(tmp_path / "carried"))
    assert wheels_folder() == tmp_path / "carried"


def test_what_was_carried_here_is_only_read(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may lie on a stick that can't be written."""
    house = tmp_path / "carried"
    fetched = fetch(PI, house)
    (house / str(PI) / ".lock").unlink(missing_ok=True)
    before = {path: path.stat().st_mtime_ns for path in house.rglob("*")}
    assert fetch(PI, house) == fetched

    def stop(*_: object) -> None:
        raise SetupTrouble("no board")

    monkeypatch.setenv("EDGEWRIGHT_WHEELS", str(house))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(installation, "ask_any", stop)
    device = Device(name="pi", destination=parse_destination("pi"))
    with pytest.raises(SetupTrouble, match="no board"):
        installation.prepare(None, device)  # type: ignore[arg-type]
    assert {path: path.stat().st_mtime_ns for path in house.rglob("*")} == before
    assert list((tmp_path / "cache").rglob("edgewright_runtimes-*.zip"))


def test_what_goes_back_to_a_board_fits_a_command() -> None:
    """What it said of itself may be a megabyte; a word of a command line is 128 kB at most."""
    said = {f"runtime {n}": "'" * 300 for n in range(500)}
    assert installation._only(["litert"], {**said, "litert": "2.1"}) == {"litert": "2.1"}


def test_the_board_s_python_starts_in_the_private_folder(tmp_path: Path) -> None:
    """Before 3.11 there is no PYTHONSAFEPATH: what lies where it starts is imported."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "random.py").write_text("raise SystemExit('struck')")
    root = tmp_path / "a board; $(x) 'y'"
    root.mkdir()
    installed = installation.Installed(
        python=sys.executable,
        root=str(root),
        runtimes={"null": ("/nowhere",)},
        in_force={},
        without={},
    )
    code = "import os, sys; sys.path.insert(0, ''); import random; print(os.getcwd())"
    words = installed.argv("-c", code)
    done = subprocess.run(words, cwd=tmp_path / "home", capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(root)


def test_the_command_that_fetches_them(
    index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what was carried is all that a set-up asks for."""
    out = tmp_path / "wheels"
    words = ["devices", "wheels", str(PI), "--out", str(out)]
    assert main(words) == 0
    assert f"{PI}: 7 files" in capsys.readouterr().out
    for path in index.iterdir():
        path.unlink()
    assert main([*words, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["files"]
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in out.rglob("*.whl")]
    assert sorted(row["sha256"] for row in rows) == sorted(hashes)
    assert main(["devices", "wheels", "cp39-aarch64-glibc2.31", "--out", str(out)]) == 2
    assert "no kind of board that has wheels" in capsys.readouterr().err
