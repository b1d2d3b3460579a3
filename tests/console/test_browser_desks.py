"""The desks in a real browser: clean in the looks that differ most, and from taking an order to a car on its way."""

from typing import Any

import pytest
from django.db import transaction
from playwright.sync_api import expect

from orders.models import DispatchEntry
from orders.services import dispatch_desk, work
from orders.services.dispatch_desk import Car
from orders.states import AttemptVerb
from orders.transitions import move
from tests.console.browser import LOOKS, Site, assert_page_is_clean, poll
from tests.console.test_dispatch import waiting
from tests.console.test_link_desk import unpaid
from tests.orders.queries.test_money_queues import AMOUNT, entry, paid

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def _nobody_answers(site: Site, settings: Any) -> None:
    """The dispatch system is away: that is when people work here."""
    settings.UPSTREAMS = {
        name: {"url": "http://127.0.0.1:9", "timeout": 1.0, "tries": 1} for name in settings.UPSTREAMS
    }


def test_the_desks_are_clean(site: Site) -> None:
    entry = dispatch_desk.claim(waiting(), actor="user:dewi")
    dispatch_desk.assign(entry, Car(f"B {entry.pk} A", "Agus"), actor="user:dewi")
    waiting(amount=900_000)
    mine = dispatch_desk.claim(waiting(90), actor="user:dewi")
    link, late = unpaid("open", customer_phone="+628111222333"), unpaid("expired")
    paid("completed", AMOUNT, AMOUNT)
    paths = (
        "/orders/dispatch/",
        f"/orders/{entry.order.public_id}/dispatch/",
        f"/orders/{mine.order.public_id}/dispatch/",
        "/orders/links/?kind=expired",
        f"/orders/{link.public_id}/link/",
        f"/orders/{late.public_id}/link/",
        "/orders/money/?case=twice",
        "/settings/limits/",
    )
    for _path, _look, page in site.walk([(path, "dewi") for path in paths], LOOKS):
        expect(page.locator(".working")).to_have_count(0)
        assert_page_is_clean(site, page)


def test_an_order_is_taken_gets_a_car_and_is_on_its_way(site: Site) -> None:
    DispatchEntry.objects.filter(state="waiting").update(city="elsewhere")
    entry = waiting()
    page = site.open("/orders/dispatch/?city=Jakarta&holder=-", who="dewi")
    page.keyboard.press("n")
    panel = page.locator("#peek")
    expect(panel.locator("h2.id")).to_have_text(entry.order.public_id)
    expect(panel.locator("#hold-title")).to_have_text("It is yours")
    expect(panel.locator(".vehicles")).to_contain_text("Cannot know who is near.")
    panel.locator("input[name=vehicle]").fill("dk 88 ab")
    panel.locator("input[name=driver]").fill("Wayan")
    panel.locator("button", has_text="Assign the car").click()
    expect(panel.locator(".lead")).to_have_text("DK 88 AB")
    expect(panel.locator("#hold-title")).to_be_focused()  # the button is gone with its answer
    expect(panel.locator("#script-driver-en")).to_contain_text("take no cash")
    page.keyboard.press("r")
    expect(panel.locator(".doing")).to_contain_text("Mark as dispatched")
    assert work.drain("action") >= 1  # what earlier tests of the module left is done as well
    expect(panel.locator("#hold-title")).to_have_text("Dispatched")
    entry.order.refresh_from_db()
    assert entry.order.state == "active"
    assert not site.complaints[page]


def test_what_a_bulk_would_do_is_shown_before_it_is_asked_for(site: Site) -> None:
    DispatchEntry.objects.filter(state="waiting").update(city="elsewhere")
    for _each in range(2):
        waiting()
    page = site.open("/orders/dispatch/?city=Jakarta&holder=-", who="sari")
    page.locator("[data-pick-all]").check()
    page.locator(".bulk button", has_text="Send to dispatch again").click()
    dialog = page.locator("dialog#send")
    expect(dialog).to_contain_text("Send 2 orders again · Rp\u00a0300.000")
    assert_page_is_clean(site, page)
    dialog.locator("footer button").last.click()
    page.wait_for_url("**/orders/bulk/*/")
    expect(page.locator("#bulk")).to_contain_text("0 of 2 done")


def test_an_opened_link_stays_where_it_is_while_others_come_and_go(site: Site) -> None:
    """Its row, the mark, and its panel: over a refresh that would have moved them, and over a visit to the address."""
    first, second = unpaid("unknown", minutes=9), unpaid("unknown", minutes=5)
    page = site.open("/orders/links/?kind=unanswered", who="dewi")
    page.click(f"#row-{second.public_id} [data-row-link]")
    expect(page.locator("#peek")).to_contain_text(second.public_id)
    with transaction.atomic():
        move(first.attempts.get(), AttemptVerb.OPEN, actor="midtrans")
    unpaid("unknown", minutes=7)
    poll(page, "links-list")
    expect(page.locator("#links-count")).to_contain_text("1 new")
    rows = page.eval_on_selector_all("tr[data-row]", "rows => rows.map(row => row.id)")
    assert rows == [f"row-{first.public_id}", f"row-{second.public_id}"]
    expect(page.locator(f"#row-{first.public_id}")).to_have_class("is-free")
    expect(page.locator("tr[aria-current=true]")).to_have_id(f"row-{second.public_id}")
    expect(page.locator("#peek")).to_contain_text(second.public_id)
    site.reload(page)
    expect(page.locator("#peek #link")).to_contain_text(second.public_id)
    page.keyboard.press("Escape")
    expect(page.locator("#peek #link")).to_have_count(0)
    assert page.url.endswith("/orders/links/?kind=unanswered")


def test_opened_money_stays_where_it_is_when_it_is_settled(site: Site) -> None:
    settled, left = paid("completed", AMOUNT), paid("completed", AMOUNT)
    for number, order in enumerate((settled, left)):
        entry(order, "reversed", -AMOUNT, minutes=50 - number)
    page = site.open("/orders/money/?case=reversed", who="budi")
    page.click(f"#row-{settled.pk} [data-row-link]")
    expect(page.locator("#peek")).to_contain_text(settled.public_id)
    entry(settled, "charged", AMOUNT, minutes=1)
    poll(page, "money-desk")
    expect(page.locator(f"#row-{settled.pk}")).to_contain_text("Settled")
    expect(page.locator("tr[aria-current=true]")).to_have_id(f"row-{settled.pk}")
    expect(page.locator("#peek")).to_contain_text(settled.public_id)
    site.reload(page)
    expect(page.locator("#peek")).to_contain_text(settled.public_id)
    expect(page.locator("tr[data-row]")).to_have_count(1)
