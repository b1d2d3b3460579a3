"""The lists in a real browser: filters and back, selection over refreshes, panel, keys, download, search."""

import csv
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from orders.models import Diagnosis, OperatorAction, Order, StuckSample
from orders.states import OrderVerb
from orders.transitions import move
from tests.console.browser import Look, Site, assert_all_are_clean, assert_page_is_clean, poll
from tests.orders.making import make_attempt, make_order, make_posting, make_refund

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

LIST = "/orders/stuck/"
LIVE = "stuck-list"
CITIES = ("Jakarta", "Bali", "Medan")


@pytest.fixture(scope="module")
def rows(site: Site) -> list[Order]:
    """Sixty stuck orders, oldest first: two pages."""
    made = [_stuck(number) for number in range(60)]
    now = timezone.now()
    for minute in (90, 61, 5):
        StuckSample.objects.create(at=now - timedelta(minutes=minute), count=50, paid_count=40, recovered=3)
    return made


def _stuck(number: int) -> Order:
    since = timezone.now() - timedelta(hours=100 - number)
    facts: dict[str, Any] = {
        "public_id": f"MRG-7{number:03}",
        "city": CITIES[number % 3],
        "amount": 10_000 * (number + 1),
        "method": "gopay",
        "customer_phone": f"+6281200{number:05}",
        "customer_id": f"C-{number}",
        "customer_email": f"c{number}@example.com",
    }
    kind = number % 4
    order = make_order("paid" if kind < 2 else "cancelled" if kind == 2 else "completed", since=since, **facts)
    attempt = make_attempt(order, "paid", since=since, gateway_reference=f"gw-{number:04}")
    Order.objects.filter(pk=order.pk).update(owning_attempt=attempt)
    if kind == 2:
        make_refund(attempt, "failed", since=since)
    if kind == 3:
        make_posting(order, "due", since=since, ho_reference=f"HO/{number}")
    if kind == 0:
        Diagnosis.objects.create(
            order=order,
            cause="booking_never_started",
            confidence=95,
            next_step="retry_booking",
            order_version=order.version,
        )
    return order


@pytest.fixture
def _all_again(rows: list[Order]) -> Iterator[None]:
    """What a test did to owners and holds is no other test's business."""
    yield
    Order.objects.filter(pk__in=[row.pk for row in rows]).update(owner=None, held_until=None)


def _codes(page: Page) -> list[str]:
    codes: list[str] = page.eval_on_selector_all("tr[data-row]", "rows => rows.map(row => row.id.slice(4))")
    return codes


def _ticked(page: Page) -> list[str]:
    ticked: list[str] = page.eval_on_selector_all("tbody :checked", "boxes => boxes.map(box => box.value)")
    return ticked


PAGES = [
    (f"{LIST}?city=Bali&owner=-&q=MRG", "agus"),
    (f"{LIST}?q=nothing-like-it", "dewi"),
    (f"{LIST}causes/", "sari"),
    ("/orders/", "sari"),
    ("/orders/?city=Bali&from=2020-01-01", "budi"),
    ("/search/?q=MRG-7", "sari"),
    ("/search/", "agus"),
]


@pytest.mark.usefixtures("rows")
def test_the_list_is_clean_in_every_look(site: Site) -> None:
    assert_all_are_clean(site, [(LIST, "sari")])


@pytest.mark.usefixtures("rows")
def test_the_other_pages_are_clean(site: Site) -> None:
    assert_all_are_clean(site, PAGES)


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("look", [Look(), Look("id", "dark", 1440), Look("id", "light", 390)], ids=str)
def test_what_opens_on_the_list_is_clean_too(site: Site, look: Look) -> None:
    page = site.open(LIST, who="sari", look=look)
    page.check("#pick-MRG-7000")
    if look.width < 760:
        page.click(".more-chips")
    page.click("details.chip >> nth=0 >> summary")
    assert_page_is_clean(site, page)
    page.keyboard.press("Escape")
    page.click("[data-open='#hold-many']")
    assert_page_is_clean(site, page)


@pytest.mark.usefixtures("rows")
def test_a_filter_is_in_the_address_and_back_takes_it_out(site: Site) -> None:
    page = site.open(LIST, who="sari")
    page.click("details.chip:has(#values-city) summary")
    page.check("[name=city][value=Bali]")
    page.click("details.chip:has(#values-city) button")
    page.wait_for_url("**city=Bali**")
    expect(page.locator("tr[data-row]")).to_have_count(20)
    page.click("details.chip:has(#values-state) summary")
    page.check("[name=state][value='refund.failed']")
    page.click("details.chip:has(#values-state) button")
    expect(page.locator("tr[data-row]")).to_have_count(5)
    assert "city=Bali" in page.url
    assert "state=refund.failed" in page.url
    page.go_back()
    expect(page.locator("tr[data-row]")).to_have_count(20)
    page.go_back()
    expect(page.locator("tr[data-row]")).to_have_count(50)


@pytest.mark.usefixtures("rows")
def test_typing_filters_at_once_and_the_refresh_keeps_to_it(site: Site) -> None:
    page = site.open(f"{LIST}?city=Bali", who="sari")
    page.keyboard.press("f")
    page.keyboard.type("C-1", delay=10)
    expect(page.locator("#stuck-count")).to_contain_text("5 of 5")
    assert "q=C-1" in page.url
    assert "city=Bali" in page.url
    poll(page, LIVE)
    expect(page.locator("tr[data-row]")).to_have_count(5)
    expect(page.locator("[data-key=f]")).to_have_value("C-1")
    site.reload(page)
    expect(page.locator("tr[data-row]")).to_have_count(5)


@pytest.mark.usefixtures("rows")
def test_ticks_and_order_survive_a_refresh_that_changes_rows(site: Site) -> None:
    since = timezone.now() - timedelta(hours=200)
    freed, moved = (make_order("paid", since=since, public_id=f"MRG-900{number}", city="Ambon") for number in (1, 2))
    page = site.open(LIST, who="sari")
    before = _codes(page)
    page.check("#pick-MRG-7001")
    page.check("#pick-MRG-7004")
    page.keyboard.press("j")
    with transaction.atomic():
        move(freed, OrderVerb.CANCEL, actor="user:dewi")
    Order.objects.filter(pk=moved.pk).update(city="Solo")
    poll(page, LIVE)
    expect(page.locator("#row-MRG-9001")).to_contain_text("Recovered")
    expect(page.locator("#row-MRG-9002")).to_contain_text("Solo")
    assert _codes(page) == before
    assert _ticked(page) == ["MRG-7001", "MRG-7004"]
    expect(page.locator("[data-picked-count]").first).to_have_text("2")
    expect(page.locator("[data-picked-sum]")).to_have_text("Rp\u00a070.000")
    assert page.locator("tr[aria-current=true]").count() == 1
    assert page.title().startswith("(61)")
    with transaction.atomic():
        move(moved, OrderVerb.CANCEL, actor="user:dewi")


@pytest.mark.usefixtures("rows")
def test_new_ones_are_told_of_and_come_when_asked_for(site: Site) -> None:
    page = site.open(f"{LIST}?city=Ambon&city=Bali", who="sari")
    shown = len(_codes(page))
    new = make_order(
        "paid", since=timezone.now() - timedelta(minutes=9, seconds=59), city="Ambon", public_id="MRG-8000"
    )
    page.wait_for_function("at => Date.now() / 1000 > at", arg=new.entered_at.timestamp() + 601)
    poll(page, LIVE)
    expect(page.locator("#stuck-count .badge")).to_have_text("1 new")
    assert len(_codes(page)) == shown
    page.click("#stuck-count .badge")
    expect(page.locator("#row-MRG-8000")).to_be_visible()
    with transaction.atomic():
        move(new, OrderVerb.CANCEL, actor="user:dewi")


@pytest.mark.usefixtures("_all_again")
def test_all_that_match_are_taken_and_given_back(site: Site) -> None:
    page = site.open(f"{LIST}?city=Jakarta&view=paid", who="sari")
    page.check("#pick-MRG-7000")
    page.click(".all-matching")
    expect(page.locator(".all-picked")).to_be_visible()
    poll(page, LIVE)
    expect(page.locator(".all-picked")).to_be_visible()
    page.click("[name=act][value=mine]")
    expect(page.locator(".toast")).to_contain_text("20 orders are Sari Wulandari's now.")
    assert Order.objects.filter(owner=site.people.users["sari"]).count() == 20
    expect(page.locator("#row-MRG-7000 .owner").first).to_have_attribute("title", "Sari Wulandari")
    page.keyboard.press("u")
    expect(page.locator(".toast")).to_contain_text("20 orders taken back.")
    assert not Order.objects.filter(owner=site.people.users["sari"]).exists()


@pytest.mark.usefixtures("_all_again")
def test_orders_are_held_from_a_dialog_that_wants_a_reason(site: Site) -> None:
    page = site.open(LIST, who="dewi")
    page.check("#pick-MRG-7008")
    page.click("[data-open='#hold-many']")
    expect(page.locator("#hold-many [data-close]").first).to_be_focused()
    expect(page.locator("#hold-many [value=hold]")).to_be_disabled()
    page.fill("#hold-many [name=reason]", "fraud check")
    page.click("#hold-many [value=hold]")
    expect(page.locator(".toast")).to_contain_text("1 order is on hold.")
    expect(page.locator("#hold-many")).to_be_hidden()
    expect(page.locator("#row-MRG-7008")).to_contain_text("On hold")


def test_r_rechecks_the_selection_and_its_progress_is_followed(site: Site, rows: list[Order]) -> None:
    page = site.open(LIST, who="sari")
    for code in ("MRG-7012", "MRG-7013"):
        page.check(f"#pick-{code}")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("r")
    toast = page.locator(".toast")
    expect(toast).to_contain_text("0 of 2 done")
    OperatorAction.objects.filter(order__in=rows).update(status="fixed", outcome="", finished_at=timezone.now())
    with page.expect_response(lambda response: "toast=1" in response.url):
        page.evaluate("document.querySelectorAll('.toast[data-live]').forEach(part => htmx.trigger(part, 'live'))")
    expect(toast).to_contain_text("2 of 2 done · 2 fixed")
    toast.get_by_role("link").click()
    expect(page.locator("main h1")).to_have_text("Re-check payment")
    expect(page.locator("tr[data-row]")).to_have_count(2)
    assert_page_is_clean(site, page)


@pytest.mark.usefixtures("rows")
def test_the_panel_opens_beside_the_list_has_an_address_and_back_closes_it(site: Site) -> None:
    page = site.open(f"{LIST}?city=Bali", who="sari")
    page.click("#row-MRG-7004 a")
    expect(page.locator("#peek h2.id")).to_have_text("MRG-7004")
    assert page.url.endswith(f"{LIST}?city=Bali&peek=MRG-7004")
    site.reload(page)
    expect(page.locator("#peek h2.id")).to_have_text("MRG-7004")
    expect(page.locator("#row-MRG-7004")).to_have_attribute("aria-current", "true")
    page.keyboard.press("Escape")
    expect(page.locator("#peek")).to_be_empty()
    assert page.url.endswith(f"{LIST}?city=Bali")
    page.click("#row-MRG-7007 a")
    expect(page.locator("#peek h2.id")).to_have_text("MRG-7007")
    page.go_back()
    expect(page.locator("#peek h2.id")).to_have_count(0)
    assert page.url.endswith(f"{LIST}?city=Bali")


@pytest.mark.usefixtures("rows")
def test_a_panel_that_is_closed_before_it_has_come_stays_closed(site: Site) -> None:
    page = site.open(f"{LIST}?city=Bali", who="sari")
    held: list[Route] = []
    page.route("**/peek/**", lambda route: held.append(route))  # noqa: PLW0108 - playwright marks what it is given
    page.goto(f"{site.url}{LIST}?city=Bali&peek=MRG-7004")
    expect(page.locator("#peek h2.id")).to_have_text("MRG-7004")
    page.wait_for_function("document.querySelector('#peek .htmx-request')")
    # Given up at once, long before the patience of a request is over.
    with page.expect_event("requestfailed", lambda request: "/peek/" in request.url, timeout=5_000):
        page.keyboard.press("Escape")
    expect(page.locator("#peek")).to_be_empty()
    page.unroute("**/peek/**")
    page.click("#row-MRG-7007 a")
    expect(page.locator("#peek h2.id")).to_have_text("MRG-7007")
    assert len(held) == 1


@pytest.mark.usefixtures("rows")
def test_keys_travel_tick_open_and_close(site: Site) -> None:
    page = site.open(LIST, who="sari")
    for key in ("j", "j", "k", "j", "x", "j"):
        page.keyboard.press(key)
    expect(page.locator("tr[aria-current=true]")).to_have_attribute("id", "row-MRG-7002")
    assert _ticked(page) == ["MRG-7001"]
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Enter")
    expect(page.locator("#peek h2.id")).to_have_text("MRG-7002")
    page.keyboard.press("Escape")
    expect(page.locator("#peek")).to_be_empty()
    page.keyboard.press("/")
    expect(page.locator(".find input")).to_be_focused()


@pytest.mark.usefixtures("rows")
def test_pause_stops_the_list(site: Site) -> None:
    page = site.open(LIST, who="sari")
    page.clock.install()
    page.goto(f"{site.url}{LIST}")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "pins=" in request.url else None)
    page.keyboard.press("p")
    page.clock.fast_forward(20_000)
    expect(page.locator("#clock")).to_have_attribute("data-state", "paused")
    assert asked == []
    with page.expect_response(lambda response: "pins=" in response.url):
        page.keyboard.press("p")


@pytest.mark.usefixtures("rows")
def test_the_download_has_every_row_that_matches(site: Site) -> None:
    page = site.open(f"{LIST}?city=Medan", who="sari")
    with page.expect_download() as download:
        page.click("a[download]")
    path = download.value.path()
    lines = list(csv.DictReader(path.read_text().splitlines()))
    assert len(lines) == 20
    assert {line["city"] for line in lines} == {"Medan"}
    assert re.fullmatch(r"stuck-orders-\d{4}-\d\d-\d\d-\d{4}-wib\.csv", download.value.suggested_filename)


@pytest.mark.usefixtures("rows")
def test_the_box_of_the_top_bar_finds_by_each_kind(site: Site) -> None:
    page = site.open("/orders/", who="sari")
    kinds = ("MRG-7030", "HO/31", "7030", "MRG-7030-1", "gw-0030", "0812 0000 030", "C-30", "c30@example.com")
    for text in kinds:
        page.goto(f"{site.url}/orders/")
        page.keyboard.press("/")
        page.keyboard.type(text)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{site.url}/orders/MRG-703{1 if text == 'HO/31' else 0}/")


@pytest.mark.usefixtures("rows")
def test_the_box_lists_several(site: Site) -> None:
    page = site.open(LIST, who="sari")
    page.fill(".find input", "MRG-703")
    page.keyboard.press("Enter")
    expect(page.locator("tr[data-row]")).to_have_count(10)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.url}/orders/MRG-7030/")


@pytest.mark.usefixtures("rows")
def test_a_view_is_saved_from_its_tab_and_taken_back_after_deletion(site: Site) -> None:
    page = site.open(f"{LIST}?city=Bali", who="budi")
    page.click("[data-open='#save-view']")
    page.fill("#save-view [name=name]", "Island")
    page.click("#save-view [data-kind=primary]")
    expect(page.locator(".tabs a[aria-current]")).to_have_text(re.compile(r"Island\s*20"))
    page.click("[data-open='#change-view']")
    page.click("#change-view [value=delete]")
    expect(page.locator(".tabs")).not_to_contain_text("Island")
    page.click("[value=restore]")
    expect(page.locator(".tabs a[aria-current]")).to_contain_text("Island")


@pytest.mark.usefixtures("rows")
def test_a_cause_leads_to_its_orders(site: Site) -> None:
    page = site.open(f"{LIST}causes/", who="sari")
    page.click("text=Booking never started")
    expect(page.locator("#stuck-count")).to_contain_text("15 of 15")


@pytest.mark.usefixtures("rows")
def test_lists_work_without_a_script(site: Site) -> None:
    page = site.open(LIST, who="sari", java_script_enabled=False)
    page.fill("[data-key=f]", "C-3")
    page.press("[data-key=f]", "Enter")
    assert page.locator("tr[data-row]").count() == 11
    page.goto(f"{site.url}{LIST}")
    page.click("[rel=next]")
    assert page.locator("tr[data-row]").count() >= 9
    page.click("[rel=prev]")
    page.click("#row-MRG-7000 a")
    page.click("#peek .link")
    assert page.url.endswith("/orders/MRG-7000/")
