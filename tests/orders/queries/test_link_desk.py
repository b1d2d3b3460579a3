"""The link desk reads two partial indexes, however many orders there are beside them."""

import pytest
from django.db import connection
from django.utils import timezone

from orders.bench.queues import statements_of
from orders.queries.link_desk import Wanted, link_counts, link_page
from tests.orders.platform_machine import empty_tables

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("ask", [link_page, link_counts])
def test_its_queries_can_be_answered_from_the_indexes_of_what_is_unpaid(ask: object) -> None:
    empty_tables()  # what other tests left of pages changes what the planner finds cheaper
    [(statement, params)] = statements_of(lambda: ask(Wanted(), now=timezone.now()))  # type: ignore[operator]
    with connection.cursor() as cursor:
        # The other index that begins with the order: in a table of no rows the planner finds both alike.
        cursor.execute("ALTER TABLE orders_attempt DROP CONSTRAINT attempt_number_once")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN {statement}", params)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Index Only Scan using order_unpaid" in plan
    assert "Index Only Scan using attempt_payable" in plan
