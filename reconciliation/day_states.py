"""The life of a business day: states, one table of edges, and the steps of its bridge. Imports nothing of ours."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class DayState(TextChoices):
    OPEN = "open", _("Open")
    SIGNED = "signed", _("Signed")
    LOCKED = "locked", _("Locked")
    REOPEN_ASKED = "reopen_asked", _("Reopening asked for")


class DayVerb(StrEnum):
    SIGN = "sign"
    UNSIGN = "unsign"
    LOCK = "lock"
    ASK_REOPEN = "ask_reopen"
    REOPEN = "reopen"
    KEEP_LOCKED = "keep_locked"


VERB_LABELS: Final = {
    DayVerb.SIGN: _("Signed"),
    DayVerb.UNSIGN: _("Signature taken back"),
    DayVerb.LOCK: _("Locked"),
    DayVerb.ASK_REOPEN: _("Reopening asked for"),
    DayVerb.REOPEN: _("Reopened"),
    DayVerb.KEEP_LOCKED: _("Kept locked"),
}

_S, _V = DayState, DayVerb
DAY_EDGES: Final[Mapping[tuple[str, str], str]] = {
    (_S.OPEN, _V.SIGN): _S.SIGNED,
    (_S.SIGNED, _V.UNSIGN): _S.OPEN,
    (_S.SIGNED, _V.LOCK): _S.LOCKED,
    (_S.LOCKED, _V.ASK_REOPEN): _S.REOPEN_ASKED,
    (_S.REOPEN_ASKED, _V.REOPEN): _S.OPEN,
    (_S.REOPEN_ASKED, _V.KEEP_LOCKED): _S.LOCKED,
}
CLOSED_DAYS: Final = (DayState.LOCKED, DayState.REOPEN_ASKED)  # whose figures no later line changes


class Book(TextChoices):
    """Which part of the bridge a figure stands in: a book's own total, or the way from one book to the next."""

    GATEWAY = "gateway", _("The gateway's book")
    TO_OURS = "to_ours", _("From the gateway to our ledger")
    OURS = "ours", _("Our ledger")
    TO_HO = "to_ho", _("From our ledger to Head Office")
    HO = "ho", _("Head Office's book")


class Step(TextChoices):
    """What a figure of the bridge is made of. A break that is open counts under its own type, which is no step here."""

    GROSS = "gross", _("Gross charged")
    REFUNDS = "refunds", _("Refunds")
    REVERSALS = "reversals", _("Reversals and adjustments")
    FEES = "fees", _("Fees")
    TOTAL = "total", _("Total")
    FEES_KEPT = "fees_kept", _("Fees are booked gross")
    NO_REPORT = "no_report", _("No report of this gateway")
    TRANSFERRED = "transferred", _("Transferred by hand")
    IN_TRANSIT = "in_transit", _("In transit over the cut-off")
    CARRIED = "carried", _("Carried forward from a closed day")
    OTHER_GATEWAY = "other_gateway", _("Booked under another gateway")
    COVERAGE = "coverage", _("Expected: the other book is not complete yet")
    ORDER_OPEN = "order_open", _("Expected: the order is not finished")
    ROUNDING = "rounding", _("Within tolerance")
    KNOWN = "known_difference", _("Known difference")
    BY_HAND = "by_hand", _("Difference of lines linked by hand")
    RESOLVED = "resolved", _("Decided by a person")
    NOT_COMPARED = "not_compared", _("Not compared yet")
    UNEXPLAINED = "unexplained", _("Unexplained")


# What nobody can name. A day with any of it is not signed.
UNNAMED: Final = (Step.NOT_COMPARED, Step.UNEXPLAINED)
