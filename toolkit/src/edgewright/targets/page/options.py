"""Where the page is served to devices; what the command line says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgewright_runtimes.errors import BadInput

LOOPBACK = "127.0.0.1"
HINT = "ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT, with http:// before it for no TLS"
_GRAMMAR = re.compile(
    r"(?:(?P<scheme>https?)://)?"
    r"(?:\[(?P<bracketed>[0-9A-Fa-f:.]+)\]|(?P<plain>[^\[\]:/]+)|(?P<six>[0-9A-Fa-f.]*(?::[0-9A-Fa-f.]*){2,}))"
    r"(?::(?P<port>\d{1,5}))?/?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOptions:
    """``address``: the one to listen on, by its number. ``port`` 0: one that is free.

    ``plain``: no TLS on a network, for a device that refuses the certificate; its page then has
    one thread, and whoever listens on that network can read along. ``devices``: how many are
    awaited; more may come at once.
    """

    address: str = LOOPBACK
    port: int = 0
    plain: bool = False
    devices: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise BadInput(f"port is {self.port}", hint="0 to 65535")
        if self.devices < 1:
            raise BadInput(f"devices is {self.devices}", hint="1 or more")


HERE = PageOptions()


def page_options(listen: str = "", devices: int = 1) -> PageOptions:
    """``listen`` as it was typed. Raises ``BadInput``."""
    if not listen:
        return PageOptions(devices=devices)
    found = _GRAMMAR.fullmatch(listen.strip())
    if found is None:
        raise BadInput(f"--listen {listen!r} is no address", hint=HINT)
    address = found["bracketed"] or found["plain"] or found["six"]
    return PageOptions(
        address=address,
        port=int(found["port"] or 0),
        plain=found["scheme"] == "http",
        devices=devices,
    )
