"""The words of reconciliation that are stored. Imports nothing of ours."""

from enum import IntEnum

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Side(TextChoices):
    """Whose book a line stands in."""

    OURS = "ours", _("Ours")
    GATEWAY = "gateway", _("Gateway")
    HO = "ho", _("Head Office")


class Pairing(TextChoices):
    """Which two books are compared. "Used" is said of a line within one pairing, never for all."""

    HO = "ho", _("Ours against Head Office")
    GATEWAY = "gateway", _("Ours against the gateways")


class EntryKind(TextChoices):
    """What a line of money is. Amounts carry the sign with which they count in the balance."""

    PAYMENT = "payment", _("Payment")
    REFUND = "refund", _("Refund")
    REVERSAL = "reversal", _("Reversal")
    FEE = "fee", _("Fee")
    ADJUSTMENT = "adjustment", _("Adjustment")
    PAYOUT = "payout", _("Payout")


class EntryStatus(TextChoices):
    """Only a settled line is money; the others say what a gateway knew of a try to pay."""

    SETTLED = "settled", _("Settled")
    PENDING = "pending", _("Pending")
    VOID = "void", _("Void")


class CountsAs(IntEnum):
    """How a line counts where two books are merged: its kind and status in one number, computed by PostgreSQL."""

    PAYMENT = 0  # settled
    OTHER = 1  # settled: a refund, a reversal, an adjustment
    VOID = 2
    PENDING = 3
    OWN = 4  # settled: the gateway's own fee or payout
    OWN_UNSETTLED = 5


class LoadState(TextChoices):
    """`held` waits for a person, `refused` cannot be read at all; nothing of either is in a book."""

    READING = "reading", _("Reading")
    LOADED = "loaded", _("Loaded")
    HELD = "held", _("Held")
    REFUSED = "refused", _("Refused")
    DROPPED = "dropped", _("Thrown away")


class LoadVerb(TextChoices):
    """What may happen to a load; each is a row of its history."""

    RECEIVE = "receive", _("Received")
    HOLD = "hold", _("Held")
    REFUSE = "refuse", _("Refused")
    LOAD = "load", _("Loaded")
    RELEASE = "release", _("Released")
    REREAD = "reread", _("Read again")
    DROP = "drop", _("Thrown away")


class FeedHealth(TextChoices):
    NEVER = "never", _("Never loaded")
    WELL = "well", _("Well")
    LATE = "late", _("Late")
    BROKEN = "broken", _("Broken")


class RunState(TextChoices):
    """A run writes everything at its end or nothing: one that waits, or whose worker died, simply begins anew."""

    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


class RunScope(TextChoices):
    """What a run looks at: what changed since the last one, some days, or everything."""

    CHANGES = "changes", _("What changed")
    WINDOW = "window", _("Some days")
    FULL = "full", _("Everything")


class Outcome(TextChoices):
    """Every line of both books ends in exactly one of these, within one pairing."""

    MATCHED = "matched", _("Matched")
    BREAK = "break", _("Break")
    EXPECTED = "expected", _("Expected")
    EXCLUDED = "excluded", _("Excluded")


class Rule(TextChoices):
    """The pass that settled a line: what proved the match, or why it needs none."""

    EXACT = "exact", _("One line each, same amount")
    EXACT_TIMING = "exact_timing", _("One line each, same amount, another business day")
    REFERENCE = "reference", _("Same payment reference")
    ORDER_AMOUNT = "order_amount", _("Same order and amount")
    TOLERANCE = "tolerance", _("Same order, amount within tolerance")
    KNOWN = "known_difference", _("Known difference, approved by two people")
    GROUP = "group", _("Sums agree")
    GROUP_TOLERANCE = "group_tolerance", _("Sums agree within tolerance")
    NETS_TO_ZERO = "nets_to_zero", _("Cancels out in its own book")
    BATCH = "batch", _("Batch sums agree")
    LOOK_ALIKE = "look_alike", _("Same amount, day and method; unique")
    BY_HAND = "by_hand", _("Linked by hand")


class BreakType(TextChoices):
    MISSING_IN_HO = "missing_in_ho", _("Missing at Head Office")
    HO_WITHOUT_PAYMENT = "ho_without_payment", _("At Head Office without a payment")
    MISSING_AT_GATEWAY = "missing_at_gateway", _("Missing at the gateway")
    GATEWAY_WITHOUT_PAYMENT = "gateway_without_payment", _("At the gateway, not in our ledger")
    AMOUNT_DIFFERS = "amount_differs", _("Amount differs")
    CURRENCY_DIFFERS = "currency_differs", _("Currency differs")
    STATUS_DIFFERS = "status_differs", _("Status differs")
    DUPLICATE_CHARGE = "duplicate_charge", _("Charged twice")
    DUPLICATE_CHARGE_ACROSS = "duplicate_charge_across", _("Charged twice, by two gateways")
    DUPLICATE_IN_HO = "duplicate_in_ho", _("Twice at Head Office")
    REFUND_MISSING_IN_HO = "refund_missing_in_ho", _("Refund missing at Head Office")
    REFUND_EXCEEDS_PAID = "refund_exceeds_paid", _("More refunded than paid")
    LATE_REVERSAL = "late_reversal", _("Reversed after it was settled")
    FEE_DIFFERS = "fee_differs", _("Fee differs")
    PAYOUT_DIFFERS = "payout_differs", _("Payout differs")
    AMBIGUOUS = "ambiguous", _("Ambiguous")
    INVALID_ROW = "invalid_row", _("Unreadable line")


class BreakState(TextChoices):
    """A break is closed by what a later read shows (healed) or by a decision (resolved)."""

    OPEN = "open", _("Open")
    HEALED = "healed", _("Healed")
    RESOLVED = "resolved", _("Resolved")


class Resolution(TextChoices):
    """How a person decided about a break that no later line puts right."""

    WRITTEN_OFF = "written_off", _("Written off")
    TIMING = "timing", _("Accepted as a matter of time")


class WriteOff(TextChoices):
    """Why a difference is written off: what finance books it under."""

    ROUNDING = "rounding", _("Rounding")
    FEE = "fee", _("Fee of a gateway or bank")
    GOODWILL = "goodwill", _("Goodwill towards the customer")
    PARTNER = "partner", _("Mistake of a partner")
    NOT_RECOVERABLE = "not_recoverable", _("Cannot be recovered")


class BreakVerb(TextChoices):
    """What may happen to a break after it was found; each is a row of its history."""

    CHANGE = "change", _("Changed")
    HEAL = "heal", _("Healed")
    REOPEN = "reopen", _("Came back")
    ASSIGN = "assign", _("Assigned")
    NOTE = "note", _("Note")
    RESOLVE = "resolve", _("Resolved")


class LinkState(TextChoices):
    """Lines linked by hand. Only `linked` counts as a match; `proposed` waits for a second person."""

    PROPOSED = "proposed", _("Waits for a second person")
    LINKED = "linked", _("Linked")
    REFUSED = "refused", _("Refused")
    WITHDRAWN = "withdrawn", _("Proposal taken back")  # by its proposer, before anybody agreed
    UNDONE = "undone", _("Taken back")


class Expecting(TextChoices):
    """Why a line without a counterpart is not yet a break."""

    COVERAGE = "coverage", _("The other book is not complete up to then")
    ORDER_OPEN = "order_open", _("The order is not finished, so Head Office has not been told")


class Excluding(TextChoices):
    """Why a line takes no part in a pairing."""

    TRANSFERRED = "transferred", _("Transferred by hand: no gateway's report has it")
    NO_FEED = "no_feed", _("No book of the other side is loaded for it")
    NO_MONEY = "no_money", _("It moved no money")
    OWN_FEES = "own_fees", _("The gateway's own fees and payouts")


class FileState(TextChoices):
    """A report as a file: written by a worker, kept for a day."""

    WAITING = "waiting", _("Being written")
    DONE = "done", _("Ready")
    FAILED = "failed", _("Failed")
    EXPIRED = "expired", _("Expired")


class FileFormat(TextChoices):
    XLSX = "xlsx", _("Spreadsheet (XLSX)")
    CSV = "csv", _("CSV")


class MailState(TextChoices):
    """A report's mail to one person. `sent` is what the provider took; whether it came is asked afterwards."""

    QUEUED = "queued", _("Waiting")
    UNKNOWN = "unknown", _("Unanswered")
    SENT = "sent", _("Sent")
    DELIVERED = "delivered", _("Delivered")
    BOUNCED = "bounced", _("Bounced")
    FAILED = "failed", _("Not sent")
