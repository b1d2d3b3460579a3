"""Whether a row that is locked may still be referred to."""

from contextlib import closing

from django.db import connection
from django.db.models import Model


def assert_may_be_referred_to(row: Model) -> None:
    """A row elsewhere that names `row` can commit now: the check of a foreign key waits for no lock of ours.

    Asks on a connection of its own, as the check itself does. Call inside the transaction that holds the lock.
    """
    with closing(connection.copy()) as second, second.cursor() as other:
        other.execute("SET lock_timeout = '2s'")
        other.execute(f'SELECT 1 FROM "{row._meta.db_table}" WHERE id = %s FOR KEY SHARE', [row.pk])  # noqa: S608
        assert other.fetchone(), f"{row} is not committed"
