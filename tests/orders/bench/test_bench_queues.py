"""`manage.py bench queues` measures every desk and leaves nothing behind."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from orders.bench import queues, stuck
from orders.queries import dispatch, hands, letters, link_desk, money_queues

pytestmark = pytest.mark.django_db(transaction=True)
SMALL = ("--rows=900", "--stuck=300", "--open=200", "--odd=20", "--letters=30")


def test_every_desk_is_measured_and_what_was_loaded_is_dropped() -> None:
    out = StringIO()
    call_command("bench", "queues", *SMALL, "--json", stdout=out)
    figures = {line["name"]: line["value"] for line in json.loads(out.getvalue())["lines"]}
    desks = {name.partition(",")[0].partition(":")[0] for name in figures}
    assert desks == {"links", "dispatch", "money", "dead letters", "needs a hand"}
    assert all(value > 0 for value in figures.values())
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [stuck.SCHEMA])
        assert cursor.fetchall() == []


def test_there_is_something_on_every_desk_and_a_second_page() -> None:
    """A bench of empty lists would measure nothing. `--kept` finds what `--keep` has left."""
    call_command("bench", "queues", *SMALL, "--keep", stdout=StringIO())
    try:
        kept = StringIO()
        call_command("bench", "queues", *SMALL, "--kept", "--json", stdout=kept)
        assert json.loads(kept.getvalue())["lines"]
        with stuck.found_first():
            now = queues.timezone.now()
            counted = link_desk.link_counts(link_desk.Wanted(), now=now).by_kind
            assert set(counted) >= {"missing", "unanswered", "expired", "open"}
            assert dispatch.read_board().count() > 30
            assert money_queues.money_totals()[money_queues.Case.UNDER].count > 0
            assert money_queues.money_totals()[money_queues.Case.OVER].count > 0
            assert sum(count for *_what, count in letters.counts()) == 30
            assert hands.hands_page(hands.Wanted()).rows
    finally:
        stuck.run_all(f"DROP SCHEMA {stuck.SCHEMA} CASCADE")
