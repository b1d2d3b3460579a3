"""What the page of services shows, read in a fixed number of queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from opsconsole.console import breaker_words
from opsconsole.console.tones import Tone
from opsconsole.degradation import NEIGHBOURS
from opsconsole.neighbours import PREFIX
from orders.models import BreakerChange, ChannelToken, Heartbeat
from orders.queries.breakers import last_changes
from orders.queries.order_page import people
from orders.queries.telling import who
from orders.resilience import breaker
from orders.resilience.breaker import BreakerState
from orders.services import rate_limits


@dataclass(frozen=True, kw_only=True)
class ServiceRow:
    """One neighbour. `is_reached` is None where nobody looked."""

    state: BreakerState
    title: str | Promise
    rule: str
    is_reached: bool | None
    change: "ShownChange | None"

    @property
    def name(self) -> str:
        return self.state.name

    @property
    def label(self) -> str | Promise:
        return breaker_words.LABELS[self.state.state]

    @property
    def tone(self) -> Tone:
        return breaker_words.TONES[self.state.state]

    @property
    def has_trouble(self) -> bool:
        return self.tone is not Tone.DONE or self.is_reached is False


@dataclass(frozen=True, kw_only=True)
class ShownChange:
    """One line of the events."""

    row: BreakerChange
    title: str | Promise
    source: str | Promise
    target: str | Promise
    tone: Tone
    why: str


@dataclass(frozen=True, kw_only=True)
class ShownLimit:
    limit: rate_limits.InForce
    whose: str
    changed_by: str = ""
    reason: str = ""
    at: datetime | None = None


def services() -> Sequence[ServiceRow]:
    """Every neighbour with a breaker, those in trouble first."""
    states = breaker.states()
    rows = last_changes(states)
    changes = dict(zip(rows, shown_changes(list(rows.values())), strict=True))
    reached = _reached(states)
    found = [_service(state, change=changes.get(name), is_reached=reached.get(name)) for name, state in states.items()]
    return sorted(found, key=lambda row: not row.has_trouble)


def _service(state: BreakerState, *, change: ShownChange | None, is_reached: bool | None) -> ServiceRow:
    policy = breaker.policy_of(state.name)
    return ServiceRow(
        state=state,
        title=title_of(state.name),
        rule=breaker_words.rule(policy) if policy else "",
        is_reached=is_reached,
        change=change,
    )


def title_of(name: str) -> str | Promise:
    return NEIGHBOURS.get(name, name)


def _reached(names: Mapping[str, Any]) -> Mapping[str, bool]:
    rows = Heartbeat.objects.in_bulk([PREFIX + name for name in names])
    return {name.removeprefix(PREFIX): bool(row.detail.get("ok")) for name, row in rows.items()}


def shown_changes(rows: Sequence[BreakerChange]) -> Sequence[ShownChange]:
    """With the operators' names, in one query for all."""
    names = people(row.actor for row in rows)
    return [
        ShownChange(
            row=row,
            title=title_of(row.upstream),
            source=breaker_words.LABELS[row.source],
            target=breaker_words.LABELS[row.target],
            tone=breaker_words.TONES[row.target],
            why=breaker_words.why(row, who=who(row.actor, names)),
        )
        for row in rows
    ]


def limits() -> Sequence[ShownLimit]:
    """Every rate limit with who changed it last, when and why."""
    found = rate_limits.in_force()
    told = {(row.detail["endpoint"], row.detail["scope"]): row for row in reversed(rate_limits.changes(limit=200))}
    names = people(row.actor for row in told.values())
    tokens = {str(token.pk): str(token) for token in ChannelToken.objects.all()}
    shown = []
    for each in found:
        last = told.get((each.endpoint, each.scope))
        shown.append(
            ShownLimit(
                limit=each,
                whose=whose(each.scope, tokens),
                changed_by=who(last.actor, names) if last else "",
                reason=last.reason if last else "",
                at=last.recorded_at if last else None,
            )
        )
    return shown


def whose(scope: str, tokens: Mapping[str, str]) -> str:
    """Whose limit it is, in words."""
    if scope == "all":
        return _("everybody together")
    if scope == "token":
        return _("each channel token")
    return _("token “%(name)s”") % {"name": tokens.get(scope.removeprefix("token:"), scope)}


def tokens() -> Sequence[tuple[str, str]]:
    """Living channel tokens: name, and the scope a limit of its own has."""
    rows = ChannelToken.objects.filter(revoked_at=None).order_by("id")
    return [(str(token), f"token:{token.pk}") for token in rows]
