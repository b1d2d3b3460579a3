"""Callbacks to the application: the vendors' retries, and everything that goes wrong on the way."""

import asyncio
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from opsconsole.sandbox.books import Row, now
from opsconsole.sandbox.plans import Behaviour
from opsconsole.sandbox.world import World

# So many at once: vendors deliver in parallel, but not without limit.
PARALLEL = 32
# A held callback goes out at last after so many simulated seconds, when no later one frees it.
HELD_SECONDS = 120.0
# However fast the simulated time runs, the later callback needs real time to come.
LEAST_HELD_SECONDS = 2.0
DOINGS = ("drop", "double", "delay", "reorder", "forge")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`waits` in simulated seconds; `tries_after` is how many retries an answer (None: no answer)
    allows in all; `timeout` in seconds on the wall clock."""

    waits: tuple[float, ...]
    timeout: float
    tries_after: Callable[[int | None], int]


@dataclass(frozen=True, slots=True)
class Message:
    """One callback, and its forged twin with a right signature and a flipped status, if any."""

    path: str
    body: bytes
    headers: Mapping[str, str]
    refs: list[str]
    forged: bytes | None = None


class Callbacks:
    def __init__(self, world: World) -> None:
        self.world = world
        self.policies: dict[str, RetryPolicy] = {}
        self._held: dict[str, list[Row]] = {}
        self._places = asyncio.Semaphore(PARALLEL)

    def send(self, neighbour: str, message: Message) -> None:
        doings = self._doings(neighbour, refs=message.refs)
        if "forge" in doings and message.forged is not None:
            self._start(self._row(neighbour, message, body=message.forged, is_forged=True))
        row = self._row(neighbour, message, body=message.body)
        if "drop" in doings:
            self._end(row, "dropped")
            return
        if "double" in doings:
            self._start(self._row(neighbour, message, body=message.body))
        if "reorder" in doings:
            self._hold(row)
            return
        delay = doings.get("delay")
        if delay is not None:
            row["due"] = self._due(delay).isoformat()
        self._start(row)

    def forge(self, neighbour: str, message: Message) -> None:
        """Send nothing but the forged twin, now."""
        if message.forged is not None:
            self._start(self._row(neighbour, message, body=message.forged, is_forged=True))

    def resume(self) -> None:
        for neighbour in self.policies:
            for row in list(self.world.books.rows(neighbour, "callbacks").values()):
                if row["state"] == "pending":
                    self._start(row)

    def _doings(self, neighbour: str, *, refs: list[str]) -> dict[str, float]:
        """What happens to this callback, with the seconds of a delay."""
        faults = self.world.faults(neighbour).callbacks
        planned = self.world.plans.take(refs, neighbour=neighbour, on="callback", do=DOINGS)
        if planned is not None:
            return {planned.do: _seconds(planned, otherwise=faults.delay_seconds)}
        return {
            do: faults.delay_seconds
            for do in DOINGS
            if self.world.hits(neighbour, getattr(faults, do), "callback", do, refs=refs)
        }

    def _due(self, seconds: float) -> datetime:
        return now() + timedelta(seconds=seconds / self.world.speed)

    def _row(self, neighbour: str, message: Message, *, body: bytes, is_forged: bool = False) -> Row:
        return {
            "id": uuid.uuid4().hex,
            "neighbour": neighbour,
            "refs": message.refs,
            "path": message.path,
            "headers": dict(message.headers),
            "body": body.decode(),
            "forged": is_forged,
            "due": now().isoformat(),
            "answers": [],
            "state": "pending",
        }

    def _hold(self, row: Row) -> None:
        """Keep it back until a later callback of the same order has gone out."""
        self._save(row)
        self._held.setdefault(row["refs"][0], []).append(row)
        seconds = max(HELD_SECONDS / self.world.speed, LEAST_HELD_SECONDS)
        self.world.later(seconds, lambda: self._release(row["refs"][0]))

    def _release(self, reference: str) -> None:
        for row in self._held.pop(reference, []):
            self._start(row)

    def _start(self, row: Row) -> None:
        self._save(row)
        self.world.spawn(self._deliver(row))

    async def _deliver(self, row: Row) -> None:
        policy = self.policies[row["neighbour"]]
        while row["state"] == "pending":
            wait = (datetime.fromisoformat(row["due"]) - now()).total_seconds()
            if wait > 0:
                await asyncio.sleep(wait)
            async with self._places:
                status = await self._post(row, limit=policy.timeout)
            self._record(row, status=status, policy=policy)
        if row["refs"]:
            self._release(row["refs"][0])

    def _record(self, row: Row, *, status: int | None, policy: RetryPolicy) -> None:
        row["answers"].append(status)
        self.world.count("callbacks", row["neighbour"], str(status))
        tries = len(row["answers"])
        if status is not None and 200 <= status < 300:
            self._end(row, "delivered")
        elif tries > min(policy.tries_after(status), len(policy.waits)):
            self._end(row, "given_up")
        else:
            row["due"] = self._due(policy.waits[tries - 1]).isoformat()
            self._save(row)

    def _end(self, row: Row, state: str) -> None:
        row["state"] = state
        self._save(row)

    def _save(self, row: Row) -> None:
        self.world.books.put(row["neighbour"], "callbacks", row["id"], row)

    async def _post(self, row: Row, *, limit: float) -> int | None:
        """The status of the answer, or None when there was none."""
        with suppress(OSError, ValueError, asyncio.IncompleteReadError, TimeoutError):
            async with asyncio.timeout(limit):
                url = self.world.app_url + row["path"]
                return await posted(url, body=row["body"].encode(), headers=row["headers"])
        return None


def _seconds(planned: Behaviour, *, otherwise: float) -> float:
    return otherwise if planned.seconds is None else planned.seconds


async def posted(url: str, *, body: bytes, headers: Mapping[str, Any]) -> int:
    """POST and read the status line; the rest of the answer is nobody's business."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    try:
        lines = [
            f"POST {parts.path} HTTP/1.1",
            f"host: {parts.netloc}",
            f"content-length: {len(body)}",
            "connection: close",
            *(f"{name}: {value}" for name, value in headers.items()),
            "\r\n",
        ]
        writer.write("\r\n".join(lines).encode("latin-1") + body)
        await writer.drain()
        status = int((await reader.readline()).split(b" ", 2)[1])
        await reader.read()
        return status
    except IndexError:
        raise ValueError("no status line") from None
    finally:
        writer.close()
