"""What ssh said, as an error that says what to do about it.

EdgewrightError
  LinkTrouble       no connection, or one that was lost: asking again later may help
  HostKeyTrouble    the device showed a key that is not the one that is known, or not known at all
  LoginTrouble      the device was reached, and lets nobody in without a password
  CommandFailed     the device was reached, and what was asked of it failed there

OpenSSH's client exits with 255 for all but the last, and says why in English on standard error
(sshconnect.c, sshconnect2.c, mux.c); its words are what is read here.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass

from edgewright.targets.ssh.client import Client
from edgewright.text_table import one_line
from edgewright_runtimes.errors import EdgewrightError


class LinkTrouble(EdgewrightError):
    pass


class Silence(LinkTrouble):
    """The link stands, or seems to; nothing came over it for as long as the caller waits."""


class HostKeyTrouble(EdgewrightError):
    pass


class LoginTrouble(EdgewrightError):
    pass


class CommandFailed(EdgewrightError):
    """``code`` is the exit code there; 255 is a command that a signal ended."""

    def __init__(self, message: str, *, code: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKey:
    """``kind`` is ssh's name of it: ``ssh-ed25519``; ``fingerprint`` begins with ``SHA256:``."""

    kind: str
    fingerprint: str

    @property
    def file(self) -> str:
        """Where the device keeps the half of it that may be shown."""
        known = ("ed25519", "ecdsa", "rsa")
        name = next((word for word in known if word in self.kind), "*")
        return f"/etc/ssh/ssh_host_{name}_key.pub"


_HOST_KEY = re.compile(r"^debug1: Server host key: (\S+) (SHA256:\S+)", re.M)
_CHANGED = re.compile(r"^Host key for (?P<name>\S+) has changed", re.M)
_OFFENDING = re.compile(r"^Offending \S+ key in (?P<file>.+):(?P<line>\d+)\s*$", re.M)
_NEW_PRINT = re.compile(r"^(SHA256:\S+?)\.?\s*$", re.M)
_DENIED = re.compile(r"Permission denied \((?P<methods>[\w,.@-]*)\)")
_REACHING = (
    (
        "Could not resolve hostname",
        "check the name; edgewright devices list has those that are registered",
    ),
    (
        "Connection refused",
        "its SSH server is off or on another port (HOST:PORT); on a Pi: "
        "sudo systemctl enable --now ssh",
    ),
    ("timed out|No route to host|is unreachable", "is it switched on, and in this network?"),
    ("Bad configuration option|Bad owner or permissions", "mend that file of ssh"),
    (
        "Session open refused",
        "its sshd allows no more commands at once (MaxSessions in its sshd_config)",
    ),
)


def shown_host_key(said: str) -> HostKey | None:
    """The key that the device showed, in the words of ``ssh -v``.

    The line comes before anything that the device can have printed itself.
    """
    found = _HOST_KEY.search(said)
    return HostKey(kind=found[1], fingerprint=found[2]) if found else None


def why_no_connection(
    client: Client, said: str, look: Callable[[], HostKey | None]
) -> EdgewrightError:
    """``look`` asks the device for its key; it is called where that is what is wrong."""
    if found := _CHANGED.search(said):
        return _changed(client, found["name"], said)
    if "REVOKED HOST KEY" in said:
        return HostKeyTrouble(
            f"the host key of {client.destination} is marked as revoked on this machine",
            hint="ask whoever looks after it for the device's new key",
        )
    if "Host key verification failed" in said:
        return _unknown(client, look())
    if denied := _DENIED.search(said):
        return _no_login(client, denied["methods"].split(","))
    if "Too many authentication failures" in said:
        return LoginTrouble(
            f"{client.destination} hung up after too many keys of yours that it does not know",
            hint="name the right one in ~/.ssh/config: IdentityFile PATH, IdentitiesOnly yes",
        )
    return link_trouble(client, f"no connection to {client.destination}", said)


def link_trouble(client: Client, what: str, said: str) -> LinkTrouble:
    """``what`` with ssh's last words, and what usually helps."""
    last = last_words(said)
    hint = next((hint for words, hint in _REACHING if re.search(words, said)), "")
    by_hand = f"try by hand: {client.by_hand()}"
    return LinkTrouble(f"{what}: {last}" if last else what, hint=hint or by_hand)


def first_words(said: str) -> str:
    """The first line that is no debugging."""
    return next(iter(_lines(said)), "")


def last_words(said: str) -> str:
    """The last one."""
    return next(reversed(_lines(said)), "")


def _lines(said: str) -> list[str]:
    """Without debugging, each cut where it is endless and made fit for a terminal: a board may have
    written it."""
    lines = (
        one_line(line.strip()[:300]) for line in said.splitlines() if not line.startswith("debug1:")
    )
    return [line for line in lines if line]


def _unknown(client: Client, key: HostKey | None) -> HostKeyTrouble:
    to = client.destination
    if key is None:
        return HostKeyTrouble(
            f"the host key of {to} is not known on this machine",
            hint=f"type {client.by_hand()} and compare what it shows with the device's own",
        )
    return HostKeyTrouble(
        f"the host key of {to} is not known on this machine: {key.kind} {key.fingerprint}",
        hint=f"compare it with what the device itself says (ssh-keygen -lf {key.file}), then type "
        f"{client.by_hand()} and answer its question with the device's own fingerprint",
    )


def _changed(client: Client, name: str, said: str) -> HostKeyTrouble:
    """``name`` is what the key is kept under: ``[127.0.0.1]:2222``."""
    new = _NEW_PRINT.search(said)
    now = f"; it shows {new[1]} now" if new else ""
    known = _OFFENDING.search(said)
    where = f" ({known['file']}, line {known['line']})" if known else ""
    file = ["-f", known["file"]] if known else []
    forget = shlex.join(["ssh-keygen", *file, "-R", name])
    return HostKeyTrouble(
        f"the host key of {client.destination} is not the one that is known{where}{now}: "
        "the device was set up anew, or another machine answers in its place",
        hint=f"if you know that it was set up anew: {forget}, then {client.by_hand()}",
    )


def _no_login(client: Client, methods: list[str]) -> LoginTrouble:
    to = client.destination
    passwords = {"password", "keyboard-interactive"} & set(methods)
    if passwords and "publickey" not in methods:
        return LoginTrouble(
            f"{to} takes a password only, and Edgewright asks for none",
            hint="allow keys there (PubkeyAuthentication yes in /etc/ssh/sshd_config), then "
            f"{client.by_hand('ssh-copy-id')}",
        )
    if passwords:
        return LoginTrouble(
            f"{to} accepts no key of yours, and a password is never asked for",
            hint=f"{client.by_hand('ssh-copy-id')} puts yours there (ssh-keygen makes one, "
            "ssh-add opens one that has a passphrase)",
        )
    return LoginTrouble(
        f"{to} accepts no key of yours",
        hint="add your public key to ~/.ssh/authorized_keys there, or name the right one in "
        "~/.ssh/config (IdentityFile); ssh-add opens one that has a passphrase",
    )
