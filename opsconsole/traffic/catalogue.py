"""Every fate there is, by name: plain ones, troubles that heal by themselves, and those that hang.

A trouble is for always unless `times` limits it: then the platform's own asking heals it. Where a
machine stops and waits for a person (refused, failed), once is enough, and a repair succeeds.
"""

from collections.abc import Mapping
from types import MappingProxyType

from opsconsole.traffic.fates import ITS_PARTNER, OTHER_PARTNER, Customer, Fate, at
from opsconsole.traffic.wishes import Leaning

GATEWAYS = ("midtrans", "xendit", "nicepay")
# Methods whose money goes back by API; the others need a transfer by hand.
REFUNDABLE = ("card", "gopay", "qris", "shopeepay", "ovo")
BY_HAND = ("va_bca", "va_bni", "va_permata", "cstore")
XENDIT_ONLY = ("ovo",)  # the first gateway that offers it
TWO_GATEWAYS = ("card", "qris", "va_bca", "va_bni", "va_permata", "shopeepay", "cstore")
TOO_MANY = 429  # answered before anything happens: certainly no effect
SLOW = 2.5  # seconds, of ours: longer than another worker needs to come by
TRIES = 3  # of one call; so often a trouble must come to be noticed

SINGLE = Leaning(paired=False)
TAXI = Leaning(services=("taxi",), paired=False)
GOES_BACK = Leaning(methods=REFUNDABLE, paired=False)
FAILS_OVER = Leaning(methods=TWO_GATEWAYS)

_NO_CALLBACK = tuple(at(name, "callback", "drop") for name in GATEWAYS)
_NO_STATUS = (at("*", "status", "error"),)
_NO_BOOKING = (at(ITS_PARTNER, "book", "reject", code="no_vehicle", status=409),)
_FIRST_EVENTS = at(ITS_PARTNER, "callback", "delay", seconds=0, times=2)
_UNDER_WAY = at(ITS_PARTNER, "trip", "go", times=2)

PLAIN = (
    Fate("plain"),
    Fate("lapses", customer=Customer.LAPSES),
    Fate("cancels", customer=Customer.CANCELS),
    Fate("driver_cancels", leaning=GOES_BACK, by_order=(at(ITS_PARTNER, "trip", "driver_cancels"),)),
    Fate("partner_refuses", leaning=GOES_BACK, by_order=_NO_BOOKING),
)
HEALING = (
    Fate("callback_dropped", by_phone=_NO_CALLBACK),
    Fate("callback_doubled", by_phone=(at("*", "callback", "double", times=1),)),
    Fate("callback_late", by_phone=(at("*", "callback", "delay", seconds=600, times=1),)),
    Fate("callback_forged", by_phone=(at("*", "callback", "forge", times=1),)),
    Fate("link_elsewhere", leaning=FAILS_OVER, by_phone=(at("midtrans", "create", "reject", times=1),)),
    Fate(
        "link_at_last",
        leaning=FAILS_OVER,
        by_phone=(at("midtrans", "create", "reject", times=1), at("xendit", "create", "reject", times=1)),
    ),
    # The last gateway finds no refund by a key of ours, so that two who send it pay twice; its answer takes its time.
    Fate(
        "refund_slow",
        leaning=Leaning(methods=("card", "qris", "shopeepay"), paired=False),
        by_phone=(at("midtrans", "create", "reject", times=1), at("xendit", "create", "reject", times=1)),
        by_order=(at("nicepay", "refund", "latency", seconds=SLOW),),
    ),
    Fate("link_answer_lost", by_phone=(at("*", "create", "reset_after", times=1),)),
    Fate("booking_answer_lost", by_order=(at(ITS_PARTNER, "book", "reset_after", times=TRIES),)),
    Fate("booking_lost", by_order=(at(ITS_PARTNER, "book", "reset", times=TRIES),)),
    Fate("ho_answer_lost", by_order=(at("ho", "post", "reset_after", times=TRIES),)),
    Fate("ho_busy", by_order=(at("ho", "post", "reject", status=TOO_MANY, times=TRIES),)),
)
HANGING = (
    Fate("link_refused", "link_never_made", customer=Customer.GETS_NO_LINK, by_phone=(at("*", "create", "reject"),)),
    Fate(
        "link_unanswered",
        "payment_unknown",
        customer=Customer.GETS_NO_LINK,
        by_phone=(at("*", "create", "reset_after"), *_NO_STATUS),
    ),
    Fate("callback_lost", "callback_lost", by_phone=(*_NO_CALLBACK, *_NO_STATUS)),
    Fate("callback_unconfirmed", "callback_not_applied", by_phone=_NO_STATUS),
    Fate("paid_short", "amount_mismatch", short=5_000),
    Fate("unknown_code", "amount_mismatch", by_order=(at("*", "pay", "code", code="IN_REVIEW_7"),)),
    Fate("paid_late", "paid_after_close", customer=Customer.PAYS_LATE, leaning=SINGLE),
    Fate(
        "dispatch_away", "dispatch_unavailable", leaning=TAXI, by_order=(at("tpg", "book", "reject", status=TOO_MANY),)
    ),
    Fate(
        "partner_silent",
        "compensation_stuck",
        leaning=SINGLE,
        by_order=(
            at(ITS_PARTNER, "book", "timeout_after_success"),
            at(ITS_PARTNER, "ask_booking", "error"),
            at(ITS_PARTNER, "cancel", "error"),
        ),
    ),
    Fate(
        "undo_refused",
        "compensation_stuck",
        leaning=Leaning(services=("rent",), paired=True),
        by_order=(
            at(OTHER_PARTNER, "book", "reject", code="no_courier", status=409),
            at(ITS_PARTNER, "cancel", "reject", code="too_late", status=409, times=1),
        ),
    ),
    Fate(
        "refund_refused",
        "refund_failed",
        leaning=GOES_BACK,
        by_order=(*_NO_BOOKING, at("*", "refund", "fail", times=1)),
    ),
    Fate("refund_by_hand", "refund_by_hand", leaning=Leaning(methods=BY_HAND, paired=False), by_order=_NO_BOOKING),
    Fate(
        "refund_unanswered",
        "refund_unanswered",
        leaning=Leaning(methods=XENDIT_ONLY, paired=False),
        by_order=(*_NO_BOOKING, at("xendit", "refund", "timeout_after_success"), at("xendit", "ask_refund", "error")),
    ),
    Fate(
        "refund_not_taken",
        "refund_pending",
        leaning=Leaning(methods=XENDIT_ONLY, paired=False),
        by_order=(*_NO_BOOKING, at("xendit", "refund", "reject", status=TOO_MANY)),
    ),
    Fate(
        "large_refund",
        "refund_needs_approval",
        leaning=Leaning(services=("rent",), methods=REFUNDABLE, large=True, paired=False),
        by_order=(_UNDER_WAY, at(ITS_PARTNER, "trip", "stuck")),
        staff_cancels=True,
    ),
    Fate(
        "trip_end_lost",
        "trip_end_missing",
        leaning=SINGLE,
        by_order=(_FIRST_EVENTS, at(ITS_PARTNER, "callback", "drop")),
        stays_active=True,
    ),
    Fate(
        "trip_without_end",
        "trip_end_missing",
        leaning=SINGLE,
        by_order=(_UNDER_WAY, at(ITS_PARTNER, "trip", "stuck")),
        stays_active=True,
    ),
    Fate(
        "ho_refuses", "ho_rejected", by_order=(at("ho", "post", "reject", code="account_closed", status=422, times=1),)
    ),
    Fate(
        "ho_silent",
        "ho_unanswered",
        by_order=(at("ho", "post", "timeout_after_success"), at("ho", "ask_entry", "error")),
    ),
    Fate("ho_away", "ho_never_posted", by_order=(at("ho", "post", "reject", status=TOO_MANY),)),
)
# The order goes on, and the money of it is odd.
ODD_MONEY = (
    Fate("paid_over", "amount_mismatch", short=-25_000),
    Fate("paid_twice", customer=Customer.PAYS_TWICE, leaning=Leaning(methods=("card",), paired=False)),
    Fate("taken_back", customer=Customer.TAKES_BACK, leaning=Leaning(methods=("card",), paired=False)),
)
FATES: Mapping[str, Fate] = MappingProxyType({fate.name: fate for fate in (*PLAIN, *HEALING, *HANGING, *ODD_MONEY)})
