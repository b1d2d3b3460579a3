"""What a consumer does with an event: take charge of it once, or keep it as a dead letter.

A receipt (`consumer`, `event_id`) is written in the transaction of the effect, so an event that comes again does
nothing. What the handler cannot use is kept with its body and the reason and tried again a few times; the events
after it do not wait. ADR 0036, docs/events.md.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from orders import events, ladders
from orders.events import Event, Kind, Malformed
from orders.leases import claim, finish, hold
from orders.models import DeadLetter, Order, Subscription
from orders.states import LetterState, LetterVerb
from orders.transitions import lock, move

logger = logging.getLogger(__name__)

LONGEST_REASON: Final = 80
_LOCK: Final = 0x6F707366  # "opsf"


class Poison(Exception):
    """The event can never be used, however often it is tried. The message says why, without personal data."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who wants which events, and what it does with one.

    `handle` runs in the transaction of the receipt: it writes rows, rings bells, and calls nobody outside. It may see
    events of one order out of their order when an earlier one failed, so it looks at the rows, not at the event alone.
    """

    handle: Callable[[Event], None]
    wants: frozenset[Kind]

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(f"{machine}.{verb}" for machine, verb in self.wants)


Consumers = Mapping[str, Consumer]


class Verdict(StrEnum):
    """What became of a delivery."""

    DONE = "done"
    KNOWN = "known"
    UNWANTED = "unwanted"
    KEPT = "kept"  # as a letter, to be tried again
    DEAD = "dead"


def hold_consumer_lock() -> bool:
    """Whether this connection is now the one that takes for the consumers; it stays so until it closes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def subscribe(consumers: Iterable[str]) -> None:
    """Remember each consumer from its first start on: it hears of nothing that was before."""
    Subscription.objects.bulk_create([Subscription(consumer=name) for name in consumers], ignore_conflicts=True)


def receive(name: str, consumer: Consumer, body: bytes) -> Verdict:
    """Deal with one delivery. Raises DatabaseError when the database is away: then nothing is settled.

    An empty body is all that is left of what a stream was trimmed of: `missing` finds it.
    """
    if not body:
        return Verdict.UNWANTED
    try:
        event = events.parse(body)
    except Malformed as problem:
        return _bury_unreadable(name, body, why=str(problem))
    if event.kind not in consumer.wants:
        return Verdict.UNWANTED
    return take(name, consumer, event, raw=body)


def take(name: str, consumer: Consumer, event: Event, *, raw: bytes) -> Verdict:
    """The effect of an event and its receipt, or a letter and the receipt."""
    try:
        with transaction.atomic():
            if not _sign(name, event.event_id) or _was_before(name, event):
                return Verdict.KNOWN
            consumer.handle(event)
            return Verdict.DONE
    except Poison as problem:
        return _keep(name, event, raw, why=str(problem), state=LetterState.DEAD)
    except Exception as problem:
        _raise_if_away(problem)
        logger.warning("consumer %s: %s %s", name, event.event_id, type(problem).__name__, exc_info=True)
        return _keep(name, event, raw, why=_why(problem), state=LetterState.RETRYING)


def _sign(name: str, event_id: str) -> bool:
    """Whether the receipt is new. A second consumer of the same event waits here for the first one's end."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO orders_receipt (consumer, event_id) VALUES (%s, %s) ON CONFLICT DO NOTHING", [name, event_id]
        )
        return bool(cursor.rowcount)


def _was_before(name: str, event: Event) -> bool:
    return Subscription.objects.filter(pk=name, created_at__gt=event.recorded_at).exists()


def _raise_if_away(problem: Exception) -> None:
    """A database that is gone is not the event's fault."""
    if isinstance(problem, OperationalError | InterfaceError) and not connection.is_usable():
        raise problem


def _why(problem: Exception) -> str:
    """The type, and no more: the text of an exception may carry personal data."""
    return type(problem).__name__[:LONGEST_REASON]


@transaction.atomic
def _keep(name: str, event: Event, raw: bytes, *, why: str, state: str) -> Verdict:
    if not _sign(name, event.event_id):
        return Verdict.KNOWN
    order = Order.objects.filter(public_id=event.order_id).first() if event.order_id else None
    _letter(name, event.event_id, raw, why=why, state=state, order=order, kind=event.key)
    return Verdict.DEAD if state == LetterState.DEAD else Verdict.KEPT


@transaction.atomic
def _bury_unreadable(name: str, body: bytes, *, why: str) -> Verdict:
    event_id = events.id_of_bytes(body)
    if not _sign(name, event_id):
        DeadLetter.objects.filter(consumer=name, event_id=event_id).update(last_seen_at=timezone.now())
        return Verdict.KNOWN
    _letter(name, event_id, body, why=why, state=LetterState.DEAD, order=None, kind="")
    return Verdict.DEAD


def _letter(name: str, event_id: str, raw: bytes, *, why: str, state: str, order: Order | None, kind: str) -> None:
    DeadLetter.objects.create(
        consumer=name,
        event_id=event_id,
        order=order,
        kind=kind[:40],
        reason=why[:LONGEST_REASON],
        raw=raw,
        body=raw.decode(errors="replace").replace("\0", "\ufffd"),
        state=state,
        tries=1,
        due_at=ladders.rung(ladders.LETTER, 1) if state == LetterState.RETRYING else None,
    )
    logger.log(
        logging.ERROR if state == LetterState.DEAD else logging.WARNING, "letter %s for %s: %s", event_id, name, why
    )


def try_letters(consumers: Consumers, *, limit: int = 20) -> int:
    """Try the letters that are due once more. How many."""
    letters = claim(DeadLetter, limit=limit)
    for letter in letters:
        try_letter(consumers, letter)
    return len(letters)


def try_letter(consumers: Consumers, letter: DeadLetter) -> None:
    """One more try of a letter, leased by the caller: handled, later again, or dead."""
    consumer = consumers.get(letter.consumer)
    if consumer is None:
        _bury(letter, why=f"no consumer is called {letter.consumer}")
        return
    try:
        _handle_letter(consumer, letter)
    except (Poison, Malformed) as problem:
        _bury(letter, why=str(problem))
    except Exception as problem:
        _raise_if_away(problem)
        logger.warning("letter %s", letter, exc_info=True)
        _once_more_or_bury(letter, why=_why(problem))


@transaction.atomic
def _handle_letter(consumer: Consumer, letter: DeadLetter) -> None:
    """The effect and the end of the letter in one transaction, as with the receipt."""
    _lock(letter)
    event = events.parse(letter.body.encode())
    # Bytes that nobody could read have become an event: it may have come by itself meanwhile.
    if event.event_id == letter.event_id or _sign(letter.consumer, event.event_id):
        consumer.handle(event)
    finish(letter, due_at=None, last_error="", last_seen_at=timezone.now())
    move(letter, LetterVerb.HANDLE, actor=f"consumer:{letter.consumer}")


def _lock(letter: DeadLetter) -> None:
    """Order before letter, as everywhere; and the lease must still be ours."""
    if letter.order is not None:
        lock(letter.order)
    hold(letter)


def _once_more_or_bury(letter: DeadLetter, *, why: str) -> None:
    if letter.tries > len(ladders.LETTER):
        _bury(letter, why=f"{why} ({letter.tries})")
    else:
        finish(letter, due_at=ladders.rung(ladders.LETTER, letter.tries), last_error=why, last_seen_at=timezone.now())


@transaction.atomic
def _bury(letter: DeadLetter, *, why: str) -> None:
    _lock(letter)
    finish(letter, due_at=None, last_error=why, reason=why[:LONGEST_REASON], last_seen_at=timezone.now())
    move(letter, LetterVerb.BURY, actor=f"consumer:{letter.consumer}", reason=why)
    logger.error("dead letter %s: %s", letter, why)
