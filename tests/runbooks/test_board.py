"""The investigation board: each hypothesis is named by data made to show it, and only then."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from orders.models import BreakerChange, Diagnosis, Order, Posting
from orders.transitions import move
from runbooks.models import CohortOrder, DeployNote, Incident
from runbooks.queries import board as queries
from runbooks.queries import board_deploys
from runbooks.queries.board import Counted, Hypothesis, Verdict, Window
from runbooks.services.incidents import opening
from tests.orders.making import make_attempt, make_message, make_order, make_posting

pytestmark = pytest.mark.django_db

H = Hypothesis


def begun() -> Incident:
    return opening.open_by_hand(
        title="Orders hang", service="orders", failure="stuck", severity=0, actor="user:sari", reason="seen"
    )


@pytest.fixture
def incident() -> Incident:
    return begun()


def ordered(count: int, *, with_callback: bool = True, **fields: Any) -> list[Order]:
    """Paid orders whose gateway called, or did not."""
    made = []
    for number in range(count):
        order = make_order("paid", placed_at=timezone.now() - timedelta(minutes=20, seconds=number), **fields)
        attempt = make_attempt(order, "paid")
        if with_callback:
            make_message(order, "applied", attempt=attempt)
        made.append(order)
    return made


def hurt(incident: Incident, orders: list[Order]) -> None:
    facts = {"machine": "order", "state": "paid", "since": timezone.now(), "currency": "IDR", "is_paid": True}
    CohortOrder.objects.bulk_create(
        CohortOrder(incident=incident, order=each, amount=each.amount, pinned_by="test", **facts) for each in orders
    )


def looked_at(incident: Incident, **narrowed: str) -> queries.Board:
    now = timezone.now() + timedelta(minutes=1)
    window = Window(since=now - timedelta(hours=1), until=now, **narrowed)
    return queries.board(incident, window, now=now)


def strong(seen: queries.Board) -> set[Hypothesis]:
    return {each for each in H if queries.verdict(seen.counted[each]) == Verdict.STRONG}


def test_lost_callbacks_are_named_with_their_pattern(incident: Incident) -> None:
    hurt(incident, ordered(6, with_callback=False, city="Bandung", method="gopay"))
    ordered(14, city="Jakarta")
    seen = looked_at(incident)
    assert strong(seen) == {H.CALLBACKS}
    assert seen.ranked[0] == H.CALLBACKS
    counted = seen.counted[H.CALLBACKS]
    assert (counted.all, counted.hurt, counted.shown, counted.both) == (20, 6, 6, 6)
    patterns = {each.dimension: (each.value, each.both) for each in seen.patterns[H.CALLBACKS]}
    assert (patterns["city"], patterns["method"]) == (("Bandung", 6), ("gopay", 6))
    assert sum(seen.hurt_course) == sum(seen.courses[H.CALLBACKS]) == 6
    assert looked_at(incident, city="Jakarta").hurt == 0


def test_an_open_breaker_is_named_only_while_it_was_open(incident: Incident) -> None:
    hurt(incident, ordered(5, service="taxi"))
    ordered(8, service="rent")
    assert strong(looked_at(incident)) == set()
    at = timezone.now() - timedelta(minutes=30)
    change = {"upstream": "tpg", "source": "closed", "cause": "failures"}
    BreakerChange.objects.create(key="a", target="open", at=at, **change)
    assert strong(looked_at(incident)) == {H.BREAKER}
    BreakerChange.objects.create(key="b", target="closed", at=at + timedelta(minutes=5), **change)
    assert strong(looked_at(incident)) == set()  # it was closed before they were placed


def test_unanswered_calls_races_and_a_dry_pool_are_named(incident: Incident) -> None:
    silent, doubled, waiting = ordered(4), ordered(4), ordered(4)
    ordered(30)
    for order in silent:
        make_attempt(order, "unknown")
    for order in doubled:
        make_message(order, "applied", attempt=make_attempt(order, "paid"))
    for order in waiting:
        Diagnosis.objects.create(
            order=order, cause="database_pool_dry", confidence=90, next_step="wait", order_version=order.version
        )
    hurt(incident, [*silent, *doubled])
    seen = looked_at(incident)
    both = {each: seen.counted[each].both for each in (H.TIMEOUTS, H.RACES, H.POOL, H.CALLBACKS)}
    assert both == {H.TIMEOUTS: 4, H.RACES: 4, H.POOL: 4, H.CALLBACKS: 0}
    assert seen.hurt == 12
    some = {each for each in H if queries.verdict(seen.counted[each]) == Verdict.SOME}
    assert some == {H.TIMEOUTS, H.RACES, H.POOL}


def test_a_call_that_was_given_up_within_its_limit_was_not_answered(incident: Incident) -> None:
    silent, answered = ordered(4), ordered(4)
    ordered(20)
    for order in silent:
        change(change(make_posting(order), "send"), "lose")
    for order in answered:
        change(change(make_posting(order), "send"), "record")
    hurt(incident, [*silent, *answered])
    counted = looked_at(incident).counted[H.TIMEOUTS]
    assert (counted.shown, counted.both) == (4, 4)


def change(posting: Posting, verb: str) -> Posting:
    with transaction.atomic():
        move(posting, verb, actor="worker:test")
    return posting


@pytest.mark.parametrize(("all_", "hurt_"), [(10, 10), (100, 10), (10_000, 4_000)])
def test_what_every_order_shows_explains_nothing(all_: int, hurt_: int) -> None:
    assert queries.verdict(Counted(all=all_, hurt=hurt_, shown=all_, both=hurt_)) == Verdict.WEAK
    assert queries.verdict(Counted(all=all_ + 2, hurt=hurt_, shown=all_, both=hurt_)) != Verdict.STRONG  # two others


def test_a_breaker_that_was_open_for_everybody_is_no_explanation(incident: Incident) -> None:
    hurt(incident, ordered(4, service="taxi"))
    ordered(8, service="taxi")
    change = {"upstream": "tpg", "source": "closed", "target": "open", "cause": "failures"}
    BreakerChange.objects.create(key="a", at=timezone.now() - timedelta(minutes=30), **change)
    seen = looked_at(incident)
    assert (seen.counted[H.BREAKER].shown, seen.counted[H.BREAKER].share) == (12, 1.0)
    assert queries.verdict(seen.counted[H.BREAKER]) == Verdict.WEAK


def test_what_everybody_shows_and_few_suffer_from_is_weak() -> None:
    assert queries.verdict(Counted(all=100, hurt=10, shown=90, both=9)) == Verdict.WEAK
    assert queries.verdict(Counted(all=100, hurt=10, shown=12, both=8)) == Verdict.STRONG
    assert queries.verdict(Counted(all=100, hurt=2, shown=2, both=2)) == Verdict.UNKNOWN
    assert queries.verdict(Counted(all=0, hurt=0, shown=0, both=0)) == Verdict.UNKNOWN


def test_what_went_live_is_weighed_by_the_orders_before_and_after_it(incident: Incident) -> None:
    now = timezone.now()
    ordered(4, city="Jakarta")
    hurt(incident, ordered(3, city="Bandung"))
    for version, minutes in (("4.2", 300), ("4.3", 90), ("4.4", 10)):
        at = now - timedelta(minutes=minutes)
        DeployNote.objects.create(service="orders", version=version, actor="user:made", at=at)
    window = Window(since=now - timedelta(minutes=60), until=now)
    found = {each.note.version: each for each in board_deploys.deployed(incident, window)}
    assert list(found) == ["4.4", "4.3"]
    last = found["4.4"]
    assert (last.before, last.before_hurt, last.after, last.after_hurt) == (7, 3, 0, 0)
    assert (found["4.3"].before, found["4.3"].after, found["4.3"].after_hurt) == (0, 7, 3)
