"""The night of 12 January in a browser: the spike opens the incident, on-call takes it, the board names the cause, a
plan with a second person's approval repairs it, and it is reviewed. Nothing is scripted on the answer's side."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from orders.diagnosis.service import refresh_diagnoses
from orders.models import Order, StuckSample
from orders.services import sampling
from orders.states import OrderState
from runbooks.incident_states import IncidentState
from runbooks.models import Episode, Incident, Plan, Review, Run
from runbooks.services import detectors
from tests.console.browser import Site
from tests.orders.making import make_attempt, make_order
from tests.runbooks.planning import charged, run_on
from tests.sandbox_fixtures import *  # noqa: F403

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

HURT = 30


def spike() -> list[int]:
    """Thirty customers paid; no callback came and nothing was booked. Twenty others have not paid yet."""
    now = timezone.now()
    for ago in (40, 30, 20, 10):
        StuckSample.objects.create(at=now - timedelta(minutes=ago), count=2, paid_count=1)
    paid = [
        charged("paid", since=now - timedelta(minutes=20), placed_at=now - timedelta(minutes=25), city="Jakarta")
        for _number in range(HURT)
    ]
    for _number in range(20):
        make_attempt(make_order("awaiting_payment", placed_at=now - timedelta(minutes=10)), "open")
    while refresh_diagnoses():
        pass
    return [order.pk for order in paid]


def seen_by_the_ticker(*, quiet: bool = False) -> Incident:
    """The sample of the minute, and the detectors' round; `quiet`: all was well for a minute before."""
    sampling.sample()
    if quiet:
        Episode.objects.update(last_heard_at=timezone.now() - timedelta(minutes=2))
    detectors.detect()
    return Incident.objects.get(storm="orders:stuck")


def fill(page: Page, deed: str, **given: str) -> None:
    """A dialog of a plan's page: opened, filled, confirmed."""
    page.locator(f'[data-open="#do-{deed}"]').click()
    dialog = page.locator(f"#do-{deed}")
    for name, value in given.items():
        field = dialog.locator(f"input[name={name}]")
        if field.count():
            field.fill(value)
    dialog.locator("button[data-when-valid]").click()


def take(page: Page) -> None:
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#incident .page-head")).to_contain_text("Nobody has it")
    page.keyboard.press("r")
    expect(page.locator("#incident .page-head")).to_contain_text("In hand")
    expect(page.locator(".kpis")).to_contain_text(str(HURT))


def investigate(page: Page) -> None:
    page.keyboard.press("b")
    likeliest = page.locator("#board section").first
    for text in ("Callbacks were lost", "The evidence is strong", "City Jakarta: 100 % of them"):
        expect(likeliest).to_contain_text(text)


def propose(page: Page) -> Plan:
    page.get_by_text("Plan a repair…").click()
    page.locator("#repair select[name=action]").select_option("retry_booking@1")
    page.locator("#repair footer button", has_text="Make the plan").click()
    expect(page.locator("#plan h1")).to_have_text("Retry booking")
    plan = Plan.objects.get()
    assert (plan.eligible, plan.risk) == (HURT, "second_person")
    fill(page, "propose", reason="paid, and nothing was booked", typed=str(HURT))
    expect(page.locator("#plan")).to_contain_text("Waits for a second person")
    return plan


def approve(page: Page) -> None:
    fill(page, "approve", reason="looked at the rows", typed=str(HURT))
    expect(page.locator("#plan .page-head")).to_contain_text("Running")


def resolve(page: Page) -> None:
    expect(page.locator("#incident")).to_contain_text("All its alerts are over")
    page.locator("#incident .page-head a", has_text="Resolve").click()
    page.locator("#deed input[name=reason]").fill("every booking was taken up again")
    page.locator("#deed button[data-when-valid]").click()
    expect(page.locator("#incident .page-head")).to_contain_text("Resolved")


def review(page: Page) -> None:
    page.locator("#incident .page-head a", has_text="Review").click()
    page.get_by_role("button", name="Draft the review").click()
    page.locator("textarea[name=summary]").fill("Thirty paid orders were not booked.")
    page.locator("textarea[name=cause]").fill("Callbacks were lost.")
    page.get_by_role("button", name="Keep the texts").click()
    page.locator("input[name=text]").fill("Ask gateways about what was paid without a callback")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="The review is complete").click()


def test_the_night_from_the_spike_to_the_review(site: Site, neighbours: dict[str, str]) -> None:
    orders = spike()
    incident = seen_by_the_ticker()
    assert incident.cohort.count() == HURT
    address = f"/incidents/{incident.code}/"

    page = site.open("/incidents/", who="sari")
    take(page)
    investigate(page)
    page.goto(f"{site.url}{address}")
    plan = propose(page)
    approve(site.open(f"/runbooks/plans/{plan.code}/", who="budi"))
    run_on(Run.objects.get(plan=plan))
    assert set(Order.objects.filter(pk__in=orders).values_list("state", flat=True)) == {OrderState.ACTIVE}

    seen_by_the_ticker(quiet=True)
    page.goto(f"{site.url}{address}")
    resolve(page)
    review(page)
    incident.refresh_from_db()
    assert incident.state == IncidentState.REVIEWED
    impact = Review.objects.get().impact
    assert (impact["orders"], impact["recovered"], impact["hanging"]) == (HURT, HURT, 0)
