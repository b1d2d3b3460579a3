"""The calendar and a day's bridge in a browser: clean in every language, theme and width."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from reconciliation.models import Break, Day
from reconciliation.services import bridges
from tests.console.browser import LOOKS, Look, Site, assert_page_is_clean
from tests.reconciliation.books import AT, line
from tests.reconciliation.test_bridges import DAY, books, paid

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def day(site: Site) -> Day:
    """One of everything: agreed, missing, twice, in transit, differing, another gateway, a stray entry, fees."""
    names = "ABCDEFG"
    ours = [paid(1_000_000 + 50_000 * n, f"MRG-2611-{each}") for n, each in enumerate(names)]
    fees = [line(-4_500, kind="fee", order="MRG-2611-A", reference="MRG-2611-A-1", source="midtrans")]
    ho = [line(1_000_000 + 50_000 * n, order=f"MRG-2611-{each}") for n, each in enumerate(names) if each not in "BC"]
    ho += [line(1_100_000, order="MRG-2611-C", occurred_at=AT + timedelta(days=1)), line(77_000, order="MRG-2611-Z")]
    other = [paid(640_000, "MRG-2611-X", source="xendit"), paid(80_000, "MRG-2611-Y", source="xendit")]
    ho += [line(640_000, order="MRG-2611-X"), line(80_000, order="MRG-2611-Y"), line(80_000, order="MRG-2611-Y")]
    books(ours + other, ours + fees, ho, other)
    return bridges.refresh(DAY)


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_days_are_clean_in_every_look(site: Site, day: Day, look: Look) -> None:
    addresses = [f"/reconciliation/days/{DAY}/", f"/reconciliation/days/?month={DAY:%Y-%m}"]
    if look.language == "id":
        addresses += [
            f"/reconciliation/days/{DAY}/rows/?book=to_ho&step=missing_in_ho",
            "/reconciliation/reports/",
            "/reconciliation/reports/open-breaks/",
            "/reconciliation/reports/proposals/",
            f"/reconciliation/breaks/{Break.objects.filter(type='missing_in_ho').latest('pk').pk}/",
        ]
    for number, address in enumerate(addresses):
        page = site.open(address, who="budi", look=look)
        if folder := os.environ.get("SHOTS"):
            page.screenshot(path=str(Path(folder) / f"days-{number}-{look}.png"), full_page=True)
        assert_page_is_clean(site, page)
