"""What a worker makes of stored messages: a batch at a time, in one transaction."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from orders import ladders
from orders.bells import ring
from orders.clients import trip_events
from orders.clients.codes import attempt_state
from orders.clients.gateway import Unparseable
from orders.clients.registry import GATEWAYS
from orders.clients.trip_events import TripEvent
from orders.errors import sentence
from orders.leases import End, claim_each, finish_all, put_aside
from orders.models import Attempt, InboundEvent, Order
from orders.services import inquiry, trips
from orders.services.inquiry import Look, Told
from orders.services.judgement import Verdict
from orders.states import ATTEMPT_RANK, InboundState, InboundVerb
from orders.transitions import Move, lock, lock_again, lock_all, move, move_all

logger = logging.getLogger(__name__)

# A message about something we do not know yet may be ahead of our own commit, or of a booking's
# answer; after this long it is somebody else's.
EARLY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Hearing:
    """What one look at an attempt brought, and the messages that made us look."""

    look: Look
    events: Sequence[InboundEvent]


@dataclass(frozen=True, slots=True)
class Judged:
    event: InboundEvent
    verdict: Verdict


def work(events: Sequence[InboundEvent]) -> None:
    """Judge a batch, leased by the caller: one inquiry per attempt, however many hints there are."""
    _find_attempts(events)
    gateways = _gateways(events)
    by_attempt: dict[int, list[InboundEvent]] = defaultdict(list)
    alone = []
    for event in events:
        if event.attempt_id and gateways[event.attempt_id] == event.source:
            by_attempt[event.attempt_id].append(event)
        else:
            alone.append(event)
    _judge_hints(by_attempt)
    for event in alone:
        _judge_alone(event, gateways.get(event.attempt_id or 0, ""))


def _gateways(events: Iterable[InboundEvent]) -> dict[int, str]:
    """Whose each attempt is."""
    ids = {event.attempt_id for event in events if event.attempt_id}
    return dict(Attempt.objects.filter(pk__in=ids).values_list("pk", "gateway"))


def _find_attempts(events: Sequence[InboundEvent]) -> None:
    """A message that came before our own commit finds its attempt now."""
    early = [event for event in events if event.source in GATEWAYS and not event.attempt_id]
    if not early:
        return
    known = {each.reference: each for each in Attempt.objects.filter(reference__in={e.reference for e in early})}
    for event in early:
        attempt = known.get(event.reference)
        if attempt is not None:
            event.attempt_id, event.order_id = attempt.pk, attempt.order_id
            InboundEvent.objects.filter(pk=event.pk).update(attempt=attempt, order=attempt.order_id)


def _judge_hints(by_attempt: dict[int, list[InboundEvent]]) -> None:
    attempts = claim_each(Attempt, by_attempt)
    taken = {attempt.pk for attempt in attempts}
    for attempt_id in by_attempt.keys() - taken:  # somebody is asking at this moment; look again after them
        _postpone(by_attempt[attempt_id], ladders.rung((1,), 1), "")
    looks = inquiry.look_all(attempts)
    _write_hearings([Hearing(look, by_attempt[look.attempt.pk]) for look in looks])


def _write_hearings(hearings: Sequence[Hearing]) -> None:
    """All in one transaction; when that fails, half by half, until what is bad stands alone."""
    if not hearings:
        return
    try:
        with transaction.atomic():
            told = inquiry.write([hearing.look for hearing in hearings])
            _write_verdicts(hearings, told)
    except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
        _half_by_half(hearings, error)
    else:
        inquiry.after(told, [hearing.look for hearing in hearings])


def _half_by_half(hearings: Sequence[Hearing], error: Exception) -> None:
    if len(hearings) > 1:
        middle = len(hearings) // 2
        _write_hearings(hearings[:middle])
        _write_hearings(hearings[middle:])
        return
    look, events = hearings[0].look, hearings[0].events
    logger.error("%s: %s", look.attempt, error, exc_info=error)
    put_aside([look.attempt, *events], sentence(error))


def _write_verdicts(hearings: Iterable[Hearing], told: dict[int, Told]) -> None:
    judged: list[Judged] = []
    for hearing in hearings:
        found = told.get(hearing.look.attempt.pk)
        if found is None:  # the lease was lost: whoever took it asks
            _postpone(hearing.events, ladders.rung((1,), 1), "")
        elif not found.verdict.is_final:
            _postpone(hearing.events, None, found.verdict.sentence)
        else:
            judged += _each_verdict(hearing.events, found)
    _conclude(judged)


def _postpone(events: Iterable[InboundEvent], due_at: datetime | None, why: str) -> None:
    finish_all(
        End(event, due_at or ladders.rung(ladders.INBOUND, event.tries), {"last_error": why}) for event in events
    )


def _each_verdict(events: Iterable[InboundEvent], told: Told) -> Iterator[Judged]:
    """The first hint earns the verdict; the others of the batch said nothing more."""
    said = told.verdict
    for event in sorted(events, key=lambda each: each.pk):
        yield Judged(event, _compared(event, said, told.attempt))
        if said.applied:
            said = Verdict(InboundVerb.REPEAT, "told by another message of the same moment")


def _compared(event: InboundEvent, verdict: Verdict, attempt: Attempt) -> Verdict:
    """Where nothing was new: whether the message claimed more or less than the gateway says."""
    if verdict.verb != InboundVerb.REPEAT:
        return verdict
    claimed = attempt_state(event.source, method=attempt.method, code=event.claim)
    if claimed is None:
        return verdict
    ahead = ATTEMPT_RANK[claimed] - ATTEMPT_RANK[attempt.state]
    if ahead > 0:
        sentence = f"claims {event.claim}; asked, {event.source} itself says {attempt.state}"
        return Verdict(InboundVerb.REFUSE, sentence)
    if ahead < 0:
        return Verdict(InboundVerb.OUTRANK, f"{claimed} after {attempt.state}: kept, not applied")
    return verdict


def _conclude(judged: Sequence[Judged]) -> None:
    """Write the verdicts of messages that are still ours. Lock: orders."""
    now_is = lock_again((each.event for each in judged), tells=("token", "deliveries"))
    moves, ends, now = [], [], timezone.now()
    for each in judged:
        fresh = now_is[each.event.pk]
        if fresh.token != each.event.token:
            continue
        if fresh.state == InboundState.STORED:
            moves.append(_verdict_move(fresh, each, now))
        else:
            ends.append(End(fresh, _told_again(fresh, each.event), {"last_error": ""}))
    move_all(moves)
    finish_all(ends)


def _verdict_move(fresh: InboundEvent, judged: Judged, now: datetime) -> Move:
    sentence = judged.verdict.sentence[:300]
    due_at = _told_again(fresh, judged.event)
    changes = {"verdict": sentence, "due_at": due_at, "lease_until": None, "last_error": ""}
    return Move(fresh, judged.verdict.verb, "worker", reason=sentence, at=now, changes=changes)


def _told_again(fresh: InboundEvent, seen: InboundEvent) -> datetime | None:
    """A message that came once more while we asked makes us ask once more."""
    return fresh.due_at if fresh.deliveries > seen.deliveries else None


@transaction.atomic
def _write(event: InboundEvent, verdict: Verdict) -> None:
    if event.order_id is not None:
        lock_all(Order, [event.order_id])
    _conclude([Judged(event, verdict)])


def _judge_alone(event: InboundEvent, gateway: str) -> None:
    """What needs no inquiry. A bad one is put aside and does not stop the others."""
    try:
        _judge_other(event, gateway)
    except Exception as error:
        logger.exception("%s", event)
        put_aside([event], sentence(error))


def _judge_other(event: InboundEvent, gateway: str) -> None:
    if event.source not in GATEWAYS:
        _judge_fact(event)
    elif gateway:
        _write(event, Verdict(InboundVerb.REFUSE, f"the attempt is {gateway}'s"))
    else:
        _unknown_reference(event)


def _unknown_reference(event: InboundEvent) -> None:
    if timezone.now() - event.received_at < EARLY and event.tries < 4:
        _postpone([event], None, "no such attempt yet")
        return
    _write(event, Verdict(InboundVerb.QUARANTINE, f"no attempt {event.reference} here"))


def _judge_fact(event: InboundEvent) -> None:
    parsed = trip_events.parsed_event(bytes(event.raw), partner=event.source)
    if isinstance(parsed, Unparseable):
        _write(event, Verdict(InboundVerb.QUARANTINE, parsed.reason))
        return
    verdict = _trip_verdict(event, parsed)
    if verdict is None:
        _postpone([event], None, "the booking is not known yet")
        return
    _write(event, verdict)


def _trip_verdict(event: InboundEvent, parsed: TripEvent) -> Verdict | None:
    if event.state != InboundState.STORED:
        return Verdict(InboundVerb.REPEAT, "seen before")
    verdict = trips.apply(parsed)
    if verdict is None and timezone.now() - event.received_at > EARLY:
        return Verdict(InboundVerb.QUARANTINE, f"no booking {parsed.booking_id} here")
    return verdict


def replay(event: InboundEvent, *, actor: str, reason: str) -> None:
    """A person has a message judged again."""
    with transaction.atomic():
        if event.order is not None:
            lock(event.order)
        move(event, InboundVerb.REPLAY, actor=actor, reason=reason, due_at=timezone.now(), tries=0)
        ring("inbound")
