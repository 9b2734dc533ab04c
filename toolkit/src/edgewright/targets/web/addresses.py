"""Which address a server may listen on: one that was named, never all of them."""

from __future__ import annotations

import ipaddress
import socket

from edgewright_runtimes.errors import BadInput

SOMEWHERE = ("192.0.2.1", 9)  # of RFC 5737: nobody's, and nothing is sent there


def bindable(host: str) -> str:
    """``host`` as a number; no name is looked up but ``localhost``. Raises ``BadInput``."""
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise BadInput(f"{host!r} is no address", hint=f"a number{_for_example()}") from None
    mapped = getattr(address, "ipv4_mapped", None)
    if address.is_unspecified or (mapped is not None and mapped.is_unspecified):
        raise BadInput(
            f"{host} would listen on every network",
            hint=f"name the one address to listen on{_for_example()}",
        )
    return str(mapped or address)


def is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


def _for_example() -> str:
    """This machine's address on the way out, where it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(SOMEWHERE)  # a datagram socket sends nothing by that
        except OSError:
            return ": 192.168.1.7"
        return f": {probe.getsockname()[0]}"
