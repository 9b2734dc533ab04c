"""The link to a board, over a real sshd: what goes over it, and what is said when it breaks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.device.conftest import MakeSshd
from tests.device.ssh_server import SshServer
from tests.toolkit.processes import command_line, descendants

from edgewright.cli import main
from edgewright.targets.ssh.client import _version
from edgewright.targets.ssh.link import (
    CommandFailed,
    HostKeyTrouble,
    Link,
    LinkTrouble,
    LoginTrouble,
    Silence,
)
from edgewright_runtimes.errors import BadInput, MissingExtra

ODD = [
    "two words", "it's", '"quoted"', "semi;colon", "$(touch struck)", "`touch struck`", "-rf",
    "--", "*", "~", "~/x", "#", "a\\b", "tab\there", "line\nend", "", "ünï—", "&& false", "!x",
    "[a]?",
]  # fmt: skip
NAMES = [name for name in ODD if name and name.isprintable()]


def connect(server: SshServer, *options: str) -> Link:
    """``options`` stand before those of the server: ssh takes the first of a kind."""
    return Link(server.destination, options=(*options, *server.options))


@pytest.fixture
def link(sshd: SshServer) -> Iterator[Link]:
    with connect(sshd) as opened:
        yield opened


# -- commands --------------------------------------------------------------------------------------


def test_a_command_with_its_input_output_and_exit_code(link: Link) -> None:
    done = link.run(["sh", "-c", "cat; echo bad >&2; exit 7"], stdin=b"\0in\xff")
    assert (done.code, done.stdout, done.stderr) == (7, b"\0in\xff", b"bad\n")


def test_a_large_input_and_output(link: Link) -> None:
    data = os.urandom(3_000_000)
    assert link.run(["cat"], stdin=data).stdout == data


def test_every_word_is_data(link: Link, sshd: SshServer) -> None:
    done = link.run(["printf", "%s\\0", *ODD])
    assert done.stdout.decode().split("\0")[:-1] == ODD
    assert not list(sshd.home.iterdir())


def test_a_word_that_no_command_line_can_hold(link: Link) -> None:
    with pytest.raises(BadInput, match="no command"):
        link.run(["echo", "a\0b"])


def test_hundred_commands_are_one_login(link: Link, sshd: SshServer) -> None:
    for number in range(100):
        assert link.run(["echo", str(number)]).stdout == f"{number}\n".encode()
    assert sshd.logins == 1


def test_several_at_once_are_one_login_too(link: Link, sshd: SshServer) -> None:
    said: list[bytes] = []
    threads = [
        threading.Thread(target=lambda n=n: said.append(link.run(["echo", str(n)]).stdout))
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == [f"{n}\n".encode() for n in range(6)]
    assert sshd.logins == 1


def test_a_command_that_a_signal_ended_is_no_lost_link(link: Link, sshd: SshServer) -> None:
    assert link.run(["exec", "sh", "-c", "kill -9 $$"]).code == 255  # in the login shell's place
    assert link.run(["sh", "-c", "kill -9 $$"]).code == 128 + signal.SIGKILL  # as that shell has it
    assert link.run(["echo", "on"]).stdout == b"on\n"
    assert sshd.logins == 1


def test_a_command_without_end_is_given_up(link: Link) -> None:
    with pytest.raises(Silence, match=r"sleep on pi@127.* did not end within 0.5 s"):
        link.run(["sleep", "10"], timeout_seconds=0.5)
    assert link.run(["true"]).code == 0


def test_output_without_end_is_stopped(link: Link) -> None:
    with pytest.raises(LinkTrouble, match=r"yes on .* printed more than 1,000,000 bytes"):
        link.run(["yes"], max_bytes=1_000_000)
    assert link.run(["true"]).code == 0


def test_of_errors_without_end_the_last_are_kept(link: Link) -> None:
    done = link.run(["sh", "-c", "seq 1 200000 >&2; echo last >&2"])
    assert done.stderr.endswith(b"200000\nlast\n") and len(done.stderr) <= 65_536


def test_a_command_that_is_not_there(link: Link) -> None:
    done = link.run(["no-such-program"])
    assert done.code == 127 and b"not found" in done.stderr


# -- streams ---------------------------------------------------------------------------------------


def test_lines_come_while_the_command_runs(link: Link, sshd: SshServer) -> None:
    script = "echo one; while [ ! -e go ]; do sleep 0.02; done; echo two; printf rest"
    with link.stream(["sh", "-c", script]) as lines:
        assert next(lines) == b"one\n"
        (sshd.home / "go").touch()
        assert list(lines) == [b"two\n", b"rest"]


def test_a_stream_has_its_input(link: Link) -> None:
    with link.stream(["cat"], stdin=b"a\nb\n") as lines:
        assert list(lines) == [b"a\n", b"b\n"]


def test_a_stream_that_fails_says_so_after_its_lines(link: Link) -> None:
    with link.stream(["sh", "-c", "echo one; echo why >&2; exit 3"]) as lines:
        assert next(lines) == b"one\n"
        with pytest.raises(CommandFailed, match="ended with exit code 3: why") as caught:
            next(lines)
    assert caught.value.code == 3


def test_a_line_without_end_is_stopped(link: Link) -> None:
    with link.stream(["sh", "-c", "echo ok; tr '\\0' x </dev/zero"]) as lines:
        assert next(lines) == b"ok\n"
        with pytest.raises(LinkTrouble, match="more than 1,000,000 bytes in one line"):
            next(lines)
    assert link.run(["true"]).code == 0


def test_silence_is_told(link: Link) -> None:
    with link.stream(["sh", "-c", "echo a; sleep 10"], silence_seconds=0.5) as lines:
        assert next(lines) == b"a\n"
        with pytest.raises(Silence, match=r"printed nothing for 0.5 s"):
            next(lines)


def test_sshd_is_killed_in_the_middle_of_a_line(link: Link, sshd: SshServer) -> None:
    got = []
    with link.stream(["sh", "-c", "echo whole; printf half; exec sleep 10"]) as lines:
        got.append(next(lines))
        sshd.kill()
        with pytest.raises(LinkTrouble, match=r"the link to pi@.* was lost"):
            got += lines
    assert got == [b"whole\n"]
    with pytest.raises(LinkTrouble, match=r"Connection refused.*its SSH server is off"):
        link.run(["true"])
    sshd.start()
    assert link.run(["echo", "again"]).stdout == b"again\n"
    assert sshd.logins == 2


def test_a_short_silence_of_the_network_loses_nothing(link: Link, sshd: SshServer) -> None:
    with link.stream(["seq", "1", "300000"]) as lines:
        got = [next(lines)]
        sshd.freeze()
        threading.Timer(1.0, sshd.thaw).start()
        got += lines
    assert got == [f"{n}\n".encode() for n in range(1, 300_001)]
    assert sshd.logins == 1


def test_a_long_one_is_a_lost_link(link: Link, sshd: SshServer) -> None:
    """Told by the client's own questions, which nobody answers: no packet says that it is over."""
    with link.stream(["sh", "-c", "echo one; exec sleep 20"]) as lines:
        assert next(lines) == b"one\n"
        sshd.freeze()
        with pytest.raises(LinkTrouble, match=r"was lost: .*not responding"):
            next(lines)


def test_sshd_is_killed_under_a_command(link: Link, sshd: SshServer) -> None:
    link.run(["true"])
    killer = threading.Timer(0.3, sshd.kill)
    killer.start()
    with pytest.raises(LinkTrouble, match="was lost"):
        link.run(["sleep", "10"])
    killer.join()


def test_a_command_that_prints_byte_after_byte_has_an_end(link: Link) -> None:
    """Not one of them is a line, and none comes later than is waited for."""
    drip = ["sh", "-c", "while :; do printf x; sleep 0.1; done"]
    until = time.monotonic() + 2
    with (
        pytest.raises(Silence, match="went on beyond its limit"),
        link.stream(drip, silence_seconds=20, until=until) as lines,
    ):
        next(lines)
    assert time.monotonic() < until + 10


def test_a_command_that_is_too_long_is_no_traceback(link: Link) -> None:
    with pytest.raises(LinkTrouble, match="can't be started here: Argument list too long"):
        link.run(["echo", "x" * 200_000])


def test_what_a_command_says_does_not_act_on_a_terminal(link: Link) -> None:
    code = r"printf '\033]0;x\007' >&2; exit 3"
    with pytest.raises(CommandFailed) as caught, link.stream(["sh", "-c", code]) as lines:
        list(lines)
    assert str(caught.value).isprintable() and "]0;x" in str(caught.value)


def test_settings_that_run_no_command_or_read_no_input_are_overruled(
    sshd: SshServer, tmp_path: Path
) -> None:
    if _version(os.environ["PATH"]) >= (8, 7):
        with sshd.config.open("a") as config:
            config.write("SessionType none\nStdinNull yes\nForkAfterAuthentication yes\n")
    (tmp_path / "file").write_text("x")
    with connect(sshd) as link:
        assert link.run(["cat"], stdin=b"in").stdout == b"in"
        link.push({"a/b": tmp_path / "file"})
    assert (sshd.home / "a" / "b").read_text() == "x"


# -- files -----------------------------------------------------------------------------------------


def test_files_get_to_their_places(link: Link, sshd: SshServer, tmp_path: Path) -> None:
    data = os.urandom(2_000_000)
    (tmp_path / "big").write_bytes(data)
    (tmp_path / "empty").touch()
    absolute = sshd.home / "elsewhere" / "b"
    link.push({"deep/er/a": tmp_path / "big", str(absolute): tmp_path / "empty"})
    assert (sshd.home / "deep/er/a").read_bytes() == data
    assert absolute.read_bytes() == b""
    (tmp_path / "big").write_bytes(b"new")
    link.push({"deep/er/a": tmp_path / "big"})
    assert (sshd.home / "deep/er/a").read_bytes() == b"new"
    assert sorted(p.name for p in sshd.home.rglob("*")) == ["a", "b", "deep", "elsewhere", "er"]
    assert sshd.logins == 1


def test_a_name_is_data_there_and_here(link: Link, sshd: SshServer, tmp_path: Path) -> None:
    for number, name in enumerate(NAMES):
        local = tmp_path / name.replace("/", "_")
        local.write_text(str(number))
        link.push({f"{name}-{number}/{name}": local})
        assert (sshd.home / f"{name}-{number}" / name).read_text() == str(number)
    assert not list(sshd.home.rglob("struck")) and not list(sshd.home.rglob("*.tmp"))


def test_paths_that_are_none(link: Link, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in ("", "folder/", "line\nend", "\x1b[2J"):
        with pytest.raises(BadInput, match="is no path of a file"):
            link.push({path: tmp_path / "file"})
    with pytest.raises(BadInput, match=r"no file .*gone"):
        link.push({"a": tmp_path / "gone"})


def test_a_place_that_can_not_be_written(link: Link, sshd: SshServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (sshd.home / "folder" / "a").mkdir(parents=True)
    (sshd.home / "in_the_way").touch()
    with pytest.raises(CommandFailed, match=r"cannot write on pi@.*in_the_way.*; is its disk full"):
        link.push({"in_the_way/a": tmp_path / "file"})
    with pytest.raises(CommandFailed, match=r"cannot write on pi@.*rename"):
        link.push({"folder/a": tmp_path / "file"})
    assert [p.name for p in (sshd.home / "folder").iterdir()] == ["a"]


def test_sshd_is_killed_in_a_push(link: Link, sshd: SshServer, tmp_path: Path) -> None:
    with (tmp_path / "big").open("wb") as stream:
        stream.truncate(300_000_000)
    link.run(["true"])
    killer = threading.Thread(target=lambda: (_until(sshd, "*.tmp"), sshd.kill()))
    killer.start()
    with pytest.raises(LinkTrouble, match="was lost"):
        link.push({"place": tmp_path / "big"})
    killer.join()
    assert not (sshd.home / "place").exists()


# -- the door --------------------------------------------------------------------------------------


def test_an_unknown_host_key_is_shown_and_not_accepted(sshd: SshServer) -> None:
    sshd.know("")
    with connect(sshd) as link, pytest.raises(HostKeyTrouble) as caught:
        link.run(["true"])
    said = str(caught.value)
    assert f"is not known on this machine: ssh-ed25519 {sshd.fingerprint};" in said
    assert "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" in said
    assert f"ssh -F {sshd.config} -p {sshd.port} pi@127.0.0.1" in said
    assert sshd.known_hosts.read_text() == ""
    assert sshd.logins == 0


def test_a_changed_host_key_is_said_as_such(sshd: SshServer) -> None:
    sshd.know(" ".join((sshd.folder / "stranger.pub").read_text().split()[:2]))
    before = sshd.known_hosts.read_text()
    with connect(sshd) as link, pytest.raises(HostKeyTrouble) as caught:
        link.run(["true"])
    said = str(caught.value)
    assert f"is not the one that is known ({sshd.known_hosts}, line 1)" in said
    assert f"it shows {sshd.fingerprint} now" in said
    assert f"ssh-keygen -f {sshd.known_hosts} -R '[127.0.0.1]:{sshd.port}'" in said
    assert sshd.known_hosts.read_text() == before
    assert sshd.logins == 0


def test_a_revoked_host_key(sshd: SshServer) -> None:
    sshd.known_hosts.write_text(f"@revoked * {sshd.public_host_key}\n")
    with connect(sshd) as link, pytest.raises(HostKeyTrouble, match="marked as revoked"):
        link.run(["true"])


def test_settings_of_the_user_do_not_loosen_it(sshd: SshServer) -> None:
    loose = "StrictHostKeyChecking no\nUpdateHostKeys yes\nRemoteCommand false\nBatchMode no\n"
    sshd.config.write_text(loose + sshd.config.read_text())
    with connect(sshd) as link:
        assert link.run(["echo", "in"]).stdout == b"in\n"
    sshd.know("")
    with connect(sshd) as link, pytest.raises(HostKeyTrouble):
        link.run(["true"])
    assert sshd.known_hosts.read_text() == ""


def test_a_login_by_password_alone(make_sshd: MakeSshd) -> None:
    server = make_sshd(PubkeyAuthentication="no", PasswordAuthentication="yes")
    with connect(server) as link, pytest.raises(LoginTrouble) as caught:
        link.run(["true"])
    said = str(caught.value)
    assert f"{server.destination} takes a password only, and Edgewright asks for none" in said
    assert "PubkeyAuthentication yes" in said
    assert f"ssh-copy-id -F {server.config} -p {server.port} pi@127.0.0.1" in said


def test_a_key_that_is_refused_where_a_password_would_do(make_sshd: MakeSshd) -> None:
    server = make_sshd(PasswordAuthentication="yes")
    server.authorize_nobody()
    with connect(server) as link, pytest.raises(LoginTrouble, match=r"no key of yours.*; ssh-copy"):
        link.run(["true"])


def test_a_key_that_is_refused(sshd: SshServer) -> None:
    sshd.authorize_nobody()
    with connect(sshd) as link, pytest.raises(LoginTrouble) as caught:
        link.run(["true"])
    said = str(caught.value)
    assert f"{sshd.destination} accepts no key of yours;" in said
    assert "~/.ssh/authorized_keys" in said


def test_nothing_listens(sshd: SshServer) -> None:
    sshd.close()
    with connect(sshd) as link, pytest.raises(LinkTrouble) as caught:
        link.run(["true"])
    said = str(caught.value)
    assert f"no connection to {sshd.destination}: " in said and "Connection refused" in said
    assert "systemctl enable --now ssh" in said


def test_a_settings_file_that_ssh_does_not_read(sshd: SshServer) -> None:
    sshd.config.write_text("NoSuchThing yes\n")
    with connect(sshd) as link, pytest.raises(LinkTrouble, match="mend that file of ssh"):
        link.run(["true"])


def test_a_login_shell_that_prints(sshd: SshServer) -> None:
    sshd.authorize('command="echo welcome; eval \\"$SSH_ORIGINAL_COMMAND\\""')
    said = r"prints before any command runs: 'welcome'; keep"
    with connect(sshd) as link, pytest.raises(LinkTrouble, match=said):
        link.run(["true"])


def test_a_login_that_runs_nothing(sshd: SshServer) -> None:
    sshd.authorize('command="echo this account is closed; exit 1"')
    with connect(sshd) as link, pytest.raises(LinkTrouble, match="runs no command: 'this account"):
        link.run(["true"])


def test_a_login_that_prints_without_end(sshd: SshServer) -> None:
    sshd.authorize('command="yes"')
    with connect(sshd) as link, pytest.raises(LinkTrouble, match="prints without end"):
        link.run(["true"])


def test_a_device_that_allows_no_second_session(make_sshd: MakeSshd) -> None:
    server = make_sshd(MaxSessions="1")
    with connect(server) as link, pytest.raises(LinkTrouble, match=r"no further command.*MaxSes"):
        link.run(["true"])


def test_no_openssh_here(sshd: SshServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(sshd.folder))
    with connect(sshd) as link, pytest.raises(MissingExtra, match="openssh-client"):
        link.run(["true"])


# -- what is left ----------------------------------------------------------------------------------


def test_nothing_is_left_when_it_is_closed(sshd: SshServer) -> None:
    before = _ssh_processes()
    with connect(sshd) as link:
        link.run(["true"])
        assert _ssh_processes() - before
        with link.stream(["sleep", "10"]):
            pass
    assert not _ssh_processes() - before


def test_nothing_is_left_of_a_link_whose_process_was_killed(sshd: SshServer) -> None:
    script = (
        "import sys; from edgewright.targets.ssh.link import Link; "
        "from edgewright.targets.ssh.destination import parse_destination; "
        "link = Link(parse_destination(sys.argv[1])); link.run(['true']); "
        "print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(sshd.destination)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **sshd.environment},
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == b"open\n"
        children = descendants(process.pid)
        assert children
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert _gone(children)


def test_the_message_on_the_command_line(
    sshd: SshServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in sshd.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(sshd.folder / "config"))
    sshd.know("")
    assert main(["devices", "add", "shed", f"ssh:{sshd.destination}"]) == 0
    assert main(["devices", "probe", "shed"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("edgewright: error: the host key of pi@")
    assert sshd.fingerprint in said


def _until(server: SshServer, pattern: str) -> None:
    end = time.monotonic() + 30
    while not list(server.home.glob(f".{pattern}")) and time.monotonic() < end:
        time.sleep(0.002)


def _ssh_processes() -> set[int]:
    """Those of this process."""
    found = descendants(os.getpid())
    return {pid for pid in found if command_line(pid).split()[:1] in (["ssh"], ["sftp"])}


def _gone(pids: set[int]) -> bool:
    end = time.monotonic() + 10
    while any(command_line(pid) for pid in pids) and time.monotonic() < end:
        time.sleep(0.05)
    return not any(command_line(pid) for pid in pids)
