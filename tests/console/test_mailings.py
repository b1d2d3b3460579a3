"""Reports by mail on screen: who may, what the form takes, and what the page says of each mail."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from reconciliation.models import ReportFile, ReportMail, ReportSchedule, ReportSending
from tests.console.people import World

GIVEN = {
    "report": "open-breaks",
    "gateway": "xendit",
    "days_covered": "7",
    "recipients": "budi@example.com; ratna@example.com",
    "at": "07:30",
    "days": ["1"],
    "language": "id",
    "format": "xlsx",
    "reason": "weekly",
    "version": "1",
}


@pytest.fixture
def found(people: World) -> ReportSchedule:
    people.client("budi").post("/reconciliation/reports/mailings/new/", GIVEN)
    return ReportSchedule.objects.get()


@pytest.fixture
def sent(found: ReportSchedule, settings: Any, tmp_path: Path) -> ReportSending:
    settings.REPORTS_DIR = str(tmp_path)
    (tmp_path / "report-1.xlsx").write_bytes(b"sheet")
    file = ReportFile.objects.create(
        report=found.report,
        wanted={"first": "2026-11-20", "last": "2026-11-20"},
        state="done",
        file="report-1.xlsx",
        expires_at=timezone.now() + timedelta(days=1),
    )
    sending = ReportSending.objects.create(
        schedule=found, cause="x", actor="mailing:1", recipients=found.recipients, language="id", file=file,
        mailed_at=timezone.now(),
    )  # fmt: skip
    ReportMail.objects.create(sending=sending, address="budi@example.com", state="delivered", provider="sendgrid")
    ReportMail.objects.create(sending=sending, address="ratna@example.com", state="bounced", provider="ses")
    return sending


def test_the_form_keeps_what_was_given(found: ReportSchedule) -> None:
    kept = (found.report, found.wanted, found.days, found.recipients, found.rule, found.weekdays, found.language)
    people = ["budi@example.com", "ratna@example.com"]
    assert kept == ("open-breaks", {"gateway": "xendit"}, 7, people, "daily:07:30", "1", "id")
    assert found.is_active


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"recipients": "eve@elsewhere.org"}, "may not be written to"),
        ({"reason": ""}, "Say why."),
        ({"at": "25:00"}, "Fill in what is marked."),
        ({"days": []}, "at least one weekday"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(people: World, change: dict[str, Any], said: str) -> None:
    answer = people.client("budi").post("/reconciliation/reports/mailings/new/", GIVEN | change)
    assert (answer.status_code, said in answer.content.decode()) == (422, True)
    assert not ReportSchedule.objects.exists()


def test_the_page_says_what_became_of_each_mail(people: World, sent: ReportSending) -> None:
    page = people.client("agus").get(f"/reconciliation/reports/mailings/{sent.schedule_id}/").content.decode()
    for text in ("ratna@example.com", "Bounced", "Delivered", "SendGrid", "Mon at 07:30"):
        assert text in page
    assert "Send it now" not in page
    assert "Open breaks" in people.client("agus").get("/reconciliation/reports/").content.decode()


def test_a_mailed_file_can_be_fetched_by_whoever_may_take_lists_out(people: World, sent: ReportSending) -> None:
    url = f"/reconciliation/reports/mailings/files/{sent.file_id}/"
    answer = people.client("ratna").get(url)
    assert b"".join(answer.streaming_content) == b"sheet"
    assert people.client("dewi").get(url).status_code == 403
    ReportSending.objects.all()[0].mails.all().delete()
    ReportSending.objects.all().delete()
    assert people.client("ratna").get(url).status_code == 404


def test_pressing_twice_on_one_page_sends_once(people: World, found: ReportSchedule) -> None:
    url = f"/reconciliation/reports/mailings/{found.pk}/send/"
    for _press in range(2):
        people.client("budi").post(url, {"key": "k", "reason": "asked for"})
    assert ReportSending.objects.count() == 1


def test_pause_and_go_on_with_a_reason_and_the_version_that_was_seen(people: World, found: ReportSchedule) -> None:
    client, url = people.client("budi"), f"/reconciliation/reports/mailings/{found.pk}/switch/"
    client.post(url, {"to": "off", "reason": "", "version": "1"})
    assert ReportSchedule.objects.get().is_active
    client.post(url, {"to": "off", "reason": "holidays", "version": "1"})
    assert not ReportSchedule.objects.get().is_active
    client.post(url, {"to": "on", "reason": "seen too early", "version": "1"})
    assert not ReportSchedule.objects.get().is_active
    client.post(url, {"to": "on", "reason": "back", "version": "2"})
    assert ReportSchedule.objects.get().is_active
    page = client.get(f"/reconciliation/reports/mailings/{found.pk}/").content.decode()
    told = page[page.index("decisions-title") :]
    for said in ("In use: yes → no", "Filters: Gateway: Xendit", "When (WIB): daily by 07:30", "Weekdays: Mon"):
        assert said in told
    assert "is_active" not in told


@pytest.mark.parametrize("who", ["sari", "dewi", "agus", "admin"])
def test_only_finance_changes_and_sends(people: World, found: ReportSchedule, who: str) -> None:
    client, base = people.client(who), f"/reconciliation/reports/mailings/{found.pk}/"
    asked = [client.post(f"{base}{verb}/", GIVEN) for verb in ("change", "send", "switch")]
    asked.append(client.post("/reconciliation/reports/mailings/new/", GIVEN))
    assert {each.status_code for each in asked} == {403}
    assert (ReportSchedule.objects.count(), ReportSending.objects.count()) == (1, 0)


def test_the_page_costs_the_same_however_much_was_sent(
    people: World, sent: ReportSending, django_assert_num_queries: Any
) -> None:
    client, url = people.client("agus"), f"/reconciliation/reports/mailings/{sent.schedule_id}/"
    client.get(url)
    with django_assert_num_queries(12):
        client.get(url)
    for number in range(5):
        file = ReportFile.objects.create(report="daily", wanted=sent.file.wanted, state="done")
        again = ReportSending.objects.create(
            schedule=sent.schedule, cause=str(number), actor="mailing:1", recipients=[], language="id", file=file
        )
        ReportMail.objects.create(sending=again, address="a@example.com")
    with django_assert_num_queries(12):
        client.get(url)
