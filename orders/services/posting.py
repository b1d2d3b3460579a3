"""Telling Head Office: each entry once, under a key HO finds duplicates by."""

import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from orders import ladders
from orders.bells import ring
from orders.clients import ho
from orders.context import act_as
from orders.leases import OTHERS, claim_in_turn, finish, hold
from orders.models import Order, Posting, Refund
from orders.resilience.outcome import Answered, Outcome, Refused, Retryable
from orders.services import cities, ledger
from orders.states import PostingState, PostingVerb
from orders.transitions import lock, move


def owe_payment(order: Order) -> Posting | None:
    """The order is completed: HO has to be told what was paid. Lock: order."""
    amount = ledger.balance(order)
    if amount <= 0:
        return None
    return _owe(order, kind=Posting.Kind.PAYMENT, amount=amount, reference=order.public_id)


def owe_refund(order: Order, refund: Refund) -> Posting | None:
    """Money went back after HO was told of the payment. Lock: order."""
    if not order.postings.filter(kind=Posting.Kind.PAYMENT).exists():
        return None
    return _owe(
        order,
        kind=Posting.Kind.REFUND,
        amount=refund.amount,
        reference=f"{order.public_id}-{refund.key}",
        refund=refund,
    )


def _owe(order: Order, *, kind: str, amount: int, reference: str, refund: Refund | None = None) -> Posting:
    found = Posting.objects.filter(reference=reference).first()
    if found:
        return found
    act_as("worker")
    now = timezone.now()
    posting = Posting.objects.create(
        order=order,
        refund=refund,
        kind=kind,
        reference=reference,
        amount=amount,
        currency=order.currency,
        occurred_at=now,
        state=PostingState.DUE,
        due_at=now,
    )
    ring("posting")
    return posting


def work(posting: Posting) -> None:
    """One look at a due entry, leased by the caller: send it, or ask whether HO has it."""
    if posting.state == PostingState.DUE:
        send(posting)
    elif posting.state in (PostingState.SENT, PostingState.UNKNOWN):
        ask(posting)
    else:
        finish(posting, due_at=None)


def send(posting: Posting) -> None:
    """Mark it sent, tell HO, write down the answer. Without the branch HO cannot book it: then it stays due."""
    try:
        branch = cities.branch_of(posting.order.city)
    except cities.NoMap:
        finish(posting, due_at=_later(posting), last_error="no map of cities yet")
        return
    with transaction.atomic():
        lock(posting.order)
        hold(posting)
        move(posting, PostingVerb.SEND, actor="worker")
    outcome = ho.post_entry(
        posting.reference,
        order_ref=posting.order.public_id,
        amount=posting.amount,
        currency=posting.currency,
        kind="payment" if posting.kind == Posting.Kind.PAYMENT else "refund",
        occurred_at=posting.occurred_at,
        branch=branch,
        idempotency_key=posting.reference,
    )
    _write(posting, outcome)


def ask(posting: Posting) -> None:
    """Ask HO for the entry; absent for longer than HO may still be booking, it goes again."""
    outcome = ho.ask_entry(posting.reference)
    if isinstance(outcome, Answered):
        _found(posting, outcome.status, outcome.data)
    elif isinstance(outcome, Refused):
        _write(posting, outcome)
    else:
        finish(posting, due_at=_later(posting), last_error=str(outcome)[:300], asked_at=_now())


def _found(posting: Posting, status: int, entry: ho.Entry | None) -> None:
    if entry is None:
        _absent(posting)
    else:
        _write(posting, Answered(status, entry))


@transaction.atomic
def _absent(posting: Posting) -> None:
    lock(posting.order)
    hold(posting)
    if _now() - posting.entered_at >= ladders.quarantine():
        _again(posting, "HO has never heard of it")
    else:
        finish(posting, due_at=_later(posting), asked_at=_now())


@transaction.atomic
def _write(posting: Posting, outcome: Outcome[ho.Entry]) -> None:
    lock(posting.order)
    hold(posting)
    if isinstance(outcome, Answered):
        move(posting, PostingVerb.RECORD, actor="partner:ho", ho_reference=outcome.data.entry_id)
        finish(posting, due_at=None, last_error="")
    elif isinstance(outcome, Refused):
        said = f"{outcome.code} {outcome.message}".strip()
        move(posting, PostingVerb.REJECT, actor="partner:ho", reason=said)
        finish(posting, due_at=None, last_error=said[:300])
    elif isinstance(outcome, Retryable):
        _again(posting, outcome.reason)
    else:
        if posting.state == PostingState.SENT:
            move(posting, PostingVerb.LOSE, actor="worker", reason=outcome.reason)
        finish(posting, due_at=_later(posting), last_error=outcome.reason[:300])


def _again(posting: Posting, why: str) -> None:
    move(posting, PostingVerb.RETRY, actor="worker", reason=why)
    finish(posting, due_at=_later(posting), last_error=why[:300])


def post_again(order: Order, *, actor: str, reason: str, renew: Callable[[], None]) -> list[Posting]:
    """Send what HO lacks of an order again, under the same references, and read it back. What it still lacks.

    `renew` keeps the caller's lease while HO is asked. No transaction may be open.
    """
    with transaction.atomic():
        fresh = lock(order)
        if not fresh.postings.exists():
            owe_payment(fresh)
        lacking = list(fresh.postings.exclude(state=PostingState.RECORDED).order_by("pk"))
    until = time.monotonic() + OTHERS
    for entry in lacking:
        renew()
        mine = claim_in_turn(entry, until=until)
        if mine is not None:
            renew()
            _post_now(mine, actor=actor, reason=reason)
    return list(Posting.objects.filter(order=order).exclude(state=PostingState.RECORDED))


def _post_now(entry: Posting, *, actor: str, reason: str) -> None:
    """A person sends an entry again; the key stays, so HO books it at most once.

    Under our lease from the first: a worker that found it due would send it, and we would say that it was not.
    """
    if entry.state == PostingState.RECORDED:  # by the worker that had it before us
        finish(entry, due_at=None)
        return
    if entry.state != PostingState.DUE:
        with transaction.atomic():
            lock(entry.order)
            hold(entry)
            move(entry, PostingVerb.RETRY, actor=actor, reason=reason, due_at=_now(), tries=0)
    work(entry)


def booked_anew(order: Order, *, replaced: Collection[str], kind: str, entries: Sequence[ho.Entry]) -> None:
    """Head Office has booked `entries` instead of those with these ids: what we show and ask for from now on."""
    instead = {"booked_as": [each.entry_ref for each in entries], "ho_reference": entries[0].entry_id}
    Posting.objects.filter(order=order, kind=kind, ho_reference__in=replaced).update(**instead)


def _later(posting: Posting) -> datetime:
    return ladders.rung(ladders.POSTING, posting.tries)


def _now() -> datetime:
    return timezone.now()
