"""The first pass on other engines: the committed text is current, and every engine comes to the same rows."""

import sys
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from reconciliation import engines
from reconciliation.engines.transpiled import DIALECTS, transpiled
from reconciliation.models import Break, Match, Run, RunTotal
from reconciliation.services import engine as sql
from reconciliation.services import runs
from reconciliation.services.runs import reconcile
from reconciliation.states import RunScope
from tests.reconciliation.books import AT, feed, line, load_into
from tests.reconciliation.test_runs import books

ODD_KEYS = ['a,"b"', "ä\\n", "NULL", "~", "'; --"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_committed_text_is_what_the_source_gives_now(dialect: str) -> None:
    assert engines.statement(dialect) == transpiled(dialect)


def fill_the_books() -> None:
    """Both pairings, every verdict of the first pass, lines without a key, and keys that a CSV has to quote."""
    mine, theirs = books(11)
    odd = [line(7, order=key, reference=f"{key}-1", source="midtrans") for key in ODD_KEYS]
    load_into(feed("ours", "ledger"), [*mine, *odd])
    load_into(feed("ho"), [*theirs, *(line(7, order=key) for key in ODD_KEYS), line(5, order="V", status="void")])
    reports = [line(each.amount, reference=each.reference, occurred_at=AT) for each in mine]
    Random(3).shuffle(reports)
    load_into(feed("gateway", "midtrans"), [*reports[5:], line(-2, kind="fee", reference="F"), line(3, reference="W")])


def everything_about(run: Run) -> tuple[Any, ...]:
    totals = RunTotal.objects.filter(run=run).values_list(
        "pairing", "side", "outcome", "why", "currency", "lines", "amount"
    )
    found = Break.objects.order_by("pairing", "identity").values_list(
        "pairing", "identity", "type", "difference", "ours"
    )
    return (
        run.digest,
        sorted(totals),
        list(found),
        list(Match.objects.order_by("key", "rule").values_list("key", "rule")),
    )


def both_engines_agree(other: str) -> None:
    fill_the_books()
    own = reconcile(scope=RunScope.FULL)
    assert own.state == "done", own.said
    before = everything_about(own)
    with engines.first_pass_of(other) as judge:
        seen: list[list[engines.Row]] = []

        def watched(ours: Path, theirs: Path) -> list[engines.Row]:
            rows = judge(ours, theirs)
            seen.append([(*row[:3], *map(int, row[3:])) for row in rows])  # type: ignore[misc]
            return rows

        run = runs.ask(scope=RunScope.FULL)
        runs._perform(run, elsewhere=watched)
    assert run.state == "done", run.said
    assert everything_about(run) == before
    assert (run.summary["found"], run.summary["changed"], run.summary["healed"]) == (0, 0, 0)
    assert len(seen) == 2
    assert sorted(map(repr, seen[1])) == sorted(map(repr, postgresqls_own_rows()))


def postgresqls_own_rows() -> list[Any]:
    """The first pass over the views of the last comparison, typed as the other engines give it back."""
    one = sql.filled(sql.text("pass_0_one_each"), low=None, high=None).as_string(None)
    return [(*names, *map(int, sums)) for *names, a, b, c, d in sql.execute(one) for sums in [(a, b, c, d)]]


@pytest.mark.duckdb
@pytest.mark.django_db
def test_duckdb_comes_to_the_same_rows() -> None:
    both_engines_agree("duckdb")


# py4j leaves a socket to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.spark
@pytest.mark.timeout(180)
@pytest.mark.django_db
def test_a_cluster_of_a_master_and_two_workers_comes_to_the_same_rows() -> None:
    both_engines_agree("spark")


@pytest.mark.django_db
def test_an_engine_that_is_not_installed_is_named_and_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)  # as where it is not installed
    with pytest.raises(CommandError, match=r"requirements-engines\.txt"):
        call_command("reconcile", "--engine", "duckdb", stdout=StringIO())
    assert not Run.objects.exists()
