"""The night of 12 January in the browser, on the scenario's traffic: the spike opens the incident by itself, Sari takes
it, the board names the cause, the runbook and plans repair in waves, Budi approves, Head Office and the gateways agree,
Ratna closes the day, and the review is drafted. Nothing is scripted on the answer's side: what is repaired, with what
and by whose approval follows from what hangs.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from reconciliation import business_day
from reconciliation.models import Break, Day
from reconciliation.services import bridges
from runbooks.incident_states import AlertState, IncidentState
from runbooks.models import ActionItem, Incident
from runbooks.queries import proof
from runbooks.queries.incidents import hanging_of
from runbooks.states import RowState
from tests.console.browser import Site
from tests.console.night_finance import Finance
from tests.console.night_hands import SLOW, Hands, sizes_of_waves
from tests.opsconsole.scenarios import books
from tests.opsconsole.scenarios import night as nights
from tests.opsconsole.scenarios.night import Night, night
from tests.sandbox_fixtures import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

USUAL = 5_000  # milliseconds: playwright's own
ORDERS, SEED, MIX = 60, 31, "callbacks"


@pytest.fixture(autouse=True)
def _patience() -> Iterator[None]:
    """A page that is slow on a busy machine is no fault of the night."""
    expect.set_options(timeout=SLOW)
    yield
    expect.set_options(timeout=USUAL)


def test_the_night_from_the_spike_to_the_signed_day_and_the_review(site: Site, settings: Any, tmp_path: Path) -> None:
    settings.SIGN_EARLY, settings.DETECT_QUIET = True, timedelta(seconds=5)
    settings.DETECT_NO_ORDERS_AFTER = 1_000_000  # that nobody orders after the night is no news
    with night(settings, tmp_path, orders=ORDERS, seed=SEED, mix=MIX) as tonight:
        incident = nights.incident_of(tonight)
        sari, budi = site.open("/incidents/", who="sari"), site.open("/approvals/", who="budi")
        hands = Hands(site, incident, sari, budi, approved=[])
        hands.take()
        wait_until(lambda: pinned(incident) == tonight.hanging)
        first = hands.investigate()
        assert "Callbacks were lost" in first
        assert "The evidence is strong" in first or "Some evidence" in first
        nights.calm(tonight)
        repair(hands)
        books.settle(tonight.control)
        day = finance_closes(site, tonight)
        end(hands, tonight)
        books.everybody_agrees(tonight.control, day)


def pinned(incident: Incident) -> set[str]:
    return set(incident.cohort.values_list("order__public_id", flat=True))


def repair(hands: Hands) -> None:
    """The runbook asks, books and posts; the rest goes by what the diagnoses advise; large refunds are Budi's."""
    hands.begin_runbook()
    for number in (1, 2, 3):
        hands.step(number, "Done, next step")
    hands.step(4, "The spike is over: repair")
    hands.step(6, "It is sent")
    acts = [hands.act(number) for number in (7, 8, 9)]
    asked = acts[0]
    assert asked is not None
    assert sizes_of_waves(asked)[:2] == [1, 5]
    assert asked.rows.filter(state=RowState.FIXED).count() > asked.eligible / 2
    hands.step(10, "Leave it out", note="finance compares, once everything has ended")
    hands.step(11, "Leave it out", note="they are told when it is over")
    hands.repair_rest()
    assert hands.approve_refunds()


def finance_closes(site: Site, tonight: Night) -> Day:
    """Budi loads; what is left between the books is repaired or decided. Ratna reads the bridge, signs and locks."""
    on = business_day.of(timezone.now())
    finance = Finance(site, site.open("/reconciliation/", who="budi"), site.open("/approvals/", who="ratna"), [])
    finance.load(tonight.control, "midtrans", on)
    nights.finance_repairs(tonight, on, carry_out=finance.carry_out)
    assert finance.repaired
    assert not Break.objects.filter(pk__in=[each.pk for each in finance.repaired], state="open").exists()
    bridges.refresh(on)
    page = finance.ratna
    page.goto(f"{site.url}/reconciliation/days/{on}/")
    for button, state in (("Sign the day", "signed"), ("Lock the day", "locked")):
        page.get_by_role("button", name=button).click()
        wait_until(Day.objects.filter(date=on, state=state).exists, seconds=20)
    checked(page)
    day = Day.objects.get(date=on)
    books.nothing_is_left(day)
    return day


def checked(page: Page) -> None:
    page.get_by_role("link", name="Check the digest").click()
    expect(page.locator("body")).to_contain_text("Unchanged: the books hold exactly the lines")


def end(hands: Hands, tonight: Night) -> None:
    """Customers are told after Budi's approval, the alerts end by themselves, Sari resolves and drafts the review."""
    incident = hands.incident
    told = hands.tell_customers()
    assert told in hands.approved
    assert len(sizes_of_waves(told)) > 2
    left = hanging_of(incident)
    assert len(left) < len(tonight.hanging) / 3, [(row.public_id, row.cause, row.next_step) for row in left]
    firing = incident.episodes.filter(state=AlertState.FIRING)
    wait_until(lambda: not firing.filter(alert__name="StuckSpike").exists(), seconds=90, every=0.5)
    speak_against = [each.words for each in proof.obstacles(incident)]
    hands.resolve("asked, booked and posted again; the rest is called")
    hands.review("Paid orders hung.", "Callbacks were lost.", "Ask gateways about what was paid without a callback")
    incident.refresh_from_db()
    assert incident.state == IncidentState.REVIEWED
    assert incident.review.impact["orders"] == len(tonight.hanging)
    owed = ActionItem.objects.filter(incident=incident, kind=ActionItem.Kind.OVERRIDE)
    assert owed.exists() == bool(speak_against)
