"""Head Office's book: posted once under a reference, asked by it, read in pages."""

from datetime import UTC, datetime

import pytest

from orders.clients import ho
from orders.resilience import Answered, Retryable, Unknown
from tests.sandbox_fixtures import effects, wait_until

pytestmark = pytest.mark.usefixtures("neighbours")
AT = datetime(2026, 1, 12, 3, 4, 5, tzinfo=UTC)
LIMIT = 0.4


def post(ref="P-1", *, amount=150_000, kind="payment", order_ref="MRG-1", **given):
    return ho.post_entry(ref, order_ref=order_ref, amount=amount, currency="IDR", kind=kind, occurred_at=AT, **given)


@pytest.mark.parametrize("kind", ["payment", "refund"])
def test_an_entry_is_recorded_as_posted(kind):
    entry = post(kind=kind).data
    assert (entry.entry_ref, entry.order_ref, entry.amount) == ("P-1", "MRG-1", 150_000)
    assert (entry.currency, entry.kind, entry.occurred_at) == ("IDR", kind, AT)
    assert entry.recorded_at is not None
    assert ho.ask_entry("P-1") == Answered(200, entry)


def test_posting_again_records_once(control):
    assert post().data == post().data
    assert effects(control, "ho") == ["recorded"]


def test_another_amount_under_the_same_reference_is_refused(control):
    post()
    assert post(amount=1).code == "entry_differs"
    assert effects(control, "ho") == ["recorded"]


@pytest.mark.parametrize("amount", [0, -5])
def test_an_entry_without_money_is_refused(control, amount):
    assert post(amount=amount).code == "invalid_entry"
    assert effects(control, "ho") == []


def test_what_was_never_posted_is_not_found():
    assert ho.ask_entry("P-9") == Answered(404, None)


def test_the_book_is_read_in_pages_in_the_order_of_recording():
    for number in range(5):
        post(f"P-{number}")
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = ho.list_entries(cursor, limit=2).data
        seen += [each.entry_ref for each in page.entries]
        cursor, pages = page.cursor, pages + 1
    assert seen == ["P-0", "P-1", "P-2", "P-3", "P-4"]
    assert pages == 3


def test_an_empty_book_has_one_empty_page():
    assert ho.list_entries() == Answered(200, ho.EntryPage([], None))


def test_an_entry_whose_answer_was_lost_is_found_by_asking(control):
    control.plan("MRG-1", {"neighbour": "ho", "on": "post", "do": "timeout_after_success"})
    assert isinstance(post(deadline=LIMIT), Unknown)
    assert ho.ask_entry("P-1").data.amount == 150_000


def test_an_entry_that_never_arrived_is_not_found(control):
    control.plan("MRG-1", {"neighbour": "ho", "on": "post", "do": "error"})
    assert isinstance(post(), Unknown)
    assert ho.ask_entry("P-1") == Answered(404, None)


def test_an_entry_that_comes_late_is_found_later(control):
    control.plan("P-1", {"neighbour": "ho", "on": "post", "do": "late_effect", "seconds": LIMIT + 0.2})
    assert isinstance(post(deadline=LIMIT), Unknown)
    assert ho.ask_entry("P-1") == Answered(404, None)
    wait_until(lambda: ho.ask_entry("P-1").data)


def test_ho_down_means_that_nothing_happened(control):
    control.faults("ho", down=True)
    assert isinstance(post(), Retryable)


def test_the_book_can_be_wrong_on_purpose(control):
    control.plan("MRG-1", {"on": "post", "do": "double"})
    control.plan("MRG-2", {"on": "post", "do": "amount", "amount": 7})
    post("P-1")
    post("P-2", order_ref="MRG-2")
    entries = ho.list_entries().data.entries
    assert [(each.entry_ref, each.amount) for each in entries] == [("P-1", 150_000), ("P-1", 150_000), ("P-2", 7)]
    assert len({each.entry_id for each in entries}) == 3
    assert ho.ask_entry("P-2").data.amount == 7
    assert isinstance(post("P-2", order_ref="MRG-2"), Answered)
