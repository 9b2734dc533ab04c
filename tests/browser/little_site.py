"""A page of one line, places that must not be reached, and a browser's processes by their kind."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from edgewright.targets.browser.processes import Marked


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><title>here</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[str]:
    """The page's address, ending with a slash."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


class Beyond:
    """TCP on another loopback address and on another port, UDP: ``heard`` is who came."""

    def __init__(self, stack: ExitStack) -> None:
        self.tcp = [
            stack.enter_context(socket.create_server((host, 0)))
            for host in ("127.0.0.2", "127.0.0.1")
        ]
        self.udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.udp.bind(("127.0.0.2", 0))
        for one in (*self.tcp, self.udp):
            one.settimeout(0.2)

    @property
    def addresses(self) -> list[str]:
        names = [one.getsockname() for one in self.tcp]
        return [f"{host}:{port}" for host, port in names] + [f"localhost:{names[1][1]}"]

    @property
    def udp_address(self) -> str:
        host, port = self.udp.getsockname()
        return f"{host}:{port}"

    def heard(self) -> list[str]:
        came = []
        for one in self.tcp:
            try:
                connection, who = one.accept()
            except TimeoutError:
                continue
            connection.close()
            came.append(f"tcp {who}")
        with suppress(TimeoutError):
            came.append(f"udp {self.udp.recvfrom(99)[1]}")
        return came


def pids_of(processes: Marked, kind: str) -> list[int]:
    """``main``: the browser itself; ``tab``: what runs pages."""
    return [pid for pid in processes.members() if is_kind(pid, kind)]


def pids_started_with(variable: str, value: str, kind: str = "main") -> list[int]:
    """The same of every browser that was started with ``variable`` set so."""
    marked = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if f"{variable}={value}".encode() in environ.read_bytes().split(b"\0"):
                marked.append(int(environ.parent.name))
    return [pid for pid in marked if pid != os.getpid() and is_kind(pid, kind)]


def is_kind(pid: int, kind: str) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b" ", b"\0").split(b"\0")
    except OSError:
        return False
    if kind == "tab":
        return b"--type=renderer" in words or (b"-contentproc" in words and b"tab" in words)
    child = any(w.startswith(b"--type=") or w == b"-contentproc" for w in words)
    named = any(name in words[0] for name in (b"chrom", b"firefox")) and b"crash" not in words[0]
    return named and not child


def ticks_of(pid: int) -> int:
    """Processor time that a process used so far; 0 for one that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0
    return int(fields[11]) + int(fields[12])
