"""Pages by three channels over real HTTP: each by itself, and what nobody answered is asked about, never repeated."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from opsconsole.sandbox.remote import RemoteSandbox
from orders.leases import claim
from runbooks.incident_states import PageState, Severity
from runbooks.models import Incident, Page
from runbooks.services.incidents import leading, opening, paging
from runbooks.services.incidents.leading import By
from tests.sandbox_fixtures import effects

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident(neighbours: dict[str, str]) -> Incident:
    return opening.open_by_hand(
        title="TPG answers nothing",
        service="tpg",
        failure="down",
        severity=Severity.P0,
        actor="user:sari",
        reason="CS calls",
    )


def go_on(*, later: float = 60) -> None:
    """A worker, as if the next rung had come."""
    Page.objects.filter(due_at__isnull=False).update(due_at=timezone.now() - timedelta(seconds=later))
    for row in claim(Page, limit=20):
        paging.work(row)


def states() -> dict[str, str]:
    return dict(Page.objects.filter(purpose="open").values_list("channel", "state"))


def test_everybody_is_told_once_by_every_channel(incident: Incident, control: RemoteSandbox) -> None:
    go_on()
    go_on()
    assert set(states().values()) == {PageState.SENT}
    assert [effects(control, name) for name in ("pagerduty", "slack", "mail")] == [["paged"], ["posted"], ["mailed"]]
    [post] = control.books("slack")["effects"]
    assert incident.code in post["text"]
    leading.acknowledge(incident, By(actor="user:sari"))
    go_on()
    leading.resolve(incident, By(actor="user:sari", reason="over"))
    go_on()
    keys = {each["key"] for each in control.books("pagerduty")["effects"]}
    assert keys == {f"opsconsole:{incident.code}:1"}  # one incident there, from trigger to resolve
    assert [each["action"] for each in control.books("pagerduty")["effects"]] == ["trigger", "acknowledge", "resolve"]


def test_a_channel_that_is_down_keeps_no_other_waiting(incident: Incident, control: RemoteSandbox) -> None:
    control.faults("slack", down=True)
    go_on()
    assert states() == {"pagerduty": PageState.SENT, "mail": PageState.SENT, "slack": PageState.QUEUED}
    control.faults("slack", down=False)
    go_on()
    assert states()["slack"] == PageState.SENT


@pytest.mark.parametrize("channel", ["pagerduty", "slack", "mail"])
def test_an_answer_that_was_lost_is_no_second_message(
    incident: Incident, control: RemoteSandbox, settings: Any, channel: str
) -> None:
    control.faults(channel, error_after_rate=1.0, only=["page"])
    go_on()
    assert states()[channel] == PageState.UNKNOWN
    control.faults(channel, error_after_rate=0.0)
    go_on()
    assert states()[channel] == PageState.SENT
    kept = control.books(channel)["messages"]
    assert len(kept) == 1


def test_what_never_arrived_is_believed_only_after_a_while(
    incident: Incident, control: RemoteSandbox, settings: Any
) -> None:
    control.faults("slack", error_rate=1.0, only=["page"])
    go_on()
    control.faults("slack", error_rate=0.0)
    go_on()
    assert (states()["slack"], effects(control, "slack")) == (PageState.UNKNOWN, [])
    settings.QUARANTINE = timedelta(0)
    go_on()
    go_on()
    assert (states()["slack"], effects(control, "slack")) == (PageState.SENT, ["posted"])


def test_a_refusal_is_part_of_the_story(incident: Incident, control: RemoteSandbox) -> None:
    control.faults("mail", reject=1.0, reject_status=400, only=["page"])
    go_on()
    assert states()["mail"] == PageState.FAILED
    assert incident.events.filter(kind="page_failed", detail__channel="mail").count() == 1


def test_the_ticker_sends_what_no_worker_has_taken(incident: Incident, control: RemoteSandbox) -> None:
    assert paging.send_late() == 0
    Page.objects.update(due_at=timezone.now() - timedelta(seconds=10))
    assert paging.send_late() == 3
    assert set(states().values()) == {PageState.SENT}


def test_nobody_is_woken_for_what_is_over(incident: Incident, control: RemoteSandbox) -> None:
    leading.dismiss(incident, By(actor="user:sari", reason="a drill"))
    go_on()
    assert set(states().values()) == {PageState.WITHDRAWN}
    assert {each["action"] for each in control.books("pagerduty")["effects"]} == {"resolve"}
