"""The table of what still works, row by row: the neighbour is switched off over real HTTP, and the row is true.

The breakers are on, and short, so that what is shown holds with them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings as configured
from django.contrib.auth import get_user_model
from django.test import Client

from opsconsole import upstreams
from opsconsole.degradation import NEIGHBOURS, TABLE
from opsconsole.paths import PROJECT
from opsconsole.sandbox.remote import RemoteSandbox
from orders import bells
from orders.models import Attempt, DispatchEntry, Order, Posting, Refund
from orders.resilience import breaker
from orders.resilience.breaker import gate
from orders.resilience.latched import latched
from orders.services import cities, ledger, rounds
from orders.states import DispatchState, OrderState, PostingState, RefundState
from tests.api.bodies import EACH_SERVICE, TAXI, taxi
from tests.api.conftest import Caller
from tests.orders.flow import carry_on, deliver, drain, let_time_pass, pay, place
from tests.sandbox_fixtures import Receiver, effects, wait_until

pytestmark = pytest.mark.django_db

SHORT = 0.3  # seconds open


@pytest.fixture(autouse=True)
def short_breakers(settings: Any) -> Iterator[None]:
    own = {name: {**policy, "open": SHORT} for name, policy in upstreams.breakers({}).items()}
    settings.BREAKERS = own
    yield
    gate.forget()


def is_back(control: RemoteSandbox, *names: str) -> None:
    """The neighbours answer again, and their breakers let probes through."""
    control.no_faults()
    wait_until(lambda: not any(breaker.state_of(name).is_open for name in names))


def ordered(api: Caller, *items: Any, method: str = "gopay") -> dict[str, Any]:
    made = api.post("/orders", {"cart_id": api.cart(*items)["id"], "method": method})
    assert made.status_code == 201, made.content
    return dict(made.json())


def test_pricing_down_the_last_price_known_stands_in_marked(api: Caller, neighbours: Any, control: RemoteSandbox):
    known = api.cart(TAXI)["items"][0]["price"]
    control.faults("session_manager", down=True)

    carts = [api.cart(TAXI) for _ in range(3)]
    assert {(cart["items"][0]["price"]["amount"], cart["items"][0]["pricing"]) for cart in carts} == {
        (known["amount"], "last_known")
    }
    order = api.post("/orders", {"cart_id": carts[0]["id"], "method": "gopay"}).json()
    assert order["notes"] == {"pricing_marked": [1]}
    later = api.cart(taxi(vehicle_class="premium"))
    assert later["items"][0]["pricing"] == "price_later"
    assert api.post("/orders", {"cart_id": later["id"], "method": "gopay"}).status_code == 409

    is_back(control, "session_manager")
    assert api.post(f"/carts/{later['id']}/prices").json()["items"][0]["pricing"] == "live"


@pytest.mark.parametrize("item", EACH_SERVICE, ids=lambda item: item["service"])
def test_promo_down_it_is_skipped_said_and_applied_later(
    item: dict[str, Any], api: Caller, neighbours: Any, control: RemoteSandbox
):
    cart = api.cart(item)
    control.faults("promo", down=True)
    skipped = api.put(f"/carts/{cart['id']}/promo", {"code": "HEMAT10"}).json()
    assert (skipped["promo"]["status"], skipped["total"]) == ("skipped", cart["total"])
    assert "can be applied later" in skipped["promo"]["reason"]

    is_back(control, "promo")
    applied = api.post(f"/carts/{cart['id']}/prices").json()
    assert applied["promo"]["status"] == "applied"
    assert applied["total"]["amount"] < cart["total"]["amount"]


@pytest.mark.parametrize("item", EACH_SERVICE, ids=lambda item: item["service"])
def test_promo_down_the_order_says_which_promo_was_skipped(
    item: dict[str, Any], api: Caller, neighbours: Any, control: RemoteSandbox
):
    cart = api.cart(item)
    control.faults("promo", down=True)
    api.put(f"/carts/{cart['id']}/promo", {"code": "HEMAT10"})
    is_goods = item["service"] == "goods"
    made = api.post("/checkouts" if is_goods else "/orders", {"cart_id": cart["id"], "method": "gopay"}).json()
    order = made["order"] if is_goods else made
    assert (order["notes"], order["promo_code"]) == ({"promo_skipped": "HEMAT10"}, "")
    assert order["total"] == cart["total"]


def test_config_down_the_copy_on_disk_stands_in(
    neighbours: Any, control: RemoteSandbox, receiver: Receiver, settings: Any, tmp_path: Path
):
    settings.DATA_DIR = tmp_path
    cities.forget()
    assert cities.branch_of("Bandung") == "HO-BDG"
    control.faults("config", down=True)
    cities.forget()  # a process that has just started

    order = carry_on(pay(place(), control, receiver), receiver, until=OrderState.COMPLETED)
    drain()
    assert Posting.objects.get(order=order).state == PostingState.RECORDED
    assert [entry["branch"] for entry in control.books("ho")["entries"]] == ["HO-JKT"]


def test_config_down_without_a_copy_entries_wait(
    neighbours: Any, control: RemoteSandbox, receiver: Receiver, settings: Any, tmp_path: Path
):
    settings.DATA_DIR = tmp_path
    cities.forget()
    control.faults("config", down=True)
    order = carry_on(pay(place(), control, receiver), receiver, until=OrderState.COMPLETED)
    drain()
    posting = Posting.objects.get(order=order)
    assert (posting.state, posting.last_error) == (PostingState.DUE, "no map of cities yet")
    assert effects(control, "ho") == []

    is_back(control, "config")
    cities.forget()
    let_time_pass()
    drain()
    posting.refresh_from_db()
    assert posting.state == PostingState.RECORDED


def test_one_gateway_down_the_link_comes_from_the_next(api: Caller, neighbours: Any, control: RemoteSandbox):
    control.faults("midtrans", down=True)
    orders = [ordered(api, TAXI, method="qris") for _ in range(7)]

    assert {order["payment"]["status"] for order in orders} == {"link_open"}
    assert set(Attempt.objects.filter(state="open").values_list("gateway", flat=True)) == {"xendit"}
    tried = Attempt.objects.filter(gateway="midtrans")
    assert set(tried.values_list("state", flat=True)) == {"not_started"}
    assert breaker.state_of("midtrans").state != breaker.State.CLOSED
    assert effects(control, "midtrans") == []


def test_all_gateways_down_the_order_is_kept_and_its_link_follows(api: Caller, neighbours: Any, control: RemoteSandbox):
    for name in ("midtrans", "xendit", "nicepay"):
        control.faults(name, down=True)
    first, second = ordered(api, TAXI), ordered(api, taxi(passengers=2))
    assert {(each["state"], each["payment"]["status"]) for each in (first, second)} == {("created", "link_pending")}
    assert Order.objects.count() == 2

    is_back(control, "midtrans", "xendit", "nicepay")
    by_hand = api.post(f"/orders/{second['id']}/payment-link", {})
    assert by_hand.status_code in (200, 201, 202)
    let_time_pass()
    wait_until(lambda: drain() == 0 and _has_link(api, first) and _has_link(api, second))


def _has_link(api: Caller, order: dict[str, Any]) -> bool:
    let_time_pass()
    return bool(api.get(f"/orders/active/{order['id']}").json()["payment"]["status"] == "link_open")


def test_tpg_down_a_paid_order_queues_and_is_dispatched_later(
    neighbours: Any, control: RemoteSandbox, receiver: Receiver
):
    control.faults("tpg", down=True)
    order = pay(place(), control, receiver)
    drain()
    order.refresh_from_db()
    assert order.state == OrderState.QUEUED_FOR_DISPATCH
    assert ledger.balance(order) == order.amount

    is_back(control, "tpg")
    let_time_pass()
    carry_on(order, receiver, until=OrderState.COMPLETED)
    assert DispatchEntry.objects.get(order=order).state == DispatchState.DISPATCHED
    assert effects(control, "tpg").count("booked") == 1


def test_a_partner_down_the_order_is_undone_and_the_money_goes_back(
    neighbours: Any, control: RemoteSandbox, receiver: Receiver
):
    control.faults("delivery", down=True)
    control.faults("tpg", stuck_trips=1.0)  # the sandbox's hours are seconds: a trip must not end before it is undone
    order = pay(place("card", services=("taxi", "delivery")), control, receiver)
    other = pay(place("card"), control, receiver)

    def undone() -> bool:
        deliver(receiver)
        let_time_pass()
        drain()
        order.refresh_from_db()
        return bool(order.state == OrderState.FAILED)

    wait_until(undone, seconds=20)
    assert (Refund.objects.get(order=order).state, ledger.balance(order)) == (RefundState.SUCCEEDED, 0)
    other.refresh_from_db()
    assert other.state in (OrderState.ACTIVE, OrderState.COMPLETED)


def test_head_office_down_the_entry_stays_due_and_goes_later(
    neighbours: Any, control: RemoteSandbox, receiver: Receiver
):
    control.faults("ho", down=True)
    order = carry_on(pay(place(), control, receiver), receiver, until=OrderState.COMPLETED)
    drain()
    assert Posting.objects.get(order=order).state == PostingState.DUE

    is_back(control, "ho")
    let_time_pass()
    drain()
    assert Posting.objects.get(order=order).state == PostingState.RECORDED
    assert [entry["order_ref"] for entry in control.books("ho")["entries"]] == [order.public_id]


def test_redis_down_carts_sessions_and_work_come_from_postgresql(
    api: Caller, neighbours: Any, control: RemoteSandbox, receiver: Receiver, settings: Any
):
    there = settings.REDIS_URL
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    cart = api.cart(TAXI)
    assert api.get(f"/carts/{cart['id']}").json()["items"] == cart["items"]
    made = api.post("/orders", {"cart_id": cart["id"], "method": "gopay"}).json()
    assert made["payment"]["status"] == "link_open"

    browser = Client()
    browser.force_login(get_user_model().objects.create_superuser("nobody-in-particular"))
    assert browser.get("/").status_code == 200
    assert browser.get("/services/").status_code == 200

    order = pay(Order.objects.get(public_id=made["id"]), control, receiver)
    assert order.state == OrderState.PAID
    settings.REDIS_URL = there
    bells._latch.bad_until = 0.0
    if (redis_now := latched()) is not None:
        redis_now.try_again()
    bells.hush("saga")
    assert "saga" in rounds.sweep()
    assert redis.Redis.from_url(there).exists(f"{configured.REDIS_PREFIX}bell:saga")


def test_every_row_names_a_proof_that_exists():
    for line in TABLE:
        file, name = line.proof.split("::")
        assert f"def {name}(" in (PROJECT / file).read_text(), line.proof


def test_every_neighbour_of_the_settings_has_a_row_and_a_name():
    told = {name for line in TABLE for name in line.neighbours}
    assert told == set(upstreams.LIMITS) == set(NEIGHBOURS)


def test_the_page_of_the_docs_says_the_same():
    page = (PROJECT / "docs" / "degradation.md").read_text()
    rows = {line.name: (f"| {line.down} | {line.works} |", f"| `{line.proof.partition('::')[2]}` |") for line in TABLE}
    missing = [name for name, parts in rows.items() if not all(part in page for part in parts)]
    assert missing == []
