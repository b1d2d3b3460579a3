"""A small HTTP/1.1 server on asyncio, with the bad manners that a sandbox needs.

One loop serves all neighbours, so a thousand hanging requests cost nothing and no thread.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

HEAD_LIMIT = 32 * 1024
BODY_LIMIT = 1024 * 1024
IDLE_SECONDS = 75.0
DRIP_PAUSE = 0.05


@dataclass(slots=True)
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as an object; rubbish reads as an empty one and fails validation later."""
        with suppress(ValueError, RecursionError):
            data = json.loads(self.body)
            if isinstance(data, dict):
                return data
        return {}

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(slots=True)
class Response:
    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            f"content-type: {self.content_type}",
            f"content-length: {len(self.body)}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
            "\r\n",
        ]
        return "\r\n".join(lines).encode("latin-1") + self.body


class Silence:
    """No answer, ever; the connection stays open until the other side gives up."""


class Cut:
    """The connection is reset without an answer."""


@dataclass(slots=True)
class Drip:
    """The answer a byte at a time, spread over so many seconds, the head included."""

    response: Response
    seconds: float


Answer = Response | Silence | Cut | Drip
Handler = Callable[[Request], Awaitable[Answer]]


def answer(data: Any, status: int = 200, **headers: str) -> Response:
    return Response(status, json.dumps(data, separators=(",", ":")).encode(), headers=headers)


def page(html: str, status: int = 200) -> Response:
    return Response(status, html.encode(), "text/html; charset=utf-8")


def see_other(location: str) -> Response:
    return Response(303, b"", headers={"location": location})


class Listener:
    """One port of one neighbour, which can be taken down and brought back."""

    def __init__(self, handler: Handler, *, host: str, port: int) -> None:
        self.handler = handler
        self.host = host
        self.port = port
        self._server: asyncio.Server | None = None
        self._turn = asyncio.Lock()  # two requests to the control page may both find it down
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def is_up(self) -> bool:
        return self._server is not None

    async def up(self) -> None:
        """Listen. With port 0 the system picks one, which is kept from then on."""
        async with self._turn:
            if self._server is None:
                self._server = await self._listen()
                self.port = self._server.sockets[0].getsockname()[1]

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, self.host, self.port, limit=HEAD_LIMIT, backlog=1024)

    async def down(self) -> None:
        """Refuse connections from now on and break those that are open."""
        async with self._turn:
            if self._server is None:
                return
            self._server.close()
            self._server = None
            for writer in list(self._open):
                writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while await self._exchange(reader, writer):
                pass
        except (
            ConnectionError,
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
        ):
            pass
        except TimeoutError:
            pass
        except asyncio.CancelledError:
            # The sandbox stops; asyncio would print a trace for every open connection.
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; False ends the connection."""
        async with asyncio.timeout(IDLE_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
        request = await _read_request(head, reader=reader)
        if request is None:
            writer.write(Response(400).encoded())
            return False
        outcome = await self.handler(request)
        match outcome:
            case Response():
                writer.write(outcome.encoded())
                await writer.drain()
            case Drip():
                await _drip(outcome, writer=writer)
            case Silence():
                await reader.read()
                return False
            case Cut():
                writer.transport.abort()
                return False
        return request.headers.get("connection", "").lower() != "close"


async def _read_request(head: bytes, *, reader: asyncio.StreamReader) -> Request | None:
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3:
        return None
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > BODY_LIMIT:
        return None
    body = await reader.readexactly(int(length)) if length != "0" else b""
    path, _, query = words[1].partition("?")
    pairs = dict(parse_qsl(query, keep_blank_values=True)) if query else {}
    return Request(words[0], unquote(path), pairs, headers, body)


async def _drip(drip: Drip, *, writer: asyncio.StreamWriter) -> None:
    raw = drip.response.encoded()
    step = max(1, int(len(raw) * DRIP_PAUSE / max(drip.seconds, DRIP_PAUSE)))
    for start in range(0, len(raw), step):
        writer.write(raw[start : start + step])
        await writer.drain()
        await asyncio.sleep(DRIP_PAUSE)
