"""What the world outside is told of one thing that happened: the event, version 1.

`docs/events.md` describes it and a test holds the two together. No personal data ever goes into an event: who wants
more than it says asks the API for the order.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from orders.models import History

VERSION: Final = 1
NAMES: Final = {"from": "source", "to": "target"}  # words that Python keeps for itself
LONGEST: Final = 64 * 1024  # bytes; an event of ours has about 300

Kind = tuple[str, str]  # machine, verb


class Malformed(ValueError):
    """Bytes that are no event of a version we know; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One row of an order's history, as consumers get it: at least once, in order within the order.

    `event_id` is the same however often it is sent. `order_id` is what people see, '' for what belongs to no order;
    `seq` counts within the order without a gap; `subject` is the row of `machine` that it happened to.
    """

    version: int
    event_id: str
    order_id: str
    seq: int
    machine: str
    subject: int
    verb: str
    source: str
    target: str
    actor: str
    occurred_at: datetime
    recorded_at: datetime

    @property
    def kind(self) -> Kind:
        return self.machine, self.verb

    @property
    def key(self) -> str:
        """What a queue of RabbitMQ is bound by: `order.pay`."""
        return f"{self.machine}.{self.verb}"

    def body(self) -> bytes:
        told = {name: getattr(self, NAMES.get(name, name)) for name in FIELDS}
        return json.dumps(told, separators=(",", ":"), default=datetime.isoformat).encode()


# The names in the JSON object, in their order, with the type of each.
FIELDS: Final[Mapping[str, type]] = {
    "version": int,
    "event_id": str,
    "order_id": str,
    "seq": int,
    "machine": str,
    "subject": int,
    "verb": str,
    "from": str,
    "to": str,
    "actor": str,
    "occurred_at": datetime,
    "recorded_at": datetime,
}


def event_of(row: History, *, order_id: str) -> Event:
    return Event(
        version=VERSION,
        event_id=event_id(row.pk),
        order_id=order_id,
        seq=row.seq,
        machine=row.machine,
        subject=row.subject_id,
        verb=row.verb,
        source=row.source,
        target=row.target,
        actor=row.actor,
        occurred_at=row.occurred_at,
        recorded_at=row.recorded_at,
    )


def event_id(history_id: int) -> str:
    return f"h-{history_id}"


def parse(body: bytes) -> Event:
    """Raises Malformed. Names we do not know are ignored, so that a version may gain some."""
    if len(body) > LONGEST:
        raise Malformed(f"longer than {LONGEST} bytes")
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}"[:200]) from None
    if not isinstance(told, dict):
        raise Malformed("not an object")
    if told.get("version") != VERSION:
        raise Malformed(f"version {told.get('version')!r}, not {VERSION}")
    return Event(**{NAMES.get(name, name): _value(name, told) for name in FIELDS})


def _value(name: str, told: Mapping[str, Any]) -> Any:
    value, wanted = told.get(name), FIELDS[name]
    if wanted is datetime:
        return _instant(name, value)
    if not isinstance(value, wanted) or isinstance(value, bool):
        raise Malformed(f"{name} is {value!r}"[:200])
    return value


def _instant(name: str, value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Malformed(f"{name} is {value!r}"[:200]) from None
    if found.tzinfo is None:
        raise Malformed(f"{name} has no time zone")
    return found


def id_of_bytes(body: bytes) -> str:
    """What a message is known by that has no event id to read."""
    return f"x-{hashlib.sha256(body).hexdigest()[:40]}"
