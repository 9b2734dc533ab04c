"""Boards by name: destinations, the file that keeps them, and the verb."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright.cli import main
from edgewright.devices.records import Device, Registry
from edgewright.devices.registry import devices_file, find_device, find_group, registered
from edgewright.devices.stored import as_toml, read_registry
from edgewright.targets.ssh.client import Client, options_of_environment
from edgewright.targets.ssh.destination import Destination, parse_destination
from edgewright.targets.ssh.trouble import HostKey, why_no_connection
from edgewright.verbs.devices import (
    add_device,
    group_devices,
    list_devices,
    probe_device,
    remove_device,
)
from edgewright_runtimes.errors import BadInput, UnknownName

HOSTILE = [
    "-oProxyCommand=touch x", "a b", "a;b", "$(touch x)", "`x`", "it's", '"a"', "a\nb", "a\0b",
    "\x1b[2J", "a|b", "a&b", "a>b", "#a", "a,b", "a/b", "a\\b", "a\u200bb",
]  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line, in this process."""

    def one(*words: str) -> Ran:
        try:
            code = main(words)
        except SystemExit as e:  # argparse
            code = int(e.code or 0)
        said = capsys.readouterr()
        return Ran(code=code, out=said.out, err=said.err)

    return one


# -- destinations ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "host", "user", "port"),
    [
        ("pi.local", "pi.local", "", None),
        ("pi@10.0.0.7", "10.0.0.7", "pi", None),
        ("pi@shed:2222", "shed", "pi", 2222),
        ("shed:22", "shed", "", 22),
        ("me@corp@shed", "shed", "me@corp", None),
        ("::1", "::1", "", None),
        ("[::1]", "::1", "", None),
        ("pi@[fe80::1%eth0]:22", "fe80::1%eth0", "pi", 22),
    ],
)
def test_a_destination(text: str, host: str, user: str, port: int | None) -> None:
    assert parse_destination(text) == Destination(host, user, port)
    assert parse_destination(str(parse_destination(text))) == Destination(host, user, port)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_a_shell_or_ssh_would_act_on_is_refused(hostile: str) -> None:
    for text in (hostile, f"pi@{hostile}", f"{hostile}@shed"):
        with pytest.raises(BadInput):
            parse_destination(text)
    with pytest.raises(BadInput):
        Destination(hostile)
    with pytest.raises(BadInput):
        Destination("shed", hostile)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no host was named"),
        ("pi@", "no host was named"),
        ("@shed", "names no user"),
        ("shed:", "port '' is no number"),
        ("shed:ssh", "port 'ssh' is no number"),
        ("shed:0", "port 0 is none; 1 to 65535"),
        ("shed:70000", "port 70000 is none"),
        ("[::1]22", "is no destination"),
        ("[::1", "is no destination"),
        ("%h@shed", "holds '%'"),
    ],
)
def test_what_is_no_destination(text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message.replace("[", r"\[")):
        parse_destination(text)


@settings(deadline=None, max_examples=60)
@given(st.text(alphabet="ab1@:[]%-.; $\n\0é", max_size=12))
def test_whatever_is_typed_is_refused_or_stays_one_word(text: str) -> None:
    try:
        found = parse_destination(text)
    except BadInput:
        return
    argv = Client(destination=found).ssh(command="true")
    assert argv[-3:] == ["--", found.host, "true"]
    assert not found.host.startswith("-") and not found.user.startswith("-")
    assert parse_destination(str(found)) == found


# -- what ssh said ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("ssh: Could not resolve hostname shd: Name or service not known", "check the name"),
        ("ssh: connect to host a port 22: Connection timed out", "is it switched on"),
        ("ssh: connect to host a port 22: No route to host", "is it switched on"),
        ("Bad owner or permissions on config", "mend that file"),
        ("kex_exchange_identification: read: Connection reset by peer", "try by hand: ssh pi@a"),
        (
            "Received disconnect from a port 22:2: Too many authentication failures",
            "IdentitiesOnly",
        ),
        ("a: Permission denied (publickey,keyboard-interactive).", "ssh-copy-id pi@a"),
        ("Host key verification failed.", "ssh-keygen -lf /etc/ssh/ssh_host_ecdsa_key.pub"),
    ],
)
def test_what_ssh_said_and_what_to_do(said: str, shown: str) -> None:
    client = Client(destination=Destination("a", "pi"))
    key = HostKey(kind="ecdsa-sha2-nistp256", fingerprint="SHA256:x")
    error = why_no_connection(client, f"debug1: noise\r\n{said}\r\n", lambda: key)
    assert shown in error.hint
    assert "noise" not in str(error)


def test_a_host_key_that_did_not_show_itself() -> None:
    client = Client(destination=Destination("a"))
    error = why_no_connection(client, "Host key verification failed.", lambda: None)
    assert str(error).startswith("the host key of a is not known on this machine; type ssh a")


def test_the_environment_names_a_file_for_ssh(monkeypatch: pytest.MonkeyPatch) -> None:
    assert options_of_environment() == ()
    monkeypatch.setenv("EDGEWRIGHT_SSH_CONFIG", "some file")
    assert options_of_environment() == ("-F", "some file")


# -- the registry ----------------------------------------------------------------------------------


def test_what_is_added_is_found_by_name() -> None:
    add_device("shed", "ssh:pi@10.0.0.7:2222", python="/opt/py 3/bin/python", threads=(1, 4))
    assert find_device("shed") == Device(
        name="shed",
        destination=Destination("10.0.0.7", "pi", 2222),
        python="/opt/py 3/bin/python",
        threads=(1, 4),
    )
    assert find_device("pi@other").destination == Destination("other", "pi")
    assert list_devices().devices.keys() == {"shed"}


def test_the_same_again_is_no_error_and_another_is() -> None:
    add_device("shed", "ssh:pi@a")
    add_device("shed", "ssh:pi@a")
    with pytest.raises(BadInput, match="registered already: pi@a; edgewright devices remove shed"):
        add_device("shed", "ssh:pi@b")
    assert find_device("shed").destination.host == "a"


def test_groups() -> None:
    for name in ("a", "b", "c"):
        add_device(name, f"ssh:{name}")
    assert group_devices("all", ["c", "a"]) == ("c", "a")
    assert [device.name for device in find_group("all")] == ["c", "a"]
    assert group_devices("@all", ["a", "b"]) == ("a", "b")
    assert registered().groups_of("b") == ("all",)
    remove_device("a")
    assert registered().groups == {"all": ("b",)}
    remove_device("b")
    assert registered().groups == {} and registered().devices.keys() == {"c"}
    group_devices("one", ["c"])
    remove_device("@one")
    assert registered().groups == {} and registered().devices.keys() == {"c"}


@pytest.mark.parametrize(
    ("do", "message"),
    [
        (lambda: add_device("a b", "ssh:x"), "device 'a b' is no name; letters, digits"),
        (lambda: add_device("-a", "ssh:x"), "device '-a' is no name"),
        (lambda: add_device("@a", "ssh:x"), "device '@a' is no name"),
        (lambda: add_device("a", "pi@x"), "'pi@x' is no device; write ssh:USER@HOST"),
        (lambda: add_device("a", "ssh:-oX=y"), "begins with '-'"),
        (lambda: add_device("a", "ssh:x", python="bin/python"), "--python 'bin/python' is no int"),
        (lambda: add_device("a", "ssh:x", python="-c"), "--python '-c' is no interpreter"),
        (lambda: add_device("a", "ssh:x", threads=[0]), "threads is 0; 1 to 1024"),
        (lambda: remove_device("known@x"), "no device named 'known@x'; known: known"),
        (lambda: remove_device("@gone"), "no group named 'gone': there is none"),
        (lambda: remove_device("@gone", purge=True), "is a group; purge its devices"),
        (lambda: group_devices("g", ["knwn"]), "no device named 'knwn'.*did you mean 'known'"),
        (lambda: group_devices("g", ["known", "known"]), "'known' is named twice"),
        (lambda: group_devices("g", []), "group 'g' has no device"),
        (lambda: find_group("gone"), "no group named 'gone': there is none"),
        (lambda: find_device("a;b"), "holds ';'"),
        (lambda: probe_device("ssh:$(x)"), "holds '\\$'"),
    ],
)
def test_what_is_refused_changes_nothing(do: Callable[[], object], message: str) -> None:
    add_device("known", "ssh:x")
    before = devices_file().read_text()
    with pytest.raises((BadInput, UnknownName), match=message):
        do()
    assert devices_file().read_text() == before


@pytest.mark.parametrize(
    "python", ["/opt/a\\b", '/opt/"q"/python', "/opt/ü/€𝄞", "~/py/bin/python3"]
)
def test_any_interpreter_is_written_and_read_again(python: str) -> None:
    device = Device(name="a", destination=Destination("x"), python=python, threads=(2,))
    registry = Registry(devices={"a": device}, groups={"g": ("a",)})
    file = Path("devices.toml")
    file.write_text(as_toml(registry), encoding="utf-8")
    assert read_registry(file) == registry


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[devices.a\n", ":1: not TOML"),
        ("[device.a]\n", ":1: no table named 'device'; known: devices, groups"),
        ("\ndevices = 3\n", ":2: devices is 3; write \\[devices\\]"),
        ("\n[devices.a]\npython = 'x'\n", ":2: device 'a' has no destination"),
        ("[devices.a]\ndestination = '-x'\n", ":1: host '-x' begins with '-'"),
        ("[devices.a]\ndestination = 'x'\nport = 3\n", "no field of a device named 'port'"),
        ("[devices.a]\ndestination = 'x'\nthreads = 3\n", ":1: threads is 3; write threads"),
        ("[devices.a]\ndestination = 'x'\nthreads = [true]\n", ":1: threads is"),
        ("[devices.a]\ndestination = 'x'\npython = 3\n", ":1: python is 3"),
        ("[groups]\n\ng = ['a']\n", ":3: no device named 'a': none is registered"),
        ("[groups]\ng = 'a'\n", ":2: group 'g' is 'a'; write g = "),
    ],
)
def test_a_file_that_is_wrong_says_where(text: str, message: str) -> None:
    file = devices_file()
    file.parent.mkdir(parents=True)
    file.write_text(text)
    with pytest.raises(BadInput, match=message) as caught:
        registered()
    assert str(file) in str(caught.value)
    with pytest.raises(BadInput, match=message):
        add_device("new", "ssh:x")
    assert file.read_text() == text


def test_a_folder_that_can_not_be_made(home: Path) -> None:
    (home / "config").write_text("in the way")
    with pytest.raises(Exception, match="cannot write") as caught:
        add_device("a", "ssh:x")
    assert getattr(caught.value, "exit_code", None) == 1


# -- the command -----------------------------------------------------------------------------------


def test_the_command_keeps_shows_and_forgets(run: Run, home: Path) -> None:
    added = run("devices", "add", "shed", "ssh:pi@10.0.0.7", "--threads", "1,4")
    assert added.code == 0, added.err
    assert "edgewright devices probe shed" in added.out
    assert run("devices", "add", "attic", "ssh:attic").code == 0
    grouped = run("devices", "group", "both", "shed", "attic")
    assert (grouped.code, grouped.out) == (0, "@both: shed, attic\n")
    shown = run("devices", "list").out.splitlines()
    assert [line.split() for line in shown] == [
        ["name", "destination", "python", "threads", "groups"],
        ["shed", "pi@10.0.0.7", "1,", "4", "both"],
        ["attic", "attic", "both"],
    ]
    machine = json.loads(run("devices", "list", "--json").out)
    assert machine["groups"] == {"both": ["shed", "attic"]}
    assert machine["devices"][0]["threads"] == [1, 4]
    removed = run("devices", "remove", "shed", "--json")
    assert json.loads(removed.out) == {"removed": "shed", "purged": False}
    assert registered().devices.keys() == {"attic"}


def test_the_command_says_what_is_wrong_in_a_line(run: Run, home: Path) -> None:
    empty = run("devices", "list")
    assert (empty.code, empty.out.split(";")[0]) == (0, "no device is registered")
    for words in (
        ("add", "shed", "ssh:$(touch struck)"),
        ("add", "a b", "ssh:x"),
        ("add", "shed", "ssh:x", "--threads", "four"),
        ("add", "shed", "ssh:x", "--python", "-c"),
        ("remove", "gone"),
        ("remove", "; touch struck"),
        ("group", "g", "gone"),
        ("probe", "two words"),
        ("wheels", "cp39-armv7l-glibc2.31"),
        ("frob",),
        (),
    ):
        ran = run("devices", *words)
        assert ran.code == 2, words
        assert ran.err.startswith("edgewright: error: ") and ran.err.count("\n") == 1, ran.err
    assert not (home / "struck").exists() and not devices_file().exists()
