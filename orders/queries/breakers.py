"""What happened to the breakers, for screens and `/metrics`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count

from orders.models import BreakerChange, Heartbeat
from orders.resilience.breaker.reading import PREFIX

PAGE = 50


@dataclass(frozen=True, slots=True)
class ChangesPage:
    """Newest first. `after` is the place the next page begins at, 0 on the last one."""

    rows: Sequence[BreakerChange]
    total: int
    after: int


def changes_page(*, upstream: str = "", after: int = 0, limit: int = PAGE) -> ChangesPage:
    """Changes older than the one with id `after`; all of them from 0."""
    of = BreakerChange.objects.filter(upstream=upstream) if upstream else BreakerChange.objects.all()
    older = of.filter(pk__lt=after) if after else of
    rows = list(older.order_by("-id")[: limit + 1])
    more = len(rows) > limit
    return ChangesPage(rows[:limit], of.count(), rows[limit - 1].pk if more else 0)


def last_changes(names: Iterable[str]) -> Mapping[str, BreakerChange]:
    """The last change of each neighbour, in one statement of short index scans."""
    parts = [BreakerChange.objects.filter(upstream=name).order_by("-id")[:1] for name in names]
    if not parts:
        return {}
    return {row.upstream: row for row in parts[0].union(*parts[1:], all=True)}


def changes_by_target() -> Mapping[tuple[str, str], int]:
    """How often each breaker entered each state, ever."""
    rows = BreakerChange.objects.values_list("upstream", "target").annotate(count=Count("id")).order_by()
    return {(upstream, target): count for upstream, target, count in rows}


def seen_states() -> Mapping[str, str]:
    """The state of each breaker as the ticker saw it last."""
    rows = Heartbeat.objects.filter(name__startswith=PREFIX).values_list("name", "detail__state")
    return {name.removeprefix(PREFIX): state for name, state in rows}
