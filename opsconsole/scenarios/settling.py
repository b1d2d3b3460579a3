"""Waiting until a run has settled: everything was looked at once more, and nothing moved.

A round brings every schedule forward and waits until the workers have nothing left to do. When a
whole round changes no state, and the last change is older than the longest time that the platform
gives an absent answer, nothing more will happen without a person. Every wait is bounded.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone

from opsconsole.sandbox.fleet import TRIPS
from opsconsole.sandbox.remote import RemoteSandbox
from opsconsole.scenarios import clock
from opsconsole.traffic.agenda import drop_connections
from opsconsole.traffic.journeys import AWAY
from orders.ladders import quarantine
from orders.models import Attempt, DispatchEntry, InboundEvent, Order, Posting, Refund, Saga, Step
from orders.states import OrderState

ROUNDS = 24
LONGEST_ROUND = 180.0  # seconds
LOOK_EVERY = 0.5
LONGEST_TRIP = max(max(trip.values()) for trip in TRIPS.values())  # seconds of the simulated world
TRIP_MARGIN = timedelta(seconds=2)
# Signs of calm must hold so long: a worker's bell, a callback on its way.
CALM = 1.0
MACHINES: tuple[Any, ...] = (Order, Attempt, Saga, Step, DispatchEntry, Refund, Posting, InboundEvent)
Say = Callable[[str], None]
States = dict[str, list[tuple[int, str]]]


@dataclass
class Settling:
    """`seconds` bounds the whole."""

    order_ids: Sequence[int]
    sandbox: RemoteSandbox
    seconds: float
    say: Say = field(default=lambda text: None)

    def run(self) -> bool:
        """Whether it settled in time."""
        until = time.monotonic() + self.seconds
        changed_at, before = time.monotonic(), states(self.order_ids)
        for number in range(1, ROUNDS + 1):
            self._wait_for_calm(until)
            after = states(self.order_ids)
            if after != before:
                changed_at, before = time.monotonic(), after
            elif time.monotonic() - changed_at > quarantine().total_seconds() + CALM and number > 2:
                return True
            if time.monotonic() > until:
                return False
            moved = clock.bring_forward(self.order_ids)
            self.say(f"round {number}: {moved} looks brought forward")
        return False

    def _wait_for_calm(self, until: float) -> None:
        until = min(until, time.monotonic() + LONGEST_ROUND)
        calm_since = None
        while time.monotonic() < until:
            if not self._is_calm():
                calm_since = None
            elif calm_since is None:
                calm_since = time.monotonic()
            elif time.monotonic() - calm_since >= CALM:
                return
            time.sleep(LOOK_EVERY)

    def _is_calm(self) -> bool:
        try:
            return not clock.due(self.order_ids) and self._is_quiet_outside()
        except AWAY:
            drop_connections()
            return False

    def _is_quiet_outside(self) -> bool:
        """No callback is on its way and no trip is under way that is to end by itself."""
        stats = self.sandbox.stats()
        if stats["callbacks_pending"]:
            return False
        trip = timedelta(seconds=LONGEST_TRIP / stats["speed"]) + TRIP_MARGIN
        active = Order.objects.filter(pk__in=self.order_ids, state=OrderState.ACTIVE)
        return not active.filter(entered_at__gt=timezone.now() - trip).exists()


def states(order_ids: Sequence[int]) -> States:
    """How everything of these orders stands, as a person would see it: tries and times left out."""
    return {model.__name__: _shown(model, order_ids) for model in MACHINES}


def _shown(model: Any, order_ids: Sequence[int]) -> list[tuple[int, str]]:
    """Which states its rows are in, for each order; one more try in the same state is no news."""
    key = "id" if model is Order else "order_id"
    rows = model._base_manager.filter(**{f"{key}__in": order_ids}).order_by(key, "state")
    return list(rows.values_list(key, "state").distinct())
