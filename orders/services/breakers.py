"""Breakers as rows: what operators decide, what happened, and giving it back to a Redis that lost it.

PostgreSQL first, Redis after the commit. Where Redis cannot be told, the ticker's round tells it
within a second of its return; meanwhile every process reads the row itself.
"""

import json
import logging
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from orders.errors import NotAllowed
from orders.models import BreakerChange, BreakerOverride, Heartbeat
from orders.resilience import breaker
from orders.resilience.breaker import BreakerState, Policy, State, shared
from orders.resilience.breaker.reading import PREFIX, as_detail
from orders.resilience.latched import latched
from orders.transitions import record

logger = logging.getLogger(__name__)

LONGEST: Final = timedelta(hours=24)
MARGIN: Final = timedelta(seconds=2)  # by which the clocks of PostgreSQL and Redis may differ
SEEN_EVERY: Final = timedelta(seconds=15)  # how old what we last saw may be while nothing changes
BATCH: Final = 200
_FORCED: Final[Mapping[str, State]] = {"open": State.FORCED_OPEN, "closed": State.FORCED_CLOSED}


def force(name: str, mode: str, *, until: datetime, reason: str, actor: str) -> None:
    """Hold a breaker open or closed until then, whatever the neighbour does. In force at once for all processes.

    Raises NotAllowed for an unknown neighbour or mode, without a reason, or an end not within 24 hours.
    """
    policy, reason = _known(name), _given(reason)
    if mode not in _FORCED:
        raise NotAllowed(_("A breaker is forced open or forced closed."))
    if not timezone.now() < until <= timezone.now() + LONGEST:
        raise NotAllowed(_("It must end within 24 hours from now."))
    was = breaker.state_of(name)
    with transaction.atomic():
        word = {"mode": mode, "until": until, "reason": reason, "actor": actor, "at": timezone.now()}
        BreakerOverride.objects.update_or_create(upstream=name, defaults=word)
        _write_operation(was, _FORCED[mode], actor=actor, reason=reason, until=until)
        transaction.on_commit(partial(_say_force, name, policy, mode, until), robust=True)


def reset(name: str, *, reason: str, actor: str) -> None:
    """Closed, with nothing counted and nothing forced. Raises NotAllowed as `force` does."""
    policy, reason = _known(name), _given(reason)
    was = breaker.state_of(name)
    with transaction.atomic():
        BreakerOverride.objects.filter(upstream=name).delete()
        _write_operation(was, State.CLOSED, actor=actor, reason=reason, until=None)
        transaction.on_commit(lambda: shared.run("reset", name, policy), robust=True)


def _known(name: str) -> Policy:
    policy = breaker.policy_of(name)
    if policy is None:
        raise NotAllowed(_("There is no breaker of that name."))
    return policy


def _given(reason: str) -> str:
    if not reason.strip():
        raise NotAllowed(_("A reason is needed."))
    return reason.strip()[:1000]


def _write_operation(was: BreakerState, target: State, *, actor: str, reason: str, until: datetime | None) -> None:
    BreakerChange.objects.create(
        key=f"{was.name}:{uuid.uuid4().hex}",
        upstream=was.name,
        source=was.state.value,
        target=target.value,
        cause="operator",
        actor=actor,
        reason=reason,
        calls=was.calls,
        failures=was.failures,
        until=until,
        at=timezone.now(),
    )
    detail = {"upstream": was.name, "was": was.state.value, "now": target.value, "until": until and until.isoformat()}
    record(None, "operate_breaker", actor=actor, reason=reason, detail=detail)
    logger.warning("breaker of %s: %s -> %s by %s: %s", was.name, was.state, target, actor, reason)


def _say_force(name: str, policy: Policy, mode: str, until: datetime) -> Any:
    return shared.run("force", name, policy, mode, int(until.timestamp() * 1000))


# The ticker's round.


def keep_up() -> dict[str, Any]:
    """Give Redis back what operators decided, write down what changed, remember how all breakers are."""
    seen = breaker.states()
    words = {row.upstream: row for row in BreakerOverride.objects.all()}
    for state in seen.values():
        if state.is_known:
            _agree(state, words.get(state.name))
    _end(row for row in words.values() if row.until < timezone.now() - MARGIN)
    written = _write_changes()
    _remember(state for state in seen.values() if state.is_known)
    return {"changes": written, "open": sum(state.is_open for state in seen.values())}


def _agree(state: BreakerState, word: BreakerOverride | None) -> None:
    policy = _known(state.name)
    if word is None and state.is_forced:
        shared.run("reset", state.name, policy)
    elif word is not None and word.until > timezone.now():
        _say_force(state.name, policy, word.mode, word.until)


def _end(words: Iterable[BreakerOverride]) -> None:
    for word in words:
        target = State.HALF_OPEN if word.mode == BreakerOverride.Mode.OPEN else State.CLOSED
        with transaction.atomic():
            if BreakerOverride.objects.filter(pk=word.pk, until=word.until).delete()[0]:
                BreakerChange.objects.create(
                    key=f"{word.upstream}:expiry:{word.until.isoformat()}",
                    upstream=word.upstream,
                    source=_FORCED[word.mode].value,
                    target=target.value,
                    cause="expiry",
                    at=word.until,
                )


def _write_changes() -> int:
    """At least once from Redis, exactly once here: the key decides. What cannot be written stays there."""
    redis, key = latched(), shared.changes_key()
    told = (redis.command("LRANGE", key, 0, BATCH - 1) or []) if redis else []
    for text in told:
        _log(json.loads(text))
    BreakerChange.objects.bulk_create([_change(json.loads(text)) for text in told], ignore_conflicts=True)
    for text in told:
        if redis:
            redis.command("LREM", key, 1, text)
    return len(told)


def _change(told: Mapping[str, Any]) -> BreakerChange:
    return BreakerChange(
        key=told["key"],
        upstream=told["upstream"],
        source=told["source"],
        target=told["target"],
        cause=told["cause"],
        calls=told["calls"],
        failures=told["failures"],
        process=told.get("process"),
        until=_instant(told["until"]) if int(told["until"]) else None,
        at=_instant(told["at"]),
    )


def _log(told: Mapping[str, Any]) -> None:
    counts = f"{told['failures']} of {told['calls']} calls failed"
    logger.warning("breaker of %s: %s -> %s (%s)", told["upstream"], told["source"], told["target"], counts)


def _instant(milliseconds: Any) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, tz=UTC)


def _remember(seen: Iterable[BreakerState]) -> None:
    """For pages that must not ask Redis, and for a Redis that is away. Rows are written where something is new."""
    now = timezone.now()
    details = {PREFIX + state.name: as_detail(state) for state in seen}
    known = Heartbeat.objects.in_bulk(list(details))
    rows = [
        Heartbeat(name=name, pid=0, at=now, detail=detail)
        for name, detail in details.items()
        if name not in known or _is_news(known[name], detail, now=now)
    ]
    Heartbeat.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["name"], update_fields=["pid", "at", "detail"]
    )


def _is_news(row: Heartbeat, detail: Mapping[str, Any], *, now: datetime) -> bool:
    watched = ("state", "since", "until")
    return row.at < now - SEEN_EVERY or any(row.detail.get(each) != detail[each] for each in watched)
