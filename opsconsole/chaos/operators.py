"""What people on duty do to breakers while everything burns, and when it is over."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

import django.db
from django.utils import timezone

from opsconsole.traffic.agenda import drop_connections
from orders.errors import Refusal
from orders.services import breakers

ON_CALL = "user:tono"
# The word ends by itself a little later than the run takes it back.
SPARE = timedelta(seconds=30)


def force(neighbour: str, mode: str, *, seconds: float) -> None:
    with suppress(Refusal, django.db.Error):
        until = timezone.now() + timedelta(seconds=seconds) + SPARE
        breakers.force(neighbour, mode, until=until, reason="chaos", actor=ON_CALL)


def reset(neighbours: Iterable[str]) -> None:
    """Closed, whatever opened them."""
    for neighbour in neighbours:
        try:
            with suppress(Refusal):
                breakers.reset(neighbour, reason="chaos is over", actor=ON_CALL)
        except django.db.Error:
            drop_connections()
