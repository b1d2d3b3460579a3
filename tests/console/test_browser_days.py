"""The calendar and a day's bridge in a browser: clean in every language, theme and width."""

from datetime import timedelta

import pytest
from django.utils import timezone

from reconciliation.models import Break, Day, ReportFile, ReportMail, ReportSchedule, ReportSending
from reconciliation.services import bridges, report_schedules
from runbooks.models import ProposalFile, RefusedRow
from tests.console.browser import LOOKS, Site, assert_all_are_clean
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


@pytest.fixture(scope="module")
def mailed(site: Site) -> ReportSchedule:
    """A report by mail that one person got and another one not."""
    given = {"report": "open-breaks", "wanted": {"gateway": "midtrans"}, "days": 7, "rule": "daily:07:00"}
    given |= {"recipients": ["budi@example.com", "ratna@example.com"], "weekdays": "15", "language": "id"}
    given |= {"format": "xlsx", "is_active": True}
    found = report_schedules.keep(ReportSchedule(), given, expected=1, actor="user:budi", reason="mornings")
    sending = report_schedules.send_now(found, key="1", actor="user:budi", reason="the board asks")
    ReportFile.objects.filter(pk=sending.file_id).update(state="done", rows=412, size=40_000)
    ReportSending.objects.update(mailed_at=timezone.now())
    ReportMail.objects.create(sending=sending, address="budi@example.com", state="delivered", provider="sendgrid")
    told = {"state": "bounced", "provider": "ses", "last_error": "sendgrid: provider_unavailable", "has_link": True}
    ReportMail.objects.create(sending=sending, address="ratna@example.com", **told)
    return found


@pytest.fixture(scope="module")
def refused(site: Site) -> ProposalFile:
    kept = ProposalFile.objects.create(name="open-breaks.xlsx", actor="user:budi", proposed=40, unnamed=3, refused=1)
    told = {"number": 17, "name": "4711", "why": "row_moved", "said": {"repair": "write_off"}}
    RefusedRow.objects.create(of=kept, **told)
    return kept


def test_arrow_keys_move_over_the_days_and_brackets_over_the_months(site: Site, day: Day) -> None:
    page = site.open(f"/reconciliation/days/?month={DAY:%Y-%m}", who="budi", look=LOOKS[0])
    page.locator(f"a[href='/reconciliation/days/{DAY}/']").focus()
    for key, days in (("ArrowLeft", -1), ("ArrowUp", -8), ("ArrowRight", -7)):
        page.keyboard.press(key)
        at = page.evaluate("document.activeElement.getAttribute('href')")
        assert at == f"/reconciliation/days/{DAY + timedelta(days=days)}/"
    page.keyboard.press("[")
    before = DAY.replace(day=1) - timedelta(days=1)
    page.wait_for_url(f"**/reconciliation/days/?month={before:%Y-%m}")
    page.keyboard.press("]")
    page.wait_for_url(f"**/reconciliation/days/?month={DAY:%Y-%m}")


def test_days_are_clean_in_every_look(site: Site, day: Day, mailed: ReportSchedule, refused: ProposalFile) -> None:
    addresses = (f"/reconciliation/days/{DAY}/", f"/reconciliation/days/?month={DAY:%Y-%m}")
    assert_all_are_clean(site, [(address, "budi") for address in addresses])
    others = (
        f"/reconciliation/days/{DAY}/rows/?book=to_ho&step=missing_in_ho",
        "/reconciliation/reports/",
        "/reconciliation/reports/open-breaks/",
        "/reconciliation/reports/proposals/",
        f"/reconciliation/reports/proposals/{refused.pk}/",
        "/reconciliation/reports/mailings/new/",
        f"/reconciliation/reports/mailings/{mailed.pk}/",
        f"/reconciliation/breaks/{Break.objects.filter(type='missing_in_ho').latest('pk').pk}/",
    )
    assert_all_are_clean(site, [(address, "budi") for address in others])
