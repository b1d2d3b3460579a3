"""Alerts: proved, stored, judged one by one, grouped by our rule, and never closing what a person has to close."""

import json
import time
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.utils import timezone

from runbooks.correlation import kind_of
from runbooks.incident_states import AlertState, DeliveryState, IncidentState, Severity
from runbooks.models import Alert, AlertDelivery, DeployNote, Episode, Incident, Page
from runbooks.queries import incidents as queries
from runbooks.services.incidents import leading
from runbooks.services.incidents.leading import By
from tests.runbooks.hearing import T0, alert, alertmanager, grafana, judge, pagerduty, post, sign

pytestmark = pytest.mark.django_db


def test_each_system_is_believed_only_as_it_proves_itself() -> None:
    body = json.dumps({"version": "4", "receiver": "x", "alerts": []}).encode()
    assert post("alertmanager", body).status_code == 401
    assert post("alertmanager", body, Authorization="Bearer wrong").status_code == 401
    assert post("grafana", body, **{"X-Grafana-Alerting-Signature": "00"}).status_code == 401
    assert post("pagerduty", body, **{"X-PagerDuty-Signature": "v1=00,v1=11"}).status_code == 401
    assert post("nagios", body).status_code == 404
    assert AlertDelivery.objects.count() == 0
    assert alertmanager(alert()).status_code == 202
    assert grafana(alert("A")).status_code == 202
    assert grafana(alert("B"), timestamp=str(int(time.time()))).status_code == 202
    assert grafana(alert("C"), timestamp=str(int(time.time()) - 3600)).status_code == 401
    assert pagerduty("incident.triggered").status_code == 202
    assert AlertDelivery.objects.count() == 4


def test_what_nobody_understands_is_kept_and_taken() -> None:
    bodies = [b"not json", b"[]", b'{"version": "9"}', b'{"version": "4", "alerts": [{"status": "odd"}]}', b"\xff\x00"]
    token = f"Bearer {settings.ALERTS['alertmanager']}"
    for body in bodies:
        assert post("alertmanager", body, Authorization=token).status_code == 202
    event = b'{"event": {"event_type": "moon.rose", "occurred_at": "2026-11-27T03:00:00Z"}}'
    assert post("pagerduty", event, **{"X-PagerDuty-Signature": f"v1={sign('pagerduty', event)}"}).status_code == 202
    judge()
    kept = AlertDelivery.objects.all()
    assert {each.state for each in kept} == {DeliveryState.QUARANTINED}
    assert all(each.why for each in kept)
    assert len(kept) == 6
    assert Incident.objects.count() == 0


def test_too_much_waiting_and_no_database_are_503(settings: Any) -> None:
    settings.ALERTS_MOST_WAITING = 1
    assert alertmanager(alert()).status_code == 202
    answer = alertmanager(alert("Other"))
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    judge()
    assert alertmanager(alert("Other")).status_code == 202

    def away(*_given: Any) -> None:
        raise DatabaseError

    with connection.execute_wrapper(away):
        assert alertmanager(alert("Third")).status_code == 503
    assert AlertDelivery.objects.count() == 2


def test_a_repetition_is_one_message_one_alert_one_episode_one_incident() -> None:
    for _time in range(3):
        alertmanager(alert())
        judge()
    [delivery] = AlertDelivery.objects.all()
    assert (delivery.deliveries, delivery.state) == (3, DeliveryState.JUDGED)
    [episode] = Episode.objects.all()
    [incident] = Incident.objects.all()
    assert episode.incident == incident
    assert (incident.service, incident.failure, incident.severity) == ("tpg", "down", Severity.P0)
    assert incident.began_at == T0
    assert incident.clocks.get(kind="acknowledge").started_at == T0
    assert {page.channel for page in incident.pages.all()} == set(Page.Channel.values)


def test_identity_is_the_fingerprint_and_never_the_group_or_the_text() -> None:
    first, second = alert("TPGDown", region="jakarta"), alert("TPGDown", region="bandung")
    alertmanager(first, second)
    judge()
    assert Alert.objects.count() == 2
    assert Incident.objects.count() == 1  # one storm: same service, same failure
    assert [each.joined for each in Episode.objects.order_by("id")] == ["opened", "same"]
    # The group still "fires" while one of its alerts is over.
    alertmanager({**first, "status": "resolved", "endsAt": (T0 + timedelta(minutes=5)).isoformat()}, second)
    judge()
    assert [each.state for each in Episode.objects.order_by("id")] == [AlertState.RESOLVED, AlertState.FIRING]
    assert Incident.objects.get().proposed_end_at is None


def test_causes_and_symptoms_are_one_incident_and_strangers_are_not() -> None:
    alertmanager(alert("BBDDown", service="bbd"))
    alertmanager(alert("TPGErrors", service="tpg", severity="warning"))  # needs BBD
    alertmanager(alert("SlowHO", service="ho", severity="warning"))
    judge()
    whys = {each.alert.name: each.joined for each in Episode.objects.select_related("alert")}
    assert whys == {"BBDDown": "opened", "TPGErrors": "behind", "SlowHO": "opened"}
    alertmanager(alert("PlatformDown", service="orders"))  # in front of both: joins the worst
    judge()
    assert Episode.objects.get(alert__name="PlatformDown").joined == "behind"
    assert Incident.objects.count() == 2


def test_books_that_differ_explain_no_other_failure_but_may_come_of_one() -> None:
    alertmanager(alert("BooksDiffer", service="ho", severity="warning", failure_class="money"))
    judge()
    alertmanager(alert("OrdersStuck", service="orders", failure_class="stuck"))
    judge()
    assert set(Incident.objects.values_list("storm", flat=True)) == {"ho:money", "orders:stuck"}
    alertmanager(alert("EntriesDiffer", service="upg", severity="warning", failure_class="money"))
    judge()
    assert Episode.objects.get(alert__name="EntriesDiffer").incident.storm == "orders:stuck"  # type: ignore[union-attr]


def test_a_worse_alert_makes_its_incident_worse_and_pages_again() -> None:
    alertmanager(alert("OrdersSlow", service="orders", severity="warning", failure_class="errors"))
    judge()
    incident = Incident.objects.get()
    assert incident.severity == Severity.P2
    alertmanager(alert("OrdersErrors", service="orders", failure_class="errors"))
    judge()
    incident.refresh_from_db()
    assert incident.severity == Severity.P0
    assert "OrdersErrors" in incident.title
    assert incident.pages.filter(purpose="worse").count() == 3
    assert set(incident.clocks.filter(dropped_at=None).values_list("kind", flat=True)) >= {"pods", "workaround"}
    assert incident.clocks.exclude(dropped_at=None).count() == 1


def test_a_storm_is_one_incident_from_the_fifth_on() -> None:
    strangers = ["promo", "location", "rent", "inventory", "kubernetes", "notification"]
    for name in strangers:
        alertmanager(alert(f"{name} down", service=name, severity="warning", failure_class="down"))
        judge()
    assert Incident.objects.count() == 4
    assert Episode.objects.filter(joined="storm").count() == 2


def test_over_only_proposes_the_end_of_what_is_bad_and_ends_what_is_not() -> None:
    alertmanager(alert())
    alertmanager(alert("Lag", service="promo", severity="warning"))
    judge()
    alertmanager(alert(status="resolved"), alert("Lag", service="promo", severity="warning", status="resolved"))
    judge()
    bad, mild = Incident.objects.get(service="tpg"), Incident.objects.get(service="promo")
    assert (bad.state, bad.proposed_end_at is not None) == (IncidentState.OPEN, True)
    assert mild.state == IncidentState.RESOLVED
    # It fires again at once: the same incident, not another one.
    alertmanager(alert("Lag", service="promo", severity="warning", at=T0 + timedelta(hours=1)))
    judge()
    mild.refresh_from_db()
    assert (mild.state, Incident.objects.count()) == (IncidentState.ACKNOWLEDGED, 2)


def test_a_message_that_was_cut_proves_no_end() -> None:
    alertmanager(alert())
    judge()
    alertmanager(alert(status="resolved"), truncatedAlerts=3)
    judge()
    assert Incident.objects.get().proposed_end_at is None


def test_late_news_does_not_wake_what_is_over() -> None:
    alertmanager(alert())
    alertmanager(alert(status="resolved"))
    judge()
    alertmanager(alert(), status="firing", notification_reason="repeat interval elapsed")  # older, delivered later
    judge()
    assert Episode.objects.get().state == AlertState.RESOLVED


def test_pagerduty_tells_in_any_order_and_its_newest_word_holds() -> None:
    pagerduty("incident.triggered")
    pagerduty("incident.resolved", at=T0 + timedelta(minutes=9))
    pagerduty("incident.acknowledged", at=T0 + timedelta(minutes=3))  # late
    pagerduty("incident.annotated", at=T0 + timedelta(minutes=4))
    judge()
    assert Episode.objects.get().state == AlertState.RESOLVED
    incident = Incident.objects.get()
    assert (incident.service, incident.severity, incident.state) == ("postgresql", Severity.P0, IncidentState.OPEN)
    pagerduty("incident.reopened", at=T0 + timedelta(minutes=12))
    judge()
    assert Episode.objects.get().state == AlertState.FIRING


def test_the_echo_of_our_own_page_opens_nothing_and_acknowledges() -> None:
    alertmanager(alert())
    judge()
    incident = Incident.objects.get()
    pagerduty("incident.triggered", key=f"opsconsole:{incident.code}:1")
    judge()
    assert (Incident.objects.count(), Alert.objects.count()) == (1, 1)
    pagerduty("incident.acknowledged", key=f"opsconsole:{incident.code}:1", at=T0 + timedelta(minutes=1))
    judge()
    incident.refresh_from_db()
    assert (incident.state, incident.commander) == (IncidentState.ACKNOWLEDGED, "pagerduty:Tenex Engineer")


def test_heartbeats_and_quiet_alerts_open_nothing() -> None:
    alertmanager(alert("Watchdog", severity="none"), alert("DiskGettingFull", severity="info"))
    judge()
    assert (Incident.objects.count(), [each.name for each in Alert.objects.all()]) == (0, ["DiskGettingFull"])


def test_the_same_within_minutes_of_the_end_comes_back_and_later_is_new() -> None:
    alertmanager(alert())
    judge()
    incident = Incident.objects.get()
    leading.resolve(incident, By(actor="user:sari", reason="restarted"), override=True)
    alertmanager(alert(at=T0 + timedelta(hours=1)))
    judge()
    incident.refresh_from_db()
    assert (incident.state, incident.resolved_at) == (IncidentState.ACKNOWLEDGED, None)
    leading.resolve(incident, By(actor="user:sari", reason="now"), override=True)
    Incident.objects.update(resolved_at=timezone.now() - timedelta(hours=2))
    alertmanager(alert(at=T0 + timedelta(hours=5)))
    judge()
    assert Incident.objects.count() == 2


@pytest.mark.parametrize(
    ("name", "labels", "kind"),
    [
        ("HighErrorRate", {"service": "user-service", "severity": "critical"}, ("users", "errors", 1)),
        ("PaymentLinkP95", {"service": "payment-processor", "severity": "warning"}, ("upg", "latency", 2)),
        ("OrdersPerMinuteZero", {"severity": "page"}, ("orders", "traffic", 0)),
        ("PoolSaturated", {"service": "postgres", "priority": "P1"}, ("postgresql", "capacity", 1)),
        ("RefundMissing", {"service": "HO-Gateway", "severity": "critical"}, ("ho", "money", 2)),
        ("Odd", {"service": "nobody knows", "severity": "sev1"}, ("orders", "errors", 1)),
    ],
)
def test_what_an_alert_is_about(name: str, labels: dict[str, str], kind: tuple[str, str, int]) -> None:
    found = kind_of(name, labels)
    assert (found.service, found.failure, int(found.severity)) == kind


def deployed(**more: Any) -> Any:
    said = {
        "service": "order-orchestrator",
        "version": "7.1",
        "at": "2026-11-27T02:30:00Z",
        "by": "pipeline 812",
        **more,
    }
    return post("deploy", json.dumps(said).encode(), Authorization=f"Bearer {settings.ALERTS['deploy']}")


def test_what_goes_live_is_told_once_and_stands_on_the_timelines_of_its_time() -> None:
    alertmanager(alert())
    judge()
    incident = Incident.objects.get()
    assert post("deploy", b"{}").status_code == 401
    for _time in range(2):
        assert deployed(text="new pool").status_code == 202
    for wrong in ({"service": "nobody"}, {"version": " "}, {"at": "yesterday"}):
        assert deployed(**wrong).status_code == 202
    deployed(version="7.0", at="2026-11-27T01:59:59Z")
    call_command("deploy_note", service="tpg", deployed="9", actor="sari", at="2026-11-27T03:05:00Z", stdout=StringIO())
    judge()
    assert AlertDelivery.objects.filter(state=DeliveryState.QUARANTINED).count() == 3
    assert [str(note) for note in DeployNote.objects.order_by("at")] == ["orders 7.0", "orders 7.1", "tpg 9"]
    lines = [line for line in queries.story(incident) if line.kind == "deploy"]
    assert [(line.actor, line.detail["version"], line.text) for line in lines] == [
        ("user:sari", "9", ""),
        ("ci:pipeline 812", "7.1", "new pool"),
    ]
    with pytest.raises(CommandError, match="not in the catalogue"):
        call_command("deploy_note", service="nobody", deployed="9", actor="sari")
