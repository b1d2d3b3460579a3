"""Reports by mail: begun by the clock once, sent to each person once whoever dies, and asked about afterwards."""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from opsconsole.sandbox.remote import RemoteSandbox
from orders.errors import NotAllowed
from reconciliation import business_day
from reconciliation.models import BookEvent, ReportFile, ReportMail, ReportSchedule, ReportSending
from reconciliation.services import report_files, report_mails, report_schedules, rounds
from tests.sandbox_fixtures import wait_until

pytestmark = [pytest.mark.usefixtures("neighbours"), pytest.mark.django_db(transaction=True)]
BUDI = "user:budi"
PEOPLE = ["budi@example.com", "ratna@example.com"]


@pytest.fixture(autouse=True)
def _reports(settings: Any, tmp_path: Path) -> None:
    settings.REPORTS_DIR = str(tmp_path / "reports")
    settings.REPORT_DOMAINS = ["example.com", "mrg.example"]


def schedule(**changes: Any) -> ReportSchedule:
    given = {
        "report": "by-gateway",
        "wanted": {"gateway": "midtrans"},
        "days": 7,
        "recipients": PEOPLE,
        "rule": "daily:07:00",
        "weekdays": "1234567",
        "language": "en",
        "format": "csv",
        "is_active": True,
    }
    return report_schedules.keep(ReportSchedule(), given | changes, expected=1, actor=BUDI, reason="every morning")


def due(found: ReportSchedule) -> None:
    ReportSchedule.objects.filter(pk=found.pk).update(next_at=timezone.now() - timedelta(minutes=1))


def round_() -> None:
    """A moment of the ticker and of the workers that it rings for, each of them twice."""
    rounds.send_reports()
    for file in ReportFile.objects.filter(state="waiting"):
        report_files.work(file.pk)
        report_files.work(file.pk)
    rounds.send_reports()
    for pk in [*report_mails.waiting()] * 2:
        report_mails.work(pk)


def at_the_center(control: RemoteSandbox) -> dict[str, list[dict[str, Any]]]:
    """What the Notification Center took, by address."""
    told: dict[str, list[dict[str, Any]]] = {}
    for each in control.books("notification")["messages"]:
        told.setdefault(each["to"], []).append(each)
    return told


def states() -> list[str]:
    return list(ReportMail.objects.order_by("address").values_list("state", flat=True))


def later() -> None:
    """As if the time of every mail had come."""
    ReportMail.objects.filter(due_at__isnull=False).update(due_at=timezone.now(), lease_until=None)
    for pk in report_mails.waiting():
        report_mails.work(pk)


def test_when_its_time_comes_each_person_gets_the_file_once_though_jobs_run_twice(control: RemoteSandbox) -> None:
    found = schedule()
    due(found)
    round_()
    round_()
    told = at_the_center(control)
    assert sorted(told) == PEOPLE
    assert [len(each) for each in told.values()] == [1, 1]
    message = told[PEOPLE[0]][0]
    file = ReportFile.objects.get()
    content = report_files.path_of(file).read_bytes()
    assert message["attachments"] == [
        {
            "name": report_mails.file_name(file),
            "type": "text/csv",
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    ]
    assert content.decode().startswith("group,type,breaks,amount_minor,currency")
    assert (message["provider"], message["subject"][:10]) == ("sendgrid", "By gateway")
    assert ReportSending.objects.count() == 1
    found.refresh_from_db()
    assert found.next_at > timezone.now()


def test_it_covers_the_business_days_that_are_over_with_the_filters_of_the_schedule() -> None:
    wanted = report_schedules.wanted_of(schedule(days=7))
    yesterday = business_day.of(timezone.now()) - timedelta(days=1)
    assert (wanted.first, wanted.last, wanted.gateway) == (yesterday - timedelta(days=6), yesterday, "midtrans")


def test_what_became_of_a_mail_is_asked_until_it_has_arrived() -> None:
    due(schedule())
    round_()
    assert states() == ["sent", "sent"]
    wait_until(lambda: [later(), states() == ["delivered", "delivered"]][-1])
    assert ReportMail.objects.filter(due_at=None, ended_at__isnull=False).count() == 2


def test_a_mail_that_comes_back_is_shown_as_such(control: RemoteSandbox) -> None:
    control.faults("notification", bounces=1.0)
    due(schedule(recipients=PEOPLE[:1]))
    round_()
    wait_until(lambda: [later(), states() == ["bounced"]][-1])


def test_a_provider_that_is_away_is_followed_by_the_next(control: RemoteSandbox) -> None:
    control.faults("notification", providers_off=["sendgrid"])
    due(schedule())
    round_()
    assert {each["provider"] for told in at_the_center(control).values() for each in told} == {"ses"}
    assert states() == ["sent", "sent"]


def test_with_both_providers_away_it_waits_and_goes_out_when_one_is_back(control: RemoteSandbox) -> None:
    control.faults("notification", providers_off=["sendgrid", "ses"])
    due(schedule(recipients=PEOPLE[:1]))
    round_()
    mail = ReportMail.objects.get()
    assert (mail.state, mail.hop) == ("queued", 2)
    assert mail.due_at is not None
    assert mail.due_at > timezone.now()
    assert "provider_unavailable" in mail.last_error or "cannot be reached" in mail.last_error
    control.no_faults()
    later()
    assert [len(each) for each in at_the_center(control).values()] == [1]


def test_an_answer_that_was_lost_is_asked_about_and_the_mail_not_sent_again(control: RemoteSandbox) -> None:
    control.faults("notification", timeout_after_success=1.0, only=["send"])
    ReportMail.objects.all().delete()
    due(schedule(recipients=PEOPLE[:1]))
    round_()
    assert states() == ["unknown"]
    control.no_faults()
    later()
    assert states() == ["sent"]
    assert [len(each) for each in at_the_center(control).values()] == [1]


def test_a_worker_that_died_in_the_call_leaves_a_mail_that_is_asked_about(
    control: RemoteSandbox, settings: Any
) -> None:
    due(schedule(recipients=PEOPLE[:1]))
    rounds.send_reports()
    report_files.work(ReportFile.objects.get().pk)
    rounds.send_reports()
    ReportMail.objects.update(state="unknown", provider="sendgrid", sent_at=timezone.now())
    later()
    assert (states(), at_the_center(control)) == (["unknown"], {})
    ReportMail.objects.update(sent_at=timezone.now() - settings.QUARANTINE)
    later()
    later()
    assert [len(each) for each in at_the_center(control).values()] == [1]


def test_above_the_limit_a_link_is_mailed_and_the_file_is_kept_for_a_week(
    control: RemoteSandbox, settings: Any
) -> None:
    settings.REPORT_ATTACH_LIMIT = 10
    due(schedule(recipients=PEOPLE[:1], format="xlsx", language="id"))
    round_()
    (message,) = at_the_center(control)[PEOPLE[0]]
    file = ReportFile.objects.get()
    assert message["attachments"] == []
    assert f"/reconciliation/reports/mailings/files/{file.pk}/" in message["text"]
    assert "Terlalu besar" in message["text"]
    assert file.expires_at is not None
    assert file.expires_at > timezone.now() + timedelta(days=6)


def test_send_now_is_one_sending_for_one_page_and_needs_a_reason(control: RemoteSandbox) -> None:
    found = schedule(is_active=False)
    for _press in range(2):
        report_schedules.send_now(found, key="page-1", actor=BUDI, reason="the board asks")
    with pytest.raises(NotAllowed):
        report_schedules.send_now(found, key="page-2", actor=BUDI, reason=" ")
    round_()
    assert [len(each) for each in at_the_center(control).values()] == [1, 1]
    events = BookEvent.objects.filter(subject=f"mailing:{found.pk}").order_by("pk")
    assert list(events.values_list("verb", "reason")) == [("make", "every morning"), ("send", "the board asks")]


def test_while_it_is_paused_nothing_goes_out_and_nothing_is_made_up_for() -> None:
    found = report_schedules.switch(schedule(), is_active=False, expected=1, actor=BUDI, reason="holidays")
    due(found)
    round_()
    assert not ReportSending.objects.exists()
    found = report_schedules.switch(found, is_active=True, expected=2, actor=BUDI, reason="back")
    round_()
    assert not ReportSending.objects.exists()
    assert found.next_at > timezone.now()


@pytest.mark.parametrize(
    ("recipients", "said"),
    [
        (["eve@elsewhere.org"], "may not be written to"),
        (["eve@example.com.elsewhere.org"], "may not be written to"),
        (["no address"], "is no address"),
        (["a@example.com", "b@elsewhere.org"], "b@elsewhere.org"),
        ([" "], "at least one"),
        ([f"a{number}@example.com" for number in range(21)], "At most 20"),
    ],
)
def test_only_addresses_of_the_house_are_taken(recipients: list[str], said: str) -> None:
    with pytest.raises(NotAllowed, match=said):
        schedule(recipients=recipients)
    assert not ReportSchedule.objects.exists()


def test_whom_the_setting_names_no_more_is_left_out_of_the_next_sending(control: RemoteSandbox, settings: Any) -> None:
    found = schedule(recipients=["Budi@Example.com", "budi@example.com", "x@mrg.example"])
    assert found.recipients == ["budi@example.com", "x@mrg.example"]
    settings.REPORT_DOMAINS = ["mrg.example"]
    due(found)
    round_()
    assert list(at_the_center(control)) == ["x@mrg.example"]


def test_a_change_of_what_somebody_else_changed_is_refused() -> None:
    found = schedule()
    given = {name: getattr(found, name) for name in report_schedules.FIELDS}
    report_schedules.keep(found, given | {"days": 1}, expected=1, actor=BUDI, reason="less")
    with pytest.raises(NotAllowed, match="changed it meanwhile"):
        report_schedules.keep(found, given | {"days": 30}, expected=1, actor=BUDI, reason="more")
    assert ReportSchedule.objects.get().days == 1
