"""How the system's ``ssh`` and ``sftp`` are called: the user's own settings, and what we insist on.

Words for a program, never a line for a shell. What stands first wins with ssh, so ours do.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from edgewright.targets.ssh.destination import Destination

CONFIG = "EDGEWRIGHT_SSH_CONFIG"  # the environment's name of a file to be read for ~/.ssh/config
INSISTED = (
    "BatchMode=yes",  # no question is ever asked
    "StrictHostKeyChecking=yes",
    "UpdateHostKeys=no",  # nothing is accepted in silence, further keys of a known host neither
    "NoHostAuthenticationForLocalhost=no",
    "VerifyHostKeyDNS=no",
    "ConnectTimeout=10",
    "ConnectionAttempts=1",
    "ServerAliveInterval=2",  # a cut link is noticed in 5 s
    "ServerAliveCountMax=2",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
    "LogLevel=INFO",  # its errors are read
)
INSISTED_8_7 = ("StdinNull=no", "ForkAfterAuthentication=no")  # an older one knows them not
ONE_COMMAND = "SessionType=default"  # of 8.7 too; sftp asks for another type itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """``options``: further words of both programs, such as ``-F FILE`` or ``-o NAME=VALUE``."""

    destination: Destination
    options: tuple[str, ...] = ()

    def ssh(self, *words: str, command: str) -> list[str]:
        """To run ``command``, one line that the login shell there reads."""
        type_ = ["-o", ONE_COMMAND] if _is_8_7() else []
        return ["ssh", *words, *type_, *self._common(), "--", self.destination.host, command]

    def sftp(self, *words: str) -> list[str]:
        """To do the batch on its standard input; it stops at the first that fails."""
        host = self.destination.bracketed_host
        return ["sftp", "-b", "-", *words, *self._common(), "--", host]

    def by_hand(self, program: str = "ssh") -> str:
        """What a person types to do the same."""
        to = self.destination
        port = ["-p", str(to.port)] if to.port else []
        user = f"{to.user}@" if to.user else ""
        return shlex.join([program, *self.options, *port, f"{user}{to.host}"])

    def _common(self) -> list[str]:
        to = self.destination
        options = (*INSISTED, *INSISTED_8_7) if _is_8_7() else INSISTED
        insisted = [word for option in options for word in ("-o", option)]
        user = ["-o", f"User={to.user}"] if to.user else []
        port = ["-o", f"Port={to.port}"] if to.port else []
        return [*insisted, *user, *port, *self.options]


def _is_8_7() -> bool:
    return _version(os.environ.get("PATH", "")) >= (8, 7)


@cache
def _version(path: str) -> tuple[int, int]:
    """Of the client that is found on ``path``; (0, 0) where it does not say."""
    try:
        done = subprocess.run(
            ["ssh", "-V"], stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0, 0
    found = re.search(rb"OpenSSH\w*_(\d+)\.(\d+)", done.stderr)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def options_of_environment() -> tuple[str, ...]:
    """``-F FILE`` where the environment names a file for ssh, else nothing."""
    file = os.environ.get(CONFIG)
    return ("-F", str(Path(file).expanduser())) if file else ()
