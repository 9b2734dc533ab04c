"""Building an emulated board: what it needs, and what it says where that is not there."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from edgewright.targets.emulated import apt, building
from edgewright.targets.emulated.apt import Apt, require_tools, run_tool
from edgewright.targets.emulated.counter import build_plugin, read_counts
from edgewright.targets.emulated.models import MODELS, board_model
from edgewright.targets.emulated.trouble import BoardTrouble
from edgewright.targets.emulated.wheels import own_packages
from edgewright_runtimes.environment import read_environment
from edgewright_runtimes.errors import UnknownName
from edgewright_runtimes.worker.marks import EMPTY_BEGIN, EMPTY_END, begin, end


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('ID=ubuntu\nPRETTY_NAME="Ubuntu 24.04"\n', "this is Ubuntu 24.04"),
        ('ID=debian\nVERSION_CODENAME=trixie\nPRETTY_NAME="Debian 13"\n', "this is Debian 13"),
        (None, "this is another system"),
    ],
)
def test_another_system_is_told_where_it_works(
    own_cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str | None,
    words: str,
) -> None:
    release = tmp_path / "os-release"
    if text is not None:
        release.write_text(text)
    monkeypatch.setattr(building, "OS_RELEASE", release)
    with pytest.raises(BoardTrouble, match=words) as trouble:
        building.built(print)
    assert "python:3.11-bookworm" in trouble.value.hint and "ssh:HOST" in trouble.value.hint
    assert not own_cache.exists()


def test_a_missing_tool_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BoardTrouble, match="apt-get is not here; install the package apt"):
        require_tools()
    with pytest.raises(BoardTrouble, match="no cc; apt install gcc libc6-dev"):
        build_plugin(tmp_path)


def test_a_build_that_fails_leaves_nothing(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = tmp_path / "os-release"
    release.write_text("ID=debian\nVERSION_CODENAME=bookworm\n")
    monkeypatch.setattr(building, "OS_RELEASE", release)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, script in (
        ("apt-get", 'echo "E: Temporary failure resolving" >&2; exit 100'),
        ("dpkg", "echo amd64"),
        ("dpkg-deb", "exit 1"),
    ):
        (tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/bin")
    boards = own_cache / "edgewright" / "emulated"
    killed = boards / f"{building.BUILDING}{building._key()}-x1"  # in a build before
    (killed / "board" / "root").mkdir(parents=True)
    said: list[str] = []
    with pytest.raises(BoardTrouble, match="apt-get update: E: Temporary failure resolving"):
        building.built(said.append)
    assert len(said) == 1 and "once" in said[0]
    assert [p.suffix for p in boards.iterdir()] == [".lock"]


def test_our_packages_are_unpacked_once_whatever_was_left(own_cache: Path, tmp_path: Path) -> None:
    own_packages.cache_clear()
    packages = tmp_path / "packages"
    to = own_packages(packages)
    assert (to / "edgewright_runtimes" / "worker" / "__main__.py").is_file()
    own_packages.cache_clear()
    shutil.rmtree(to)
    (packages / f".{to.name}.{os.getpid()}").mkdir()  # of one that was killed, and had this number
    assert own_packages(packages) == to and (to / "edgewright_runtimes").is_dir()
    own_packages.cache_clear()


def test_apt_has_a_state_of_its_own_and_none_of_the_hooks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "proxy").write_text('Acquire::http::Proxy "http://proxy:3128";\n')
    (parts / "clean").write_text('APT::Update::Post-Invoke { "rm -f /somewhere"; };\n')
    monkeypatch.setattr(apt, "PARTS", parts)
    tool = tmp_path / "tools" / "apt-get"
    tool.parent.mkdir()
    tool.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/words\ncat "$APT_CONFIG" > {tmp_path}/conf\n'
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    folder = tmp_path / "apt"
    folder.mkdir()
    Apt(folder, "amd64", "arm64").update()
    words = (tmp_path / "words").read_text()
    assert "APT::Architectures=amd64,arm64" in words and words.split()[-1] == "update"
    assert f"Dir::State={folder}/state" in words and f"Dir::Cache={folder}" in words
    assert (tmp_path / "conf").read_text() == f'Dir::Etc::parts "{folder}/parts";\n'
    assert [p.name for p in (folder / "parts").iterdir()] == ["proxy"]


def test_a_tool_s_last_words_are_the_message() -> None:
    with pytest.raises(BoardTrouble, match="trying: no room"):
        run_tool(["sh", "-c", "echo first >&2; echo no room >&2; exit 1"], "trying")
    with pytest.raises(BoardTrouble, match="trying: exit code 7"):
        run_tool(["sh", "-c", "exit 7"], "trying")
    with pytest.raises(BoardTrouble, match="No such file"):
        run_tool(["/nowhere/tool"], "trying")


@pytest.mark.parametrize("name", MODELS)
def test_a_board_s_files_read_as_that_board(name: str, tmp_path: Path) -> None:
    (tmp_path / "root" / "usr").mkdir(parents=True)
    (tmp_path / "root" / "proc").mkdir()
    building.write_root(tmp_path / name, board_model(name))
    found = read_environment(tmp_path / name)
    assert found["cpu"] == MODELS[name].title
    assert ("asimddp" in str(found["cpu_features"])) is (name == "pi5")
    assert (tmp_path / name / "usr").is_symlink() and not (tmp_path / name / "proc").is_symlink()
    with pytest.raises(UnknownName, match="did you mean 'pi4'"):
        board_model("p4")


def test_the_counter_compiles_and_is_kept(tmp_path: Path) -> None:
    plugin = build_plugin(tmp_path)
    before = plugin.stat().st_mtime_ns
    assert build_plugin(tmp_path) == plugin and plugin.stat().st_mtime_ns == before
    names = subprocess.run(
        ["nm", "-D", "--defined-only", str(plugin)], capture_output=True, text=True, check=True
    ).stdout
    assert "qemu_plugin_install" in names and "qemu_plugin_version" in names


def test_the_counts_are_what_lies_between_the_marks(tmp_path: Path) -> None:
    file = tmp_path / "marks"
    marks = {EMPTY_BEGIN: 10, EMPTY_END: 13, begin(0): 20, end(0): 120, begin(1): 500, end(1): 601}
    file.write_text("0 1\n" + "".join(f"{tag} {count}\n" for tag, count in marks.items()))
    found = read_counts(file, 2)
    assert (found.empty, found.blocks) == (3, (100, 101))
    with pytest.raises(BoardTrouble, match="not complete: KeyError"):
        read_counts(file, 3)
    file.write_text("1 1\nnonsense\n")
    with pytest.raises(BoardTrouble, match="not complete: ValueError"):
        read_counts(file, 1)
    with pytest.raises(BoardTrouble, match="not complete: FileNotFoundError"):
        read_counts(tmp_path / "absent", 1)
