"""`manage.py bench stuck` measures what it says and leaves nothing behind."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

pytestmark = pytest.mark.django_db(transaction=True)


def rows(statement: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def test_it_finds_as_many_as_it_planted_and_drops_its_tables() -> None:
    out = StringIO()
    call_command("bench", "stuck", "--rows=900", "--stuck=200", "--open=100", "--json", stdout=out)
    figures = {line["name"]: line["value"] for line in json.loads(out.getvalue())["lines"]}
    assert figures["orders found"] == 200
    assert all(value > 0 for value in figures.values())
    assert rows("SELECT 1 FROM pg_namespace WHERE nspname = 'bench_stuck'") == []
    assert rows("SELECT count(*) FROM orders_order") == [(0,)]
    assert "bench_stuck" not in str(rows("SHOW search_path"))
