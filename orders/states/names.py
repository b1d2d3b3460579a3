"""The states and verbs of every machine, and the other fixed vocabularies of orders and money."""

from enum import StrEnum
from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class OrderState(TextChoices):
    CREATED = "created", _("Created")
    AWAITING_PAYMENT = "awaiting_payment", _("Awaiting payment")
    PAID = "paid", _("Paid, not booked")
    BOOKING = "booking", _("Booking")
    QUEUED_FOR_DISPATCH = "queued_for_dispatch", _("Queued for dispatch")
    ACTIVE = "active", _("Active")
    COMPLETED = "completed", _("Completed")
    CANCELLED = "cancelled", _("Cancelled")
    EXPIRED = "expired", _("Expired")
    FAILED = "failed", _("Failed")
    PAID_AFTER_CLOSE = "paid_after_close", _("Paid after close")


class OrderVerb(StrEnum):
    CREATE = "create"
    OPEN_LINK = "open_link"
    PAY = "pay"
    BOOK = "book"
    QUEUE = "queue"
    CONFIRM = "confirm"
    COMPLETE = "complete"
    CANCEL = "cancel"
    EXPIRE = "expire"
    FAIL = "fail"
    PAY_LATE = "pay_late"
    REINSTATE = "reinstate"
    SETTLE = "settle"
    REVERSE = "reverse"
    ANNUL = "annul"


class AttemptState(TextChoices):
    REQUESTED = "requested", _("Link requested")
    OPEN = "open", _("Waiting for customer")
    PAID = "paid", _("Paid")
    DECLINED = "declined", _("Declined")
    NOT_STARTED = "not_started", _("Not started")
    UNKNOWN = "unknown", _("Payment unknown")
    EXPIRED = "expired", _("Expired")
    CANCELLED = "cancelled", _("Cancelled")
    REVERSED = "reversed", _("Reversed")
    MISMATCH = "mismatch", _("Amount mismatch")


class AttemptVerb(StrEnum):
    CREATE = "create"
    SEND = "send"
    OPEN = "open"
    PAY = "pay"
    DECLINE = "decline"
    NOT_START = "not_start"
    EXPIRE = "expire"
    CANCEL = "cancel"
    REVERSE = "reverse"
    MISMATCH = "mismatch"


class RefundState(TextChoices):
    REQUESTED = "requested", _("Refund requested")
    APPROVED = "approved", _("Refund approved")
    SENT = "sent", _("Refund sent")
    SUCCEEDED = "succeeded", _("Refunded")
    FAILED = "failed", _("Refund failed")
    UNKNOWN = "unknown", _("Refund unknown")
    REJECTED = "rejected", _("Refund rejected")


class RefundVerb(StrEnum):
    CREATE = "create"
    APPROVE = "approve"
    REJECT = "reject"
    SEND = "send"
    SUCCEED = "succeed"
    FAIL = "fail"
    LOSE = "lose"
    RETRY = "retry"
    TRANSFER = "transfer"
    BOUNCE = "bounce"


class SagaState(TextChoices):
    RUNNING = "running", _("Running")
    SUCCEEDED = "succeeded", _("Succeeded")
    COMPENSATING = "compensating", _("Compensating")
    COMPENSATED = "compensated", _("Compensated")
    NEEDS_HAND = "needs_hand", _("Needs a hand")


class SagaVerb(StrEnum):
    CREATE = "create"
    SUCCEED = "succeed"
    COMPENSATE = "compensate"
    FINISH = "finish"
    GIVE_UP = "give_up"
    RETRY = "retry"


class HandCause(TextChoices):
    """Why a saga needs a person. `overdue` is never stored: it is compensating, and too long."""

    UNDO_REFUSED = "undo_refused", _("Undo refused")
    UNDO_UNANSWERED = "undo_unanswered", _("Undo not answered")
    # The partner's breaker let nothing through for the saga's five minutes.
    UNDO_NOT_SENT = "undo_not_sent", _("Undo not sent")
    OVERDUE = "overdue", _("Undoing takes too long")


class StepState(TextChoices):
    PENDING = "pending", _("Pending")
    SENT = "sent", _("Sent")
    DONE = "done", _("Done")
    FAILED = "failed", _("Booking failed")
    UNKNOWN = "unknown", _("No answer")
    UNDOING = "undoing", _("Undoing")
    UNDONE = "undone", _("Undone")
    UNDO_FAILED = "undo_failed", _("Undo failed")
    SKIPPED = "skipped", _("Skipped")


class StepVerb(StrEnum):
    CREATE = "create"
    SEND = "send"
    FINISH = "finish"
    FAIL = "fail"
    LOSE = "lose"
    RETRY = "retry"
    UNDO = "undo"
    FINISH_UNDO = "finish_undo"
    FAIL_UNDO = "fail_undo"
    SKIP = "skip"
    LET_STAND = "let_stand"


class DispatchState(TextChoices):
    WAITING = "waiting", _("Waiting for dispatch")
    CLAIMED = "claimed", _("Claimed")
    SENDING = "sending", _("Sending to dispatch")
    DISPATCHED = "dispatched", _("Dispatched")
    FAILED = "failed", _("Dispatch failed")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class DispatchVerb(StrEnum):
    CREATE = "create"
    CLAIM = "claim"
    RELEASE = "release"
    SEND = "send"
    DISPATCH = "dispatch"
    FAIL = "fail"
    WITHDRAW = "withdraw"


class PostingState(TextChoices):
    DUE = "due", _("Not at HO")
    SENT = "sent", _("Sent to HO")
    RECORDED = "recorded", _("At HO")
    REJECTED = "rejected", _("Rejected by HO")
    UNKNOWN = "unknown", _("HO did not answer")


class PostingVerb(StrEnum):
    CREATE = "create"
    SEND = "send"
    RECORD = "record"
    REJECT = "reject"
    LOSE = "lose"
    RETRY = "retry"


class InboundState(TextChoices):
    STORED = "stored", _("Stored")
    APPLIED = "applied", _("Applied")
    DUPLICATE = "duplicate", _("Duplicate")
    OUT_OF_ORDER = "out_of_order", _("Out of order")
    ILLEGAL = "illegal", _("Illegal")
    QUARANTINED = "quarantined", _("Quarantined")


class InboundVerb(StrEnum):
    CREATE = "create"
    QUARANTINE = "quarantine"
    APPLY = "apply"
    REPEAT = "repeat"
    OUTRANK = "outrank"
    REFUSE = "refuse"
    REPLAY = "replay"


class LetterState(TextChoices):
    RETRYING = "retrying", _("Tried again")
    DEAD = "dead", _("Dead letter")
    HANDLED = "handled", _("Handled")
    DISCARDED = "discarded", _("Discarded")


class LetterVerb(StrEnum):
    CREATE = "create"
    BURY = "bury"
    HANDLE = "handle"
    REPLAY = "replay"
    DISCARD = "discard"


class NoticeState(TextChoices):
    QUEUED = "queued", _("To be sent")
    UNKNOWN = "unknown", _("Perhaps sent")
    SENT = "sent", _("Message sent")
    DELIVERED = "delivered", _("Message delivered")
    FAILED = "failed", _("Message not sent")
    WITHDRAWN = "withdrawn", _("Not needed any more")


class NoticeVerb(StrEnum):
    CREATE = "create"
    SEND = "send"
    ACCEPT = "accept"
    RETRY = "retry"
    DELIVER = "deliver"
    BOUNCE = "bounce"
    FAIL = "fail"
    WITHDRAW = "withdraw"


class LedgerKind(TextChoices):
    CHARGED = "charged", _("Charged")
    REFUNDED = "refunded", _("Refunded")
    REVERSED = "reversed", _("Reversed")
    ADJUSTED = "adjusted", _("Adjusted")


# Where a fact about money names its gateway: our own bank account, from which a person transferred (ADR 0129).
BANK: Final = "bank"


class Service(TextChoices):
    TAXI = "taxi", _("Taxi")
    RENT = "rent", _("Rent")
    DELIVERY = "delivery", _("Delivery")
    SHUTTLE = "shuttle", _("Shuttle")
    GOODS = "goods", _("Goods")


class Channel(TextChoices):
    APP = "app", _("App")
    WEB = "web", _("Web")
    CORPORATE = "corporate", _("Corporate")
