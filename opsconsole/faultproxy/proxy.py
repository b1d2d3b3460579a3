"""The proxy: a listener that can be steered from any other thread."""

import asyncio
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from opsconsole.faultproxy.faults import Faults
from opsconsole.faultproxy.link import Link, Losing
from opsconsole.own_loop import OwnLoop

HOST = "127.0.0.1"


class FaultProxy(OwnLoop):
    """`with FaultProxy("127.0.0.1", 5432) as proxy:` listens on `proxy.port` of the loopback.

    The server is a host and a port, or the path of a unix socket. Faults hold from the moment they
    are set, for the connections that are open as well; `heal` takes them all back.
    """

    def __init__(self, server: str | Path, server_port: int = 0, *, port: int = 0, seed: int = 1) -> None:
        super().__init__("faultproxy")
        self.port = port
        self._server, self._server_port = server, server_port
        self._faults = Faults()
        self._losing = Losing()
        self._chance = Random(seed)  # noqa: S311 - jitter, not secrecy
        self._links: set[Link] = set()
        self._changed = asyncio.Event()
        self._listener: asyncio.Server | None = None

    @property
    def faults(self) -> Faults:
        return self._faults

    @property
    def connections(self) -> int:
        """How many are open through it."""
        return len(self._links)

    @property
    def answers_lost(self) -> int:
        return self._losing.lost

    def set(self, **changes: Any) -> Faults:
        """Change some faults, by the names of `Faults`. Returns once they hold."""
        self._do(self._apply(replace(self._faults, **changes)))
        return self._faults

    def heal(self) -> None:
        """No fault any more, and no answer is to be lost."""
        self._losing.left = 0
        self._do(self._apply(Faults()))

    def reset(self) -> int:
        """Reset every open connection; how many there were."""
        return self._do(self._reset())

    def lead_to(self, server: str | Path, server_port: int = 0) -> None:
        """The next connections go to another server, as behind an address that moves. Those inside stay."""
        self._server, self._server_port = server, server_port

    def lose_answers(self, to: bytes, *, times: int = 1) -> None:
        """The next requests that contain `to` reach the server and are done; their clients get a reset instead of
        an answer. A marker that is split over two chunks is not seen: keep it short.
        """
        self._losing.marker, self._losing.left = to, times

    async def _apply(self, faults: Faults) -> None:
        self._faults = faults
        self._changed.set()
        self._changed = asyncio.Event()
        if faults.refuse and self._listener is not None:
            self._listener.close()
            self._listener = None
        if not faults.refuse and self._listener is None:
            await self._up()

    async def _up(self) -> None:
        self._listener = await asyncio.start_server(self._accept, HOST, self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        link = Link(
            (reader, writer),
            server,
            faults=lambda: self._faults,
            changed=lambda: self._changed,
            losing=self._losing,
            chance=self._chance,
        )
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._server, Path):
            return await asyncio.open_unix_connection(self._server)
        return await asyncio.open_connection(self._server, self._server_port)

    async def _reset(self) -> int:
        links = list(self._links)
        for link in links:
            link.reset()
        return len(links)

    async def _down(self) -> None:
        if self._listener is not None:
            self._listener.close()
        await self._reset()
