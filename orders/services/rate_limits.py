"""Changing how many calls an endpoint takes. In force at once, in every process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from orders.errors import NotAllowed
from orders.models import ChannelToken, History, RateLimit
from orders.resilience.buckets import ALL, DEFAULTS, TOKEN, Figures, figures_key
from orders.resilience.latched import latched
from orders.transitions import record

MOST: Final = 100_000
VERBS: Final = ("set_rate_limit", "clear_rate_limit")


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """One limit: `scope` is 'all', 'token' (each token) or 'token:<id>' (that token)."""

    endpoint: str
    scope: str
    figures: Figures
    default: Figures | None
    row: RateLimit | None

    @property
    def is_changed(self) -> bool:
        return self.row is not None


def in_force() -> Sequence[InForce]:
    """By endpoint in the order of the defaults; of everybody, of each token, then of single tokens."""
    rows = {(row.endpoint, row.scope): row for row in RateLimit.objects.order_by("id")}
    found = []
    for endpoint, limit in DEFAULTS.items():
        base = {ALL: limit.all, TOKEN: limit.token}
        own = [scope for of, scope in rows if of == endpoint and scope not in base]
        for scope in (*base, *own):
            row = rows.get((endpoint, scope))
            figures = Figures(row.rate, row.burst) if row else base[scope]
            found.append(InForce(endpoint=endpoint, scope=scope, figures=figures, default=base.get(scope), row=row))
    return found


def set_limit(endpoint: str, scope: str, *, rate: int, burst: int, reason: str, actor: str) -> None:
    """Put other figures in force. Raises NotAllowed for an unknown endpoint or token, figures that are no whole
    numbers from 1 to 100,000 or a burst below the rate, or without a reason."""
    _refuse_unknown(endpoint, scope)
    if not 1 <= rate <= burst <= MOST:
        raise NotAllowed(_("A rate is from 1 to 100,000 a second, and a burst is not less."))
    with transaction.atomic():
        was = _row(endpoint, scope)
        RateLimit.objects.update_or_create(
            endpoint=endpoint, scope=scope, defaults={"rate": rate, "burst": burst, "changed_by": actor}
        )
        now = {"rate": rate, "burst": burst}
        _remember(VERBS[0], endpoint, scope, was=was, now=now, reason=_given(reason), actor=actor)
        transaction.on_commit(keep_up, robust=True)


def clear_limit(endpoint: str, scope: str, *, reason: str, actor: str) -> None:
    """Back to the default. Raises NotAllowed where nothing was changed, or without a reason."""
    _refuse_unknown(endpoint, scope)
    with transaction.atomic():
        was = _row(endpoint, scope)
        if was is None:
            raise NotAllowed(_("It is the default already."))
        RateLimit.objects.filter(endpoint=endpoint, scope=scope).delete()
        _remember(VERBS[1], endpoint, scope, was=was, now=None, reason=_given(reason), actor=actor)
        transaction.on_commit(keep_up, robust=True)


def changes(*, limit: int = 20) -> Sequence[History]:
    """Who changed what, when and why; newest first."""
    return list(History.objects.filter(order_id=0, verb__in=VERBS).order_by("-seq")[:limit])


def keep_up() -> int:
    """Make Redis know the figures that differ from the defaults; the ticker does so every second, for a Redis that
    lost them. How many."""
    redis = latched()
    rows = RateLimit.objects.values_list("endpoint", "scope", "rate", "burst")
    wanted = {f"{endpoint}/{scope}": f"{rate}:{burst}" for endpoint, scope, rate, burst in rows}
    if redis is None:
        return len(wanted)
    key = figures_key()
    gone = [name for name in redis.command("HKEYS", key) or () if name not in wanted]
    if gone:
        redis.command("HDEL", key, *gone)
    if wanted:
        redis.command("HSET", key, *(word for pair in wanted.items() for word in pair))
    return len(wanted)


def _refuse_unknown(endpoint: str, scope: str) -> None:
    if endpoint not in DEFAULTS:
        raise NotAllowed(_("There is no such limit."))
    kind, _colon, token = scope.partition(":")
    if scope in (ALL, TOKEN):
        return
    if kind != TOKEN or not token.isdigit() or not ChannelToken.objects.filter(pk=token, revoked_at=None).exists():
        raise NotAllowed(_("There is no such token."))


def _given(reason: str) -> str:
    if not reason.strip():
        raise NotAllowed(_("A reason is needed."))
    return reason.strip()[:1000]


def _row(endpoint: str, scope: str) -> dict[str, int] | None:
    return RateLimit.objects.filter(endpoint=endpoint, scope=scope).values("rate", "burst").first()  # type: ignore[return-value]


def _remember(
    verb: str,
    endpoint: str,
    scope: str,
    *,
    was: Mapping[str, Any] | None,
    now: Mapping[str, Any] | None,
    reason: str,
    actor: str,
) -> None:
    detail = {"endpoint": endpoint, "scope": scope, "was": was, "now": now}
    record(None, verb, actor=actor, reason=reason, detail=detail)
