"""The page of one order and its neighbours in every look: axe, the browser's complaints, overflow."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from orders.models import Order
from tests.console.browser import LOOKS, Look, Site, assert_all_are_clean, assert_page_is_clean
from tests.console.order_world import late_order, message_about, old, paid_order

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CLOSED_PORT = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _nobody_answers(site: Site, settings: Any) -> None:
    """What is looked at is also what is said of neighbours that are away."""
    settings.UPSTREAMS = {name: {"url": CLOSED_PORT, "timeout": 1.0, "tries": 1} for name in settings.UPSTREAMS}


def _open(site: Site, order: Order, **more: Any) -> Page:
    return site.open(f"/orders/{order.public_id}/", who="sari", **more)


def test_the_page_is_clean_in_every_look(site: Site) -> None:
    order = old(late_order(items=("taxi", "rent")))
    message_about(order)
    for _path, _look, page in site.walk([(f"/orders/{order.public_id}/", "sari")], LOOKS):
        if not page.locator("#truths .says").count():
            page.locator("#truths button").click()
        expect(page.locator("#truths .says")).to_be_visible()
        assert_page_is_clean(site, page)


@pytest.mark.parametrize("look", [Look("en", "dark", 1440), Look("id", "light", 390)], ids=str)
def test_every_dialog_is_clean(site: Site, look: Look) -> None:
    order = late_order()
    page = _open(site, order, look=look)
    for path in ("do/refund/", "do/retry_booking/", "hold/", "assign/", "note/", "called/"):
        page.locator(f"[hx-get='/orders/{order.public_id}/{path}']").first.click()
        expect(page.locator("#dialog dialog")).to_be_visible()
        expect(page.locator("#dialog .working")).to_have_count(0)
        assert_page_is_clean(site, page)
        page.keyboard.press("Escape")


def test_the_other_pages_are_clean(site: Site) -> None:
    stops = [
        ("/approvals/", "budi"),
        ("/settings/tokens/", "admin"),
        ("/settings/tokens/issue/", "admin"),
        ("/settings/limits/", "sari"),
        ("/settings/limits/order/paid/", "sari"),
        ("/machines/", "agus"),
    ]
    assert_all_are_clean(site, stops)


def test_a_paid_order_shows_its_way_on_a_phone(site: Site) -> None:
    page = _open(site, paid_order(), look=Look("id", "light", 390))
    expect(page.locator(".life [aria-current=step]")).to_have_text("Dipesan")
    expect(page.locator("h1 code")).to_be_visible()
