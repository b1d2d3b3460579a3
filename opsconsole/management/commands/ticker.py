"""`manage.py ticker`: what has to happen by the clock."""

from typing import Any

from django.core.management.base import BaseCommand

from opsconsole.loops import until_stopped
from opsconsole.neighbours import look_around
from orders.services import rounds
from reconciliation.services.rounds import ROUNDS

REST = 0.5  # seconds; the shortest round is due every second


class Command(BaseCommand):
    help = "Go the rounds: sweep for work, expire orders, anchor the history. Any number may run."
    requires_system_checks: list[str] = []

    def handle(self, **options: Any) -> None:
        until_stopped("ticker", turn=_turn)


def _turn() -> float:
    rounds.go({**rounds.ROUNDS, **ROUNDS, "neighbours": rounds.Clock(10, look_around)})
    return REST
