"""A real ``sshd`` on this machine, with keys, a home folder and settings of a test's own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.toolkit.processes import command_line, descendants

from edgewright.targets.ssh.client import CONFIG
from edgewright.targets.ssh.destination import Destination

UNPACKED = (
    Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgewright-tests" / "sshd"
)
PROGRAM = UNPACKED / "usr" / "sbin" / "sshd"
PRIVILEGE_SEPARATION = Path("/run/sshd")  # compiled in; Debian's service makes it at each start
START_SECONDS = 20.0
SETTINGS: Mapping[str, str] = {
    "ListenAddress": "127.0.0.1",
    "PidFile": "none",
    "StrictModes": "no",
    "UsePAM": "no",
    "UseDNS": "no",
    "PrintMotd": "no",
    "PermitRootLogin": "yes",
    "PasswordAuthentication": "no",
    "KbdInteractiveAuthentication": "no",
    "Subsystem": "sftp internal-sftp",
    "LogLevel": "VERBOSE",
}


class SshServer:
    """``folder`` takes all of it; ``pi`` is whoever runs the tests, at home in ``folder/home``.

    ``settings`` are of sshd_config, before the usual ones. ``options`` are what a ``Link`` needs to
    be let in; ``environment`` what a command line needs.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        self.log = folder / "sshd.log"
        self.known_hosts = folder / "known_hosts"
        self.config = folder / "ssh_config"
        self.port = _free_port()
        self._settings = dict(settings or {})
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("host_key", "identity", "stranger"):
            make_key(folder / name)
        self.authorize()
        self.know(self.public_host_key)
        self._write_settings()
        self._write_users()
        self.start()

    @property
    def destination(self) -> Destination:
        return Destination("127.0.0.1", "pi", self.port)

    @property
    def options(self) -> tuple[str, ...]:
        return ("-F", str(self.config))

    @property
    def environment(self) -> dict[str, str]:
        return {CONFIG: str(self.config)}

    @property
    def public_host_key(self) -> str:
        return " ".join((self.folder / "host_key.pub").read_text().split()[:2])

    @property
    def fingerprint(self) -> str:
        argv = ["ssh-keygen", "-lf", str(self.folder / "host_key.pub")]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()[1]

    @property
    def logins(self) -> int:
        return self.log.read_text(errors="replace").count("Accepted publickey")

    def know(self, public_key: str) -> None:
        """What the client has as this host's key; an empty one: nothing."""
        line = f"[127.0.0.1]:{self.port} {public_key}\n" if public_key else ""
        self.known_hosts.write_text(line)

    def authorize(self, options: str = "") -> None:
        """Let the client's key in; ``options`` as in authorized_keys(5)."""
        key = (self.folder / "identity.pub").read_text()
        (self.folder / "authorized_keys").write_text(f"{options} {key}".lstrip())

    def authorize_nobody(self) -> None:
        (self.folder / "authorized_keys").write_text("")

    def start(self) -> None:
        if os.geteuid() == 0:
            PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(UNPACKED / "usr/sbin/sshd"),
                    "-D",
                    "-e",
                    "-f",
                    str(self.folder / "sshd_config"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**_libraries(), **self._users()},
                start_new_session=True,
            )
        self._await()

    def kill(self) -> None:
        """Everything of sshd at once, without a word to its clients; commands stay."""
        self._end("sshd")

    def close(self) -> None:
        """And the commands that it started."""
        self._end("")

    def freeze(self) -> None:
        """Nothing is answered any more, as where a cable was pulled out."""
        self._signal("sshd", signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal("sshd", signal.SIGCONT)

    def _end(self, beginning: str) -> None:
        if self._process is not None:
            self._signal(beginning, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _signal(self, beginning: str, number: signal.Signals) -> None:
        """To the server, and to what it started whose program's name begins so."""
        if self._process is None:
            return
        pid = self._process.pid
        found = {p: Path(command_line(p).partition(" ")[0]).name for p in descendants(pid)}
        for one in [pid, *(p for p, name in found.items() if name.startswith(beginning))]:
            with suppress(ProcessLookupError):
                os.kill(one, number)

    def _await(self) -> None:
        end = time.monotonic() + START_SECONDS
        while self._process is not None and self._process.poll() is None:
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if time.monotonic() > end:
                break
            time.sleep(0.02)
        self.close()
        raise RuntimeError(f"sshd does not start: {self.log.read_text()}")

    def _write_settings(self) -> None:
        settings = {
            "Port": str(self.port),
            "HostKey": str(self.folder / "host_key"),
            "AuthorizedKeysFile": str(self.folder / "authorized_keys"),
            **SETTINGS,
            **self._settings,
        }
        lines = [f"{name} {value}\n" for name, value in settings.items()]
        (self.folder / "sshd_config").write_text("".join(lines))
        self.config.write_text(
            "Host *\n"
            f"  IdentityFile {self.folder / 'identity'}\n"
            "  IdentitiesOnly yes\n"
            "  IdentityAgent none\n"
            f"  UserKnownHostsFile {self.known_hosts}\n"
            "  GlobalKnownHostsFile /dev/null\n"
        )

    def _write_users(self) -> None:
        user, group = os.geteuid(), os.getegid()
        (self.folder / "passwd").write_text(
            f"pi:x:{user}:{group}:pi:{self.home}:/bin/sh\n"
            "sshd:x:65534:65534:sshd:/run/sshd:/usr/sbin/nologin\n"
        )
        (self.folder / "group").write_text(f"pi:x:{group}:\nnogroup:x:65534:\n")

    def _users(self) -> dict[str, str]:
        library = next(UNPACKED.glob("usr/lib/*/libnss_wrapper.so"))
        return {
            "LD_PRELOAD": str(library),
            "NSS_WRAPPER_PASSWD": str(self.folder / "passwd"),
            "NSS_WRAPPER_GROUP": str(self.folder / "group"),
        }


def is_there() -> bool:
    return PROGRAM.is_file() and shutil.which("ssh") is not None


def make_key(path: Path) -> None:
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", str(path)]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)


def _libraries() -> dict[str, str]:
    folders = sorted({str(p.parent) for p in UNPACKED.glob("**/*.so*")})
    return {"LD_LIBRARY_PATH": ":".join(folders), "PATH": os.environ.get("PATH", os.defpath)}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
