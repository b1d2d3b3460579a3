"""A real shop's ledger held against its payments: what must come out, order by order. Called by the import's test."""

import csv
import json
from collections import Counter
from decimal import Decimal
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

from django.core.management import call_command

OUTCOMES = {
    "MATCHED": "matched",
    "MATCHED_TOLERANCE": "matched_within_tolerance",
    "OVERPAID": "overpaid",
    "UNDERPAID": "underpaid",
    "PAID_NOT_POSTED": "missing_in_ho",
    "NEITHER": "neither",
}


def the_books_differ_where_they_really_do(folder: Path, tmp_path: Path) -> None:
    """Loaded once, and again with its rows in another order: the same orders, sums and cases."""
    call_command("load_book", "--side", "ho", str(folder / "ho_ledger.csv"), stdout=StringIO())
    first = told("--by-order")
    orders_are_as_expected(first, folder)
    cases = told("--cases")
    cases_tell_the_same_story(cases, first)
    call_command("load_book", "--side", "ho", str(shuffled(folder / "ho_ledger.csv", tmp_path)), stdout=StringIO())
    assert told("--by-order", "--full") == first
    assert told("--cases") == cases
    if find_spec("duckdb"):  # tests/reconciliation/engines says so where it is left out
        assert told("--by-order", "--full", "--engine", "duckdb") == first
        assert told("--cases") == cases


def told(*options: str) -> list[dict[str, Any]]:
    out = StringIO()
    call_command("reconcile", "--json", *options, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def orders_are_as_expected(found: list[dict[str, Any]], folder: Path) -> None:
    with (folder / "expected.csv").open(newline="") as file:
        wanted = {row["order_id"]: row for row in csv.DictReader(file)}
    assert {line["order_id"] for line in found} == wanted.keys()
    assert len(found) == len(wanted) == 12_751
    for line in found:
        row = wanted[line["order_id"]]
        assert line["outcome"] == OUTCOMES[row["outcome"]], line
        assert Decimal(line["paid"]) == Decimal(row["paid_total"])
        assert Decimal(line["ledger"]) == Decimal(row["ledger_total"])
        assert Decimal(line["diff"]) == Decimal(row["diff"])
        assert line["currency"] == "BRL"
    sums = [sum(Decimal(line[name]) for line in found) for name in ("paid", "ledger", "diff")]
    assert sums == [Decimal("2155953.45"), Decimal("1992805.09"), Decimal("163148.36")]


def cases_tell_the_same_story(cases: list[dict[str, Any]], orders: list[dict[str, Any]]) -> None:
    """Every order that does not match is in one case, and each case has as many breaks as orders name it."""
    open_outcomes = {"overpaid", "underpaid", "missing_in_ho"}
    assert Counter(line["case"] for line in orders if line["case"]) == {
        case["signature"]: case["count"] for case in cases
    }
    assert all(bool(line["case"]) == (line["outcome"] in open_outcomes) for line in orders)
    missing = {case["signature"]: case["count"] for case in cases if case["type"] == "missing_in_ho"}
    assert sum(missing.values()) == 772
    assert missing["missing_in_ho|BRL|cause=never due: order failed"] == 603
    money = sum(Decimal(case["money"]) for case in cases if case["type"] == "missing_in_ho")
    assert money == sum(Decimal(line["diff"]) for line in orders if line["outcome"] == "missing_in_ho")


def shuffled(file: Path, folder: Path) -> Path:
    header, *rows = file.read_text().splitlines()
    Random(7).shuffle(rows)
    other = folder / "another_order.csv"
    other.write_text("\n".join([header, *rows]) + "\n")
    return other
