"""One order in a real browser, with real neighbours: from why it hangs to the safe step and its result."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from opsconsole.sandbox.remote import RemoteSandbox
from orders.models import Attempt, OperatorAction, Order, Refund
from orders.services import desk, work
from orders.services.placing import cancel_order
from orders.states import OrderState, RefundState
from tests.console.browser import Site, assert_page_is_clean
from tests.console.order_world import old, waiting_order
from tests.orders.flow import PHONE, deliver, place
from tests.sandbox_fixtures import *  # noqa: F403
from tests.sandbox_fixtures import Receiver, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("neighbours")]

LARGE = 6_000_000


@pytest.fixture(autouse=True)
def _after_the_database(site: Site) -> None:
    """The browser's database first: what the other fixtures open must open there."""


def _open(site: Site, order: Order, who: str = "sari", **more: Any) -> Page:
    return site.open(f"/orders/{order.public_id}/", who=who, **more)


def _lost(control: RemoteSandbox) -> Order:
    """The customer has paid, and the callback never came."""
    control.plan(PHONE, {"on": "callback", "do": "drop"})
    order = place()
    control.pay(order.attempts.get().reference)
    control.plan(PHONE)
    Attempt.objects.filter(order=order).update(due_at=None)
    return old(order)


def test_a_lost_callback_is_understood_and_freed_with_one_key(site: Site, control: RemoteSandbox) -> None:
    order = _lost(control)
    work.drain("action")  # what other tests of the module left
    page = _open(site, order)
    expect(page.locator(".verdict h2")).to_have_text("Callback lost")
    expect(page.locator("[data-kind=primary]:visible")).to_have_count(1)
    page.keyboard.press("r")
    doing = page.locator(".doing")
    expect(doing).to_contain_text("queued")
    assert work.drain("action") == 1
    expect(doing).to_contain_text("everybody answered")
    expect(doing).to_contain_text("now Paid")
    expect(page.locator(".order-state .badge").first).to_have_text("Paid, not booked")
    story = page.locator(".tl")
    expect(story).to_contain_text("Order paid")
    expect(story).to_contain_text("Sari Wulandari asked for: Re-check payment")
    expect(page.locator(".verdict h2")).not_to_have_text("Callback lost")
    assert not site.complaints[page]


def test_a_double_press_is_one_action(site: Site, control: RemoteSandbox) -> None:
    order = _lost(control)
    page = _open(site, order)
    page.locator(".verdict button").dblclick()
    expect(page.locator(".doing")).to_contain_text("queued")
    assert OperatorAction.objects.filter(order=order).count() == 1


def test_everybody_is_asked_live_and_the_answers_stay(site: Site, control: RemoteSandbox) -> None:
    order = _lost(control)
    page = _open(site, order)
    page.keyboard.press("a")
    panel = page.locator("#truths")
    expect(panel.locator(".says")).to_have_text("Midtrans says “Paid”, we say “Waiting for customer”.")
    expect(panel.locator("tr[data-differs]")).to_have_count(1)
    assert Order.objects.get(pk=order.pk).state == OrderState.AWAITING_PAYMENT
    desk.note(order, "somebody writes meanwhile", actor="user:dewi")
    page.evaluate("htmx.trigger('#order', 'live')")
    expect(page.locator(".tl")).to_contain_text("somebody writes meanwhile")
    expect(panel.locator(".says")).to_have_count(1)
    work_done = page.locator(".verdict button")
    work_done.click()
    expect(page.locator(".doing")).to_contain_text("queued")
    work.drain("action")
    expect(panel.locator(".says")).to_have_count(0)
    expect(panel).to_contain_text("They said last")


def _paid_after_close(control: RemoteSandbox, receiver: Receiver) -> Order:
    """Paid at the gateway just before it was cancelled here."""
    order = place("card", amount=LARGE)
    control.pay(order.attempts.get().reference)
    cancel_order(order, actor="user:dewi", reason="customer called")
    wait_until(lambda: receiver.got)
    deliver(receiver)
    work.drain("inbound")
    order.refresh_from_db()
    assert order.state == OrderState.PAID_AFTER_CLOSE
    return order


def test_a_refund_over_the_limit_waits_for_a_second_person(
    site: Site, control: RemoteSandbox, receiver: Receiver
) -> None:
    order = _paid_after_close(control, receiver)
    page = _open(site, order)
    page.locator(".choices a", has_text="Refund").click()
    dialog = page.locator("dialog#act")
    expect(dialog.locator("button", has_text="Not now")).to_be_focused()
    expect(dialog.locator(".warnings")).to_contain_text("nothing speaks against it")
    confirm = dialog.locator("footer .btn").last
    expect(confirm).to_have_text("Request approval")
    expect(confirm).to_be_disabled()
    dialog.locator("input[name=reason]").fill("the car broke down")
    dialog.locator("input[name=typed]").fill("600.000")
    expect(dialog.locator("#echo")).to_contain_text("is not the sum above")
    expect(confirm).to_be_disabled()
    dialog.locator("input[name=typed]").fill("6.000.000")
    expect(dialog.locator("#echo")).to_have_text("Rp\u00a06.000.000")
    confirm.click()
    expect(page.locator(".doing")).to_contain_text("waits for a second person")
    work.drain("action")
    assert Refund.objects.filter(order=order).count() == 0

    second = site.open("/approvals/", who="budi")
    second.locator("tr", has_text=order.public_id).locator("a.btn").click()
    second.locator("dialog#decide button[value=approve]").click()
    expect(second.locator("#approvals")).not_to_contain_text(order.public_id)
    work.drain("action")
    assert Refund.objects.get(order=order).state == RefundState.SUCCEEDED
    page.evaluate("htmx.trigger('#order', 'live')")
    expect(page.locator(".doing")).to_contain_text("fixed")
    expect(page.locator(".tl")).to_contain_text("Budi Santoso approved: Refund")
    expect(page.locator(".tl")).to_contain_text("Midtrans gave the money back")


def test_a_forged_message_is_refused_on_the_timeline(site: Site, control: RemoteSandbox, receiver: Receiver) -> None:
    order = place("qris")
    control.forge(order.attempts.get().reference)
    wait_until(lambda: receiver.got)
    deliver(receiver)
    work.drain("inbound")
    page = _open(site, order)
    line = page.locator(".tl li", has_text="refused, it is not so")
    expect(line.locator(".badge")).to_have_text("Illegal")
    expect(line).to_contain_text("Midtrans itself says Waiting for customer")
    line.locator("a", has_text="Raw message").click()
    expect(line.locator("pre")).to_contain_text("transaction_status")
    expect(page.locator(".order-state .badge")).to_have_text("Awaiting payment")
    page.evaluate("htmx.trigger('#order', 'live')")
    expect(line.locator("pre")).to_be_visible()


def test_a_payment_link_can_be_copied_and_scanned(site: Site) -> None:
    order = place("card")
    page = _open(site, order, "dewi")
    page.locator(".choices a", has_text="Make payment link").click()
    dialog = page.locator("dialog#act")
    dialog.locator("select[name=gateway]").select_option("xendit")
    dialog.locator("input[name=reason]").fill("customer lost the first one")
    dialog.locator("footer .btn").last.click()
    expect(page.locator(".doing")).to_contain_text("queued")
    work.drain("action")
    expect(page.locator(".doing .qr")).to_be_visible()
    made = order.attempts.order_by("-number").first()
    assert made is not None
    assert made.gateway == "xendit"
    expect(page.locator(".doing [data-copy]")).to_have_attribute("data-copy", made.link_url)
    assert_page_is_clean(site, page)


def test_taking_an_order_can_be_undone_for_ten_seconds(site: Site) -> None:
    page = _open(site, waiting_order())
    page.keyboard.press("t")
    owner = page.locator(".facts")
    expect(owner).to_contain_text("Sari Wulandari")
    page.locator("#undo-toast button").click()
    expect(owner).not_to_contain_text("Sari Wulandari")
    expect(page.locator("#undo-toast")).to_have_count(0)


def test_a_number_is_shown_on_request_and_the_look_is_written_down(site: Site) -> None:
    page = _open(site, waiting_order(customer_phone="+628111222333"), "dewi")
    field = page.locator("#personal-phone")
    expect(field).not_to_contain_text("+628111222333")
    field.locator("button").click()
    expect(field).to_contain_text("+628111222333")
    page.evaluate("htmx.trigger('#order', 'live')")
    expect(page.locator(".tl")).to_contain_text("Dewi Anggraini looked at the customer's phone number")
    expect(field).to_contain_text("+628111222333")


def test_a_page_that_is_stale_says_so_and_does_nothing(site: Site, control: RemoteSandbox) -> None:
    order = _lost(control)
    page = _open(site, order)
    page.keyboard.press("p")
    Order.objects.filter(pk=order.pk).update(version=50)
    page.keyboard.press("r")
    expect(page.locator("#toasts")).to_contain_text("This order changed while you were reading")
    assert OperatorAction.objects.filter(order=order).count() == 0


def test_without_a_script_the_same_is_done(site: Site, control: RemoteSandbox) -> None:
    order = _lost(control)
    page = _open(site, order, java_script_enabled=False)
    page.locator(".verdict button").click()
    expect(page.locator("#toasts")).to_contain_text("asked for. The result follows here.")
    work.drain("action")
    page.reload()
    expect(page.locator(".order-state .badge").first).to_have_text("Paid, not booked")
    page.locator(".choices a", has_text="Cancel order").click()
    expect(page.locator("dialog#act")).to_contain_text("It cannot be opened again.")
