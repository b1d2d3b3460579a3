"""Incidents: led by one person who has seen them, by clocks that are rows, and ended only when it is true."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from orders.errors import NotAllowed
from orders.models import BreakerChange, Item, Order
from runbooks.incident_states import INCIDENT_EDGES, IncidentState, IncidentVerb, Severity
from runbooks.models import ActionItem, Incident, IncidentEvent, Page, ResponseClock
from runbooks.queries import incidents as queries
from runbooks.services.incidents import clocks, cohort, leading, messages, opening, watching
from runbooks.services.incidents.leading import By
from runbooks.services.incidents.messages import Telling
from runbooks.transitions import move_incident
from tests.orders.making import make_attempt, make_order, make_posting, make_refund
from tests.runbooks.planning import held, plan_of

pytestmark = pytest.mark.django_db

SARI, BUDI = "user:sari", "user:budi"


def opened(severity: int = Severity.P0, service: str = "tpg") -> Incident:
    return opening.open_by_hand(
        title="TPG answers nothing", service=service, failure="down", severity=severity, actor=SARI, reason="seen by CS"
    )


def by(incident: Incident, actor: str = SARI, reason: str = "looked at it") -> By:
    return By(actor=actor, version=incident.version, reason=reason)


def again(incident: Incident) -> Incident:
    return Incident.objects.get(pk=incident.pk)


def kinds(incident: Incident) -> list[str]:
    return list(incident.events.order_by("id").values_list("kind", flat=True))


def hang(count: int = 2, **fields: Any) -> list[Order]:
    """Paid orders that got nowhere for an hour."""
    since = timezone.now() - timedelta(hours=1)
    return [make_order("paid", since=since, **fields) for _number in range(count)]


@pytest.mark.parametrize(("state", "verb"), list(product(IncidentState, IncidentVerb)))
def test_every_edge_is_of_the_table_and_every_other_is_refused(state: str, verb: IncidentVerb) -> None:
    incident = opened()
    Incident.objects.filter(pk=incident.pk).update(state=state)
    incident = again(incident)
    before = kinds(incident)
    target = INCIDENT_EDGES.get((state, verb))
    if target is None:
        with pytest.raises(NotAllowed):
            move_incident(incident, verb, actor=SARI)
        assert (again(incident).state, kinds(incident)) == (state, before)
        return
    move_incident(incident, verb, actor=SARI)
    assert (again(incident).state, kinds(incident)) == (target, [*before, str(verb)])


def test_the_clocks_of_each_severity_are_those_of_the_runbook() -> None:
    minutes = {
        Severity.P0: {"acknowledge": 1, "pods": 2, "infrastructure": 3, "stakeholders": 5, "workaround": 10},
        Severity.P1: {"acknowledge": 5, "impact": 10, "fallback": 15},
        Severity.P2: {"acknowledge": 60},
        Severity.P3: {},
    }
    services = iter(("tpg", "users", "promo", "location"))
    for severity, wanted in minutes.items():
        rows = opened(severity, next(services)).clocks.all()
        assert {row.kind: (row.due_at - row.started_at).total_seconds() / 60 for row in rows} == wanted


def test_a_clock_is_breached_once_and_nobody_having_it_pages_again() -> None:
    incident = opened()
    assert clocks.tick() == 0
    ResponseClock.objects.filter(kind__in=("acknowledge", "pods")).update(due_at=timezone.now() - timedelta(seconds=1))
    assert [clocks.tick(), clocks.tick()] == [2, 0]
    assert kinds(incident).count("clock_breached") == 2
    assert incident.pages.filter(purpose="unheard").count() == 3
    leading.acknowledge(incident, by(again(incident)))  # late, and still stopped
    clock = incident.clocks.get(kind="acknowledge")
    assert (clock.stopped_by, clock.breached_at is not None) == (SARI, True)


def test_one_of_two_takes_it_and_a_stale_page_does_nothing() -> None:
    incident = opened()
    seen = by(incident)
    leading.acknowledge(incident, seen)
    for late in (By(actor=BUDI, version=seen.version), By(actor=BUDI, version=again(incident).version)):
        with pytest.raises(NotAllowed):
            leading.acknowledge(incident, late)
    now = again(incident)
    assert (now.commander, now.state) == (SARI, IncidentState.ACKNOWLEDGED)
    assert kinds(incident).count("acknowledge") == 1


def test_an_acknowledge_lapses_unless_something_is_done() -> None:
    incident = opened()
    leading.acknowledge(incident, by(incident))
    Incident.objects.update(hand_until=timezone.now() - timedelta(seconds=1))
    leading.note(incident, "restarting the gateway", by(again(incident)))
    assert watching.watch() == 0  # a note is progress
    Incident.objects.update(hand_until=timezone.now() - timedelta(seconds=1))
    assert watching.watch() == 1
    now = again(incident)
    assert (now.state, now.commander) == (IncidentState.OPEN, "")
    assert incident.pages.filter(purpose="lapsed").count() == 3


def test_people_say_what_only_people_can_know_and_how() -> None:
    incident = opened()
    leading.acknowledge(incident, by(incident))
    with pytest.raises(NotAllowed):
        leading.state_done(incident, "pods", by(incident, reason=" "))
    with pytest.raises(NotAllowed):
        leading.state_done(incident, "stakeholders", by(incident))  # only a message stops that
    leading.state_done(incident, "pods", by(incident, reason="3 of 3 ready"))
    clock = incident.clocks.get(kind="pods")
    assert (clock.stopped_by, clock.evidence) == (SARI, "3 of 3 ready")
    with pytest.raises(NotAllowed):
        leading.state_done(incident, "pods", by(incident))


def test_command_goes_to_a_person_who_exists_with_a_word_for_them() -> None:
    User.objects.create_user("budi")
    incident = opened()
    leading.acknowledge(incident, by(incident))
    incident = again(incident)
    for to, reason in (("user:nobody", "yours"), (BUDI, " "), (SARI, "me again")):
        with pytest.raises(NotAllowed):
            leading.hand_over(incident, to, by(incident, reason=reason))
    leading.hand_over(incident, BUDI, by(incident, reason="TPG restarts at 03:10"))
    assert again(incident).commander == BUDI


def test_another_severity_has_its_own_clocks_and_the_old_ones_stay() -> None:
    incident = opened(Severity.P1, "users")
    leading.acknowledge(incident, by(incident))
    leading.change_severity(incident, Severity.P0, by(again(incident), reason="nobody can sign in"))
    now = incident.clocks.filter(dropped_at=None)
    assert set(now.values_list("kind", flat=True)) == {
        "acknowledge",
        "pods",
        "infrastructure",
        "stakeholders",
        "workaround",
    }
    assert set(incident.clocks.exclude(dropped_at=None).values_list("kind", flat=True)) == {"impact", "fallback"}
    assert incident.pages.filter(purpose="worse").count() == 3
    leading.change_severity(incident, Severity.P2, by(again(incident), reason="only one city"))
    assert incident.pages.filter(purpose="worse").count() == 3  # a milder one wakes nobody


def test_what_hangs_is_pinned_frozen_and_followed() -> None:
    orders = hang(2)
    make_order("paid", since=timezone.now() - timedelta(days=2))  # hung long before: not its doing
    incident = opened()
    Incident.objects.filter(pk=incident.pk).update(began_at=timezone.now() - timedelta(hours=1))
    cohort.pin_what_hangs(again(incident), actor=SARI)
    assert {each.order_id for each in incident.cohort.all()} == {each.pk for each in orders}
    hang(1)
    assert incident.cohort.count() == 2
    sample = cohort.sample(incident)
    assert sample is not None
    assert (sample.pinned, sample.hanging, sample.money) == (2, 2, {"IDR": 300_000})


def test_it_ends_only_when_it_is_true_and_an_override_is_owed() -> None:
    hang(2)
    incident = opened()
    Incident.objects.filter(pk=incident.pk).update(began_at=timezone.now() - timedelta(hours=2))
    cohort.pin_what_hangs(again(incident), actor=SARI)
    leading.acknowledge(incident, by(again(incident)))
    incident = again(incident)
    with pytest.raises(NotAllowed, match="2 orders of this incident still hang"):
        leading.resolve(incident, by(incident, reason="TPG is back"))
    assert again(incident).state == IncidentState.ACKNOWLEDGED
    assert ActionItem.objects.count() == 0
    leading.resolve(incident, by(incident, reason="CS calls both"), override=True)
    [item] = ActionItem.objects.all()
    assert (item.kind, item.owner, item.state) == ("override", SARI, "open")
    assert "2 orders of this incident still hang" in item.text
    assert again(incident).state == IncidentState.RESOLVED
    assert incident.clocks.filter(stopped_at=None, dropped_at=None).count() == 0
    assert Page.objects.filter(purpose="resolve").count() == 3


def test_a_clean_one_ends_without_a_debt_and_comes_back_by_hand() -> None:
    incident = opened(Severity.P1, "users")
    leading.acknowledge(incident, by(incident))
    leading.mitigate(incident, by(again(incident), reason="cache only"))
    assert incident.clocks.get(kind="fallback").stopped_by == SARI
    leading.relapse(incident, by(again(incident)))
    leading.resolve(incident, by(again(incident)))
    assert ActionItem.objects.count() == 0
    leading.reopen(incident, by(again(incident), BUDI))
    assert (again(incident).state, again(incident).commander) == (IncidentState.ACKNOWLEDGED, BUDI)


def test_a_plan_belongs_to_one_incident() -> None:
    first, second = opened(), opened(service="redis")
    plan = plan_of([held()], "release_hold@1")
    leading.attach_plan(first, plan.code.lower(), by(first))
    leading.attach_plan(first, plan.code, by(first))
    with pytest.raises(NotAllowed):
        leading.attach_plan(second, plan.code, by(second))
    with pytest.raises(NotAllowed):
        leading.attach_plan(second, "PL-NONE", by(second))
    assert kinds(first).count("plan") == 1


def test_the_same_is_not_opened_twice_and_nonsense_never() -> None:
    opened()
    wrong: list[dict[str, Any]] = [{}, {"service": "moon"}, {"failure": "mood"}, {"severity": 7}, {"title": " "}]
    for change in wrong:
        given: dict[str, Any] = {"title": "x", "service": "tpg", "failure": "down", "severity": 0, **change}
        with pytest.raises(NotAllowed):
            opening.open_by_hand(**given, actor=SARI, reason="r")
    assert Incident.objects.count() == 1


def test_what_happened_is_never_changed() -> None:
    incident = opened()
    with pytest.raises(DatabaseError), transaction.atomic():
        IncidentEvent.objects.filter(incident=incident).update(text="nothing happened")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM runbooks_incidentevent")
    assert kinds(incident)[0] == "open"


def test_a_promise_of_news_that_is_broken_is_told_once() -> None:
    incident = opened()
    Incident.objects.update(update_due_at=timezone.now() - timedelta(seconds=1))
    assert [watching.watch(), watching.watch()] == [1, 0]
    assert kinds(incident)[-1] == "update_late"


def test_those_who_wait_are_told_in_both_languages_with_numbers_of_this_moment() -> None:
    hang(2)
    incident = opened()
    Incident.objects.filter(pk=incident.pk).update(began_at=timezone.now() - timedelta(hours=2))
    cohort.pin_what_hangs(again(incident), actor=SARI)
    telling = Telling(template="dispatch", impact="Taxis come late in Jakarta", next_minutes=15)
    message = messages.send(again(incident), telling, actor=SARI, commander="Sari Wulandari")
    assert "2 affected, 0 recovered, 2 still hang. On them: Rp 300.000." in message.text_en
    assert "2 terdampak" in message.text_id
    assert (message.numbers["orders"], message.numbers["hanging"]) == (2, 2)
    assert incident.clocks.get(kind="stakeholders").stopped_by == SARI
    assert again(incident).update_due_at is not None
    pages = Page.objects.filter(message=message)
    assert {page.channel for page in pages} == {"slack", "mail"}
    assert all(message.text_id in page.body["text"] and message.text_en in page.body["text"] for page in pages)


@pytest.mark.parametrize("wrong", [{"template": "x"}, {"impact": " "}, {"next_minutes": 0}])
def test_a_message_without_sense_is_not_sent(wrong: dict[str, Any]) -> None:
    incident = opened()
    given: dict[str, Any] = {"template": "update", "impact": "late taxis", "next_minutes": 15, **wrong}
    with pytest.raises(NotAllowed):
        messages.send(incident, Telling(**given), actor=SARI, commander="")
    assert Page.objects.filter(purpose="message").count() == 0


def test_the_timeline_tells_of_the_breakers_that_belong_to_it() -> None:
    about_books, about_orders = opened(service="ho"), opened(service="orders")
    for number, upstream in enumerate(("ho", "tpg", "midtrans")):
        change = {"source": "closed", "target": "open", "cause": "failures", "at": timezone.now()}
        BreakerChange.objects.create(key=f"b{number}", upstream=upstream, **change)

    def told(incident: Incident) -> set[object]:
        return {line.detail["upstream"] for line in queries.story(incident) if line.kind == "breaker"}

    assert told(about_books) == {"ho"}
    assert told(about_orders) == {"ho", "tpg", "midtrans"}


NEEDED = {
    "tpg": {"a taxi", "a taxi with a shuttle"},
    "shuttle": {"a shuttle", "a taxi with a shuttle"},
    "midtrans": {"a payment there", "a refund there"},
    "upg": {"a payment there", "a refund there", "a payment elsewhere", "late money of a shuttle"},
    "ho": {"an entry"},
}


@pytest.mark.parametrize("service", [*NEEDED, "postgresql"])
def test_an_incident_pins_the_orders_that_need_what_fails(service: str) -> None:
    """ADR 0121. A customer of a shuttle is not told of a disturbance at TPG."""
    since, lately = (timezone.now() - timedelta(minutes=minutes) for minutes in (35, 20))
    hanging = {
        "a taxi": make_order("paid", since=since),
        "a shuttle": make_order("paid", since=since, service="shuttle"),
        "late money of a shuttle": make_order("paid_after_close", since=lately, service="shuttle"),
        "a taxi with a shuttle": make_order("paid", since=since, service="shuttle"),
    }
    late = make_attempt(hanging["late money of a shuttle"], "paid", since=lately, gateway="nicepay")
    Order.objects.filter(pk=late.order_id).update(owning_attempt=late)
    Item.objects.create(order=hanging["a taxi with a shuttle"], number=2, service="taxi", amount=1)
    for name, gateway in (("a payment there", "midtrans"), ("a payment elsewhere", "xendit")):
        hanging[name] = make_order("awaiting_payment", since=since)
        attempt = make_attempt(hanging[name], "unknown", since=since, gateway=gateway)
        Order.objects.filter(pk=hanging[name].pk).update(owning_attempt=attempt)
    ended = {name: make_order("completed", since=since) for name in ("a refund there", "an entry")}
    make_refund(make_attempt(ended["a refund there"], "paid", since=since), "sent", since=since)
    make_posting(ended["an entry"], "due", since=since)
    names = {order.pk: name for name, order in (hanging | ended).items()}
    incident = opened(service=service)
    pinned = {names[pk] for pk in incident.cohort.values_list("order_id", flat=True)}
    assert pinned == NEEDED.get(service, set(names.values()))
