"""What to do about money that came late, twice, wrong or went back: the advice of gateways and of who went before.

Sources: Xendit, docs/delayed-webhooks; Midtrans, FAQ general and GoPay, transaction status cycle, introduction to
refund; Nicepay, VA status codes; Monnify, refunds; pretix, Saleor, Stripe, Kill Bill and kompassi, how they treat the
same cases (read 2026-11). Only a gateway of ours is named on screen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.queries.money_queues import Case

DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Advice:
    """One sentence of advice, and the gateway that gives it, '' where none does."""

    text: Promise
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Words:
    """`limit` is how long such money may lie before somebody must have decided."""

    title: Promise
    what: Promise
    limit: timedelta
    advice: Sequence[Advice]


WORDS: Final[Mapping[Case, Words]] = {
    Case.LATE: Words(
        title=_("Paid after close"),
        what=_("Money came for an order that was closed. Reinstate and book it, or give the money back."),
        limit=DAY,
        advice=(
            Advice(
                _("Cancelled and time-critical: refund at once where the channel can. Otherwise hold up to 24 hours."),
                "Xendit",
            ),
            Advice(
                _("GoPay: Midtrans says expired although the wallet was debited? GoPay gives it back itself later."),
                "Midtrans",
            ),
            Advice(
                _("Before reinstating: can the trip still take place, and does the customer still want it?"),
            ),
        ),
    ),
    Case.TWICE: Words(
        title=_("Paid twice"),
        what=_("Two attempts of one order were paid. Give one of them back."),
        limit=DAY,
        advice=(
            Advice(_("Nothing is refunded by itself here: a person chooses which payment stays.")),
            Advice(_("Cancel the old transaction before a new link is made, to avoid a double."), "Midtrans"),
        ),
    ),
    Case.OVER: Words(
        title=_("Overpaid"),
        what=_("More came than the order costs. Give back what is too much."),
        limit=DAY,
        advice=(Advice(_("Several refunds of one payment are possible: give back only the surplus."), "Midtrans"),),
    ),
    Case.UNDER: Words(
        title=_("Underpaid"),
        what=_("Less came than the order costs. Ask the customer for the rest, or give it back and cancel."),
        limit=timedelta(hours=4),
        advice=(Advice(_("An amount other than the one asked for is never taken as paid: a person decides.")),),
    ),
    Case.REVERSED: Words(
        title=_("Reversed after booking"),
        what=_("The bank took the money back although the trip is booked. Treat it as unpaid."),
        limit=timedelta(hours=1),
        advice=(
            Advice(
                _("Permata VA, Mandiri Bill and Indomaret take money back, usually 1 to 5 minutes after the payment."),
                "Midtrans",
            ),
            Advice(_("A virtual account that was paid may be reversed; verify by inquiry."), "Nicepay"),
        ),
    ),
    Case.BY_HAND: Words(
        title=_("Transfer by hand"),
        what=_(
            "This way of paying cannot take money back. Transfer it to the customer's bank account, then record the"
            " bank's reference; a second person approves that."
        ),
        limit=DAY,
        advice=(
            Advice(_("What was paid by bank transfer the merchant gives back itself, by transferring it."), "Midtrans"),
            Advice(_("A channel without a refund API needs a payout by hand."), "Xendit"),
            Advice(_("A virtual account takes no money back: ask the customer for a bank account of their own.")),
        ),
    ),
    Case.REFUND_FAILED: Words(
        title=_("Refund failed"),
        what=_("The gateway refused to give the money back. Send it again, or transfer it by hand."),
        limit=timedelta(hours=4),
        advice=(
            Advice(_("A refund needs a payable balance, which may take days; GoPay only within 45 days."), "Midtrans"),
        ),
    ),
    Case.REFUND_UNKNOWN: Words(
        title=_("Refund unknown"),
        what=_("The gateway was asked and did not answer. It is asked again by itself; never send a second one."),
        limit=timedelta(hours=1),
        advice=(
            Advice(_("An unknown refund is polled, and blocks every other one until it is known.")),
            Advice(_("A refund may wait for a balance and still succeed.")),
        ),
    ),
}
