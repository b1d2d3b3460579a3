"""What people do to an order at once: take it, hold it, write on it, look at a phone number."""

from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from orders.errors import NotAllowed, StaleState
from orders.models import Order
from orders.queries.sentences import CALLS
from orders.services.locks import lock_on
from orders.services.others import Blocked, in_run
from orders.services.switches import why_stopped
from orders.transitions import lock, record

LONGEST_HOLD = timedelta(days=7)
CALLED = "customer_called"


def assign(order: Order, owner: AbstractBaseUser | None, *, actor: str, expected_owner: int | None) -> None:
    """Make `owner` the one whose move it is (None: nobody). `expected_owner` is who it was on screen."""
    with transaction.atomic():
        order = lock(order)
        if order.owner_id != expected_owner:
            raise StaleState(subject=str(order), expected="owner", found="another owner")
        Order.objects.filter(pk=order.pk).update(owner=owner)
        name = owner.get_username() if owner else ""
        record(order, "assigned" if owner else "unassigned", actor=actor, detail={"owner": name})


def hold(order: Order, *, until: datetime, actor: str, reason: str, by_action: bool = False) -> None:
    """Keep the order out of the stuck list until then, with a reason. `by_action`: an operator's action does it,
    which has met the guards already."""
    if not timezone.now() < until <= timezone.now() + LONGEST_HOLD:
        raise NotAllowed(f"hold it for up to {LONGEST_HOLD.days} days")
    if not reason.strip():
        raise NotAllowed("a hold needs a reason")
    with transaction.atomic():
        order = lock(order)
        _refuse("" if by_action else "hold_order", order)
        Order.objects.filter(pk=order.pk).update(held_until=until, hold_reason=reason[:200])
        record(order, "held", actor=actor, reason=reason, detail={"until": until.isoformat()})


def release(order: Order, *, actor: str, reason: str = "", by_action: bool = False) -> None:
    """Let a held order count as stuck again."""
    with transaction.atomic():
        order = lock(order)
        _refuse("" if by_action else "release_hold", order)
        Order.objects.filter(pk=order.pk).update(held_until=None, hold_reason="")
        record(order, "released", actor=actor, reason=reason)


def _refuse(name: str, order: Order) -> None:
    """What is done at once at the desk meets the switches and the runs that single actions meet."""
    if name and (stopped := why_stopped(name)):
        raise NotAllowed(stopped)
    if name and (run := lock_on(order)) is not None:
        raise Blocked(in_run(run))


def note(order: Order, text: str, *, actor: str) -> None:
    """Write a sentence on the order's timeline."""
    if not text.strip():
        raise NotAllowed("an empty note says nothing")
    with transaction.atomic():
        record(order, "note", actor=actor, reason=text.strip()[:2000])


def called(order: Order, about: str, *, actor: str, said: str = "") -> None:
    """The customer called, and about what (`sentences.CALLS`): what a review counts as complaints."""
    if about not in CALLS:
        raise NotAllowed("say what the customer called about")
    with transaction.atomic():
        record(order, CALLED, actor=actor, reason=said.strip()[:400], detail={"about": about})


def reveal(order: Order, field: str, *, actor: str, reason: str = "") -> None:
    """Remember that somebody looked at personal data of this order's customer."""
    with transaction.atomic():
        record(order, "revealed", actor=actor, reason=reason, detail={"field": field})
