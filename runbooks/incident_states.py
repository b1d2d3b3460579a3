"""The lives of an incident, an alert and a page: states, and one table of edges each. Imports nothing of ours."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy as _


class Severity(IntegerChoices):
    """How bad, and thereby which clocks run (domain, section 7)."""

    P0 = 0, "P0"
    P1 = 1, "P1"
    P2 = 2, "P2"
    P3 = 3, "P3"


class IncidentState(TextChoices):
    OPEN = "open", _("Nobody has it")
    ACKNOWLEDGED = "acknowledged", _("In hand")
    MITIGATED = "mitigated", _("Workaround in force")
    RESOLVED = "resolved", _("Resolved")
    REVIEWED = "reviewed", _("Reviewed")
    DISMISSED = "dismissed", _("False alarm")


class IncidentVerb(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    LAPSE = "lapse"  # an acknowledge that nothing followed
    MITIGATE = "mitigate"
    RELAPSE = "relapse"  # the workaround does not hold
    RESOLVE = "resolve"
    REOPEN = "reopen"
    REVIEW = "review"
    DISMISS = "dismiss"


class AlertState(TextChoices):
    FIRING = "firing", _("Fires")
    RESOLVED = "resolved", _("Over")


class DeliveryState(TextChoices):
    """What became of one message of a monitoring system."""

    STORED = "stored", _("Not judged yet")
    JUDGED = "judged", _("Judged")
    QUARANTINED = "quarantined", _("Cannot be understood")


class PageState(TextChoices):
    QUEUED = "queued", _("Waits")
    UNKNOWN = "unknown", _("Nobody knows yet")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")
    WITHDRAWN = "withdrawn", _("Not needed any more")


class PageVerb(StrEnum):
    SEND = "send"  # written before the call
    TAKE = "take"  # they have it
    RETRY = "retry"  # they certainly have it not
    FAIL = "fail"
    WITHDRAW = "withdraw"


_S, _V = IncidentState, IncidentVerb
INCIDENT_EDGES: Final[Mapping[tuple[str, str], str]] = {
    (_S.OPEN, _V.ACKNOWLEDGE): _S.ACKNOWLEDGED,
    (_S.OPEN, _V.RESOLVE): _S.RESOLVED,
    (_S.OPEN, _V.DISMISS): _S.DISMISSED,
    (_S.ACKNOWLEDGED, _V.LAPSE): _S.OPEN,
    (_S.ACKNOWLEDGED, _V.MITIGATE): _S.MITIGATED,
    (_S.ACKNOWLEDGED, _V.RESOLVE): _S.RESOLVED,
    (_S.ACKNOWLEDGED, _V.DISMISS): _S.DISMISSED,
    (_S.MITIGATED, _V.RELAPSE): _S.ACKNOWLEDGED,
    (_S.MITIGATED, _V.RESOLVE): _S.RESOLVED,
    (_S.RESOLVED, _V.REOPEN): _S.ACKNOWLEDGED,
    (_S.RESOLVED, _V.REVIEW): _S.REVIEWED,
    (_S.DISMISSED, _V.REOPEN): _S.ACKNOWLEDGED,
}

_P, _W = PageState, PageVerb
PAGE_EDGES: Final[Mapping[tuple[str, str], str]] = {
    (_P.QUEUED, _W.SEND): _P.UNKNOWN,
    (_P.QUEUED, _W.WITHDRAW): _P.WITHDRAWN,
    (_P.QUEUED, _W.FAIL): _P.FAILED,
    (_P.UNKNOWN, _W.TAKE): _P.SENT,
    (_P.UNKNOWN, _W.RETRY): _P.QUEUED,
    (_P.UNKNOWN, _W.FAIL): _P.FAILED,
}

# An incident that somebody still works on, or should.
LIVE: Final = (IncidentState.OPEN, IncidentState.ACKNOWLEDGED, IncidentState.MITIGATED)
ENDED: Final = (IncidentState.RESOLVED, IncidentState.REVIEWED, IncidentState.DISMISSED)
