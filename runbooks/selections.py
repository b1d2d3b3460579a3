"""Named selections: which subjects an action is planned for. Runbook files and the page "plan an action" name them.

Each answers with keys of its kind of subject, read at this moment; what is planned from them is frozen.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, ConfigDict, Field

from orders.models import DeadLetter, DispatchEntry, Saga
from orders.models.saga import LIVE_DISPATCH
from orders.queries.money_queues import Case, money_page
from orders.queries.stuck import StuckFilter, all_stuck
from orders.services import work
from orders.states import Channel, LetterState, SagaState
from reconciliation import business_day
from runbooks.models import CohortOrder
from runbooks.subjects import NEXT_BEST

MOST_DAYS: Final = 31


class Narrowing(BaseModel):
    """What a selection may be narrowed by. A name it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Stuck(Narrowing):
    """Each list: any of these; empty: all."""

    causes: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    min_minutes: int = Field(0, ge=0)


class Affected(Stuck):
    """`incident` is the id of the one that the run is part of: then it is all of its orders. 0 for a run of its own,
    which takes what hangs, narrowed by the rest."""

    incident: int = Field(0, ge=0)


class Names(Narrowing):
    """Which ones; empty: all."""

    names: tuple[str, ...] = ()


class Days(Narrowing):
    """The last `days` business days, today's included."""

    days: int = Field(1, ge=1, le=MOST_DAYS)


@dataclass(frozen=True, kw_only=True)
class Selection:
    """One named selection of one kind of subject."""

    subject: str
    label: Promise
    narrowing: type[Narrowing]
    keys: Callable[[Any], Sequence[str]]

    @property
    def is_of_incident(self) -> bool:
        """Whether it answers for the incident that a run is part of."""
        return "incident" in self.narrowing.model_fields


def _stuck(given: Stuck) -> Sequence[str]:
    wanted = StuckFilter(
        **{name: getattr(given, name) for name in Stuck.model_fields if name != "min_minutes"},
        min_age=timedelta(minutes=given.min_minutes) if given.min_minutes else None,
    )
    found = (row for rows in all_stuck(wanted) for row in rows)
    return list(dict.fromkeys(str(row.order_id) for row in found))


def _affected(given: Affected) -> Sequence[str]:
    """Also those that do not hang any more: they were affected all the same."""
    if not given.incident:
        return _stuck(given)
    pinned = CohortOrder.objects.filter(incident=given.incident).order_by("order_id")
    return [str(pk) for pk in pinned.values_list("order_id", flat=True)]


def _twice(_given: Narrowing) -> Sequence[str]:
    keys: list[str] = []
    place = None
    while len(keys) < settings.RUN_MOST_ORDERS:
        rows, place = money_page(Case.TWICE, after=place, limit=500)
        keys += [str(row.order_id) for row in rows]
        if place is None:
            break
    return list(dict.fromkeys(keys))


def _letters(_given: Narrowing) -> Sequence[str]:
    dead = DeadLetter.objects.filter(state=LetterState.DEAD).order_by("first_seen_at", "pk")
    return [str(pk) for pk in dead.values_list("pk", flat=True)[: settings.RUN_MOST_ORDERS]]


def _hands(_given: Narrowing) -> Sequence[str]:
    waiting = Saga.objects.filter(state=SagaState.NEEDS_HAND).order_by("entered_at", "pk")
    return [str(pk) for pk in waiting.values_list("pk", flat=True)[: settings.RUN_MOST_ORDERS]]


def _dispatches(_given: Narrowing) -> Sequence[str]:
    live = DispatchEntry.objects.filter(state__in=LIVE_DISPATCH).order_by("created_at", "pk")
    return [str(pk) for pk in live.values_list("pk", flat=True)[: settings.RUN_MOST_ORDERS]]


def _lost(_given: Narrowing) -> Sequence[str]:
    return work.waiting()


def _of(names: Sequence[str]) -> Callable[[Names], Sequence[str]]:
    return lambda given: [name for name in names if not given.names or name in given.names]


def _breakers(given: Names) -> Sequence[str]:
    known = [name for name in settings.UPSTREAMS if not given.names or name in given.names]
    return sorted(known)


def _days(given: Days) -> Sequence[str]:
    today = business_day.of(timezone.now())
    return [(today - timedelta(days=ago)).isoformat() for ago in reversed(range(given.days))]


SELECTIONS: Final[Mapping[str, Selection]] = {
    "stuck_orders": Selection(subject="order", label=_("Stuck orders"), narrowing=Stuck, keys=_stuck),
    "affected_orders": Selection(
        subject="order", label=_("Orders that the incident affected"), narrowing=Affected, keys=_affected
    ),
    "paid_twice": Selection(subject="order", label=_("Orders that were paid twice"), narrowing=Narrowing, keys=_twice),
    "sagas_by_hand": Selection(subject="saga", label=_("Sagas that need a hand"), narrowing=Narrowing, keys=_hands),
    "dispatch_queue": Selection(
        subject="dispatch", label=_("Orders that wait for a car"), narrowing=Narrowing, keys=_dispatches
    ),
    "dead_letters": Selection(subject="letter", label=_("Dead letters"), narrowing=Narrowing, keys=_letters),
    "lost_jobs": Selection(
        subject="queue", label=_("Queues with work that nobody does"), narrowing=Narrowing, keys=_lost
    ),
    "breakers": Selection(subject="breaker", label=_("Breakers"), narrowing=Names, keys=_breakers),
    "fallbacks": Selection(
        subject="breaker", label=_("Neighbours with a fallback"), narrowing=Names, keys=_of(list(NEXT_BEST))
    ),
    "channels": Selection(subject="channel", label=_("Channels"), narrowing=Names, keys=_of(Channel.values)),
    "recent_days": Selection(subject="day", label=_("The last business days"), narrowing=Days, keys=_days),
}
