"""What a consumer does with what it gets: each event once, and what it cannot use is kept."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError, connection, transaction
from django.utils import timezone

from orders import events, ladders
from orders.models import DeadLetter, History, Order, Receipt, Subscription
from orders.services import missing, publishing, receiving
from orders.services.receiving import Consumer, Poison, Verdict
from orders.states import LetterState, OrderVerb
from orders.transitions import move
from tests.factories import make_order
from tests.orders.events.taking import Notes
from tests.orders.flow import past

pytestmark = pytest.mark.django_db


class SentThenLost:
    """A publisher whose broker forgets everything."""

    def publish(self, messages: Any) -> None:
        """Gone."""

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture(autouse=True)
def subscribed() -> None:
    receiving.subscribe(["one"])
    Subscription.objects.update(created_at=past(60), checked_until=past(60))


def event_of(order: Order, *, verb: str = "create") -> events.Event:
    row = History.objects.get(order_id=order.pk, machine="order", verb=verb)
    return events.event_of(row, order_id=order.public_id)


def receive(consumer: Consumer, body: bytes) -> Verdict:
    return receiving.receive("one", consumer, body)


def test_an_event_is_handled_once_however_often_it_comes(consumer: Consumer, notes: Notes) -> None:
    body = event_of(make_order()).body()

    assert [receive(consumer, body) for _time in range(3)] == [Verdict.DONE, Verdict.KNOWN, Verdict.KNOWN]

    assert len(notes.seen) == 1
    assert Receipt.objects.count() == 1
    assert DeadLetter.objects.count() == 0


def test_two_consumers_each_get_it(consumer: Consumer, notes: Notes) -> None:
    body = event_of(make_order()).body()

    assert receiving.receive("one", consumer, body) == receiving.receive("two", consumer, body) == Verdict.DONE
    assert len(notes.seen) == 2


def test_what_it_does_not_want_leaves_no_trace(notes: Notes) -> None:
    body = event_of(make_order()).body()

    assert receive(Consumer(notes, wants=frozenset({("order", "pay")})), body) == Verdict.UNWANTED
    assert (len(notes.seen), Receipt.objects.count()) == (0, 0)


def test_what_was_before_it_first_listened_is_nothing_to_it(consumer: Consumer, notes: Notes) -> None:
    body = event_of(make_order()).body()
    Subscription.objects.update(created_at=timezone.now() + timedelta(seconds=1))

    assert receive(consumer, body) == Verdict.KNOWN
    assert not notes.seen


def test_a_failing_effect_is_undone_and_the_event_kept_to_be_tried_again(notes: Notes) -> None:
    order = make_order()

    def half(event: events.Event) -> None:
        Order.objects.filter(pk=order.pk).update(city="half done")
        raise ValueError("phone +62811000111")

    verdict = receive(Consumer(half, wants=frozenset({("order", "create")})), event_of(order).body())

    letter = DeadLetter.objects.get()
    assert verdict == Verdict.KEPT
    assert Order.objects.get(pk=order.pk).city == "Jakarta"
    assert (letter.state, letter.reason, letter.tries) == (LetterState.RETRYING, "ValueError", 1)
    assert (letter.order_id, letter.kind, letter.is_edited) == (order.pk, "order.create", False)
    assert letter.due_at is not None


def test_a_letter_that_works_later_has_its_effect_once(consumer: Consumer, notes: Notes) -> None:
    notes.failures = [ValueError()]
    body = event_of(make_order()).body()
    receive(consumer, body)
    DeadLetter.objects.update(due_at=past(1))

    assert receiving.try_letters({"one": consumer}) == 1
    assert receiving.try_letters({"one": consumer}) == 0
    assert receive(consumer, body) == Verdict.KNOWN

    assert len(notes.seen) == 1
    letter = DeadLetter.objects.get()
    assert (letter.state, letter.due_at, letter.tries) == (LetterState.HANDLED, None, 2)


def test_after_the_last_rung_of_the_ladder_it_is_a_dead_letter(consumer: Consumer, notes: Notes) -> None:
    notes.failures = [KeyError(number) for number in range(20)]
    order = make_order()
    receive(consumer, event_of(order).body())

    for _rung in ladders.LETTER:
        assert DeadLetter.objects.get().state == LetterState.RETRYING
        DeadLetter.objects.update(due_at=past(1))
        receiving.try_letters({"one": consumer})

    letter = DeadLetter.objects.get()
    assert (letter.state, letter.due_at, letter.reason) == (LetterState.DEAD, None, "KeyError (5)")
    assert letter.tries == len(ladders.LETTER) + 1
    told = History.objects.get(order_id=order.pk, machine="letter")
    assert (told.verb, told.actor) == ("bury", "consumer:one")


def test_poison_is_dead_at_once(consumer: Consumer, notes: Notes) -> None:
    notes.failures = [Poison("no such promo")]

    assert receive(consumer, event_of(make_order()).body()) == Verdict.DEAD
    assert DeadLetter.objects.get().reason == "no such promo"


def test_an_error_of_the_database_about_the_event_is_the_events_fault(notes: Notes) -> None:
    def bad(event: events.Event) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")

    verdict = receive(Consumer(bad, wants=frozenset({("order", "create")})), event_of(make_order()).body())

    assert verdict == Verdict.KEPT
    assert DeadLetter.objects.get().reason == DataError.__name__


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\x00\xff not text", "not JSON"),
        (b"[]", "not an object"),
        (b'{"version":2}', "version 2, not 1"),
        (b'{"version":1}', "event_id is None"),
        (b"[" * 100_000, "longer than 65536 bytes"),
        (b"[" * 60_000, "not JSON"),
    ],
    ids=["not text", "not an object", "another version", "a field missing", "too long", "too deep"],
)
def test_a_body_that_is_no_event_is_kept_with_the_reason(body: bytes, reason: str, consumer: Consumer) -> None:
    assert (receive(consumer, body), receive(consumer, body)) == (Verdict.DEAD, Verdict.KNOWN)

    letter = DeadLetter.objects.get()
    assert bytes(letter.raw) == body
    assert letter.reason.startswith(reason)
    assert letter.last_seen_at > letter.first_seen_at


def test_a_letter_whose_consumer_is_gone_is_dead(consumer: Consumer, notes: Notes) -> None:
    notes.failures = [ValueError()]
    receive(consumer, event_of(make_order()).body())
    DeadLetter.objects.update(due_at=past(1))

    receiving.try_letters({})

    assert DeadLetter.objects.get().reason == "no consumer is called one"


def test_what_the_broker_lost_is_found_and_taken_in_order(consumer: Consumer, notes: Notes) -> None:
    order = make_order()
    with transaction.atomic():
        move(order, OrderVerb.CANCEL, actor="user:sari", reason="x")
    publishing.publish_batch(SentThenLost())
    receive(consumer, event_of(order).body())

    later = missing.now() + 2 * missing.MARGIN
    assert missing.recover("one", consumer, drained_at=later) == 1
    assert missing.recover("one", consumer, drained_at=later) == 0

    assert [event.verb for event in notes.seen] == ["create", "cancel"]
    assert Subscription.objects.get().checked_until == later - missing.MARGIN


def test_what_is_not_published_yet_is_not_lost(consumer: Consumer, notes: Notes) -> None:
    make_order()

    assert missing.recover("one", consumer, drained_at=missing.now() + 2 * missing.MARGIN) == 0
    assert not notes.seen


def test_what_was_published_a_moment_ago_may_still_be_on_its_way(consumer: Consumer, notes: Notes) -> None:
    make_order()
    publishing.publish_batch(SentThenLost())

    assert missing.recover("one", consumer, drained_at=missing.now()) == 0
    assert not notes.seen


def test_an_event_reads_as_it_was_written() -> None:
    event = event_of(make_order())

    assert events.parse(event.body()) == event
    assert len(event.body()) < 400
