"""Incidents in a real browser: clean in the looks that differ most, and an alert led to its end by keys."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from orders.models import Order
from runbooks.incident_states import IncidentState
from runbooks.models import Episode, Incident
from runbooks.services.incidents import clocks, leading, messages, opening, reviewing
from runbooks.services.incidents.leading import By
from runbooks.services.incidents.messages import Telling
from tests.console.browser import Site, assert_all_are_clean
from tests.orders.making import make_order
from tests.runbooks.hearing import alert, alertmanager, judge

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SARI = "user:sari"


def _begun() -> Incident:
    """TPG is down: two alerts, three orders that hang, and a breached clock."""
    for _number in range(3):
        make_order("paid", since=timezone.now() - timedelta(minutes=20))
    at = timezone.now() - timedelta(minutes=4)
    alertmanager(alert(at=at), alert("TPGErrors", at=at), alert("DiskFilling", severity="info", at=at))
    judge()
    clocks.tick()
    return Incident.objects.exclude(state=IncidentState.RESOLVED).get(storm="tpg:down")


def _told(incident: Incident) -> None:
    leading.acknowledge(incident, By(actor=SARI))
    leading.note(incident, "TPG restarts at 03:10", By(actor=SARI))
    telling = Telling(template="dispatch", impact="Taxis come late in Jakarta", next_minutes=15)
    messages.send(Incident.objects.get(pk=incident.pk), telling, actor=SARI, commander="Sari Wulandari")


def test_the_pages_are_clean(site: Site) -> None:
    incident = _begun()
    _told(incident)
    paths = (
        "/incidents/",
        "/incidents/alerts/",
        "/incidents/new/",
        "/incidents/statistics/",
        f"/incidents/{incident.code}/",
        f"/incidents/{incident.code}/tell/",
        f"/incidents/{incident.code}/resolve/",
        f"/incidents/{incident.code}/board/",
        f"/incidents/{incident.code}/customers/",
        f"/incidents/alerts/{Episode.objects.get(alert__name='DiskFilling').pk}/",
        f"/orders/{Order.objects.first()}/",
        "/services/",
        "/services/catalogue/",
        "/services/map/",
        "/services/map/?fail=tpg",
        "/services/history/",
    )
    assert_all_are_clean(site, [(path, "sari") for path in paths])
    incident = Incident.objects.get(pk=incident.pk)
    leading.resolve(incident, By(actor=SARI, reason="a drill"), override=True)
    reviewing.draft(Incident.objects.get(pk=incident.pk), actor=SARI)
    paths = (f"/incidents/{incident.code}/review/", "/incidents/items/")
    assert_all_are_clean(site, [(path, "sari") for path in paths])


def test_the_clocks_tick_and_a_key_takes_it(site: Site) -> None:
    incident = opening.open_by_hand(
        title="Redis is gone", service="redis", failure="down", severity=0, actor=SARI, reason="seen"
    )
    page = site.open("/incidents/", who="sari")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    time = page.locator(".clocks .clock-time").first
    before = time.inner_text()
    expect(time).not_to_have_text(before)
    page.keyboard.press("r")
    expect(page.locator(".clocks li").first).to_contain_text("Sari Wulandari")
    expect(page.locator("#incident .page-head")).to_contain_text("In hand")
    page.locator(".clocks a").first.click()
    page.locator("dialog input[name=reason]").fill("3 of 3 ready")
    page.locator("dialog button[data-when-valid]").click()
    expect(page.locator(".clocks")).to_contain_text("3 of 3 ready")
    assert Incident.objects.get(pk=incident.pk).commander == SARI
    page.locator("#to-note").press("Enter")
    expect(page.locator("dialog input[name=reason]")).to_be_visible()
    expect(page.locator(".htmx-settling")).to_have_count(0)  # a dialog chooses its focus when it has settled
    page.locator("dialog input[name=reason]").fill("asked the provider")
    page.keyboard.press("Enter")
    expect(page.locator("#incident")).to_contain_text("asked the provider")
    expect(page.locator("#to-note")).to_be_focused()
    for width in (1180, 981):
        page.set_viewport_size({"width": width, "height": 760})
        name = page.locator("#short-alerts .clip")
        expect(name).to_contain_text(incident.code)
        assert name.evaluate("each => each.scrollWidth <= each.clientWidth")
        assert page.locator(".top").evaluate("each => each.scrollWidth <= each.clientWidth")
