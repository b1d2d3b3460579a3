"""What still works when a neighbour is down: the one table. The console shows it, docs/degradation.md is made from it.

`proof` names the test that switches the neighbour off and shows that the line is true; a test holds
that every proof exists.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.clients.codes import GATEWAYS

TESTS: Final = "tests/api/test_degradation.py"

# Names of neighbours as people say them.
NEIGHBOURS: Final[Mapping[str, str | Promise]] = MappingProxyType(
    {
        "midtrans": "Midtrans",
        "xendit": "Xendit",
        "nicepay": "Nicepay",
        "tpg": "TPG / BBD",
        "rent": _("Rent partner"),
        "delivery": _("Delivery partner"),
        "shuttle": _("Shuttle partner"),
        "ho": "HO Gateway",
        "session_manager": "Session Manager",
        "promo": "Promo Gateway",
        "config": "Config Service",
        "notification": "Notification Center",
        "inventory": _("Inventory"),
        "pagerduty": "PagerDuty",
        "slack": "Slack",
        "mail": _("Email (SendGrid)"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row. `neighbours` are the names in the settings that it is about, if any."""

    name: str
    down: str | Promise
    works: Promise
    told: Promise
    recovers: Promise
    proof: str
    neighbours: tuple[str, ...] = ()


TABLE: Final[Sequence[Line]] = (
    Line(
        name="pricing",
        down=_("Session Manager (prices)"),
        works=_("Carts and orders, with the last price known for the same fare; without one the item is priced later."),
        told=_("The price is marked “last known” or “price later”, also on the order."),
        recovers=_("The next pricing of the cart asks again. An item without a price cannot be ordered before that."),
        proof=f"{TESTS}::test_pricing_down_the_last_price_known_stands_in_marked",
        neighbours=("session_manager",),
    ),
    Line(
        name="promo",
        down=_("Promo Gateway"),
        works=_("Carts and orders, without the discount."),
        told=_("The promo was skipped and can be applied later; it is noted on the order."),
        recovers=_("The customer prices the cart again, and the promo is applied."),
        proof=f"{TESTS}::test_promo_down_it_is_skipped_said_and_applied_later",
        neighbours=("promo",),
    ),
    Line(
        name="config",
        down=_("Config Service"),
        works=_("Everything: the map of cities comes from the last copy on disk."),
        told=_("Nothing."),
        recovers=_("The copy is made anew when the service answers. Without any copy, entries for Head Office wait."),
        proof=f"{TESTS}::test_config_down_the_copy_on_disk_stands_in",
        neighbours=("config",),
    ),
    Line(
        name="gateway",
        down=_("One payment gateway"),
        works=_(
            "Links are made at the next gateway that offers the method, where it is certain that nothing was sent."
        ),
        told=_("Nothing; the link comes from another gateway."),
        recovers=_("New orders go to it again once its breaker closes."),
        proof=f"{TESTS}::test_one_gateway_down_the_link_comes_from_the_next",
        neighbours=GATEWAYS,
    ),
    Line(
        name="gateways",
        down=_("All payment gateways"),
        works=_("Orders are taken and kept; their link is pending."),
        told=_("The payment link follows."),
        recovers=_(
            "The link is asked for again in the background, later each time; customer service can make it by hand."
        ),
        proof=f"{TESTS}::test_all_gateways_down_the_order_is_kept_and_its_link_follows",
        neighbours=GATEWAYS,
    ),
    Line(
        name="dispatch",
        down="TPG / BBD",
        works=_("Orders and payments; paid taxi orders queue for dispatch."),
        told=_("The taxi is being looked for."),
        recovers=_("Tried again every five minutes, not while the breaker is open; a person can dispatch by hand."),
        proof=f"{TESTS}::test_tpg_down_a_paid_order_queues_and_is_dispatched_later",
        neighbours=("tpg",),
    ),
    Line(
        name="partner",
        down=_("A rent, delivery or shuttle partner"),
        works=_("All other services. An order with an item of that partner is undone as a whole."),
        told=_("It could not be booked; the money goes back."),
        recovers=_("By itself with the next order."),
        proof=f"{TESTS}::test_a_partner_down_the_order_is_undone_and_the_money_goes_back",
        neighbours=("rent", "delivery", "shuttle"),
    ),
    Line(
        name="inventory",
        down=_("Inventory of goods"),
        works=_("Rides, rentals, parcels and seats. Checking out goods waits, and after five minutes is undone."),
        told=_("The goods could not be reserved; nothing was paid."),
        recovers=_("By itself with the next checkout."),
        proof="tests/api/test_checkouts.py::test_inventory_down_a_checkout_waits_and_costs_nobody_anything",
        neighbours=("inventory",),
    ),
    Line(
        name="ho",
        down=_("Head Office"),
        works=_("Everything a customer sees. Entries stay due."),
        told=_("Nothing."),
        recovers=_("Entries are sent in a batch when it is back; Head Office finds repetitions by their key."),
        proof=f"{TESTS}::test_head_office_down_the_entry_stays_due_and_goes_later",
        neighbours=("ho",),
    ),
    Line(
        name="notification",
        down=_("Notification providers"),
        works=_(
            "Everything. Messages go by the next provider: SendGrid, then "
            "SES; Twilio, then Infobip; WhatsApp, then SMS."
        ),
        told=_("The message comes later, or by another way."),
        recovers=_("What no provider took is sent again later."),
        proof="tests/orders/services/test_notices.py::test_a_provider_that_is_off_is_followed_by_the_next_at_once",
        neighbours=("notification",),
    ),
    Line(
        name="paging",
        down=_("PagerDuty, Slack or email"),
        works=_(
            "Everything. Pages go by each of the three by itself; incidents, clocks and screens need none of them."
        ),
        told=_("Nothing."),
        recovers=_("A page that was certainly not taken goes again; one without an answer is asked about first."),
        proof="tests/runbooks/test_paging.py::test_a_channel_that_is_down_keeps_no_other_waiting",
        neighbours=("pagerduty", "slack", "mail"),
    ),
    Line(
        name="broker",
        down=_("Message broker"),
        works=_("Everything. Events wait in the outbox, in their order."),
        told=_("Nothing."),
        recovers=_("The relay publishes what waits when it is back."),
        proof="tests/orders/events/test_publishing.py::"
        "test_without_a_broker_the_outbox_keeps_what_it_has_and_orders_go_on",
    ),
    Line(
        name="redis",
        down="Redis",
        works=_(
            "Carts, orders, callbacks and sessions, from PostgreSQL. Breakers "
            "and rate limits hold in each process by itself."
        ),
        told=_("Nothing."),
        recovers=_("Work is found from rows within seconds of its return; operators' words are given back to it."),
        proof=f"{TESTS}::test_redis_down_carts_sessions_and_work_come_from_postgresql",
    ),
    Line(
        name="postgresql",
        down="PostgreSQL",
        works=_("Nothing, and nothing is said to have worked."),
        told=_("Please try again; nothing was charged or ordered."),
        recovers=_(
            "/ready is red within 5 s, also when it hangs; callbacks are "
            "answered 503, so that gateways send them again."
        ),
        proof="tests/opsconsole/test_database_watch.py::test_ready_is_red_within_five_seconds_when_it_hangs",
    ),
)


def what_happens_without(neighbour: str) -> Sequence[Line]:
    """The lines about one neighbour."""
    return [line for line in TABLE if neighbour in line.neighbours]
