"""Before the money: links, gateways, messages, and customers who simply have not paid."""

from collections.abc import Callable

from django.utils.translation import gettext_noop as _

from orders.diagnosis.causes import Cause, NextStep
from orders.diagnosis.evidence import AttemptFacts, Evidence, InboundFacts
from orders.diagnosis.findings import CERTAIN, LIKELY, POSSIBLE, Finding, Sentence, said
from orders.states import AttemptState, OrderState

UNPAID = (OrderState.CREATED, OrderState.AWAITING_PAYMENT)
CLOSED = (AttemptState.DECLINED, AttemptState.NOT_STARTED, AttemptState.EXPIRED, AttemptState.CANCELLED)


def _unpaid_attempt(evidence: Evidence, *states: str) -> AttemptFacts | None:
    """The deciding attempt of an unpaid order, when it is in one of `states`."""
    attempt = evidence.attempt
    if evidence.machine != "order" or evidence.state not in UNPAID or attempt is None:
        return None
    return attempt if attempt.state in states else None


def amount_mismatch(evidence: Evidence) -> Finding | None:
    """What was paid is not what was asked for, whether the order still waits or was closed."""
    waits = evidence.machine == "order" and evidence.state in UNPAID
    unfit = [one for one in evidence.attempts if one.state == AttemptState.MISMATCH]
    if not unfit or not (waits or evidence.machine == "attempt"):
        return None
    text = _("Attempt %(number)s at %(gateway)s: %(answer)s.")
    return Finding(
        Cause.AMOUNT_MISMATCH,
        CERTAIN,
        tuple(said(text, number=one.number, gateway=one.gateway, answer=one.answer) for one in unfit),
    )


def link_never_made(evidence: Evidence) -> Finding | None:
    """Every attempt ended without a link, or the next one has yet to be tried."""
    attempt = _unpaid_attempt(evidence, *CLOSED, AttemptState.REQUESTED)
    if evidence.machine == "order" and evidence.state in UNPAID and not evidence.attempts:
        return Finding(Cause.LINK_NEVER_MADE, CERTAIN, (said(_("No gateway was ever asked.")),))
    if attempt is None:
        return None
    refusals = tuple(_refusal(one) for one in evidence.attempts if one.state in CLOSED)
    waits = attempt.state == AttemptState.REQUESTED and attempt.due_at is not None
    more = (said(_("The next try is due at %(due_at)s."), due_at=attempt.due_at),) if waits else ()
    return Finding(Cause.LINK_NEVER_MADE, LIKELY if refusals else POSSIBLE, (*refusals[-3:], *more))


def _refusal(attempt: AttemptFacts) -> Sentence:
    return said(
        _("Attempt %(number)s at %(gateway)s ended %(state)s: %(answer)s."),
        number=attempt.number,
        gateway=attempt.gateway,
        state=attempt.state,
        answer=attempt.answer or attempt.last_error or "-",
    )


def payment_unknown(evidence: Evidence) -> Finding | None:
    """The request for a link went out, and no answer ever came back."""
    attempt = _unpaid_attempt(evidence, AttemptState.UNKNOWN)
    if attempt is None:
        return None
    text = _("%(gateway)s was asked for a link at %(sent_at)s and has not answered.")
    sentences = (said(text, gateway=attempt.gateway, sent_at=attempt.entered_at), *_asking(attempt))
    return Finding(Cause.PAYMENT_UNKNOWN, CERTAIN - 3, sentences)


def message_not_applied(evidence: Evidence) -> Finding | None:
    """Somebody told us what this order waits for; the message lies in the table unjudged."""
    stored = [message for message in evidence.stored_messages if _is_awaited(evidence, message)]
    if not stored:
        return None
    oldest = stored[0]
    sentences = [
        said(
            _("%(source)s told us “%(claim)s” at %(received_at)s; it is stored and not judged."),
            source=oldest.source,
            claim=oldest.claim,
            received_at=oldest.received_at,
        )
    ]
    if oldest.last_error:
        sentences.append(said(_("The last try ended with: %(error)s"), error=oldest.last_error[:200]))
    step = None if evidence.state in UNPAID else NextStep.WAIT
    return Finding(Cause.CALLBACK_NOT_APPLIED, CERTAIN - 1, tuple(sentences), step)


def _is_awaited(evidence: Evidence, message: InboundFacts) -> bool:
    """A gateway's message before the money, a partner's during the trip."""
    if evidence.machine != "order":
        return False
    from_gateway = message.attempt_id is not None
    return from_gateway if evidence.state in UNPAID else evidence.state == OrderState.ACTIVE and not from_gateway


def callback_lost(evidence: Evidence) -> Finding | None:
    """An open link, no message, and our own questions have not been answered either."""
    attempt = _unpaid_attempt(evidence, AttemptState.OPEN)
    if attempt is None or _messages_of(evidence, attempt) or _says_unpaid(attempt):
        return None
    opened = said(
        _("The link at %(gateway)s has been open since %(opened_at)s and no message has come."),
        gateway=attempt.gateway,
        opened_at=attempt.entered_at,
    )
    return Finding(Cause.CALLBACK_LOST, LIKELY, (opened, *_asking(attempt)))


def customer_not_paid(evidence: Evidence) -> Finding | None:
    """The gateway itself says that nothing was paid: nothing is wrong."""
    attempt = _unpaid_attempt(evidence, AttemptState.OPEN)
    if attempt is None or not _says_unpaid(attempt):
        return None
    sentences = [
        said(
            _("%(gateway)s was asked at %(asked_at)s and says: not paid."),
            gateway=attempt.gateway,
            asked_at=attempt.asked_at,
        )
    ]
    if attempt.expires_at is not None:
        sentences.append(said(_("The link expires at %(expires_at)s."), expires_at=attempt.expires_at))
    return Finding(Cause.CUSTOMER_NOT_PAID, LIKELY, tuple(sentences))


def paid_after_close(evidence: Evidence) -> Finding | None:
    """Late money on a closed order; only a person may decide."""
    if evidence.machine != "order" or evidence.state != OrderState.PAID_AFTER_CLOSE:
        return None
    paid = next((one for one in evidence.attempts if one.state == AttemptState.PAID), None)
    if paid is None:
        return Finding(Cause.PAID_AFTER_CLOSE, CERTAIN)
    text = _("Attempt %(number)s at %(gateway)s was paid at %(paid_at)s, after the order had closed.")
    sentence = said(text, number=paid.number, gateway=paid.gateway, paid_at=paid.entered_at)
    return Finding(Cause.PAID_AFTER_CLOSE, CERTAIN, (sentence,))


def _messages_of(evidence: Evidence, attempt: AttemptFacts) -> bool:
    return any(message.attempt_id == attempt.id for message in evidence.inbound)


def _says_unpaid(attempt: AttemptFacts) -> bool:
    """Asked since the link was opened, and answered."""
    asked = attempt.asked_at is not None and attempt.entered_at is not None and attempt.asked_at > attempt.entered_at
    return asked and not attempt.last_error


def _asking(attempt: AttemptFacts) -> tuple[Sentence, ...]:
    if attempt.asked_at is None:
        return (said(_("The gateway has not been asked about it yet.")),)
    text = _("Asked %(tries)s times, last at %(asked_at)s: %(error)s")
    answer = attempt.last_error or "-"
    return (said(text, tries=attempt.tries, asked_at=attempt.asked_at, error=answer[:200]),)


RULES: tuple[Callable[[Evidence], Finding | None], ...] = (
    paid_after_close,
    amount_mismatch,
    message_not_applied,
    payment_unknown,
    callback_lost,
    customer_not_paid,
    link_never_made,
)
