"""Heads of chains kept outside the database, in files that cannot be edited unnoticed.

One line an anchoring, each with an HMAC over itself and the line before; the first line of a month
goes on from the last of the month before. Where the files end is noted in the database, so that
both have to be cut to hide a cut. What is anchored cannot be rewritten later, not even with the key.
"""

import fcntl
import hmac
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.utils import timezone

from orders.models import Heartbeat
from orders.services.verification.breaks import Break, Kind

LINE: Final = 1000  # heads in one line
BLOCK: Final = 1 << 20  # bytes read at a time from the end of a file
# A transaction may commit its rows this long after it wrote them; they are looked for until then.
LONGEST_TRANSACTION: Final = timedelta(minutes=10)
END: Final = "anchors"  # the Heartbeat row that says where the files end

Anchored = tuple[int, int, str]  # order, seq, MAC in hex


@dataclass(frozen=True, slots=True)
class End:
    """Where the files end: how many lines, the last one's MAC, and up to when chains are anchored."""

    lines: int = 0
    mac: str = ""
    upto: datetime | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """How many bytes of each file are sound, where the sound lines end, the first broken line."""

    sound: dict[Path, int]
    end: End
    broken: Break | None


class AnchorFiles:
    """The files of one folder. Lines are written by one process at a time."""

    def __init__(self, folder: Path | None = None, *, key: bytes | None = None) -> None:
        self.folder = folder or settings.DATA_DIR / "anchors"
        self.key = key or settings.CHAIN_KEY

    def files(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9].jsonl"))

    @contextmanager
    def locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def append(self, heads: Sequence[Anchored], *, after: End, upto: datetime) -> End:
        """One more line, on the disk when this returns. Lock: `locked()`."""
        now = timezone.now()
        body = {"line": after.lines + 1, "at": _iso(now), "upto": _iso(upto), "prev": after.mac, "heads": heads}
        mac = self._mac(body)
        path = self.folder / f"{now.astimezone(UTC):%Y-%m}.jsonl"
        is_new = not path.exists()
        _cut_half_line(path)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, f"{json.dumps({**body, 'mac': mac})}\n".encode())
            os.fsync(handle)
        finally:
            os.close(handle)
        if is_new:
            _sync_folder(self.folder)
        return End(lines=after.lines + 1, mac=mac, upto=upto)

    def check(self) -> Checked:
        """Recompute every line. Read before the database is, so that no head is newer than it."""
        sound: dict[Path, int] = {}
        end = End()
        for path in self.files():
            sound[path] = 0
            for line in _lines(path, _whole_size(path)):
                body = _parsed(line)
                if not self._follows(body, end):
                    broken = Break(Kind.ANCHOR_CHANGED, facts={"line": end.lines + 1, "file": path.name})
                    return Checked(sound, end, broken)
                end = _end_of(body)
                sound[path] += len(line)
        return Checked(sound, end, None)

    def heads(self, sound: dict[Path, int]) -> Iterator[Anchored]:
        """Every anchored head of the lines that were checked."""
        for path, size in sound.items():
            for line in _lines(path, size):
                yield from _heads_of(_parsed(line))

    def newest(self) -> Iterator[dict[str, Any]]:
        """The lines, newest first, unchecked."""
        for path in reversed(self.files()):
            yield from (_parsed(line) for line in _backwards(path))

    def end(self) -> End:
        """Where the newest file ends, without checking what comes before."""
        return next((_end_of(body) for body in self.newest()), End())

    def _follows(self, body: dict[str, Any], end: End) -> bool:
        if body.get("line") != end.lines + 1 or body.get("prev") != end.mac:
            return False
        unsigned = {name: value for name, value in body.items() if name != "mac"}
        return hmac.compare_digest(self._mac(unsigned).encode(), str(body.get("mac", "")).encode())

    def _mac(self, body: dict[str, Any]) -> str:
        return hmac.digest(self.key, json.dumps(body, sort_keys=True).encode(), "sha256").hex()


def anchor_heads(folder: Path | None = None) -> int:
    """Anchor every chain that changed since the last anchoring. How many heads. Any number may run."""
    files = AnchorFiles(folder)
    with files.locked():
        end, done = files.end(), 0
        recent = _recent(files, end)
        upto = _database_clock()
        for heads in _changed(end.upto):
            new = [head for head in heads if head not in recent]
            end = files.append(new, after=end, upto=upto) if new else end
            done += len(new)
        if done:
            _note(end)
    return done


_CHANGED = """
SELECT order_id, seq, encode(mac, 'hex') FROM orders_chainhead
WHERE mac IS NOT NULL AND order_id > %(after)s AND (%(since)s::timestamptz IS NULL OR order_id IN (
    SELECT order_id FROM orders_history WHERE recorded_at >= %(since)s))
ORDER BY order_id LIMIT %(limit)s
"""


def _changed(since: datetime | None) -> Iterator[list[Anchored]]:
    """The heads of chains with rows since then, a line at a time."""
    after = -1
    earliest = since - LONGEST_TRANSACTION if since else None
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_CHANGED, {"after": after, "since": earliest, "limit": LINE})
            heads: list[Anchored] = list(cursor.fetchall())
        if not heads:
            return
        yield heads
        after = heads[-1][0]


def _database_clock() -> datetime:
    """The clock that stamps history rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        at: datetime = cursor.fetchone()[0]
    return at


def _recent(files: AnchorFiles, end: End) -> set[Anchored]:
    """What was anchored so lately that it will be found once more."""
    if end.upto is None:
        return set()
    earliest = end.upto - 2 * LONGEST_TRANSACTION
    lines = takewhile(lambda body: datetime.fromisoformat(body["upto"]) >= earliest, files.newest())
    return {head for body in lines for head in _heads_of(body)}


def _note(end: End) -> None:
    facts = {"pid": os.getpid(), "at": timezone.now(), "detail": {"line": end.lines, "mac": end.mac}}
    Heartbeat.objects.update_or_create(name=END, defaults=facts)


def noted_end() -> End:
    """Where the database says that the files end."""
    row = Heartbeat.objects.filter(name=END).first()
    return End(row.detail["line"], row.detail["mac"]) if row else End()


def _end_of(body: dict[str, Any]) -> End:
    return End(body["line"], body["mac"], datetime.fromisoformat(body["upto"]))


def _heads_of(body: dict[str, Any]) -> Iterator[Anchored]:
    yield from ((order_id, seq, mac) for order_id, seq, mac in body["heads"])


def _parsed(line: bytes) -> dict[str, Any]:
    """A line that is no JSON object is an empty one, which follows nothing."""
    try:
        body = json.loads(line)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _lines(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while file.tell() < size:
            yield file.readline()


def _backwards(path: Path, *, block: int = BLOCK) -> Iterator[bytes]:
    """The whole lines of a file, last first."""
    position, rest = _whole_size(path), b""
    with path.open("rb") as file:
        while position > 0:
            start = max(0, position - block)
            file.seek(start)
            rest, *lines = (file.read(position - start) + rest).split(b"\n")
            yield from (line for line in reversed(lines) if line)
            position = start
    if rest:
        yield rest


def _whole_size(path: Path) -> int:
    """Bytes up to the last line break. A line that was being written when the power went is none."""
    position = path.stat().st_size
    with path.open("rb") as file:
        while position > 0:
            start = max(0, position - BLOCK)
            file.seek(start)
            found = file.read(position - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            position = start
    return 0


def _cut_half_line(path: Path) -> None:
    if path.exists() and _whole_size(path) < path.stat().st_size:
        os.truncate(path, _whole_size(path))


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
