"""Changing how long a booking waits after a payment that may still be taken back. In force for the next payment."""

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from orders import names
from orders.errors import NotAllowed
from orders.models import DispatchHold
from orders.queries.holds import holds_in_force
from orders.transitions import record

LONGEST: Final = timedelta(minutes=30)
SET: Final = "set_hold"


def set_hold(method: str, span: timedelta, *, actor: str) -> None:
    """Raises NotAllowed for a method nobody offers, or more than half an hour."""
    if method not in names.METHODS:
        raise NotAllowed(_("There is no such method."))
    if not timedelta(0) <= span <= LONGEST:
        raise NotAllowed(_("A booking waits for at most thirty minutes."))
    seconds = int(span.total_seconds())
    with transaction.atomic():
        was = holds_in_force().get(method, timedelta(0))
        DispatchHold.objects.update_or_create(method=method, defaults={"seconds": seconds, "changed_by": actor})
        detail = {"method": method, "was": int(was.total_seconds()), "seconds": seconds}
        record(None, SET, actor=actor, detail=detail)
