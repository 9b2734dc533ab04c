"""Who to log in as, and where: what stands after ``ssh:``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgewright_runtimes.errors import BadInput

GRAMMAR = "[USER@]HOST[:PORT], an IPv6 number with a port as [NUMBER]:PORT"
# OpenSSH hands host and user to the shell of a ProxyCommand (%h, %r): what newer clients refuse
# there (valid_hostname and valid_ruser in ssh.c), and what would act in an -o option
_NO_DATA = re.compile(r"""[\s'"`$\\;&<>|(){}#,/\[\]]""")


@dataclass(frozen=True, slots=True)
class Destination:
    """``host`` is a name, a number, or a ``Host`` of the user's ~/.ssh/config.

    An empty ``user`` and no ``port`` leave both to that file. Raises ``BadInput`` for what can be
    no name: a leading ``-``, blanks, quotes, control characters.
    """

    host: str
    user: str = ""
    port: int | None = None

    def __post_init__(self) -> None:
        if not self.host:
            raise BadInput("no host was named", hint=f"write {GRAMMAR}")
        _require_name("host", self.host)
        if self.user:
            _require_name("user", self.user)
            if "%" in self.user:  # newer clients would replace it
                raise BadInput(f"user {self.user!r} holds '%'", hint=f"write {GRAMMAR}")
        if self.port is not None and not 1 <= self.port <= 65_535:
            raise BadInput(f"port {self.port} is none", hint="1 to 65535")

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port is not None else ""
        return f"{user}{self.bracketed_host}{port}"

    @property
    def bracketed_host(self) -> str:
        """As it stands before a ``:``."""
        return f"[{self.host}]" if ":" in self.host else self.host


def parse_destination(text: str) -> Destination:
    """``pi@shed.local:2222`` to its parts. Raises ``BadInput``."""
    user, at, place = text.rpartition("@")
    if at and not user:
        raise BadInput(f"{text!r} names no user before the @", hint=f"write {GRAMMAR}")
    host, port = _host_and_port(text, place)
    return Destination(host, user, port)


def _host_and_port(text: str, place: str) -> tuple[str, int | None]:
    if place.startswith("["):
        host, closed, tail = place[1:].partition("]")
        if not closed or (tail and not tail.startswith(":")):
            raise BadInput(f"{text!r} is no destination", hint=f"write {GRAMMAR}")
        return host, _port(text, tail[1:]) if tail else None
    if place.count(":") > 1:  # an IPv6 number; its last part is no port
        return place, None
    host, colon, port = place.partition(":")
    return host, _port(text, port) if colon else None


def _port(text: str, port: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", port):
        raise BadInput(f"{text!r}: port {port!r} is no number", hint="1 to 65535")
    return int(port)


def _require_name(what: str, text: str) -> None:
    if text.startswith("-"):
        raise BadInput(f"{what} {text!r} begins with '-'", hint=f"write {GRAMMAR}")
    found = _NO_DATA.search(text)
    if found or not text.isprintable():
        culprit = found[0] if found else next(c for c in text if not c.isprintable())
        raise BadInput(f"{what} {text!r} holds {culprit!r}", hint=f"write {GRAMMAR}")
