"""A refund that a person transferred by hand: recorded once, with the bank's evidence and a second person (ADR 0129).

The wish names the refund by its `key`, and the transfer by the bank's `reference` and `transferred_at` (ISO 8601).
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from orders.errors import NotAllowed
from orders.models import OperatorAction, Order, Refund
from orders.services import refunds
from orders.services.actions.verb import Result, Verb
from orders.services.others import IN_HAND
from orders.services.refunds import Transfer
from orders.states import RefundState
from orders.transitions import lock

NAME: Final = "record_transfer"
# As banks give it, without blanks. Without a digit it is a word and no reference.
_REFERENCE: Final = re.compile(r"(?=.*[0-9])[A-Z0-9][A-Z0-9/._-]{3,63}")
_PROPOSED_WITHIN: Final = timedelta(days=1)  # longer than any proposal lives


def failed(order: Order) -> list[Refund]:
    """Refunds that can be recorded as transferred, the oldest first."""
    return list(order.refunds.select_related("attempt").filter(state=RefundState.FAILED).order_by("pk"))


def transfer_not(order: Order, params: Mapping[str, Any]) -> str:
    """Without a refund in `params`: whether there is any to be recorded."""
    if "refund" not in params:
        return "" if failed(order) else _("No refund of this order has failed: nothing is to be transferred by hand.")
    return next(iter(problems(order, params).values()), "")


def named(order: Order, params: Mapping[str, Any]) -> Refund | None:
    """The refund that the wish is about, with its attempt."""
    return order.refunds.select_related("attempt").filter(key=params.get("refund", "")).first()


def problems(order: Order, params: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong, by the field that says it; each as a sentence. The reference is in its one spelling."""
    refund = named(order, params)
    if refund is None:
        return {"refund": _("There is no such refund.")}
    if refund.state != RefundState.FAILED:
        said = _("This refund is “%(state)s”: only one that failed can be recorded as transferred by hand.")
        return {"refund": said % {"state": refund.state_label}}
    found = {
        "reference": _reference_not(refund, str(params.get("reference", ""))),
        "transferred_at": _time_not(refund, parse_datetime(str(params.get("transferred_at", "")))),
    }
    return {name: why for name, why in found.items() if why}


def _reference_not(refund: Refund, reference: str) -> str:
    if not _REFERENCE.fullmatch(reference):
        return _("A bank's reference has 4 to 64 letters and digits, at least one of them a digit.")
    other = Refund.objects.select_related("order").filter(bank_reference=reference).exclude(pk=refund.pk).first()
    return _proves(reference, other.order) if other else _proposed_not(refund, reference)


def _proposed_not(refund: Refund, reference: str) -> str:
    """Of another order; two of one order are never in hand at once."""
    recent = OperatorAction.objects.filter(plan="", name=NAME, created_at__gt=timezone.now() - _PROPOSED_WITHIN)
    waiting = recent.filter(status__in=IN_HAND, params__reference=reference).exclude(order_id=refund.order_id)
    other = waiting.select_related("order").first()
    return _proves(reference, other.order) if other else ""


def _proves(reference: str, order: Order) -> str:
    said = _("The reference %(reference)s is the evidence for order %(order)s already: one transfer proves one refund.")
    return said % {"reference": reference, "order": order.public_id}


def _time_not(refund: Refund, at: datetime | None) -> str:
    """Forms say the minute."""
    if at is None or timezone.is_naive(at):
        return _("When the money was transferred is needed.")
    if at > timezone.now():
        return _("The time of the transfer is in the future.")
    if at < refund.created_at.replace(second=0, microsecond=0):
        return _("The refund was asked for only after that time: an earlier transfer is not for it.")
    return ""


def amount_of(order: Order, params: Mapping[str, Any]) -> int:
    """What the refund gives back, in minor units."""
    refund = named(order, params)
    return refund.amount if refund else 0


def record_transfer(action: OperatorAction, order: Order) -> Result:
    """Write it down. A second worker after a death finds it written."""
    try:
        with transaction.atomic():
            refund = _record(action, lock(order))
    except IntegrityError as error:  # two people brought the same evidence at the same moment
        raise NotAllowed(_("One transfer proves one refund, and this one proves another already.")) from error
    said = _("The refund %(key)s is recorded as transferred by hand, reference %(reference)s.")
    return Result(True, said % {"key": refund.key, "reference": refund.bank_reference})


def _record(action: OperatorAction, order: Order) -> Refund:
    refund = _locked(order, action.params)
    transfer = Transfer(str(action.params["reference"]), datetime.fromisoformat(action.params["transferred_at"]))
    if (refund.state, refund.bank_reference) == (RefundState.SUCCEEDED, transfer.reference):
        return refund
    if why := transfer_not(order, action.params):
        raise NotAllowed(why)
    refunds.transferred(order, refund, transfer, actor=action.actor, reason=action.reason, by_action=action.pk)
    return refund


def _locked(order: Order, params: Mapping[str, Any]) -> Refund:
    found = named(order, params)
    if found is None:
        raise NotAllowed(_("There is no such refund."))
    return lock(found)


TRANSFER: Final = Verb(record_transfer, transfer_not, gettext_noop("Record a transfer by hand"), amount=amount_of)
