"""After the booking: trips that never end, and payments Head Office does not have."""

from collections.abc import Callable

from django.utils.translation import gettext_noop as _

from orders.diagnosis.causes import Cause
from orders.diagnosis.evidence import Evidence, PostingFacts
from orders.diagnosis.findings import CERTAIN, LIKELY, Finding, Sentence, said
from orders.states import InboundState, OrderState, PostingState


def trip_end_missing(evidence: Evidence) -> Finding | None:
    """Active past its limit, and no message of its end."""
    if evidence.machine != "order" or evidence.state != OrderState.ACTIVE or evidence.imported:
        return None
    sentences = [said(_("The trip has been under way since %(since_at)s."), since_at=evidence.since)]
    trips = [one for one in evidence.inbound if one.attempt_id is None]
    if trips:
        last = trips[-1]
        text = _("The last message of %(source)s was “%(claim)s” at %(received_at)s.")
        sentences.append(said(text, source=last.source, claim=last.claim, received_at=last.received_at))
    set_aside = [one for one in trips if one.state in (InboundState.QUARANTINED, InboundState.ILLEGAL)]
    sentences += [said(_("A message was set aside: %(verdict)s."), verdict=one.verdict) for one in set_aside[-1:]]
    return Finding(Cause.TRIP_END_MISSING, LIKELY, tuple(sentences))


def _hanging(evidence: Evidence, *states: str) -> PostingFacts | None:
    posting = evidence.posting if evidence.machine == "posting" else None
    return posting if posting is not None and posting.state in states else None


def ho_rejected(evidence: Evidence) -> Finding | None:
    """HO looked at it and said no."""
    posting = _hanging(evidence, PostingState.REJECTED)
    if posting is None:
        return None
    said_no = said(_("Head Office said: %(error)s"), error=posting.last_error or "-")
    return Finding(Cause.HO_REJECTED, CERTAIN + 1, (_owed(posting), said_no))


def ho_unanswered(evidence: Evidence) -> Finding | None:
    """Sent; booked there or not, nobody knows. The reference makes a second sending harmless."""
    posting = _hanging(evidence, PostingState.SENT, PostingState.UNKNOWN)
    if posting is None:
        return None
    return Finding(Cause.HO_UNANSWERED, CERTAIN - 1, (_owed(posting), *_trying(posting)))


def ho_never_posted(evidence: Evidence) -> Finding | None:
    """Due, and it has not got through."""
    posting = _hanging(evidence, PostingState.DUE)
    if posting is None:
        return None
    return Finding(Cause.HO_NEVER_POSTED, CERTAIN - 5, (_owed(posting), *_trying(posting)))


def _owed(posting: PostingFacts) -> Sentence:
    text = _("The entry %(reference)s has been due since %(created_at)s.")
    return said(text, reference=posting.reference, created_at=posting.created_at)


def _trying(posting: PostingFacts) -> tuple[Sentence, ...]:
    if not posting.tries:
        return (said(_("It was never sent.")),)
    text = _("Tried %(tries)s times; the last answer: %(error)s")
    return (said(text, tries=posting.tries, error=posting.last_error[:200] or "-"),)


RULES: tuple[Callable[[Evidence], Finding | None], ...] = (
    ho_rejected,
    ho_unanswered,
    ho_never_posted,
    trip_end_missing,
)
