"""A storm of callbacks: what gateways do after an outage, doubled, out of order, with old news among the new.

Every message is one that a gateway of the sandbox has sent, with the same right signature, and a mark in a place that
the signature does not cover, so that it is a message of its own. Each is sent until somebody says 2xx, as gateways do;
what was said is evidence.
"""

import http.client
import itertools
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Self
from urllib.parse import urlsplit

from opsconsole.chaos.evidence import GATEWAYS, Row
from opsconsole.sandbox.remote import SandboxSaidNo
from opsconsole.traffic.journeys import AWAY

HANDS = 8
REPEATED, REORDERED, STALE = 0.3, 0.2, 0.1
# A message that is held back comes after so many later ones.
OVERTAKEN_BY = (20, 200)
LEARN_EVERY = 3.0  # seconds
IDLE = 0.02  # seconds
PATIENCE = 15.0  # seconds for an answer, as the vendors have
OLD_NEWS = {b'"transaction_status": "settlement"': b'"transaction_status": "pending"'}


@dataclass
class Flood:
    """`with Flood(address, books, count=10_000, seconds=120, seed=1) as flood:` sends evenly over the seconds.

    `read_books` answers the books of a gateway by its name; nothing is sent before there is something to learn from.
    """

    address: str
    read_books: Callable[[str], Any]
    count: int
    seconds: float
    seed: int
    again_after: float = 0.5  # seconds
    rows: list[Row] = field(default_factory=list)
    tries: int = 0
    accepted: int = 0
    repeated: int = 0
    reordered: int = 0
    longest_gap: float = 0.0  # seconds in which nobody said 2xx
    _models: Sequence[Row] = ()
    _held: deque[tuple[int, Row]] = field(default_factory=deque)
    _dealt: int = 0
    _last_yes: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._dice = Random(f"flood {self.seed}")  # noqa: S311 - the same again, not secret
        self._numbers = itertools.count(1)
        self._began = time.monotonic()
        work = [self._learn, *[self._send_all] * HANDS] if self.count else []
        self._threads = [threading.Thread(target=each, daemon=True) for each in work]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def finish(self, *, seconds: float) -> bool:
        """Whether everything was accepted within `seconds`."""
        until = time.monotonic() + seconds
        while self.accepted < self.count and time.monotonic() < until:
            self._stop.wait(self.again_after)
        return self.accepted >= self.count

    @property
    def figures(self) -> Mapping[str, Any]:
        return {
            "wanted": self.count,
            "accepted": self.accepted,
            "messages": len(self.rows),
            "repeated": self.repeated,
            "reordered": self.reordered,
            "tries": self.tries,
            "longest_gap": round(self.longest_gap, 1),
        }

    def _learn(self) -> None:
        while not self._stop.is_set():
            with suppress(SandboxSaidNo, *AWAY):
                sent = [row for gateway in GATEWAYS for row in self.read_books(gateway).get("callbacks", ())]
                self._models = [row for row in sent if not row["forged"] and row["refs"]]
            self._stop.wait(LEARN_EVERY)

    def _send_all(self) -> None:
        where = urlsplit(self.address)
        line = http.client.HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE)
        while not self._stop.is_set():
            row = self._next()
            if row is None:
                self._stop.wait(IDLE)
                continue
            self._send(line, row)
        line.close()

    def _send(self, line: http.client.HTTPConnection, row: Row) -> None:
        """Until somebody says 2xx, or the run is over."""
        while not self._stop.is_set():
            status = _posted(line, row)
            is_yes = status is not None and 200 <= status < 300
            with self._lock:
                row["answers"].append(status)
                self.tries += 1
                self._note(is_yes=is_yes)
            if is_yes:
                return
            self._stop.wait(self.again_after)

    def _note(self, *, is_yes: bool) -> None:
        if is_yes:
            now = time.monotonic()
            if self.accepted:
                self.longest_gap = max(self.longest_gap, now - self._last_yes)
            self._last_yes = now
            self.accepted += 1

    def _next(self) -> Row | None:
        """None where nothing is due yet, or all has been dealt."""
        with self._lock:
            while self._models:
                if self._held and self._held[0][0] <= self._dealt:
                    return self._held.popleft()[1]
                if self._dealt >= self.count:
                    return self._held.popleft()[1] if self._held else None
                if not self._is_due():
                    return None
                self._dealt += 1
                row = self._dealt_one()
                if row is not None:
                    return row
            return None

    def _is_due(self) -> bool:
        return time.monotonic() - self._began >= self._dealt * self.seconds / self.count

    def _dealt_one(self) -> Row | None:
        """None where it is held back."""
        if self.rows and self._dice.random() < REPEATED:
            self.repeated += 1
            return self._dice.choice(self.rows)
        row = self._made()
        self.rows.append(row)
        if self._dice.random() < REORDERED / (1 - REPEATED):
            self.reordered += 1
            self._held.append((self._dealt + self._dice.randint(*OVERTAKEN_BY), row))
            return None
        return row

    def _made(self) -> Row:
        model = self._dice.choice(self._models)
        body = marked(str(model["body"]).encode(), next(self._numbers), is_old=self._dice.random() < STALE)
        return {**model, "body": body.decode(), "answers": [], "forged": False, "state": "flood"}


def marked(body: bytes, number: int, *, is_old: bool = False) -> bytes:
    """The same message with bytes of its own; with old news where that can be said under the same signature."""
    if not body.startswith(b"{"):
        return body + b"&storm=%d" % number
    if is_old:
        for new, old in OLD_NEWS.items():
            body = body.replace(new, old)
    return json.dumps({**json.loads(body), "storm": number}).encode()


def _posted(line: http.client.HTTPConnection, row: Row) -> int | None:
    """The status of the answer, or None when there was none."""
    try:
        line.request("POST", row["path"], body=row["body"].encode(), headers=dict(row["headers"]))
        answer = line.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        line.close()
        return None
    return answer.status
