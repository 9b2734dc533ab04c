"""A client that plays the page: what it sends, a browser's page could send, or a hostile one."""

from __future__ import annotations

import http.client
import io
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import numpy as np

SPEC = {"name": "x", "dtype": "float32", "shape": [1, 2]}
LOADED = {"row": "loaded", "load_ns": 5, "in_force": {"threads": "1"}, "inputs": [SPEC],
          "outputs": [SPEC]}  # fmt: skip
FIRST = {"row": "first", "ns": 7}
SAMPLES = {
    "row": "samples", "file": "samples", "warmup_samples": 1, "calls_per_sample": 1,
    "partial": False,
}  # fmt: skip
DONE = {"row": "done"}


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Page:
    """One open page at ``url``: a connection of its own for each request."""

    def __init__(self, url: str, *, tls: ssl.SSLContext | None = None, name: str = "") -> None:
        parts = urlsplit(url)
        self.name = name
        self.host, self.port, self.base = str(parts.hostname), int(parts.port or 0), parts.path
        self._tls = tls

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        timeout: float = 30,
    ) -> Reply:
        """``path`` below the seat, or from the root where it begins with a slash."""
        whole = path if path.startswith("/") else self.base + path
        if self._tls is None:
            link = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        else:
            link = http.client.HTTPSConnection(
                self.host, self.port, timeout=timeout, context=self._tls
            )
        try:
            link.putrequest(method, whole, skip_accept_encoding=True)
            for name, value in (headers or {}).items():
                link.putheader(name, value)
            if body is not None:
                link.putheader("Content-Length", str(len(body)))
            link.endheaders(body)
            got = link.getresponse()
            return Reply(got.status, {k.lower(): v for k, v in got.getheaders()}, got.read())
        finally:
            link.close()

    def job(self, have: str = "") -> Any:
        reply = self.ask("GET", f"job?have={have}&page={self.name}")
        return reply.json() if reply.status == 200 else reply.status

    def rows(self, job_id: str, *rows: Mapping[str, Any], first: int = 0) -> Reply:
        """Post ``rows``, numbered from ``first``."""
        lines = [json.dumps({"protocol": 1, "seq": first + i, **r}) for i, r in enumerate(rows)]
        return self.ask("POST", f"rows/{job_id}", "\n".join(lines).encode())

    def put(self, path: str, content: bytes) -> Reply:
        return self.ask("PUT", path, content)


def npy(values: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values, allow_pickle=False)
    return stream.getvalue()


def npz(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    return stream.getvalue()
