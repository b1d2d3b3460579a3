"""The screens of incidents: what each shows, who may do what, and that a refused deed leaves no trace."""

from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from opsconsole.console.incident_choices import CHOICES
from opsconsole.console.platform_alerts import incident_alerts
from opsconsole.console.roles import RIGHT_BY_CODENAME
from runbooks.incident_states import IncidentState, Severity
from runbooks.models import ActionItem, Episode, Incident, Plan, StakeholderMessage
from runbooks.services.incidents import cohort, leading, opening
from runbooks.services.incidents.leading import By
from tests.console.people import World
from tests.orders.making import make_order
from tests.runbooks.hearing import alert, alertmanager, judge
from tests.runbooks.planning import held, plan_of
from tests.runbooks.test_board import begun, hurt, ordered

pytestmark = pytest.mark.django_db

SARI = "user:sari"
HTMX = {"HX-Request": "true"}
ROLES = {"sari": "oncall", "dewi": "cs", "budi": "finance", "agus": "auditor", "admin": "admin"}
GIVEN = {
    "reason": "looked at it",
    "severity": "1",
    "person": "admin",
    "template": "update",
    "impact": "late taxis",
    "next_minutes": "15",
}


def opened(service: str = "tpg", severity: int = Severity.P0) -> Incident:
    return opening.open_by_hand(
        title="TPG answers nothing", service=service, failure="down", severity=severity, actor=SARI, reason="seen"
    )


def now(incident: Incident) -> Incident:
    return Incident.objects.get(pk=incident.pk)


def do(client: Client, incident: Incident, deed: str, **given: str) -> HttpResponse:
    version = given.pop("version", str(now(incident).version))
    return client.post(f"/incidents/{incident.code}/{deed}/", {**GIVEN, "version": version, **given})


def test_the_list_shows_who_leads_and_what_is_due(
    people: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    incident = opened()
    opened("promo", Severity.P2)
    client = people.client("agus")
    assert "No incident here" in client.get("/incidents/?view=ended").content.decode()
    page = client.get("/incidents/").content.decode()
    assert "<title>(2) Incidents" in page
    assert incident.code in page
    assert "Somebody has it" in page
    with django_assert_num_queries(11):
        client.get("/incidents/", headers=HTMX)


def test_a_live_p0_is_on_every_page_and_gone_when_it_is_over(people: World) -> None:
    incident = opened()
    opened("promo", Severity.P2)
    [badge] = incident_alerts()
    assert (badge.text, badge.tone) == (f"P0 {incident.code}", "failed")
    assert f"P0 {incident.code}" in people.client("dewi").get("/rights/").content.decode()
    leading.acknowledge(incident, By(actor=SARI))
    leading.resolve(incident, By(actor=SARI, reason="over"))
    assert incident_alerts() == []


def test_from_the_alert_to_the_end_on_the_page(people: World) -> None:
    since = timezone.now() - timedelta(minutes=50)
    hanging = [make_order("paid", since=since) for _number in range(3)]
    alertmanager(alert(at=timezone.now() - timedelta(minutes=45)))
    judge()
    incident = Incident.objects.get()
    client = people.client("sari")
    page = client.get(f"/incidents/{incident.code}/").content.decode()
    for text in (
        "TPGDown on tpg",
        "3 orders of this incident still hang.",
        hanging[0].public_id,
        "It opened the incident.",
    ):
        assert text in page
    assert do(client, incident, "acknowledge").status_code == 302
    assert do(client, incident, "state-pods", reason="3 of 3 ready").status_code == 302
    assert do(client, incident, "tell").status_code == 302
    assert do(client, incident, "plan", plan=plan_of([held()], "release_hold@1").code).status_code == 302
    refused = do(client, incident, "resolve")
    assert refused.status_code == 422
    assert "3 orders of this incident still hang." in refused.content.decode()
    assert do(client, incident, "resolve", override="1").status_code == 302
    page = client.get(f"/incidents/{incident.code}/").content.decode()
    for text in ("3 of 3 ready", "Told those who wait: What is new", "Plan PL-", "Sari Wulandari", "Resolved"):
        assert text in page
    assert ActionItem.objects.get().owner == SARI
    assert StakeholderMessage.objects.get().numbers["hanging"] == 3
    assert "P0" in client.get("/incidents/statistics/").content.decode()


def test_the_clocks_are_asked_for_by_themselves(
    people: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    incident = opened()
    client = people.client("sari")
    with django_assert_num_queries(12):
        answer = client.get(f"/incidents/{incident.code}/clocks/", headers=HTMX)
    assert 'data-live="second"' in answer.content.decode()
    leading.dismiss(incident, By(actor=SARI, reason="a drill"))
    assert "data-live" not in client.get(f"/incidents/{incident.code}/clocks/", headers=HTMX).content.decode()


@pytest.mark.parametrize("name", [choice.name for choice in CHOICES])
def test_only_who_may_does_and_a_refusal_has_no_effect(people: World, name: str) -> None:
    [choice] = [each for each in CHOICES if each.name == name]
    incident = opened()
    state = next(iter(choice.states))
    Incident.objects.filter(pk=incident.pk).update(state=state)
    before = (now(incident).version, incident.events.count(), incident.pages.count())
    for person, role in ROLES.items():
        if role in RIGHT_BY_CODENAME[choice.right].roles:
            continue
        assert do(people.client(person), incident, name).status_code == 403
    assert (now(incident).version, incident.events.count(), incident.pages.count()) == before
    page = people.client("agus").get(f"/incidents/{incident.code}/").content.decode()
    assert f"/incidents/{incident.code}/{name}/" not in page
    assert people.client("sari").get(f"/incidents/{incident.code}/{name}/", headers=HTMX).status_code == 200


def test_a_stale_page_and_a_double_click_do_nothing(people: World) -> None:
    incident = opened()
    client = people.client("sari")
    seen = str(incident.version)
    assert do(client, incident, "acknowledge", version=seen).status_code == 302
    do(client, incident, "acknowledge", version=seen)
    assert incident.events.filter(kind="acknowledge").count() == 1
    assert do(client, incident, "severity", version=seen).status_code == 422
    assert now(incident).severity == Severity.P0


def test_one_is_opened_by_hand_and_nonsense_is_told(people: World) -> None:
    client = people.client("sari")
    given = {"title": "Nobody can pay", "service": "upg", "failure": "errors", "severity": "0", "reason": "CS"}
    assert client.post("/incidents/new/", {**given, "title": ""}).status_code == 422
    assert Incident.objects.count() == 0
    assert client.post("/incidents/new/", given).status_code == 302
    again = client.post("/incidents/new/", given)
    assert again.status_code == 422
    assert "is open for the same service and failure" in again.content.decode()
    assert people.client("dewi").get("/incidents/new/").status_code == 403


def test_the_runbook_is_that_of_its_alert_else_of_its_service(people: World) -> None:
    alertmanager(alert("StuckSpike", service="orders", severity="critical"))
    judge()
    by_alert, by_hand = Incident.objects.get(), opened()
    client = people.client("agus")
    assert "/runbooks/library/traffic-spike-hanging-orders/?incident=" in read_page(client, by_alert)
    assert "/runbooks/library/tpg-bbd-down/?incident=" in read_page(client, by_hand)


def test_of_two_alerts_the_worse_one_chooses_the_runbook(people: World) -> None:
    alertmanager(alert("StuckSpike", service="orders", severity="critical"))
    alertmanager(alert("OrdersZero", service="orders", severity="warning"))
    judge()
    incident = Incident.objects.get(episodes__alert__name="StuckSpike")
    Episode.objects.update(incident=incident)  # as by "Attach"
    page = read_page(people.client("agus"), incident)
    assert "/runbooks/library/traffic-spike-hanging-orders/?incident=" in page
    assert "/runbooks/library/order-orchestrator-down/?incident=" not in page


def test_an_alert_on_one_thing_leads_to_the_form_of_the_action_that_fits(people: World, settings: Any) -> None:
    settings.BREAKERS = {"tpg": {"consecutive": 5, "open": 60.0, "probes": 1}}
    alertmanager(
        alert(),
        alert("OrderStuck", order="T-1", failure_class="stuck", severity="info"),
        alert("AppErrors", channel="app", severity="info"),
        alert("DiskFilling", severity="info", service="postgresql"),
    )
    judge()
    client = people.client("sari")
    page = read_page(client, Incident.objects.get())
    assert 'href="/runbooks/actions/force_breaker/?subject=tpg&amp;mode=open"' in page
    loose = client.get("/incidents/alerts/").content.decode()
    assert 'href="/runbooks/actions/recheck_payment/?typed=T-1"' in loose
    assert 'href="/runbooks/actions/pause_channel/?subject=app"' in loose
    assert loose.count("/runbooks/actions/") == 2
    form = client.get("/runbooks/actions/recheck_payment/?typed=T-1").content.decode()
    assert "T-1" in form


def read_page(client: Client, incident: Incident) -> str:
    return client.get(f"/incidents/{incident.code}/").content.decode()


def test_loose_alerts_and_unreadable_messages_have_a_page(people: World) -> None:
    alertmanager(alert("DiskGettingFull", severity="info"))
    alertmanager(version="9")
    judge()
    page = people.client("agus").get("/incidents/alerts/").content.decode()
    assert "DiskGettingFull" in page
    assert "is not 4" in page
    assert people.client("agus").get("/incidents/INC-NONE/").status_code == 404


def test_the_customers_of_all_pinned_orders_are_told_by_a_plan(people: World) -> None:
    incident, [hangs, goes] = (
        opened(),
        [make_order("paid", since=timezone.now() - timedelta(hours=2)), make_order("active")],
    )
    hurt(incident, [hangs, goes])
    address, client = f"/incidents/{incident.code}/customers/", people.client("dewi")
    assert "Tell the customers…" in read_page(client, incident)
    page = client.get(address).content.decode()
    assert "1 × still held up" in page
    assert "1 × held up, and going on" in page
    assert 'lang="id"' in page
    made = client.post(address)
    plan = incident.plans.get().plan
    assert made.headers["Location"] == f"/runbooks/plans/{plan.code}/"
    assert {row.order: row.message for row in plan.rows.all()} == {hangs: "trouble_pending", goes: "trouble_repaired"}
    assert "The customer is told “still held up”." in client.get(made.headers["Location"]).content.decode()
    assert people.client("budi").post(address).status_code == 403
    assert "Tell the customers…" not in read_page(people.client("budi"), incident)
    empty = opened("upg")
    assert client.post(f"/incidents/{empty.code}/customers/").status_code == 422
    assert Plan.objects.count() == 1


def test_a_page_costs_the_same_for_many_orders(
    people: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    since = timezone.now() - timedelta(minutes=50)
    for _number in range(12):
        make_order("paid", since=since)
    incident = opened()
    Incident.objects.filter(pk=incident.pk).update(began_at=timezone.now() - timedelta(hours=1))
    cohort.pin_what_hangs(now(incident), actor=SARI)
    client = people.client("sari")
    client.get(f"/incidents/{incident.code}/", headers=HTMX)
    with django_assert_max_num_queries(45):
        client.get(f"/incidents/{incident.code}/", headers=HTMX)
    assert now(incident).state == IncidentState.OPEN


def test_the_page_shows_both_sides_and_can_be_narrowed(people: World) -> None:
    incident = begun()
    hurt(incident, ordered(6, with_callback=False, city="Bandung"))
    ordered(9, city="Jakarta")
    client = people.client("agus")
    page = client.get(f"/incidents/{incident.code}/board/").content.decode()
    assert page.index("Callbacks were lost") < page.index("A breaker was open")
    for text in (
        "The evidence is strong",
        "shown by 100% of the hurt",
        "6 of 6 hurt orders",
        "City Bandung: 100% of them",
    ):
        assert text in page
    page = client.get(f"/incidents/{incident.code}/board/?city=Jakarta&since=nonsense").content.decode()
    assert "Too few orders to say" in page
    page = client.get(
        f"/incidents/{incident.code}/board/?since=2020-01-01T00:00&until=2020-01-02T00:00"
    ).content.decode()
    assert "No order was placed then" in page
