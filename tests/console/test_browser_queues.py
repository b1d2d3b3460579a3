"""Dead letters, needs a hand, and a saga in a real browser: clean in the looks that differ most, and by keyboard."""

import pytest
from playwright.sync_api import expect

from orders.models import DeadLetter, Saga
from tests.console.browser import Site, assert_all_are_clean
from tests.console.test_hands import hand
from tests.console.test_letters import letter_of
from tests.orders.making import make_order, make_saga, make_step

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def letters() -> list[DeadLetter]:
    dead = letter_of(make_order(), reason="order_missing", last_error="there is no such order " * 6)
    return [dead, letter_of(make_order(), "retrying"), letter_of(None, raw=b"\xff not JSON", body="")]


def checkout() -> Saga:
    saga = make_saga(make_order(service="goods"), "needs_hand", kind="checkout", cause="undo_not_sent")
    make_step(saga, "undo_failed", name="reserve inventory", partner="inventory", last_error="breaker is open")
    make_step(saga, "undone", name="take payment", partner="upg")
    return saga


def test_the_queues_and_what_they_lead_to_are_clean(site: Site) -> None:
    dead, _retrying, unreadable = letters()
    saga, goods = hand(30, paid=90_000, cause="undo_unanswered"), checkout()
    paths = (
        "/dead-letters/",
        f"/dead-letters/{dead.pk}/",
        f"/dead-letters/{unreadable.pk}/",
        "/orders/needs-hand/",
        f"/orders/{saga.order.public_id}/sagas/1/",
        f"/orders/{goods.order.public_id}/sagas/1/",
    )
    assert_all_are_clean(site, [(path, "sari") for path in paths])


def test_by_keyboard_from_anywhere_to_a_letter_and_to_a_saga(site: Site) -> None:
    [dead, *_others], saga = letters(), hand(900)
    page = site.open("/", who="sari")
    page.keyboard.press("g")
    page.keyboard.press("x")
    page.wait_for_url("**/dead-letters/**")
    expect(page.locator("main")).to_contain_text("order.create")
    page.goto(f"{site.url}/dead-letters/{dead.pk}/")
    page.keyboard.press("r")
    expect(page.locator("dialog[open], form textarea").first).to_be_visible()
    page.goto(f"{site.url}/services/")
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.wait_for_url("**/orders/needs-hand/**")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/orders/{saga.order.public_id}/sagas/1/")
    assert not site.complaints[page]
