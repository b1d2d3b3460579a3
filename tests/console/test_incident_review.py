"""The review: drafted from what was counted, written by people, and done only when something follows from it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from orders.models import BreakerChange, History
from runbooks.incident_states import IncidentState
from runbooks.models import ActionItem, Incident, Review
from runbooks.services.incidents import cohort, leading, opening
from runbooks.services.incidents.leading import By
from tests.console.people import World
from tests.orders.making import make_order
from tests.runbooks.planning import charged

pytestmark = pytest.mark.django_db

SARI = "user:sari"
TEXTS = {"summary": "TPG was away", "cause": "no redundancy", "went_well": "the queue", "went_badly": "late page"}


def ended() -> Incident:
    """Three orders hung; two hang on, one was cancelled. Overridden, so that somebody owes something."""
    since = timezone.now() - timedelta(minutes=20)
    orders = [make_order("paid", since=since) for _number in range(2)]
    incident = opening.open_by_hand(
        title="TPG | answers *nothing*", service="tpg", failure="down", severity=0, actor=SARI, reason="seen"
    )
    assert incident.cohort.count() == len(orders)
    leading.acknowledge(incident, By(actor=SARI))
    leading.note(incident, "TPG restarts at 03:10", By(actor=SARI))
    leading.resolve(incident, By(actor=SARI, reason="TPG is back"), override=True)
    return Incident.objects.get(pk=incident.pk)


def test_nothing_is_written_by_looking_and_nothing_before_the_end(people: World) -> None:
    incident = ended()
    client = people.client("sari")
    assert "Draft the review" in client.get(f"/incidents/{incident.code}/review/").content.decode()
    assert Review.objects.count() == 0
    assert client.get(f"/incidents/{incident.code}/review/markdown/").status_code == 404
    live = opening.open_by_hand(title="x", service="redis", failure="down", severity=2, actor=SARI, reason="y")
    client.post(f"/incidents/{live.code}/review/write/", {"what": "draft"})
    assert Review.objects.count() == 0
    assert "Not over yet" in client.get(f"/incidents/{live.code}/review/").content.decode()


def test_from_the_draft_to_done(people: World) -> None:
    incident = ended()
    client, here = people.client("sari"), f"/incidents/{incident.code}/review/"
    client.post(f"{here}write/", {"what": "draft"})
    review = Review.objects.get()
    assert (review.impact["orders"], review.impact["hanging"], review.impact["delayed"]) == (2, 2, {"IDR": 300_000})
    client.post(f"{here}write/", {"what": "finish"})
    assert Incident.objects.get(pk=incident.pk).state == IncidentState.RESOLVED  # no summary, no cause
    client.post(f"{here}write/", {"what": "texts", "version": "1", **TEXTS})
    client.post(f"{here}write/", {"what": "texts", "version": "1", **TEXTS, "cause": "stale"})
    assert Review.objects.get().cause == "no redundancy"
    due = (timezone.localdate() + timedelta(days=7)).isoformat()
    item = {"kind": "prevent", "text": "A second line to BBD", "owner": "user:budi", "due_on": due}
    client.post(f"{here}items/", item)
    client.post(f"{here}items/", {**item, "kind": "override"})
    client.post(f"{here}items/", {**item, "due_on": "2020-01-01"})
    assert ActionItem.objects.filter(kind="prevent").count() == 1
    assert ActionItem.objects.count() == 2
    page = client.get(here).content.decode()
    for text in (
        "A second line to BBD",
        "Owed by an override",
        "TPG restarts at 03:10",
        "Money delayed",
        "Rp\xa0300.000",
    ):
        assert text in page
    client.post(f"{here}write/", {"what": "finish"})
    assert Incident.objects.get(pk=incident.pk).state == IncidentState.REVIEWED


def test_the_draft_says_how_long_before_the_beginning_and_proposes_who_led_as_owner(people: World) -> None:
    incident = ended()
    before = incident.began_at - timedelta(minutes=2)
    BreakerChange.objects.create(key="b", upstream="tpg", source="closed", target="open", cause="failures", at=before)
    client, here = people.client("sari"), f"/incidents/{incident.code}/review/"
    client.post(f"{here}write/", {"what": "draft"})
    page = client.get(here).content.decode()
    assert "−2m" in page
    assert '<option value="user:sari" selected>' in page


def test_complaints_are_calls_that_somebody_noted_on_affected_orders(people: World) -> None:
    incident, client = ended(), people.client("dewi")
    here = f"/incidents/{incident.code}/review/"
    people.client("sari").post(f"{here}write/", {"what": "draft"})
    assert "none noted: CS has put no call" in client.get(here).content.decode()
    order, other = incident.cohort.order_by("pk")[0].order, make_order("paid")
    for each, about in ((order, "car"), (order, "refund"), (other, "car"), (order, "weather")):
        client.post(f"/orders/{each.public_id}/called/", {"about": about, "said": "since an hour"})
    assert people.client("agus").post(f"/orders/{order.public_id}/called/", {"about": "car"}).status_code == 403
    assert History.objects.filter(order_id=order.pk, verb="customer_called").count() == 2
    page = client.get(f"/orders/{order.public_id}/").content.decode()
    assert "The customer called about a car that does not come" in page
    assert "since an hour" in page
    people.client("sari").post(f"{here}write/", {"what": "count"})
    assert "2 calls, orders: 1" in client.get(here).content.decode()
    assert "2 calls, orders: 1" in client.get(f"{here}markdown/").content.decode()


def test_items_are_tracked_to_their_end(people: World) -> None:
    incident = ended()
    [item] = ActionItem.objects.all()
    client = people.client("budi")
    assert incident.code in client.get("/incidents/items/").content.decode()
    client.post(f"/incidents/items/{item.pk}/", {"state": "done", "said": " "})
    assert ActionItem.objects.get().state == "open"
    client.post(f"/incidents/items/{item.pk}/", {"state": "done", "said": "called both"})
    client.post(f"/incidents/items/{item.pk}/", {"state": "dropped", "said": "again"})
    assert (ActionItem.objects.get().state, ActionItem.objects.get().said) == ("done", "called both")
    assert "Nothing is open" in client.get("/incidents/items/").content.decode()


def test_the_file_is_markdown_whatever_people_wrote(people: World) -> None:
    incident = ended()
    client, here = people.client("sari"), f"/incidents/{incident.code}/review/"
    client.post(f"{here}write/", {"what": "draft"})
    client.post(f"{here}write/", {"what": "texts", "version": "1", **TEXTS})
    answer = client.get(f"{here}markdown/")
    text = answer.content.decode()
    assert answer["Content-Disposition"] == f'attachment; filename="{incident.code}.md"'
    assert text.startswith(f"# {incident.code} TPG \\| answers \\*nothing\\*\n")
    for part in ("## Cause\n\nno redundancy", "| Orders affected | 2 |", "## Action items\n\n- [ ] ", "T+"):
        assert part in text
    assert "T−" not in text.split("Opened as P0", maxsplit=1)[1]


def test_whoever_may_not_write_changes_nothing(people: World) -> None:
    incident = ended()
    here = f"/incidents/{incident.code}/review/"
    [item] = ActionItem.objects.all()
    for name in ("dewi", "agus", "admin"):
        client = people.client(name)
        assert client.post(f"{here}write/", {"what": "draft"}).status_code == 403
        assert client.post(f"{here}items/", {"text": "x"}).status_code == 403
        assert client.post(f"/incidents/items/{item.pk}/", {"state": "done", "said": "x"}).status_code == 403
        assert "<form" not in client.get(here).content.decode().split("<main", maxsplit=1)[1].split("</main>")[0]
    assert (Review.objects.count(), ActionItem.objects.get().state) == (0, "open")


def test_money_that_was_lost_is_told_apart_from_money_that_was_late(people: World) -> None:
    incident = ended()
    lost = charged("cancelled", amount=70_000)
    incident.cohort.create(
        order=lost,
        machine="order",
        state="paid",
        since=timezone.now(),
        amount=70_000,
        currency="IDR",
        is_paid=True,
        pinned_by=SARI,
    )
    people.client("sari").post(f"/incidents/{incident.code}/review/write/", {"what": "draft"})
    impact = Review.objects.get().impact
    assert (impact["unfulfilled"], impact["lost"], impact["delayed"]) == (1, {"IDR": 70_000}, {"IDR": 300_000})
    assert impact["held"]["IDR"] == 70_000
    assert cohort.sample(incident) is not None
