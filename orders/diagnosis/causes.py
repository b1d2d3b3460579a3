"""The causes an order may hang for, each with its words.

Three readers: operators (title and explanation), CS agents (a polite sentence to say to the
customer, which promises nothing we do not know), and whoever acts (the one safe next step).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Cause(StrEnum):
    LINK_NEVER_MADE = "link_never_made"
    PAYMENT_UNKNOWN = "payment_unknown"
    CALLBACK_LOST = "callback_lost"
    CALLBACK_NOT_APPLIED = "callback_not_applied"
    AMOUNT_MISMATCH = "amount_mismatch"
    CUSTOMER_NOT_PAID = "customer_not_paid"
    PAID_AFTER_CLOSE = "paid_after_close"
    BOOKING_NEVER_STARTED = "booking_never_started"
    BOOKING_STEP_UNANSWERED = "booking_step_unanswered"
    BOOKING_WORKER_DIED = "booking_worker_died"
    DISPATCH_UNAVAILABLE = "dispatch_unavailable"
    PARTNER_REFUSED = "partner_refused"
    COMPENSATION_STUCK = "compensation_stuck"
    REFUND_PENDING = "refund_pending"
    REFUND_NEEDS_APPROVAL = "refund_needs_approval"
    REFUND_FAILED = "refund_failed"
    REFUND_BY_HAND = "refund_by_hand"
    REFUND_UNANSWERED = "refund_unanswered"
    TRIP_END_MISSING = "trip_end_missing"
    HO_REJECTED = "ho_rejected"
    HO_UNANSWERED = "ho_unanswered"
    HO_NEVER_POSTED = "ho_never_posted"
    DATABASE_POOL_DRY = "database_pool_dry"
    WORKER_BACKLOG = "worker_backlog"
    IMPORT_NEVER_PAID = "import_never_paid"
    IMPORT_PAYMENT_NOT_APPROVED = "import_payment_not_approved"
    IMPORT_NEVER_BOOKED = "import_never_booked"
    IMPORT_BOOKING_NEVER_CONFIRMED = "import_booking_never_confirmed"
    IMPORT_NEVER_COMPLETED = "import_never_completed"
    UNEXPLAINED = "unexplained"


class NextStep(StrEnum):
    """The first seven are actions of `orders.services.actions`; the others are a person's."""

    RECHECK_PAYMENT = "recheck_payment"
    MAKE_LINK = "make_link"
    RETRY_BOOKING = "retry_booking"
    REPOST_HO = "repost_ho"
    REFUND = "refund"
    RECORD_TRANSFER = "record_transfer"
    CANCEL_ORDER = "cancel_order"
    CALL_PARTNER = "call_partner"
    ASK_FINANCE = "ask_finance"
    WAIT = "wait"


NEXT_STEPS: Mapping[NextStep, Promise] = MappingProxyType(
    {
        NextStep.RECHECK_PAYMENT: _("Re-check payment"),
        NextStep.MAKE_LINK: _("Make payment link"),
        NextStep.RETRY_BOOKING: _("Retry booking"),
        NextStep.REPOST_HO: _("Re-post to HO"),
        NextStep.REFUND: _("Refund"),
        NextStep.RECORD_TRANSFER: _("Transfer it by hand, then record it"),
        NextStep.CANCEL_ORDER: _("Cancel order"),
        NextStep.CALL_PARTNER: _("Call the partner"),
        NextStep.ASK_FINANCE: _("Ask finance"),
        NextStep.WAIT: _("Wait"),
    }
)


@dataclass(frozen=True, slots=True)
class Words:
    """What a cause is called, what it means, what the customer may be told, what to do."""

    title: Promise
    explanation: Promise
    customer: Promise
    next_step: NextStep


_CHECKING = _(
    "We are sorry for the wait. We are checking your payment with the bank and will tell you once it is confirmed."
)
_BOOKING = _(
    "We are sorry for the wait. Your payment is safe with us; we are arranging your booking and will tell you shortly."
)
_REFUND = _("We are sorry. Your booking could not be made; your money is being returned the way you paid.")
_DONE = _("Thank you for travelling with us. Your trip is complete and paid; nothing is left for you to do.")
_LOOKING = _("We are sorry for the wait. We are looking into your order and will tell you as soon as we know more.")

WORDS: Mapping[Cause, Words] = MappingProxyType(
    {
        Cause.LINK_NEVER_MADE: Words(
            _("No payment link"),
            _("No gateway has made a payment link, so the customer cannot pay."),
            _("We are sorry. Your payment link is late; we are making a new one and will send it to you right away."),
            NextStep.MAKE_LINK,
        ),
        Cause.PAYMENT_UNKNOWN: Words(
            _("Payment unknown"),
            _("The gateway never answered when the link was asked for, so it may or may not exist."),
            _CHECKING,
            NextStep.RECHECK_PAYMENT,
        ),
        Cause.CALLBACK_LOST: Words(
            _("Callback lost"),
            _("The link was made and no message of the gateway has come, though it should have by now."),
            _CHECKING,
            NextStep.RECHECK_PAYMENT,
        ),
        Cause.CALLBACK_NOT_APPLIED: Words(
            _("Message not applied"),
            _("A message about this order is stored, and nobody has judged it yet."),
            _CHECKING,
            NextStep.RECHECK_PAYMENT,
        ),
        Cause.AMOUNT_MISMATCH: Words(
            _("Payment does not fit"),
            _("What the gateway says about the payment does not fit what was asked for. A person decides."),
            _("We are sorry. The amount we received differs from your order; our finance team is checking it."),
            NextStep.ASK_FINANCE,
        ),
        Cause.CUSTOMER_NOT_PAID: Words(
            _("Customer has not paid"),
            _("The gateway says that nothing has been paid yet. The order expires by itself."),
            _("Your order is waiting for your payment. Please use the payment link before it expires."),
            NextStep.WAIT,
        ),
        Cause.PAID_AFTER_CLOSE: Words(
            _("Paid after the order was closed"),
            _("Money came for a closed order. A person reinstates the order or gives the money back."),
            _("Your payment came after your order had closed. Shall we book it again, or return your money?"),
            NextStep.REFUND,
        ),
        Cause.BOOKING_NEVER_STARTED: Words(
            _("Booking never started"),
            _("The order is paid and no booking was begun for it."),
            _BOOKING,
            NextStep.RETRY_BOOKING,
        ),
        Cause.BOOKING_STEP_UNANSWERED: Words(
            _("Partner did not answer"),
            _("A partner was asked to book and has not answered, so it may or may not be booked."),
            _BOOKING,
            NextStep.RETRY_BOOKING,
        ),
        Cause.BOOKING_WORKER_DIED: Words(
            _("Booking worker died"),
            _("The worker that was booking died with its request under way, and nobody has taken over."),
            _BOOKING,
            NextStep.RETRY_BOOKING,
        ),
        Cause.DISPATCH_UNAVAILABLE: Words(
            _("Dispatch cannot be reached"),
            _("The dispatch system cannot be reached. The order is tried again every five minutes."),
            _("We are sorry for the wait. We are still looking for a driver for you; your payment is safe with us."),
            NextStep.RETRY_BOOKING,
        ),
        Cause.PARTNER_REFUSED: Words(
            _("Partner refused"),
            _("A partner refused the booking. What was booked is being undone and the money goes back."),
            _REFUND,
            NextStep.WAIT,
        ),
        Cause.COMPENSATION_STUCK: Words(
            _("Undoing is stuck"),
            _("The booking had to be undone and that did not succeed. Nothing more happens without a person."),
            _REFUND,
            NextStep.CALL_PARTNER,
        ),
        Cause.REFUND_PENDING: Words(
            _("Refund not sent"),
            _("The refund is approved and the gateway could not be reached so far."),
            _REFUND,
            NextStep.WAIT,
        ),
        Cause.REFUND_NEEDS_APPROVAL: Words(
            _("Refund waits for approval"),
            _("The refund is large and waits for a second person."),
            _("We are sorry for the wait. Your refund is being approved and will be on its way soon."),
            NextStep.ASK_FINANCE,
        ),
        Cause.REFUND_FAILED: Words(
            _("Refund failed"),
            _("The gateway refused the refund. The customer's money is still with us."),
            _("We are sorry. Your refund met a problem; our finance team is sending it to you another way."),
            NextStep.REFUND,
        ),
        Cause.REFUND_BY_HAND: Words(
            _("Waits for a transfer by hand"),
            _("This way of paying cannot take money back, so finance transfers it to the customer's bank account."),
            _(
                "We are sorry. The way you paid cannot take money back, so our finance team transfers it to your bank"
                " account. We will tell you as soon as it is sent."
            ),
            NextStep.RECORD_TRANSFER,
        ),
        Cause.REFUND_UNANSWERED: Words(
            _("Refund unanswered"),
            _("The refund was sent and the gateway has not said what became of it. It is asked, not sent again."),
            _("Your refund is on its way. Your bank may need some days to show it; we are watching it for you."),
            NextStep.WAIT,
        ),
        Cause.TRIP_END_MISSING: Words(
            _("Trip end missing"),
            _("The trip should have ended long ago and the partner has not said so."),
            _("We are sorry. We are asking our partner about your trip and will tell you as soon as we know more."),
            NextStep.CALL_PARTNER,
        ),
        Cause.HO_REJECTED: Words(
            _("Head Office rejected it"),
            _("Head Office refused the entry of this payment."),
            _DONE,
            NextStep.REPOST_HO,
        ),
        Cause.HO_UNANSWERED: Words(
            _("Head Office did not answer"),
            _("The payment was sent to Head Office without an answer, so it may or may not be booked there."),
            _DONE,
            NextStep.REPOST_HO,
        ),
        Cause.HO_NEVER_POSTED: Words(
            _("Never posted to Head Office"),
            _("The trip is over and paid, and the payment has not reached Head Office."),
            _DONE,
            NextStep.REPOST_HO,
        ),
        Cause.DATABASE_POOL_DRY: Words(
            _("No database connection"),
            _("The work on this order failed because no database connection was free."),
            _LOOKING,
            NextStep.WAIT,
        ),
        Cause.WORKER_BACKLOG: Words(
            _("Workers behind"),
            _("The work on this order is due and no worker has taken it."),
            _LOOKING,
            NextStep.WAIT,
        ),
        Cause.IMPORT_NEVER_PAID: Words(
            _("Imported, never paid"),
            _("The imported order was created and never paid, as far as its files tell."),
            _("Your order is waiting for your payment. Please place it again if you still want it."),
            NextStep.WAIT,
        ),
        Cause.IMPORT_PAYMENT_NOT_APPROVED: Words(
            _("Imported, payment not approved"),
            _("The files have a payment of this order and no approval of it."),
            _CHECKING,
            NextStep.ASK_FINANCE,
        ),
        Cause.IMPORT_NEVER_BOOKED: Words(
            _("Imported, never booked"),
            _("The imported order was paid and never handed to a partner, as far as its files tell."),
            _BOOKING,
            NextStep.CALL_PARTNER,
        ),
        Cause.IMPORT_BOOKING_NEVER_CONFIRMED: Words(
            _("Imported, booking never confirmed"),
            _("The imported order was handed to a partner, who never dispatched it, as far as its files tell."),
            _BOOKING,
            NextStep.CALL_PARTNER,
        ),
        Cause.IMPORT_NEVER_COMPLETED: Words(
            _("Imported, never completed"),
            _("The imported order was dispatched and never arrived, as far as its files tell."),
            _LOOKING,
            NextStep.CALL_PARTNER,
        ),
        Cause.UNEXPLAINED: Words(
            _("Unexplained"),
            _("None of the known causes fits. Look at the timeline and the raw messages."),
            _LOOKING,
            NextStep.RECHECK_PAYMENT,
        ),
    }
)
