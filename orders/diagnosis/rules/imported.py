"""Orders of another platform: nobody here can be asked, their state is all there is."""

from collections.abc import Callable, Mapping

from django.utils.translation import gettext_noop as _

from orders.diagnosis.causes import Cause
from orders.diagnosis.evidence import Evidence
from orders.diagnosis.findings import LIKELY, Finding, said
from orders.states import OrderState

_BY_STATE: Mapping[str, Cause] = {
    OrderState.CREATED: Cause.IMPORT_NEVER_PAID,
    OrderState.AWAITING_PAYMENT: Cause.IMPORT_NEVER_PAID,
    OrderState.PAID: Cause.IMPORT_NEVER_BOOKED,
    OrderState.BOOKING: Cause.IMPORT_BOOKING_NEVER_CONFIRMED,
    OrderState.QUEUED_FOR_DISPATCH: Cause.IMPORT_BOOKING_NEVER_CONFIRMED,
    OrderState.ACTIVE: Cause.IMPORT_NEVER_COMPLETED,
}


def imported_order(evidence: Evidence) -> Finding | None:
    """By its state; money on an order that was never paid is finance's."""
    if not evidence.imported or evidence.machine != "order":
        return None
    cause = _BY_STATE.get(evidence.state)
    if cause is None:
        return None
    sentences = [said(_("The last fact in the imported files is of %(since_at)s."), since_at=evidence.since)]
    if cause == Cause.IMPORT_NEVER_PAID and evidence.held > 0:
        cause = Cause.IMPORT_PAYMENT_NOT_APPROVED
        sentences.append(said(_("The files have a payment, and no approval of it.")))
    if evidence.promised_by and evidence.promised_by < evidence.at:
        sentences.append(said(_("It was promised by %(promised_at)s."), promised_at=evidence.promised_by))
    return Finding(cause, LIKELY, tuple(sentences))


RULES: tuple[Callable[[Evidence], Finding | None], ...] = (imported_order,)
