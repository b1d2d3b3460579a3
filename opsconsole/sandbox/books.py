"""The neighbours' own books: rows in memory for speed, written through to SQLite for restarts.

`effects` is append-only: one line for everything that really happened (a charge, a refund, a
booking, an entry). It is the oracle of later tests, so nothing but an effect writes there.
"""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Row = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
    neighbour text NOT NULL, kind text NOT NULL, key text NOT NULL, data text NOT NULL,
    PRIMARY KEY (neighbour, kind, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS effects (
    seq integer PRIMARY KEY, neighbour text NOT NULL, data text NOT NULL
);
"""


def now() -> datetime:
    return datetime.now(UTC)


class Books:
    """Used by the sandbox's own loop only, so it needs no lock."""

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(
            ":memory:" if path is None else path,
            isolation_level=None,
            check_same_thread=False,
        )
        # A crash of the process loses nothing; a crash of the machine may, which is no matter here.
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.executescript(SCHEMA)
        self._rows: dict[tuple[str, str], dict[str, Row]] = {}
        self._effects: dict[str, list[Row]] = {}
        self._seq = 0
        self._load()

    def _load(self) -> None:
        for neighbour, kind, key, data in self._database.execute("SELECT * FROM rows"):
            self.rows(neighbour, kind)[key] = json.loads(data)
        for seq, neighbour, data in self._database.execute("SELECT * FROM effects ORDER BY seq"):
            self._seq = seq
            self._effects.setdefault(neighbour, []).append(json.loads(data))

    def rows(self, neighbour: str, kind: str) -> dict[str, Row]:
        return self._rows.setdefault((neighbour, kind), {})

    def get(self, neighbour: str, kind: str, key: str) -> Row | None:
        return self.rows(neighbour, kind).get(key)

    def put(self, neighbour: str, kind: str, key: str, row: Row) -> Row:
        self.rows(neighbour, kind)[key] = row
        self._database.execute(
            "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)",
            (neighbour, kind, key, json.dumps(row)),
        )
        return row

    def note(self, neighbour: str, effect: str, **facts: Any) -> Row:
        """Write down that something really happened."""
        self._seq += 1
        row = {"seq": self._seq, "at": now().isoformat(), "effect": effect, **facts}
        self._effects.setdefault(neighbour, []).append(row)
        self._database.execute(
            "INSERT INTO effects VALUES (?, ?, ?)",
            (self._seq, neighbour, json.dumps(row)),
        )
        return row

    def effects(self, neighbour: str, *, since: int = 0) -> Iterator[Row]:
        return (row for row in self._effects.get(neighbour, ()) if row["seq"] > since)

    def dump(self, neighbour: str, *, since: int = 0) -> dict[str, Any]:
        """Everything a neighbour has written, the effects after `since` only."""
        kinds = {kind: list(rows.values()) for (name, kind), rows in self._rows.items() if name == neighbour}
        return kinds | {"effects": list(self.effects(neighbour, since=since))}

    def clear(self) -> None:
        self._database.execute("DELETE FROM rows")
        self._database.execute("DELETE FROM effects")
        self._rows.clear()
        self._effects.clear()

    def close(self) -> None:
        self._database.close()
