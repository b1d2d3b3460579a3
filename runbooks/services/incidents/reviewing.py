"""The review after an incident: drafted from what was counted, written by people, done when its items are."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Count, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from orders.errors import NotAllowed
from orders.models import History, LedgerEntry, Order, Refund
from orders.services.desk import CALLED
from orders.states import CLOSED_ORDER_STATES, RefundState
from runbooks.incident_states import IncidentState, IncidentVerb
from runbooks.models import ActionItem, Incident, Review
from runbooks.queries.incidents import cohort_of
from runbooks.services.incidents.leading import By
from runbooks.transitions import lock_incident, move_incident, tell_incident

TEXTS: Final = ("summary", "cause", "went_well", "went_badly")
COMPLAIN_WITHIN: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Item:
    """What somebody has to do by a day. `owner` is an actor."""

    kind: str
    text: str
    owner: str
    due_on: date


def draft(incident: Incident, *, actor: str) -> Review:
    """The review with its numbers counted now; the one that is there where it was begun already. Raises NotAllowed
    before the incident is over."""
    if incident.state not in (IncidentState.RESOLVED, IncidentState.REVIEWED):
        raise NotAllowed(_("It is reviewed when it is over."))
    with transaction.atomic():
        found, is_new = Review.objects.get_or_create(
            incident=incident, defaults={"drafted_by": actor, "impact": impact_of(incident)}
        )
        if is_new:
            tell_incident(incident, "drafted", actor=actor)
    return found


def count_again(review: Review, *, actor: str) -> None:
    """The numbers as they are now: refunds and recoveries go on after the end."""
    now = timezone.now()
    Review.objects.filter(pk=review.pk).update(
        impact=impact_of(review.incident), drafted_at=now, changed_by=actor, changed_at=now
    )


def impact_of(incident: Incident) -> dict[str, Any]:
    """Orders and money, in minor units by currency, of the cohort. `delayed` hung and recovered, `lost` belongs to
    orders that ended unfulfilled."""
    cohort = cohort_of(incident)
    ids = list(incident.cohort.values_list("order_id", flat=True))
    hanging = {row.order_id for row in cohort.hanging}
    lost = dict(Order.objects.filter(pk__in=ids, state__in=CLOSED_ORDER_STATES).values_list("pk", "state"))
    delayed, gone = Counter[str](), Counter[str]()
    for pk, amount, currency in incident.cohort.values_list("order_id", "amount", "currency"):
        (gone if pk in lost else delayed)[currency] += amount
    return {
        "orders": cohort.pinned,
        "paid": cohort.paid,
        "recovered": cohort.pinned - len(hanging) - len(set(lost) - hanging),
        "hanging": len(hanging),
        "unfulfilled": len(lost),
        "delayed": dict(delayed),
        "lost": dict(gone),
        "refunded": _refunds(ids, [RefundState.SUCCEEDED]),
        "owed": _refunds(ids, [RefundState.REQUESTED, RefundState.APPROVED, RefundState.SENT, RefundState.UNKNOWN]),
        "held": _held(ids),
        **_complaints(incident, ids),
        "alerts": incident.episodes.count(),
        "breaches": incident.clocks.exclude(breached_at=None).count(),
    }


def _refunds(ids: list[int], states: list[str]) -> Mapping[str, int]:
    rows = Refund.objects.filter(order_id__in=ids, state__in=states).order_by().values_list("currency")
    return {currency: int(total) for currency, total in rows.annotate(total=Sum("amount"))}


def _held(ids: list[int]) -> Mapping[str, int]:
    """What we hold of the customers' money now."""
    rows = LedgerEntry.objects.filter(order_id__in=ids).order_by().values_list("currency")
    return {currency: int(total) for currency, total in rows.annotate(total=Sum("amount"))}


def _complaints(incident: Incident, ids: list[int]) -> Mapping[str, int]:
    """Calls that somebody noted on the orders, since it began and until a day after it was over."""
    calls = History.objects.filter(order_id__in=ids, verb=CALLED, recorded_at__gte=incident.began_at)
    if incident.resolved_at:
        calls = calls.filter(recorded_at__lte=incident.resolved_at + COMPLAIN_WITHIN)
    return calls.aggregate(complaints=Count("pk"), complained=Count("order_id", distinct=True))


def write(review: Review, texts: Mapping[str, str], by: By) -> None:
    """What people write. Raises NotAllowed when somebody else wrote meanwhile."""
    values: dict[str, Any] = {name: texts.get(name, "").strip()[:8000] for name in TEXTS}
    values |= {"version": review.version + 1, "changed_by": by.actor, "changed_at": timezone.now()}
    if not Review.objects.filter(pk=review.pk, version=by.version or 0).update(**values):
        raise NotAllowed(_("Somebody else has written meanwhile: nothing was saved."))


def add_item(incident: Incident, item: Item, *, actor: str) -> ActionItem:
    """Raises NotAllowed for an empty text, a day that is past, or a kind that only a rule may give."""
    if item.kind not in (ActionItem.Kind.DETECT, ActionItem.Kind.PREVENT, ActionItem.Kind.CORRECT):
        raise NotAllowed(_("There is no such kind of action item."))
    if not item.text.strip() or not item.owner.strip():
        raise NotAllowed(_("Say what is to be done, and by whom."))
    if item.due_on < timezone.localdate():
        raise NotAllowed(_("That day is past."))
    with transaction.atomic():
        incident = lock_incident(incident)
        made = ActionItem.objects.create(
            incident=incident,
            kind=item.kind,
            text=item.text.strip()[:400],
            owner=item.owner,
            due_on=item.due_on,
            made_by=actor,
        )
        tell_incident(incident, "item", actor=actor, detail={"item": made.text})
    return made


def end_item(item: ActionItem, state: str, *, said: str, actor: str) -> None:
    """Done, or dropped, with a word on how or why. Raises NotAllowed without it, or when it has ended already."""
    if not said.strip() or state not in (ActionItem.State.DONE, ActionItem.State.DROPPED):
        raise NotAllowed(_("Say how it was done, or why it is dropped."))
    values = {"state": state, "said": said.strip()[:400], "ended_by": actor, "ended_at": timezone.now()}
    if not ActionItem.objects.filter(pk=item.pk, state=ActionItem.State.OPEN).update(**values):
        raise NotAllowed(_("It has ended already."))


def finish(incident: Incident, by: By) -> None:
    """The review is complete. Raises NotAllowed while summary or cause are missing, or nothing is to be done."""
    review = Review.objects.filter(incident=incident).first()
    if review is None or not review.summary or not review.cause:
        raise NotAllowed(_("A review needs a summary and a cause."))
    if not incident.items.exists():
        raise NotAllowed(_("A review without an action item changes nothing: add one."))
    with transaction.atomic():
        incident = lock_incident(incident)
        move_incident(incident, IncidentVerb.REVIEW, actor=by.actor, reviewed_at=timezone.now())
