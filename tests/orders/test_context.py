import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from orders.context import act_as


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_died_is_a_database_error_as_everywhere_else() -> None:
    """Callers answer 503 to Django's error; psycopg's own would pass them by as a 500."""
    connection.ensure_connection()
    with pytest.raises(OperationalError), transaction.atomic():
        act_as_after_the_end_of(connection.connection.info)
    connection.close()


def act_as_after_the_end_of(info: psycopg.ConnectionInfo) -> None:
    with psycopg.connect(info.dsn, autocommit=True) as another:
        another.execute("SELECT pg_terminate_backend(%s, 5000)", [info.backend_pid])
    act_as("worker")
