"""The desks in a real browser: clean in the looks that differ most, and from taking an order to a car on its way."""

from typing import Any

import pytest
from playwright.sync_api import expect

from orders.models import DispatchEntry
from orders.services import dispatch_desk, work
from orders.services.dispatch_desk import Car
from tests.console.browser import Look, Site, assert_page_is_clean
from tests.console.test_dispatch import waiting
from tests.console.test_link_desk import unpaid
from tests.orders.queries.test_money_queues import AMOUNT, paid

pytestmark = pytest.mark.browser

LOOKS = [Look("id", "dark", 390), Look("en", "light", 1440)]


@pytest.fixture(autouse=True)
def _nobody_answers(site: Site, settings: Any) -> None:
    """The dispatch system is away: that is when people work here."""
    settings.UPSTREAMS = {
        name: {"url": "http://127.0.0.1:9", "timeout": 1.0, "tries": 1} for name in settings.UPSTREAMS
    }


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_the_desks_are_clean(site: Site, look: Look) -> None:
    entry = dispatch_desk.claim(waiting(), actor="user:dewi")
    dispatch_desk.assign(entry, Car(f"B {entry.pk} A", "Agus"), actor="user:dewi")
    waiting(amount=900_000)
    mine = dispatch_desk.claim(waiting(90), actor="user:dewi")
    link, late = unpaid("open", customer_phone="+628111222333"), unpaid("expired")
    paid("completed", AMOUNT, AMOUNT)
    for path in (
        "/orders/dispatch/",
        f"/orders/{entry.order.public_id}/dispatch/",
        f"/orders/{mine.order.public_id}/dispatch/",
        "/orders/links/?kind=expired",
        f"/orders/{link.public_id}/link/",
        f"/orders/{late.public_id}/link/",
        "/orders/money/?case=twice",
        "/settings/limits/",
    ):
        page = site.open(path, who="dewi", look=look)
        expect(page.locator(".working")).to_have_count(0)
        assert_page_is_clean(site, page)
        page.close()


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
