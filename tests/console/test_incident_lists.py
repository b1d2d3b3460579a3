"""What incidents are made of, by hand: loose alerts, orders pinned from the stuck list; and their list as CSV."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from orders.models import Order
from runbooks.incident_states import Severity
from runbooks.models import Episode, Incident
from runbooks.services.incidents import cohort, leading
from runbooks.services.incidents.leading import By
from tests.console.people import World
from tests.console.test_export import table
from tests.console.test_incidents import opened
from tests.orders.making import make_attempt, make_order
from tests.runbooks.hearing import alert, alertmanager, judge

pytestmark = pytest.mark.django_db

SARI = "user:sari"
BULK = "/orders/stuck/bulk/"
HTMX = {"HX-Request": "true"}
NOT_ONCALL = ("dewi", "budi", "agus", "admin")


def stuck(**fields: str) -> Order:
    order = make_order("paid", since=timezone.now() - timedelta(hours=2), **fields)
    make_attempt(order, "paid")
    return order


def loose() -> Episode:
    alertmanager(alert("DiskGettingFull", severity="info"))
    judge()
    return Episode.objects.get(incident=None)


def pin(client: Client, **given: str) -> str:
    answer = client.post(BULK, {"act": "pin", **given}, headers=HTMX)
    return answer.content.decode() + answer.headers.get("HX-Trigger", "")


def pinned(incident: Incident) -> set[int]:
    return set(incident.cohort.values_list("order_id", flat=True))


def test_all_that_match_a_filter_are_pinned_and_stay_as_they_were(people: World) -> None:
    incident = opened()
    medan = [stuck(city="Medan"), stuck(city="Medan")]
    stuck(city="Jakarta")
    client = people.client("sari")
    assert f'<option value="{incident.code}">' in client.get("/orders/stuck/").content.decode()
    said = pin(client, incident=incident.code, all="1", query="city=Medan")
    assert f"2 orders pinned to {incident.code}." in said
    assert pinned(incident) == {order.pk for order in medan}
    assert "Medan" in incident.events.get(kind="pin").text
    stuck(city="Medan")
    assert pinned(incident) == {order.pk for order in medan}


def test_ticked_orders_are_pinned_once_and_only_what_hangs(people: World) -> None:
    incident = opened()
    one, well = stuck(), make_order("completed")
    given = {"incident": incident.code, "order": one.public_id}
    client = people.client("sari")
    assert "1 order pinned" in pin(client, **given)
    assert "0 orders pinned" in pin(client, **given)
    assert "0 orders pinned" in pin(client, incident=incident.code, order=well.public_id)
    assert (pinned(incident), incident.events.filter(kind="pin").count()) == ({one.pk}, 1)


def test_nothing_is_pinned_to_what_is_over_or_by_who_may_not(people: World) -> None:
    incident, order = opened(), stuck()
    given = {"act": "pin", "incident": incident.code, "order": order.public_id}
    for person in NOT_ONCALL:
        assert people.client(person).post(BULK, given, headers=HTMX).status_code == 403
        assert "pin-many" not in people.client(person).get("/orders/stuck/").content.decode()
    client = people.client("sari")
    assert "There is no such incident" in pin(client, incident="INC-NONE", order=order.public_id)
    leading.dismiss(incident, By(actor=SARI, reason="a drill"))
    assert "The incident is over." in pin(client, incident=incident.code, order=order.public_id)
    assert pinned(incident) == set()


def test_a_loose_alert_is_attached_with_all_that_follows(people: World) -> None:
    incident, episode = opened(severity=Severity.P2), loose()
    episode.alert.__class__.objects.update(severity=Severity.P1)
    Incident.objects.update(proposed_end_at=timezone.now())
    client, address = people.client("sari"), f"/incidents/alerts/{episode.pk}/"
    assert address in client.get("/incidents/alerts/").content.decode()
    assert incident.code in client.get(address, headers=HTMX).content.decode()
    assert client.post(address, {"incident": incident.code}).status_code == 422
    given = {"incident": incident.code, "reason": "the disk of its database"}
    assert client.post(address, given).status_code == 302
    episode.refresh_from_db()
    incident.refresh_from_db()
    assert (episode.incident, episode.joined) == (incident, "by_hand")
    assert (incident.severity, incident.proposed_end_at) == (Severity.P1, None)
    event = incident.events.get(kind="alert")
    assert (event.actor, event.text) == (SARI, "the disk of its database")
    assert "Attached by a person." in client.get(f"/incidents/{incident.code}/").content.decode()
    assert client.post(address, given).status_code == 404
    assert incident.events.filter(kind="alert").count() == 1


def test_an_alert_is_attached_to_nothing_that_is_over_and_by_nobody_else(people: World) -> None:
    incident, episode = opened(), loose()
    address, given = f"/incidents/alerts/{episode.pk}/", {"incident": incident.code, "reason": "the disk"}
    for person in NOT_ONCALL:
        assert people.client(person).post(address, given).status_code == 403
        assert address not in people.client(person).get("/incidents/alerts/").content.decode()
    leading.dismiss(incident, By(actor=SARI, reason="a drill"))
    answer = people.client("sari").post(address, given)
    assert (answer.status_code, "The incident is over." in answer.content.decode()) == (422, True)
    episode.refresh_from_db()
    assert episode.incident is None


def test_the_list_goes_out_whole_for_who_may(people: World) -> None:
    first, second = opened(), opened("promo", Severity.P2)
    stuck()
    Incident.objects.filter(pk=first.pk).update(began_at=timezone.now() - timedelta(hours=2))
    cohort.pin_what_hangs(Incident.objects.get(pk=first.pk), actor=SARI)
    leading.acknowledge(Incident.objects.get(pk=first.pk), By(actor=SARI))
    leading.dismiss(second, By(actor=SARI, reason="a drill"))
    rows = table(people.client("agus"), "/incidents/export.csv?view=all")
    assert [row["incident"] for row in rows] == [second.code, first.code]
    told = rows[1]
    assert [told[name] for name in ("severity", "state", "leads", "orders_pinned")] == [
        "P0",
        "acknowledged",
        "sari",
        str(len(pinned(first))),
    ]
    assert [row["incident"] for row in table(people.client("sari"), "/incidents/export.csv")] == [first.code]
    assert people.client("dewi").get("/incidents/export.csv").status_code == 403
    assert "export.csv" not in people.client("dewi").get("/incidents/").content.decode()


def test_more_than_a_page_of_incidents_goes_out(people: World) -> None:
    Incident.objects.bulk_create(
        Incident(
            code=f"INC-{number}",
            title="=1+1",
            severity=2,
            state="dismissed",
            service="tpg",
            failure="down",
            storm=f"tpg:{number}",
            opened_by=SARI,
            began_at=timezone.now(),
        )
        for number in range(53)
    )
    rows = table(people.client("agus"), "/incidents/export.csv?view=ended")
    assert len({row["incident"] for row in rows}) == 53
    assert {row["title"] for row in rows} == {"'=1+1"}
