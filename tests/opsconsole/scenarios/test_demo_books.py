"""The books of the demo's days gone by, and the sandbox that knows them."""

import pytest

from opsconsole.sandbox.books import Books
from opsconsole.scenarios import books, past
from reconciliation.models import Entry, Feed

pytestmark = pytest.mark.django_db(transaction=True)


def test_head_office_holds_each_entry_that_its_files_say() -> None:
    past.take_in(60, seed=3)
    sandbox = Books(None)
    assert books.fill(lambda said: None, sandbox=sandbox) == 5
    held = {
        (row["entry_id"], row["entry_ref"], row["amount"], row["occurred_at"])
        for row in sandbox.rows("ho", "entries").values()
    }
    told = Entry.objects.filter(side="ho")
    assert held == {
        (line.external_reference, line.reference, line.amount, books.local(line.occurred_at).isoformat())
        for line in told
    }
    assert list(sandbox.rows("ho", "entries")) == [f"HO-{n:09d}" for n in range(1, len(held) + 1)]
    assert books.fill(lambda said: None, sandbox=sandbox) == 0


def test_every_gateway_reports_the_days_that_are_over() -> None:
    past.take_in(240, seed=40)
    books.fill(lambda said: None)
    assert {feed.source for feed in Feed.objects.filter(side="gateway", complete_up_to__isnull=False)} == {
        "midtrans",
        "xendit",
        "nicepay",
    }
