"""How a screen reads the database: never for long, and honest when it could not."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final, TypeVar

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext_lazy as _

from opsconsole.console.overview import CannotKnow

T = TypeVar("T")

LONGEST: Final = timedelta(seconds=4)
TOO_SLOW: Final = CannotKnow(_("The database did not answer in time. It may be busy or away."))

# Starting parallel workers or compiling costs more than any of our lists: 40 ms against 3 (measured
# on two cores, PostgreSQL 15).
_SET: Final = (
    "SELECT set_config('statement_timeout', %s, true), set_config('max_parallel_workers_per_gather', '0', true),"
    " set_config('jit', 'off', true)"
)


@contextmanager
def quick_reading() -> Iterator[None]:
    """A transaction in which no statement lasts longer than settings.SCREEN_TIMEOUT (timedelta, 4 s)."""
    longest: timedelta = getattr(settings, "SCREEN_TIMEOUT", LONGEST)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_SET, [str(round(longest.total_seconds() * 1000))])
        yield


def known(read: Callable[[], T]) -> T | CannotKnow:
    """What `read` finds, or that it cannot be known now: never an empty list for a lost database."""
    try:
        with quick_reading():
            return read()
    except OperationalError:
        return TOO_SLOW
