"""Money that is to go back and has not."""

from collections.abc import Callable

from django.utils.translation import gettext_noop as _

from orders.clients.codes import REFUNDABLE
from orders.diagnosis.causes import Cause
from orders.diagnosis.evidence import Evidence, RefundFacts
from orders.diagnosis.findings import CERTAIN, Finding, Sentence, said
from orders.states import OrderState, RefundState


def _hanging(evidence: Evidence, *states: str) -> RefundFacts | None:
    refund = evidence.refund if evidence.machine == "refund" else None
    return refund if refund is not None and refund.state in states else None


def refund_failed(evidence: Evidence) -> Finding | None:
    """The gateway said no; the money is still here."""
    refund = _hanging(evidence, RefundState.FAILED)
    if refund is None or _is_by_hand(evidence, refund):
        return None
    said_no = said(_("The gateway said: %(error)s"), error=refund.last_error or "-")
    return Finding(Cause.REFUND_FAILED, CERTAIN + 1, (_asked_for(refund), said_no))


def refund_by_hand(evidence: Evidence) -> Finding | None:
    """Nobody but a person can give it back; of late money it is the order that hangs."""
    late = evidence.machine == "order" and evidence.state == OrderState.PAID_AFTER_CLOSE
    failed = evidence.refunds if late else [_hanging(evidence, RefundState.FAILED)]
    refund = next((one for one in failed if one and one.state == RefundState.FAILED), None)
    if refund is None or not _is_by_hand(evidence, refund):
        return None
    return Finding(Cause.REFUND_BY_HAND, CERTAIN + 1, (_asked_for(refund),))


def _is_by_hand(evidence: Evidence, refund: RefundFacts) -> bool:
    paid = next((each for each in evidence.attempts if each.id == refund.attempt_id), None)
    return paid is not None and paid.method not in REFUNDABLE.get(paid.gateway, ())


def refund_unanswered(evidence: Evidence) -> Finding | None:
    """Sent, and nobody knows whether the gateway did it."""
    refund = _hanging(evidence, RefundState.SENT, RefundState.UNKNOWN)
    if refund is None:
        return None
    return Finding(Cause.REFUND_UNANSWERED, CERTAIN + 1, (_asked_for(refund), *_asking(refund)))


def refund_needs_approval(evidence: Evidence) -> Finding | None:
    """Large, and no second person has looked."""
    refund = _hanging(evidence, RefundState.REQUESTED)
    return Finding(Cause.REFUND_NEEDS_APPROVAL, CERTAIN, (_asked_for(refund),)) if refund else None


def refund_pending(evidence: Evidence) -> Finding | None:
    """Approved, tried, and the gateway could not be reached."""
    refund = _hanging(evidence, RefundState.APPROVED)
    if refund is None:
        return None
    return Finding(Cause.REFUND_PENDING, CERTAIN - 5, (_asked_for(refund), *_asking(refund)))


def _asked_for(refund: RefundFacts) -> Sentence:
    return said(_("The refund %(key)s was asked for at %(created_at)s."), key=refund.key, created_at=refund.created_at)


def _asking(refund: RefundFacts) -> tuple[Sentence, ...]:
    if not refund.tries:
        return ()
    text = _("Tried %(tries)s times; the last answer: %(error)s")
    return (said(text, tries=refund.tries, error=refund.last_error[:200] or "-"),)


RULES: tuple[Callable[[Evidence], Finding | None], ...] = (
    refund_failed,
    refund_by_hand,
    refund_unanswered,
    refund_needs_approval,
    refund_pending,
)
