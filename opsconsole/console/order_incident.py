"""What an order's page says while a live incident affects it: which one, and what to tell the customer."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from opsconsole.console.formats import WIB
from opsconsole.console.order_verdict import LANGUAGES
from orders.models import Order
from runbooks.models import Incident
from runbooks.queries.incidents import pinned_by


@dataclass(frozen=True, kw_only=True)
class Banner:
    """`is_paid`: money had come when the order was pinned. `next_at` is when the customer may be told more; None where
    nobody promised anything, or the promise is late."""

    incident: Incident
    is_hanging: bool
    is_paid: bool
    next_at: datetime | None
    is_late: bool

    def in_languages(self) -> list[tuple[str, str]]:
        """(language, what to tell the customer), Indonesian first. Never the cause, never a promise of an end."""
        told = []
        for language in LANGUAGES:
            with translation.override(language):
                told.append((language, self._sentence()))
        return told

    def _sentence(self) -> str:
        if not self.is_hanging:
            return _("There was a disturbance that also held up your order. It goes on normally now.")
        if self.is_paid:
            begins = _("There is a disturbance, and your order is affected. Your payment is safe with us.")
        else:
            begins = _("There is a disturbance, and your order is affected. Please do not pay a second time.")
        return f"{begins} {self._more()}"

    def _more(self) -> str:
        if self.next_at is None:
            return _("We will tell you as soon as we know more.")
        return _("We will know more by %(time)s WIB.") % {"time": f"{self.next_at.astimezone(WIB):%H:%M}"}


def banner_of(order: Order, *, is_hanging: bool) -> Banner | None:
    """None for an order that no live incident has pinned."""
    place = pinned_by(order.pk)
    if place is None:
        return None
    promised, now = place.incident.update_due_at, timezone.now()
    is_late = promised is not None and promised <= now
    return Banner(
        incident=place.incident,
        is_hanging=is_hanging,
        is_paid=place.is_paid,
        next_at=None if is_late else promised,
        is_late=is_late,
    )
