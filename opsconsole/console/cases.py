"""Stuck orders by cause: one line for a thousand orders that hang for one reason."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsconsole.console.chips import NONE
from opsconsole.console.formats import WIB, wib, wib_day
from opsconsole.console.stuck_choices import cause_label
from opsconsole.console.stuck_head import grouped
from opsconsole.console.stuck_rows import service_label, step_label
from orders import names
from orders.diagnosis.causes import WORDS, Cause
from orders.queries.stuck.cases import Case, stuck_cases

# A value that this much of a case shares is its pattern; less is chance.
PATTERN_FROM: Final = 0.6
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Pattern:
    """A value that most orders of a case share, and the list of exactly those."""

    label: str
    share: int
    href: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """One cause: what it means, how much hangs on it, since when, what the orders have in common."""

    case: Case
    title: str
    count: str
    paid: str
    explanation: str | Promise
    next_step: str | Promise
    money: Sequence[tuple[int, str]]
    window: str
    patterns: Sequence[Pattern]
    href: str


@dataclass(frozen=True)
class Cases:
    """All lines at one instant."""

    at: datetime
    lines: Sequence[Line]

    @property
    def count(self) -> int:
        return sum(line.case.count for line in self.lines)


def read_cases(*, now: datetime) -> Cases:
    return Cases(now, [_line(case) for case in stuck_cases()])


def _line(case: Case) -> Line:
    words = WORDS[Cause(case.cause)] if case.cause in set(Cause) else None
    return Line(
        case=case,
        title=cause_label(case.cause) or _("Not looked at yet"),
        count=grouped(case.count),
        paid=grouped(case.paid_count) if case.paid_count else "",
        explanation=words.explanation if words else gettext_lazy("The next look finds the cause."),
        next_step=step_label(words.next_step) if words else "",
        money=tuple((amount, currency) for currency, amount in sorted(case.money.items())),
        window=window(case.first, case.last),
        patterns=[pattern for name in _LABELS if (pattern := _pattern(case, name))],
        href=_list(case),
    )


def window(first: datetime, last: datetime) -> str:
    """`12 Jan 2025, 10:02 – 11:40 WIB`: the day once when it is one day, no hours when it is many."""
    if last - first >= 30 * _DAY:
        return f"{wib_day(first)} – {wib_day(last)}"
    begin, end = first.astimezone(WIB), last.astimezone(WIB)
    if begin.date() == end.date():
        clocks = dict.fromkeys((f"{begin:%H:%M}", f"{end:%H:%M}"))
        return f"{wib_day(first)}, {' – '.join(clocks)} WIB"
    return f"{wib_day(first)}, {begin:%H:%M} – {wib(last, seconds=False)}"


_LABELS: Final[Mapping[str, Callable[[str], str]]] = {
    "service": service_label,
    "gateway": names.system,
    "method": names.method,
    "city": str,
}


def _pattern(case: Case, name: str) -> Pattern | None:
    value, count = case.patterns[name][0]
    share = count / case.count
    if share < PATTERN_FROM or not value:
        return None
    return Pattern(_LABELS[name](value), int(100 * share), _list(case, **{name: value}))


def _list(case: Case, **more: str) -> str:
    return f"{reverse('stuck')}?{urlencode({'cause': case.cause or NONE, **more})}"
