"""What is printed: the address, its code, and the certificate's fingerprint to compare."""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
import threading
from pathlib import Path

import segno

from edgewright.targets.page.certificate import make_certificate
from edgewright.targets.page.invitation import invitation


def test_certificate_is_for_its_address_and_says_its_fingerprint(tmp_path: Path) -> None:
    certificate = make_certificate("127.0.0.1")
    ours, theirs = socket.socketpair()
    got: list[bytes] = []

    def serve() -> None:
        with certificate.context.wrap_socket(ours, server_side=True):
            pass

    serving = threading.Thread(target=serve)
    serving.start()
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    with client.wrap_socket(theirs) as link:
        got.append(link.getpeercert(binary_form=True) or b"")
        assert link.version() in ("TLSv1.2", "TLSv1.3")
    serving.join()
    pairs = hashlib.sha256(got[0]).hexdigest().upper()
    assert certificate.fingerprint == ":".join(re.findall("..", pairs))
    assert make_certificate("::1").fingerprint != certificate.fingerprint


def test_invitation_says_what_to_compare_and_shows_the_code() -> None:
    url = "https://192.168.1.7:8443/abcdefgh/"
    plain = invitation(url, fingerprint="AA:" * 31 + "BB", colours=False)
    assert url in plain and "AA:BB" in plain and "\x1b" not in plain
    coloured = invitation(url, fingerprint="AA", colours=True, devices=3)
    assert "Waiting for 3 devices" in coloured and "\x1b[30;47m" in coloured
    here = invitation("http://127.0.0.1:41234/abc/", colours=False)
    assert "adb reverse tcp:41234 tcp:41234" in here
    assert "whoever listens" in invitation("http://192.168.1.7:80/abc/", colours=False)


def test_the_code_reads_as_the_address() -> None:
    """Read back by its modules: what a scanner would see is the code that segno made."""
    url = "https://192.168.1.7:8443/abcdefgh/"
    lines = [
        line.split("\x1b[30;47m")[1].split("\x1b[0m")[0]
        for line in invitation(url, colours=True).splitlines()
        if "\x1b[30;47m" in line
    ]
    pairs = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}
    seen = [[pairs[c][half] for c in line] for line in lines for half in (0, 1)]
    code = segno.make(url, error="l", micro=False).matrix_iter(border=4)
    wanted = [[int(module) for module in row] for row in code]
    assert seen[: len(wanted)] == wanted
