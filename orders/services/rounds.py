"""The ticker's rounds: what has to happen by the clock, each round at its own interval.

Any number of tickers may run: a round is taken by moving its row's clock on, and only one mover
wins. A round that fails is logged and tried again at its next time; the others go on.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from orders import bells, heartbeats
from orders.models import Heartbeat
from orders.queries.invariants import INVARIANTS, violations
from orders.services import (
    breakers,
    carts,
    dispatch_desk,
    dispatch_watch,
    expiry,
    idempotency,
    missing,
    money_watch,
    publishing,
    rate_limits,
    sampling,
    work,
)
from orders.services.actions import requests
from orders.services.verification.anchors import anchor_heads

logger = logging.getLogger(__name__)

Round = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Clock:
    """A round and how often it is due, in seconds."""

    every: float
    go: Round

    @property
    def pause(self) -> float:
        """Seconds that its row must be old: a tick that comes a little early still finds it due."""
        return self.every * 0.9


def sweep() -> list[str]:
    """Ring for all work that is due: what Redis lost, and what fell due by the clock."""
    kinds = work.waiting()
    return [kind for kind in kinds if bells.ring_now(kind)]


def check_invariants() -> dict[str, int]:
    """What must always hold, for the orders something happened to in the last hour. What does not."""
    rules = [rule for rule in INVARIANTS if rule.is_incident]
    found = violations(since=timezone.now() - timedelta(hours=1), rules=rules)
    for each in found:
        logger.error("invariant %s: %s %s", each.invariant, each.public_id, each.what)
    return {"broken": len({each.order_id for each in found})}


def ring_for_diagnoses() -> bool:
    return bells.ring_now("diagnosis")


def forget() -> int:
    """Throw away what nobody can ask for any more. How many rows."""
    purges = (carts.purge, idempotency.purge, publishing.forget_published, missing.forget_receipts)
    return sum(purge() for purge in purges) + heartbeats.forget_copies()


ROUNDS: dict[str, Clock] = {
    "sweep": Clock(1, sweep),
    "breakers": Clock(1, breakers.keep_up),
    "rate-limits": Clock(1, rate_limits.keep_up),
    "expire-orders": Clock(5, expiry.expire_orders),
    "expire-approvals": Clock(5, requests.expire),
    "diagnose": Clock(5, ring_for_diagnoses),
    "idle-claims": Clock(5, dispatch_desk.release_idle),
    dispatch_watch.ROUND: Clock(10, dispatch_watch.watch),
    "anchor": Clock(60, anchor_heads),
    "invariants": Clock(60, check_invariants),
    "sample": Clock(60, sampling.sample),
    "forget": Clock(60, forget),
    "settled-money": Clock(60, money_watch.forget_settled),
}


def add_round(name: str, clock: Clock) -> None:
    """A round of an app that stands above this one; called when that app is ready."""
    ROUNDS[name] = clock


# Most looks find nothing due: one statement says so for all rounds.
_DUE = """
SELECT round.name FROM unnest(%s::text[], %s::float8[]) AS round (name, seconds)
LEFT JOIN orders_heartbeat beat ON beat.name = round.name
WHERE beat.at IS NULL OR beat.at < clock_timestamp() - make_interval(secs => round.seconds)
"""
_TAKE = """
INSERT INTO orders_heartbeat (name, pid, at, detail) VALUES (%s, 0, clock_timestamp(), '{}')
ON CONFLICT (name) DO UPDATE SET at = clock_timestamp()
WHERE orders_heartbeat.at < clock_timestamp() - make_interval(secs => %s)
RETURNING name
"""


def go(rounds: Mapping[str, Clock] = ROUNDS) -> list[str]:
    """Go the rounds that are due. Their names."""
    due = _due(rounds)
    return [name for name, clock in rounds.items() if name in due and _take(name, clock) and _go(name, clock)]


def _due(rounds: Mapping[str, Clock]) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [[_row(name) for name in rounds], [clock.pause for clock in rounds.values()]])
        found = {row for (row,) in cursor.fetchall()}
    return {name for name in rounds if _row(name) in found}


def _take(name: str, clock: Clock) -> bool:
    """Whether it is this ticker's to go; of those that see a round due at once, one."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [_row(name), clock.pause])
        return cursor.fetchone() is not None


def _row(name: str) -> str:
    """Its row among the heartbeats."""
    return f"round:{name}"


def _go(name: str, clock: Clock) -> bool:
    started = time.monotonic()
    try:
        result = clock.go()
    except Exception:
        logger.exception("round %s", name)
        return False
    said = result if isinstance(result, dict) else {"result": str(result)[:200]}
    detail = {**said, "seconds": round(time.monotonic() - started, 3)}
    Heartbeat.objects.filter(name=_row(name)).update(detail=detail, at=timezone.now())
    return True
