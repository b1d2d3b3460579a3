"""One connection through the proxy: two pumps that do to the bytes what the faults say at that moment."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from opsconsole.faultproxy.faults import Faults, Way

CHUNK = 65_536
DRIP = 0.05  # seconds between the drops of a limited rate
# A close with nothing lingering is a reset on the wire.
AT_ONCE = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class Losing:
    """Answers to be lost: the next `left` requests that contain `marker` are done and never answered."""

    marker: bytes = b""
    left: int = 0
    lost: int = 0

    def concerns(self, chunk: bytes) -> bool:
        if self.left <= 0 or self.marker not in chunk:
            return False
        self.left -= 1
        return True


class Link:
    """`changed` answers an event that is set with the next change of the faults."""

    def __init__(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        *,
        faults: Callable[[], Faults],
        changed: Callable[[], asyncio.Event],
        losing: Losing,
        chance: Random,
    ) -> None:
        self._client, self._server = client, server
        self._faults, self._changed = faults, changed
        self._losing, self._chance = losing, chance
        self._is_losing = False

    async def run(self) -> None:
        """Until one side ends or the link is reset; a half-closed connection stays half-closed."""
        pumps = (self._pump_up(), self._pump_down())
        try:
            async with asyncio.TaskGroup() as both:
                for each in pumps:
                    both.create_task(each)
        except* OSError:
            self.reset()
        finally:
            self._client[1].close()
            self._server[1].close()

    def reset(self) -> None:
        """RST to both sides, whatever is still on its way."""
        for _, writer in (self._client, self._server):
            peer = writer.get_extra_info("socket")
            with suppress(OSError):
                if peer is not None and peer.family in (socket.AF_INET, socket.AF_INET6):
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            writer.transport.abort()

    async def _pump_up(self) -> None:
        passed = 0
        while chunk := await self._client[0].read(CHUNK):
            passed = await self._passed(chunk, passed, way=lambda: self._faults().up)
            if self._losing.concerns(chunk):
                self._is_losing = True
            async for drop in self._paced(chunk, way=lambda: self._faults().up):
                await _write(self._server[1], drop)
        self._half_close(self._server[1])

    async def _pump_down(self) -> None:
        passed = 0
        while chunk := await self._server[0].read(CHUNK):
            if self._is_losing:
                # The server has done it: this is its answer. Nobody will ever hear it.
                self._losing.lost += 1
                raise ConnectionResetError
            passed = await self._passed(chunk, passed, way=lambda: self._faults().down)
            async for drop in self._paced(chunk, way=lambda: self._faults().down):
                await _write(self._client[1], drop)
        self._half_close(self._client[1])

    async def _passed(self, chunk: bytes, passed: int, *, way: Callable[[], Way]) -> int:
        """Wait as long as the faults want; the bytes of this way so far. Raises ConnectionResetError at the cut."""
        now = way()
        pause = now.latency + now.jitter * self._chance.random()
        if pause > 0:
            await asyncio.sleep(pause)
        while way().black_hole:
            await self._changed().wait()
        passed += len(chunk)
        cut = way().cut_after
        if cut is not None and passed > cut:
            raise ConnectionResetError
        return passed

    async def _paced(self, chunk: bytes, *, way: Callable[[], Way]) -> AsyncIterator[bytes]:
        """The chunk, in drops as large as the rate lets through at that moment."""
        while rate := way().rate:
            drop = chunk[: max(1, int(rate * DRIP))]
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed().wait(), len(drop) / rate)
                continue  # another rate, or none, from here on
            yield drop
            chunk = chunk[len(drop) :]
            if not chunk:
                return
        yield chunk

    def _half_close(self, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            if writer.can_write_eof():
                writer.write_eof()


async def _write(writer: asyncio.StreamWriter, chunk: bytes) -> None:
    if writer.transport.is_closing():
        raise ConnectionResetError
    writer.write(chunk)
    await writer.drain()
