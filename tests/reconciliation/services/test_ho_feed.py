"""Head Office's book is read on from where the last reading ended, and says how far it is complete."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from orders.clients import ho
from reconciliation.models import Entry, Feed, Load
from reconciliation.services import feeds, ho_feed, rounds
from reconciliation.services.feeds import feed_of
from reconciliation.states import FeedHealth, LoadState

pytestmark = [pytest.mark.usefixtures("neighbours"), pytest.mark.django_db]
AT = datetime(2026, 11, 20, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def feed() -> Feed:
    return feed_of("ho", "ho")


def post(number: int, *, amount: int = 50_000, kind: str = "payment") -> None:
    ho.post_entry(f"P-{number}", order_ref=f"MRG-{number}", amount=amount, currency="IDR", kind=kind, occurred_at=AT)  # type: ignore[arg-type]


def test_entries_become_lines_with_the_sign_they_count_with(feed: Feed) -> None:
    post(1)
    post(2, kind="refund")
    assert ho_feed.pull(feed.pk) is False
    assert list(Entry.objects.order_by("id").values_list("kind", "amount", "reference", "order_reference")) == [
        ("payment", 50_000, "P-1", "MRG-1"),
        ("refund", -50_000, "P-2", "MRG-2"),
    ]
    load = Load.objects.get()
    assert (load.state, load.read, load.new, load.totals) == (LoadState.LOADED, 2, 2, {"IDR": [2, 0]})


def test_the_next_reading_goes_on_where_the_last_one_ended(feed: Feed) -> None:
    post(1)
    ho_feed.pull(feed.pk)
    ho_feed.pull(feed.pk)
    assert Load.objects.count() == 1
    post(2)
    ho_feed.pull(feed.pk)
    assert [load.new for load in Load.objects.order_by("id")] == [1, 1]


def test_the_book_is_complete_up_to_the_moment_it_was_asked(feed: Feed) -> None:
    before = timezone.now()
    ho_feed.pull(feed.pk)
    feed.refresh_from_db()
    assert feed.complete_up_to is not None
    assert before - ho_feed.CLOCKS_APART <= feed.complete_up_to < timezone.now()
    assert feed.health == FeedHealth.WELL


def test_a_reading_that_breaks_off_keeps_what_it_has_and_promises_nothing(feed: Feed, control) -> None:
    post(1)
    control.faults("ho", error_rate=1.0, only=["list"])
    assert ho_feed.pull(feed.pk) is False
    feed.refresh_from_db()
    assert (feed.complete_up_to, feed.health, Entry.objects.count()) == (None, FeedHealth.BROKEN, 0)
    assert feed.said.startswith("Head Office did not answer")
    control.no_faults()
    ho_feed.pull(feed.pk)
    feed.refresh_from_db()
    assert (feed.health, feed.said, Entry.objects.count()) == (FeedHealth.WELL, "", 1)


def test_more_than_one_load_holds_is_read_in_several(feed: Feed) -> None:
    for number in range(5):
        post(number)
    assert [ho_feed.pull(feed.pk, page=2, most=2) for _ in range(3)] == [True, True, False]
    assert [load.new for load in Load.objects.order_by("id")] == [2, 2, 1]


def test_an_entry_booked_twice_at_head_office_stands_twice_in_its_book(feed: Feed, control) -> None:
    control.plan("MRG-1", {"on": "post", "do": "double"})
    post(1)
    ho_feed.pull(feed.pk)
    assert Entry.objects.filter(order_reference="MRG-1").count() == 2


def test_a_feed_that_is_not_due_is_left_alone_and_one_that_is_late_says_so(feed: Feed) -> None:
    Feed.objects.filter(pk=feed.pk).update(read_at=timezone.now())
    assert rounds.ring_for_pulls() == {"rang": 0}
    Feed.objects.filter(pk=feed.pk).update(complete_up_to=timezone.now() - timedelta(hours=1), health="well")
    assert feeds.look_after()["late"] == 1
