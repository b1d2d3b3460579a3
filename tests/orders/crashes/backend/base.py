"""The test database with a place to die before and after each commit."""

from tests.backend import base
from tests.orders.crashes.kill_points import die_at, service_place


class DatabaseWrapper(base.DatabaseWrapper):
    def _commit(self) -> None:
        place = service_place()
        die_at(f"{place} before its commit")
        super()._commit()
        die_at(f"{place} after its commit")
