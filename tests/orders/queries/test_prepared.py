"""Statements whose plan the server keeps: the same rows, counted as any other, planned no more after a few times."""

from typing import Any

import pytest
from django.db import connection

from orders.queries.prepared import fetch_prepared
from orders.queries.stuck.lists import EVERYTHING, stuck_page

pytestmark = pytest.mark.django_db

TWICE = "SELECT %(a)s::int AS a, %(b)s::text AS b, %(a)s::int + 1 AS next, 7 %% 4 AS rest"
PLANS = "SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE statement LIKE %s"


def plans(like: str) -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(PLANS, [like])
        return list(cursor.fetchall())


@pytest.mark.parametrize("threshold", [5, None])
def test_each_name_stands_for_its_value(monkeypatch: pytest.MonkeyPatch, threshold: int | None) -> None:
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "prepare_threshold", threshold)
    expected = [{"a": 3, "b": "x%", "next": 4, "rest": 3}]
    assert fetch_prepared(TWICE, {"b": "x%", "a": 3, "unused": 1}) == expected


def test_nothing_is_prepared_where_it_may_not_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "prepare_threshold", None)
    fetch_prepared(TWICE.replace("rest", "unprepared"), {"a": 1, "b": ""})
    assert plans("SELECT%unprepared%") == []


def test_the_stuck_list_is_planned_no_more_after_a_few_times() -> None:
    """A new instant each time, so that the driver alone would never see the same text twice."""
    before = plans("%orders_saga%LIMIT 43%")
    for _time in range(8):
        stuck_page(EVERYTHING, limit=42)
    [(custom, generic)] = plans("%orders_saga%LIMIT 43%")
    assert (before, custom, generic) == ([], 5, 3)


def test_it_counts_as_a_query(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        fetch_prepared(TWICE, {"a": 1, "b": ""})
