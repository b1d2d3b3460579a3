"""Runs as screens show them: the list, one run with the proof of its totals, and what differs between two."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NamedTuple

from django.db.models import Count, QuerySet, Sum

from reconciliation.models import Break, BreakEvent, Load, Run, RunTotal
from reconciliation.states import BreakVerb, Outcome, RunState

_HEAVY: Final = ("phases", "trial")
LISTED: Final = 50  # breaks that a page of runs names, of each kind


@dataclass(frozen=True)
class RunPage:
    """Newest first. `next` is the id to go on below, None on the last page."""

    runs: Sequence[Run]
    next: int | None


def run_page(*, below: int | None = None, limit: int = 50) -> RunPage:
    found = Run.objects.order_by("-pk").defer(*_HEAVY)
    if below is not None:
        found = found.filter(pk__lt=below)
    runs = list(found.select_related("rules")[: limit + 1])
    return RunPage(runs[:limit], runs[limit - 1].pk if len(runs) > limit else None)


def run_of(pk: int) -> Run | None:
    return Run.objects.select_related("rules").filter(pk=pk).first()


def before(run: Run) -> Run | None:
    """The last run of the same kind that ended well before it: what it is naturally compared with."""
    earlier = Run.objects.filter(pk__lt=run.pk, state=RunState.DONE, is_dry=run.is_dry, trial={})
    return earlier.order_by("-pk").first()


def steps_to_expect(run: Run) -> int:
    """How many phases the last run had that ended well; 0 where there was none."""
    last = Run.objects.filter(state=RunState.DONE, pk__lt=run.pk, trial={}).order_by("-pk").first()
    return len(last.phases) if last else 0


class Book(NamedTuple):
    """One side's lines of one currency in one pairing, by what they came to; sums in minor units."""

    pairing: str
    side: str
    currency: str
    outcomes: dict[str, tuple[int, int]]
    parts: list[RunTotal]

    @property
    def lines(self) -> int:
        return sum(lines for lines, _amount in self.outcomes.values())

    @property
    def amount(self) -> int:
        return sum(amount for _lines, amount in self.outcomes.values())


def books_of(run: Run) -> list[Book]:
    """The totals of a run, book by book: matched + break + expected + excluded is what the run read."""
    books: dict[tuple[str, str, str], Book] = {}
    for total in run.totals.order_by("pairing", "-side", "currency", "outcome", "why"):
        key = total.pairing, total.side, total.currency
        book = books.setdefault(key, Book(*key, dict.fromkeys(Outcome.values, (0, 0)), []))
        lines, amount = book.outcomes[total.outcome]
        book.outcomes[total.outcome] = lines + total.lines, amount + int(total.amount)
        book.parts.append(total)
    return list(books.values())


@dataclass(frozen=True, slots=True)
class Told:
    """Breaks of one kind: all of them by type and currency, and the first of them."""

    groups: list[dict[str, Any]]
    breaks: list[Break]

    @property
    def count(self) -> int:
        return sum(group["count"] for group in self.groups)


def found_by(runs: Sequence[int]) -> Told:
    """Breaks that these runs found first, the largest first."""
    return _told(Break.objects.filter(found_by__in=runs))


def told_by(runs: Sequence[int], verb: BreakVerb) -> Told:
    """Breaks to which this happened in these runs."""
    return _told(Break.objects.filter(pk__in=BreakEvent.objects.filter(run__in=runs, verb=verb).values("of")))


def _told(breaks: QuerySet[Break]) -> Told:
    sums = breaks.values("type", "currency").annotate(count=Count("pk"), money=Sum("exposure"))
    return Told(list(sums.order_by("-count", "type", "currency")), list(breaks.order_by("-exposure", "pk")[:LISTED]))


class Difference(NamedTuple):
    """One line of the totals of two runs; lines and sums of the earlier and of the later one."""

    pairing: str
    side: str
    currency: str
    outcome: str
    why: str
    before: tuple[int, int]
    after: tuple[int, int]

    @property
    def lines(self) -> int:
        return self.after[0] - self.before[0]

    @property
    def amount(self) -> int:
        return self.after[1] - self.before[1]


@dataclass(frozen=True, slots=True)
class Between:
    """What happened from the end of one run to the end of a later one, and what of it changed the results."""

    totals: list[Difference]
    loads: list[Load]
    runs: list[int]
    found: Told
    healed: Told
    changed: Told
    reopened: Told
    reasons: dict[int, str]


def between(earlier: Run, later: Run) -> Between:
    """A fixed number of queries. `reasons` says why each named break is new: line, rules, or time."""
    runs = _kept_runs(earlier, later)
    found = found_by(runs)
    return Between(
        totals=_differences(earlier, later),
        loads=list(
            Load.objects.filter(last_entry__gt=earlier.up_to_entry, first_entry__lte=later.up_to_entry)
            .select_related("feed")
            .defer("mapping", "notes", "stated", "control")
            .order_by("pk")[:LISTED]
        ),
        runs=runs,
        found=found,
        healed=told_by(runs, BreakVerb.HEAL),
        changed=told_by(runs, BreakVerb.CHANGE),
        reopened=told_by(runs, BreakVerb.REOPEN),
        reasons={each.pk: _why(each, earlier, later) for each in found.breaks},
    )


def _kept_runs(earlier: Run, later: Run) -> list[int]:
    """Those that wrote what they found: rehearsals did not."""
    kept = Run.objects.filter(pk__gt=earlier.pk, pk__lte=later.pk, state=RunState.DONE, is_dry=False)
    return list(kept.order_by("pk").values_list("pk", flat=True))


def _differences(earlier: Run, later: Run) -> list[Difference]:
    rows: dict[tuple[str, str, str, str, str], list[tuple[int, int]]] = {}
    for place, run in enumerate((earlier, later)):
        for total in run.totals.all():
            key = total.pairing, total.side, total.currency, total.outcome, total.why
            rows.setdefault(key, [(0, 0), (0, 0)])[place] = total.lines, int(total.amount)
    return [Difference(*key, was, now) for key, (was, now) in sorted(rows.items()) if was != now]


def _why(found: Break, earlier: Run, later: Run) -> str:
    newest = max([*found.ours, *found.theirs], default=0)
    if newest > earlier.up_to_entry:
        return "line"
    return "rules" if earlier.rules_id != later.rules_id else "time"


def took(run: Run) -> timedelta | None:
    return run.ended_at - run.started_at if run.ended_at else None
