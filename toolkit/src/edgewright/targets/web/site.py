"""What is answered to which request. It knows HTTP; what a page may do, its seat decides."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from edgewright.targets.web.files import inside
from edgewright.targets.web.headers import FOR_GOOD, HEADERS, media_type
from edgewright.targets.web.seats import Answer, Seat, other_protocol
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.protocol import PROTOCOL

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from edgewright.targets.web.delivery import Out
    from edgewright.targets.web.server import PageServer

POLL_SECONDS = 20.0
ROWS_BYTES = 1 << 20
PAGE_CHARACTERS = 64
BODY_SECONDS = 30.0  # without a byte of a body that was announced
SITE_FOLDERS = ("app", "vendor", "licences")
LOG = logging.getLogger(__name__)

Do = Callable[["Request", Seat], Awaitable[Response]]


class TooLarge(Exception):
    pass


class CutOff(Exception):
    pass


class Site:
    """The application. ``folder`` holds ``index.html``, ``app/``, ``vendor/``, ``licences/``."""

    def __init__(self, folder: Path, server: PageServer) -> None:
        self._folder = folder
        self._server = server

    def app(self) -> ASGIApp:
        routes = [
            Route("/{token}/", self._front),
            Route("/{token}/job", self._seated(self._job)),
            Route("/{token}/seen", self._seated(self._seen), methods=["POST"]),
            Route("/{token}/file/{job}/{name}", self._seated(self._file)),
            Route("/{token}/file/{job}/{name}/{below:path}", self._seated(self._file)),
            Route("/{token}/rows/{job}", self._seated(self._rows), methods=["POST"]),
            Route("/{token}/out/{job}/{name}", self._seated(self._out), methods=["PUT"]),
            Route("/{token}/{below:path}", self._seated(self._own)),
        ]
        star = Starlette(routes=routes)
        star.router.redirect_slashes = False
        return _with_headers(star)

    def _seated(self, do: Do) -> Callable[[Request], Awaitable[Response]]:
        """Only with the token of a seat, and not too often."""

        async def answer(request: Request) -> Response:
            seat = self._server.seat(request.path_params["token"])
            if seat is None:
                return nothing()
            with seat.request() as wait:
                return too_early(wait) if wait else await do(request, seat)

        return answer

    async def _front(self, request: Request) -> Response:
        """The page of a seat; at a door, a seat of its own for who comes."""
        token = request.path_params["token"]
        door = self._server.door(token)
        if door is None:
            return await self._seated(self._page)(request)
        host = request.client.host if request.client else ""
        seat = door.enter(host, request.headers.get("user-agent", ""), request.cookies.get("seat"))
        if seat is None:
            return Response("too many devices", 503, media_type="text/plain")
        response = RedirectResponse(f"../{seat.token}/", 303)
        secure = request.url.scheme == "https"
        response.set_cookie(
            "seat", seat.token, path=f"/{token}/", httponly=True, samesite="strict", secure=secure
        )
        return response

    async def _page(self, request: Request, seat: Seat) -> Response:
        return self._send(inside(self._folder, "index.html"))

    async def _own(self, request: Request, seat: Seat) -> Response:
        below = request.path_params["below"]
        if below.split("/", 1)[0] not in SITE_FOLDERS:
            return nothing()
        response = self._send(inside(self._folder, below))
        if below.startswith("vendor/") and response.status_code == 200:
            response.headers.update(FOR_GOOD)
        return response

    async def _job(self, request: Request, seat: Seat) -> Response:
        theirs = request.query_params.get("protocol", str(PROTOCOL))
        if theirs != str(PROTOCOL):
            return sent(other_protocol(theirs))
        have = request.query_params.get("have", "")
        page = request.query_params.get("page", "")[:PAGE_CHARACTERS]
        loop = asyncio.get_running_loop()
        until = loop.time() + POLL_SECONDS
        poll = seat.new_poll()
        while not await request.is_disconnected():  # whoever is gone must not take a job
            answer = seat.next_job(have, poll, page)
            if answer is not None:
                return sent(answer)
            left = until - loop.time()
            if left <= 0:
                break
            await self._server.bell.wait(left)
        return Response(status_code=204)

    async def _seen(self, request: Request, seat: Seat) -> Response:
        return Response(status_code=204)

    async def _file(self, request: Request, seat: Seat) -> Response:
        at = request.path_params
        return self._send(seat.find(at["job"], at["name"], at.get("below", "")))

    async def _rows(self, request: Request, seat: Seat) -> Response:
        body = bytearray()
        try:
            await _read(request, ROWS_BYTES, body.extend)
        except TooLarge:
            error = f"rows of more than {ROWS_BYTES} bytes at once"
            seat.spoil(request.path_params["job"], error)
            return sent(Answer(413, {"error": error}))
        except CutOff:
            return cut_off()
        return sent(seat.post(request.path_params["job"], bytes(body)))

    async def _out(self, request: Request, seat: Seat) -> Response:
        job, name = request.path_params["job"], request.path_params["name"]
        out = seat.out(job, name)
        if isinstance(out, Answer):
            return sent(out)
        hidden = f".{out.path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp"
        temporary = out.path.with_name(hidden)
        try:
            with temporary.open("wb") as stream:
                await _read(request, out.limit_bytes, stream.write)
            return sent(await asyncio.to_thread(_checked, seat, job, name, out, temporary))
        except TooLarge:
            error = f"{name} of more than {out.limit_bytes} bytes"
            seat.spoil(job, error)
            return sent(Answer(413, {"error": error}))
        except CutOff:
            return cut_off()
        except OSError as e:
            words = f"{out.path} cannot be written: {e.strerror or e}"
            seat.spoil(job, words)
            return sent(Answer(507, {"error": "it cannot be written here"}))
        finally:
            temporary.unlink(missing_ok=True)

    def _send(self, path: Path | None) -> Response:
        if path is None:
            return nothing()
        return FileResponse(path, media_type=media_type(path.name), stat_result=path.stat())


def _checked(seat: Seat, job: str, name: str, out: Out, temporary: Path) -> Answer:
    try:
        out.check(temporary)
    except BadInput as e:
        return seat.spoil(job, str(e))
    return seat.keep(job, name, temporary)


async def _read(request: Request, most: int, take: Callable[[bytes], object]) -> None:
    """The body, piece by piece. Raises ``TooLarge``, and ``CutOff`` where it stops coming."""
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > most:
        raise TooLarge
    pieces = request.stream().__aiter__()
    total = 0
    while True:
        try:
            piece = await asyncio.wait_for(pieces.__anext__(), BODY_SECONDS)
        except StopAsyncIteration:
            return
        except (ClientDisconnect, asyncio.TimeoutError):
            raise CutOff from None
        total += len(piece)
        if total > most:
            raise TooLarge
        take(piece)


def sent(answer: Answer) -> Response:
    if answer.status == 204:
        return Response(status_code=204)
    headers = {}
    wait = answer.body.get("wait_seconds")
    if isinstance(wait, float):
        headers["Retry-After"] = str(math.ceil(wait))
    text = json.dumps(answer.body, allow_nan=False) + "\n"
    return Response(text, answer.status, headers, media_type="application/json")


def nothing() -> Response:
    return JSONResponse({"error": "nothing here"}, 404)


def cut_off() -> Response:
    return sent(Answer(408, {"error": "the body stopped coming"}))


def too_early(wait: float) -> Response:
    return sent(Answer(429, {"error": "too many requests at once", "wait_seconds": wait}))


def _with_headers(app: ASGIApp) -> ASGIApp:
    """Every answer carries the headers, those of errors too."""
    defaults = [(k.lower().encode(), v.encode()) for k, v in HEADERS.items()]

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_more(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name.lower() for name, _ in message["headers"]}
                more = [(k, v) for k, v in defaults if k not in own]
                message["headers"] = [*message["headers"], *more]
            await send(message)

        try:
            await app(scope, receive, send_more)
        except Exception:
            LOG.exception("a request could not be answered")  # a bug of ours: it shows
            raise

    return wrapped
