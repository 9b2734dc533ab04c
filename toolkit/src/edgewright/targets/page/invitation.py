"""How to come to the page: its address, the code of it, and what to compare."""

from __future__ import annotations

import io
import ipaddress

BLACK_ON_WHITE, PLAIN = "\x1b[30;47m", "\x1b[0m"
QUIET = 4  # modules of white around the code, as its standard asks


def invitation(url: str, *, fingerprint: str = "", colours: bool, devices: int = 1) -> str:
    """The lines to print. ``colours``: a terminal reads them, and can show the code."""
    awaited = "a device" if devices == 1 else f"{devices} devices"
    lines = [f"Waiting for {awaited} to open", "", f"  {url}", ""]
    if colours:
        lines += [*_code(url), ""]
    lines += _advice(url, fingerprint)
    lines.append("Ctrl-C: wait no longer; what was measured is kept.")
    return "\n".join(lines)


def _advice(url: str, fingerprint: str) -> list[str]:
    scheme, _, rest = url.partition("://")
    host, _, port = rest.split("/", 1)[0].rpartition(":")
    if fingerprint:
        return [
            "The browser will warn, for nobody vouches for the certificate: it was made for this",
            "run. Its SHA-256 fingerprint:",
            *_wrapped(fingerprint),
            f"A device that refuses it: --listen http://{host} (no TLS, one thread).",
        ]
    if ipaddress.ip_address(host.strip("[]")).is_loopback:
        return [
            "From this machine only. A phone on a cable:",
            f"  adb reverse tcp:{port} tcp:{port}, then open the same address on it.",
            "A device on the network: --listen ADDRESS, an address of this machine.",
        ]
    return [
        f"{scheme}: without TLS the page has one thread, and whoever listens on this network can",
        "read along and answer in its place.",
    ]


def _wrapped(fingerprint: str) -> list[str]:
    middle = len(fingerprint) // 2 + 1
    return [f"  {fingerprint[:middle]}", f"  {fingerprint[middle:]}"]


def _code(url: str) -> list[str]:
    """A QR code by half blocks, black on white whatever the terminal's own colours are."""
    import segno

    rows = [list(row) for row in segno.make(url, error="l", micro=False).matrix_iter(border=QUIET)]
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    lines = []
    for above, below in zip(rows[::2], rows[1::2], strict=True):
        line = io.StringIO()
        for pair in zip(above, below, strict=True):
            line.write({(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}[pair])
        lines.append(f"  {BLACK_ON_WHITE}{line.getvalue()}{PLAIN}")
    return lines
