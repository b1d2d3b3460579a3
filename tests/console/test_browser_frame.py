"""The frame in a real browser: looks, keys, refresh, selection, switches."""

import re

import pytest
from playwright.sync_api import expect

from tests.console.browser import Look, Site, assert_all_are_clean, assert_page_is_clean

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PAGES = [
    ("/sign-in/", ""),
    ("/", "sari"),
    ("/rights/", "agus"),
    ("/_parts/", "admin"),
    ("/_parts/MRG-48175/", "admin"),
    ("/_parts/", "sari"),
]


def test_pages_are_clean_in_every_look(site: Site) -> None:
    assert_all_are_clean(site, PAGES)


@pytest.mark.parametrize("look", [Look("en", "dark", 1440), Look("id", "light", 390)], ids=str)
def test_what_floats_is_clean_too(site: Site, look: Look) -> None:
    page = site.open("/_parts/", who="admin", look=look)
    for opener in ("button[popovertarget=me]", "#open-refund"):
        page.click(opener)
        assert_page_is_clean(site, page)
        page.keyboard.press("Escape")


def test_selection_and_mark_survive_a_refresh_that_changes_rows(site: Site) -> None:
    page = site.open("/_parts/", who="admin")
    page.check("#pick-MRG-48120")
    page.check("#pick-MRG-47971")
    page.keyboard.press("j")
    youngest = page.locator("#row-MRG-47372 time")
    expect(youngest).not_to_have_text(youngest.inner_text(), timeout=20_000)
    assert page.eval_on_selector_all("tbody :checked", "boxes => boxes.map(box => box.value)") == [
        "MRG-48120",
        "MRG-47971",
    ]
    expect(page.locator("#row-MRG-48120")).to_have_css("background-color", "rgb(227, 236, 250)")
    assert page.locator("tr[aria-current=true]").count() == 1
    expect(page.locator("[data-picked-count]")).to_have_text("2")
    expect(page.locator("[data-picked-sum]")).to_have_text("Rp\u00a0766.500")


def test_a_refresh_without_news_touches_nothing(site: Site) -> None:
    page = site.open("/rights/", who="sari")
    for expected in (200, 204):
        with page.expect_response(re.compile("_alerts")) as answer:
            page.evaluate("htmx.trigger('#alerts', 'live')")
        assert answer.value.status == expected


def test_keys_move_open_select_and_close(site: Site) -> None:
    page = site.open("/_parts/", who="admin")
    for key in ("j", "j", "x"):
        page.keyboard.press(key)
    expect(page.locator("tr[aria-current=true]")).to_have_attribute("id", "row-MRG-48175")
    expect(page.locator("#row-MRG-48175 [data-row-link]")).to_be_focused()
    expect(page.locator("#pick-MRG-48175")).to_be_checked()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Enter")
    expect(page.locator("#peek h2.id")).to_have_text("MRG-48175")
    assert page.url.endswith("/_parts/MRG-48175/")
    expect(page.locator("#peek [data-close-peek]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#peek")).to_be_empty()
    expect(page.locator("#row-MRG-48175 [data-row-link]")).to_be_focused()
    assert page.url.endswith("/_parts/")
    page.locator("[data-copy]").first.press("Enter")  # no clipboard is allowed here: it is copied the old way
    expect(page.locator(".toast")).to_contain_text("Copied")
    expect(page.locator("[data-copy]").first).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("input[name=q]").first).to_be_focused()
    page.keyboard.type("jjx?")
    expect(page.locator("input[name=q]").first).to_have_value("jjx?")


def test_question_mark_lists_the_keys_and_g_v_goes_to_the_overview(site: Site) -> None:
    page = site.open("/services/", who="admin")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    expect(page.locator("#help .keys")).to_contain_text("What works without")  # the page's own
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("v")
    page.wait_for_url(f"{site.url}/")


def test_single_keys_can_be_switched_off(site: Site) -> None:
    page = site.open("/_parts/", who="admin")
    page.click("button[popovertarget=me]")
    page.click("#me button[name=keys][value=off]")
    expect(page.locator("html")).to_have_attribute("data-keys", "off")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert page.locator("tr[aria-current=true]").count() == 0


def test_pause_stops_the_refresh_and_the_clock_says_so(site: Site) -> None:
    page = site.open("/_parts/", who="admin")
    expect(page.locator("#clock")).to_have_attribute("data-state", "live")
    page.keyboard.press("p")
    expect(page.locator("#clock")).to_have_attribute("data-state", "paused")
    expect(page.locator("[data-pause]").first).to_have_attribute("aria-pressed", "true")


def test_clock_tells_the_age_of_the_data(site: Site) -> None:
    page = site.open("/_parts/", who="admin")
    page.clock.install()
    page.goto(f"{site.url}/_parts/")
    page.route("**/_parts/**", lambda route: route.abort())
    page.clock.fast_forward(40_000)
    expect(page.locator("#clock")).to_have_attribute("data-state", "late")
    page.clock.fast_forward(40_000)
    expect(page.locator("#clock")).to_have_attribute("data-state", "stale")
    expect(page.locator("#clock-said")).to_have_text("Stale")


def test_language_switch_keeps_the_page_and_its_filters(site: Site) -> None:
    page = site.open("/_parts/?gateway=midtrans", who="admin")
    page.click(".tools > form button[value=id]")
    expect(page.locator("html")).to_have_attribute("lang", "id")
    assert page.url.endswith("/_parts/?gateway=midtrans")
    expect(page.locator("h1").first).to_have_text("Komponen")


def test_theme_flips_at_once_and_stays_after_a_visit(site: Site) -> None:
    page = site.open("/", who="dewi")
    page.click("[data-theme-flip]")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("body")).to_have_css("color", "rgb(232, 235, 239)")
    site.reload(page)
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_money_dialog_opens_on_the_safe_button_and_wants_the_sum_typed(site: Site) -> None:
    page = site.open("/_parts/", who="admin")
    page.click("#open-refund")
    expect(page.locator("#refund [data-close]")).to_be_focused()
    confirm = page.locator("#refund [data-kind=confirm]")
    expect(confirm).to_be_disabled()
    page.fill("input[name=typed]", "98850")
    expect(confirm).to_be_disabled()
    page.fill("input[name=typed]", "988.500")
    expect(confirm).to_be_enabled()


def test_copy_button_copies_and_says_so(site: Site) -> None:
    page = site.open("/_parts/", who="admin", permissions=["clipboard-read", "clipboard-write"])
    page.click("[data-copy='mt-90d2d60f']")
    expect(page.locator(".toast")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "mt-90d2d60f"


def test_panel_covers_a_phone_and_leaves_again(site: Site) -> None:
    page = site.open("/_parts/", who="admin", look=Look(width=390))
    page.click("#row-MRG-48175 a")
    expect(page.locator("#peek [data-close-peek]")).to_be_focused()
    box = page.locator("#peek").bounding_box()
    assert box is not None
    assert box["width"] == 390
    page.click("#peek [data-close-peek]")
    expect(page.locator("#peek")).to_be_empty()


def test_signing_in_as_a_demo_person_is_one_click_and_returns_to_the_page(site: Site, settings: object) -> None:
    settings.DEMO = True  # type: ignore[attr-defined]
    for user in site.people.users.values():
        user.set_password("demo")
        user.save()
    page = site.open("/rights/")
    page.click("button[value=agus]")
    page.wait_for_url(f"{site.url}/rights/")
    expect(page.locator("main h1")).to_be_visible()


def test_page_works_without_a_script(site: Site) -> None:
    page = site.open("/sign-in/", java_script_enabled=False)
    page.click("button[value=id]")
    assert page.get_attribute("html", "lang") == "id"
    assert page.url.endswith("/sign-in/")
