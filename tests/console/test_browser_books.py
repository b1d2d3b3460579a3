"""Reconciliation in a browser: every screen clean in every look, and worked by keys."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.urls import reverse

from reconciliation.models import Break, Case, Feed, HandLink, Load, Run, RunSchedule
from reconciliation.services import links, loading, run_schedules
from reconciliation.services.feeds import feed_of, make_defaults
from reconciliation.services.rules import rules_in_force, save_rules
from reconciliation.services.runs import ask, reconcile, work
from reconciliation.states import Pairing, RunScope
from tests.console.browser import Site, assert_all_are_clean
from tests.reconciliation.books import AT, feed, line, load_into
from tests.reconciliation.test_agreements import known, tariff

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
HEAD = "entry_ref,order_ref,amount,currency,occurred_at\n"
FILE = HEAD + "R-1,MRG-1,50000,IDR,2026-11-20\nR-2,MRG-2,=1+1,IDR,2026-11-20\n"


@pytest.fixture(scope="module")
def books(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Books with breaks of several kinds, a held load, one with quarantine, two runs and a trial; addresses by name."""
    kept, settings.LOADS_DIR = settings.LOADS_DIR, str(tmp_path_factory.mktemp("loads"))
    make_defaults()
    _fill()
    yield _addresses()
    settings.LOADS_DIR = kept


def _fill() -> None:
    hour = timedelta(hours=1)
    paid = [
        line(10_000, order=f"D{n}", reference=f"D{n}-1", source="midtrans", method="gopay", occurred_at=AT + n * hour)
        for n in range(5)
    ]
    load_into(feed("ours", "ledger"), [*paid, line(6_500_000, order="M", reference="M-1", source="xendit")])
    load_into(feed("ho"), [line(9_750, order=f"D{n}", source="ho", occurred_at=AT + n * hour) for n in range(4)])
    load_into(feed("ho"), [line(6_400_000, order="Z")])
    for stated in ({}, {"rows": 9}):
        load = loading.receive(
            [FILE.encode()], feed=feed_of("ho", "ho"), name="entries.csv", layout="ho", actor="user:budi", stated=stated
        )
        loading.work(load.pk)
    assert reconcile().state == "done"
    load_into(feed("ho"), [line(10_000, order="D4", source="ho", occurred_at=AT)])
    assert reconcile().state == "done"
    agreed = {"tariffs": [tariff()], "known": [known(pairing="ho", currency="IDR", last=None)]}
    now = rules_in_force()
    save_rules(agreed, expected=now.number, actor="user:ratna", reason="the contract", asked_by="user:budi")
    longer = {"known": [known(pairing="ho", currency="IDR")]}
    trial = {"tolerance": 50, "tolerance_percent": 0, "tolerance_by_currency": {"IDR": 250}} | agreed | longer
    assert work(ask(scope=RunScope.WINDOW, window=(AT.date(), AT.date()), trial=trial).pk)
    schedule = {"scope": "changes", "rule": "daily:06:00", "weekdays": "15", "is_active": True}
    run_schedules.keep(RunSchedule(), schedule, expected=1, actor="user:budi", reason="mornings")
    lines = [Break.objects.get(key=key) for key in ("M", "Z")]
    links.link(Pairing.HO, lines[0].ours, lines[1].theirs, actor="user:ratna", reason="the same ride")


def _addresses() -> dict[str, str]:
    held = Load.objects.get(state="held")
    healed, difference = Break.objects.get(key="D4"), Break.objects.get(key="D1")
    runs = Run.objects.order_by("pk")
    return {
        "overview": reverse("reconciliation") + f"?month={AT:%Y-%m}",
        "cases": reverse("cases"),
        "case": reverse("case", args=[Case.objects.get(type="amount_differs").pk]),
        "breaks": reverse("breaks"),
        "no-breaks": reverse("breaks") + "?type=ambiguous",
        "break": reverse("break", args=[difference.pk]),
        "healed": reverse("break", args=[healed.pk]),
        "raw": reverse("line-row", args=[Break.objects.get(key="MRG-1").theirs[0]]),
        "link": reverse("link-lines") + f"?break={difference.pk}&from={AT.date()}",
        "link-one": reverse("book-link", args=[HandLink.objects.get().pk]),
        "runs": reverse("book-runs"),
        "run": reverse("book-run", args=[runs[0].pk]),
        "trial": reverse("book-run", args=[runs[2].pk]),
        "compare": reverse("book-run-compare"),
        "start": reverse("book-run-start"),
        "schedule": reverse("book-schedule", args=[RunSchedule.objects.get().pk]),
        "rules": reverse("book-rules"),
        "feed": reverse("book-feed", args=[Feed.objects.get(source="midtrans", side="gateway").pk]),
        "loads": reverse("loads"),
        "held": reverse("load", args=[held.pk]),
        "load": reverse("load", args=[Load.objects.filter(quarantined=1, state="loaded").latest("pk").pk]),
        "upload": reverse("load-new"),
        "preview": f"{reverse('load-preview')}?file={held.file}&name=entries.csv&side=ho&layout=ho&source=ho",
        "layouts": reverse("layouts"),
        "layout": reverse("layout", args=["midtrans"]),
    }


def test_screens_of_reconciliation_are_clean_in_every_look(site: Site, books: dict[str, str]) -> None:
    assert_all_are_clean(site, [(address, "budi") for address in books.values()])


def test_breaks_are_worked_by_keys_alone(site: Site, books: dict[str, str]) -> None:
    page = site.open(books["overview"], who="budi")
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.wait_for_url("**/reconciliation/")
    page.goto(f"{site.url}{books['breaks']}")
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert page.locator("[data-picked-count]").first.inner_text() == "1"
    page.keyboard.press("Enter")
    page.wait_for_url("**/reconciliation/breaks/*/")
    page.keyboard.press("c")
    page.wait_for_url("**/reconciliation/cases/*/")
    page.keyboard.press("b")
    page.wait_for_url("**/reconciliation/breaks/?case=*")


def test_the_running_difference_of_a_link_is_shown(site: Site, books: dict[str, str]) -> None:
    page = site.open(books["link"], who="budi")
    difference = page.locator("[data-picked-sum='theirs-ours']")
    assert difference.inner_text() == "\u2212Rp\u00a0250"
    page.locator("input[name=theirs]:checked").first.uncheck()
    assert difference.inner_text() == "\u2212Rp\u00a010.000"
