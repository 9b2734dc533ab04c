"""What one stranger may take of the server: connections, handshakes, patience."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from tests.toolkit.page_client import Page

from edgewright.targets.page.certificate import make_certificate
from edgewright.targets.web import guard
from edgewright.targets.web.guard import MAX_CONNECTIONS
from edgewright.targets.web.server import PageServer


def is_cut(link: socket.socket, seconds: float = 5.0) -> bool:
    link.settimeout(seconds)
    try:
        return link.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def test_one_address_has_only_so_many_connections(page: Page) -> None:
    with ExitStack() as stack:
        links = [
            stack.enter_context(socket.create_connection((page.host, page.port)))
            for _ in range(MAX_CONNECTIONS + 8)
        ]
        assert is_cut(links[-1])
        assert not is_cut(links[0], 0.2)
    until = time.monotonic() + 5
    while time.monotonic() < until:  # they are free again
        try:
            assert page.ask("GET", "app/main.js").status == 200
            return
        except (ConnectionError, http.client.HTTPException):
            time.sleep(0.05)
    raise AssertionError("no connection came free")


def test_handshakes_that_never_end_count_too_and_are_hung_up_on(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "HANDSHAKE_SECONDS", 2.0)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    tls = make_certificate("127.0.0.1").context
    with PageServer(tls=tls, site=site) as server, ExitStack() as stack:
        links = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            for _ in range(MAX_CONNECTIONS + 1)
        ]
        assert is_cut(links[-1])
        assert not is_cut(links[0], 0.1)  # it still has time
        assert is_cut(links[0])
        assert all(is_cut(link) for link in links)
        page = Page(server.url(server.open_seat()), tls=client)
        assert page.ask("GET", "app/main.js").status == 200


def test_who_never_asks_is_hung_up_on(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "FIRST_REQUEST_SECONDS", 0.3)
    with socket.create_connection((page.host, page.port)) as link:
        link.sendall(b"GET /")
        assert is_cut(link)


def test_nonsense_is_answered_and_kills_nothing(page: Page) -> None:
    for nonsense in (b"\0" * 200 + b"\r\n\r\n", b"GET / HTTP/9\r\n\r\n", b"X" * 100_000):
        with socket.create_connection((page.host, page.port), timeout=10) as link:
            link.sendall(nonsense)
            with suppress(ConnectionResetError):
                assert link.recv(100)[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 431", b"")
    assert page.ask("GET", "").status == 200
