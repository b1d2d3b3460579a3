"""How the breakers are now, for screens, for work that has to wait, and for `/metrics`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from django.conf import settings
from django.utils import timezone

from orders.models import Heartbeat
from orders.resilience.breaker import shared
from orders.resilience.breaker.policy import policy_of

PREFIX: Final = "breaker:"  # of the rows in which the ticker keeps what it saw


class State(StrEnum):
    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"
    FORCED_OPEN = "forced_open"
    FORCED_CLOSED = "forced_closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerState:
    """`until` is when an open breaker lets probes through, or when an operator's word ends. `calls` and `failures`
    are those of the policy's window. `is_known` is False where Redis did not answer: then this is what the ticker
    saw last."""

    name: str
    state: State
    since: datetime | None = None
    until: datetime | None = None
    calls: int = 0
    failures: int = 0
    in_a_row: int = 0
    probing: int = 0
    good_probes: int = 0
    is_known: bool = True
    seen_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether calls are turned away, all of them."""
        return self.state in (State.OPEN, State.FORCED_OPEN)

    @property
    def is_forced(self) -> bool:
        return self.state in (State.FORCED_OPEN, State.FORCED_CLOSED)


def names() -> Sequence[str]:
    """The neighbours that have a breaker."""
    return [name for name in settings.UPSTREAMS if policy_of(name) is not None]


def state_of(name: str) -> BreakerState:
    """The breaker of one neighbour. Costs one round trip to Redis, or one query where Redis is away."""
    found = _look(name)
    if found is not None:
        return found
    row = Heartbeat.objects.filter(name=PREFIX + name).first()
    return _remembered(name, row.detail if row else {})


def states() -> Mapping[str, BreakerState]:
    """Every breaker, by neighbour."""
    found = {name: _look(name) for name in names()}
    if all(found.values()):
        return {name: state for name, state in found.items() if state}
    rows = Heartbeat.objects.in_bulk([PREFIX + name for name in found])
    return {
        name: state or _remembered(name, rows[PREFIX + name].detail if PREFIX + name in rows else {})
        for name, state in found.items()
    }


def _look(name: str) -> BreakerState | None:
    policy = policy_of(name)
    if policy is None:
        return BreakerState(name=name, state=State.CLOSED)
    found = shared.run("look", name, policy)
    return None if found is None else _read(name, found)


def _read(name: str, found: Sequence[Any]) -> BreakerState:
    state, _generation, since, until, _forced, forced_until, *counts, now = found
    state = State(state)
    ends = forced_until if state in (State.FORCED_OPEN, State.FORCED_CLOSED) else until
    in_a_row, good, probing, calls, failures = (int(each) for each in counts)
    return BreakerState(
        name=name,
        state=state,
        since=_instant(since),
        until=_instant(ends),
        calls=calls,
        failures=failures,
        in_a_row=in_a_row,
        probing=probing,
        good_probes=good,
        seen_at=_instant(now),
    )


def _instant(milliseconds: Any) -> datetime | None:
    return datetime.fromtimestamp(int(milliseconds) / 1000, tz=UTC) if int(milliseconds) else None


def as_detail(state: BreakerState) -> dict[str, Any]:
    """What the ticker keeps of a state; `_remembered` reads it."""
    return {
        "ok": not state.is_open,
        "state": state.state.value,
        "since": _text(state.since),
        "until": _text(state.until),
        "calls": state.calls,
        "failures": state.failures,
        "seen_at": _text(state.seen_at),
    }


def _remembered(name: str, detail: Mapping[str, Any]) -> BreakerState:
    """A state that should have ended by now is shown as ended."""
    state, until = State(detail.get("state", State.CLOSED)), _parsed(detail.get("until"))
    if until is not None and until <= timezone.now():
        state = State.HALF_OPEN if state in (State.OPEN, State.FORCED_OPEN) else State.CLOSED
    return BreakerState(
        name=name,
        state=state,
        since=_parsed(detail.get("since")),
        until=until,
        calls=int(detail.get("calls", 0)),
        failures=int(detail.get("failures", 0)),
        is_known=False,
        seen_at=_parsed(detail.get("seen_at")),
    )


def _text(at: datetime | None) -> str:
    return at.isoformat() if at else ""


def _parsed(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def wait_for(name: str, *, at_least: timedelta) -> datetime:
    """When a call that was turned away may be made again: after `at_least`, and not while the breaker is open."""
    soonest = timezone.now() + at_least
    found = state_of(name)
    return max(soonest, found.until) if found.is_open and found.until else soonest
