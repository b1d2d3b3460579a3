"""What a worker makes of stored messages."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from orders import crew, ladders
from orders.bells import ring
from orders.clients import trip_events
from orders.clients.codes import attempt_state
from orders.clients.gateway import Unparseable
from orders.clients.registry import GATEWAYS
from orders.clients.trip_events import TripEvent
from orders.leases import claim_one, finish, hold
from orders.models import Attempt, InboundEvent
from orders.services import inquiry, trips
from orders.services.settlement import Verdict
from orders.states import ATTEMPT_RANK, InboundState, InboundVerb
from orders.transitions import lock, move

# A message about something we do not know yet may be ahead of our own commit, or of a booking's
# answer; after this long it is somebody else's.
EARLY = timedelta(minutes=10)


def work(events: Sequence[InboundEvent]) -> None:
    """Judge a batch, leased by the caller: one inquiry per attempt, however many hints there are."""
    by_attempt: dict[int, list[InboundEvent]] = defaultdict(list)
    others: list[InboundEvent] = []
    for event in events:
        attempt_id = _attempt_id(event) if event.source in GATEWAYS else None
        if attempt_id:
            by_attempt[attempt_id].append(event)
        else:
            others.append(event)
    crew.each(_judge_hints, by_attempt.values())
    for event in others:
        _judge_other(event)


def _attempt_id(event: InboundEvent) -> int | None:
    """The attempt it is about; a message that came before our own commit finds it now."""
    if event.attempt_id:
        return event.attempt_id
    attempt = Attempt.objects.filter(reference=event.reference).first()
    if attempt is None:
        return None
    event.attempt, event.order = attempt, attempt.order
    InboundEvent.objects.filter(pk=event.pk).update(attempt=attempt, order=attempt.order_id)
    return attempt.pk


def _judge_hints(events: list[InboundEvent]) -> None:
    attempt_id = int(events[0].attempt_id or 0)
    attempt = claim_one(Attempt.objects.get(pk=attempt_id))
    if attempt is None:  # somebody is asking at this moment; look again after them
        _postpone(events, ladders.rung((1,), 1), "")
        return
    if attempt.gateway != events[0].source:
        finish(attempt, due_at=attempt.due_at)
        _conclude(events, Verdict(InboundVerb.REFUSE, f"the attempt is {attempt.gateway}'s"))
        return
    verdict = inquiry.ask(attempt)
    if not verdict.is_final:
        _postpone(events, None, verdict.sentence)
        return
    _conclude(events, verdict, attempt=Attempt.objects.get(pk=attempt_id))


def _postpone(events: Iterable[InboundEvent], due_at: datetime | None, why: str) -> None:
    for event in events:
        finish(event, due_at=due_at or ladders.rung(ladders.INBOUND, event.tries), last_error=why)


def _conclude(events: Iterable[InboundEvent], verdict: Verdict, *, attempt: Attempt | None = None) -> None:
    """The first hint earns the verdict; the others of the batch said nothing more."""
    said = verdict
    for event in sorted(events, key=lambda each: each.pk):
        _write(event, _compared(event, said, attempt) if attempt else said)
        if said.applied:
            said = Verdict(InboundVerb.REPEAT, "told by another message of the same moment")


def _compared(event: InboundEvent, verdict: Verdict, attempt: Attempt) -> Verdict:
    """Where nothing was new: whether the message claimed more or less than the gateway says."""
    claimed = attempt_state(event.source, method=attempt.method, code=event.claim)
    if verdict.verb != InboundVerb.REPEAT or claimed is None:
        return verdict
    ahead = ATTEMPT_RANK[claimed] - ATTEMPT_RANK[attempt.state]
    if ahead > 0:
        sentence = f"claims {event.claim}; asked, {event.source} itself says {attempt.state}"
        return Verdict(InboundVerb.REFUSE, sentence)
    if ahead < 0:
        return Verdict(InboundVerb.OUTRANK, f"{claimed} after {attempt.state}: kept, not applied")
    return verdict


@transaction.atomic
def _write(event: InboundEvent, verdict: Verdict) -> None:
    if event.order is not None:
        lock(event.order)
    hold(event)
    if event.state == InboundState.STORED:
        move(
            event,
            verdict.verb,
            actor="worker",
            reason=verdict.sentence[:300],
            verdict=verdict.sentence[:300],
            at=timezone.now(),
        )
    finish(event, due_at=None, last_error="")


def _judge_other(event: InboundEvent) -> None:
    if event.source in GATEWAYS:
        _unknown_reference(event)
    else:
        _judge_fact(event)


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
