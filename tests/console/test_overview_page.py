"""The front page read from real rows."""

from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from opsconsole.console.overview import CannotKnow
from opsconsole.console.overview_page import _known, read_overview
from opsconsole.console.tones import Tone
from orders.models import Heartbeat, Outbox
from tests.factories import make_order

pytestmark = pytest.mark.django_db


def beat(name: str, *, ago: timedelta = timedelta(0), **detail: object) -> None:
    Heartbeat.objects.create(name=name, pid=1, at=timezone.now() - ago, detail=detail)


def test_what_hangs_is_counted_by_state_with_money_and_the_way_to_its_list() -> None:
    make_order(entered_at=timezone.now() - timedelta(hours=2), amount=40_000)
    make_order()

    overview = read_overview(now=timezone.now())

    assert not isinstance(overview.stuck, CannotKnow)
    [line] = overview.stuck
    assert (line.machine, line.state, line.count, line.money) == ("order", "created", 1, ((40_000, "IDR"),))
    assert "state=created" in line.href


def test_a_neighbour_the_ticker_could_not_reach_is_failed_since_then() -> None:
    since = timezone.now() - timedelta(minutes=12)
    beat("neighbour:tpg", ok=False, since=since.isoformat())
    beat("neighbour:ho", ok=True, ms=3)

    overview = read_overview(now=timezone.now())

    assert not isinstance(overview.neighbours, CannotKnow)
    taxi, head_office = overview.neighbours  # what fails stands first
    assert (taxi.name, head_office.name) == ("TPG / BBD", "HO Gateway")
    assert (head_office.tone, head_office.latency_ms) == (Tone.DONE, 3)
    assert (taxi.tone, taxi.since) == (Tone.FAILED, since)


def test_a_neighbour_nobody_has_looked_at_lately_is_not_known() -> None:
    beat("neighbour:tpg", ago=timedelta(minutes=5), ok=True, ms=1)

    overview = read_overview(now=timezone.now())

    assert not isinstance(overview.neighbours, CannotKnow)
    assert overview.neighbours[0].tone == Tone.ATTENTION


def test_without_a_ticker_the_loops_are_stale_and_the_neighbours_unknown() -> None:
    overview = read_overview(now=timezone.now())

    assert isinstance(overview.neighbours, CannotKnow)
    assert not isinstance(overview.loops, CannotKnow)
    assert all(loop.is_stale for loop in overview.loops)


def test_the_oldest_event_that_waits_is_shown_with_the_relay() -> None:
    beat("relay")
    made = make_order()
    Outbox.objects.update(created_at=timezone.now() - timedelta(minutes=4))

    overview = read_overview(now=timezone.now())

    assert not isinstance(overview.loops, CannotKnow)
    relay = next(loop for loop in overview.loops if loop.name == "relay")
    assert (relay.oldest_since, relay.tone) == (Outbox.objects.earliest("id").created_at, Tone.ATTENTION)
    Outbox.objects.filter(order_id=made.pk).update(published_at=timezone.now())
    overview = read_overview(now=timezone.now())
    assert not isinstance(overview.loops, CannotKnow)
    assert {loop.oldest_since for loop in overview.loops} == {None}


def test_every_live_copy_of_a_worker_counts_and_a_silent_one_does_not() -> None:
    for name in ("worker-act", "worker-act@host-1", "worker-act@host-2", "worker-notify"):
        beat(name)
    beat("worker-notify@host-3", ago=timedelta(minutes=10))

    overview = read_overview(now=timezone.now())

    assert not isinstance(overview.queues, CannotKnow)
    workers = {queue.name: queue.workers for queue in overview.queues}
    assert (workers["act"], workers["notify"]) == (2, 0)


def test_a_source_that_is_lost_is_said_and_never_a_zero() -> None:
    def lost() -> None:
        raise DatabaseError

    assert isinstance(_known(lost), CannotKnow)
