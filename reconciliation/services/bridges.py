"""The bridge of a business day: from each gateway's total over our ledger to Head Office's, in steps that add up.

Every line of the day stands in exactly one step or is matched within the day, so the steps add up by construction;
`compute` counts again and refuses a bridge that does not.
"""

import hashlib
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

import reconciliation
from orders.states import BANK
from reconciliation import business_day
from reconciliation.day_states import CLOSED_DAYS, Book, DayState, Step
from reconciliation.models import BreakEvent, Day, DayFigure, DayItem, Entry, Feed, Run
from reconciliation.services import engine
from reconciliation.services.entries import LOCK
from reconciliation.services.pairings import Unproved
from reconciliation.states import RunState, Side

FOLDER: Final = Path(reconciliation.__file__).parent / "closing"
EVERY_LINE: Final = 2**62
LONGEST_ROUND: Final = 5.0  # seconds


class Figure(NamedTuple):
    """One step at one gateway in one currency; as `DayFigure`."""

    gateway: str
    currency: str
    book: str
    step: str
    lines: int
    amount: int


@dataclass(frozen=True, slots=True)
class Bridge:
    """What the lines of one day add up to. `digest` is of all lines and figures."""

    date: date
    run: Run | None
    figures: Sequence[Figure]
    lines_digest: str

    @property
    def digest(self) -> str:
        text = "\n".join("~".join(map(str, figure)) for figure in sorted(self.figures))
        return hashlib.sha256(f"{self.lines_digest}\n{text}".encode()).hexdigest()


def hold_the_books() -> None:
    """Nothing comes into a book, and no run judges, until the transaction ends."""
    engine.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def carry() -> None:
    """Give lines that came late for closed days to the day on which they came. Call while holding the books."""
    engine.execute(_text("carry"), {"closed": [str(state) for state in CLOSED_DAYS]})


def compute(day: date, *, up_to: int = EVERY_LINE, run: Run | None = None) -> Bridge:
    """The bridge as the books stand, left in temporary tables for `keep`. Raises Unproved if it does not add up.

    Call in a transaction that holds the books. `run`: by whose results, the last one's unless said otherwise.
    """
    run = run or last_run()
    params = {
        "day": day,
        "up_to": up_to,
        "compared": run.up_to_entry if run else 0,
        "bank": BANK,
        "feeds": list(Feed.objects.filter(side=Side.GATEWAY, is_active=True).values_list("source", flat=True)),
    }
    for name in ("lines", "steps", "items"):
        engine.execute(_text(name), params)
    figures = [Figure(*row) for row in engine.execute(_text("figures"))]
    _prove(figures)
    return Bridge(day, run, figures, lines_digest_now())


def lines_digest_of(day: Day) -> str:
    """The digest of the lines that a closed day should hold, as the books stand. In a transaction."""
    engine.execute(_text("lines"), {"day": day.date, "up_to": day.up_to_entry})
    return lines_digest_now()


def lines_digest_now() -> str:
    return str(engine.execute(_text("digest"))[0][0])


def keep(day: Day, bridge: Bridge) -> None:
    """Write the computed bridge down as the figures of an open day."""
    day.figures.all().delete()
    DayItem.objects.filter(day=day).delete()
    DayFigure.objects.bulk_create(DayFigure(day=day, **figure._asdict()) for figure in bridge.figures)
    engine.execute(_text("keep"), {"day": day.pk})
    day.run, day.up_to_entry = bridge.run, bridge.run.up_to_entry if bridge.run else 0
    day.lines_digest, day.digest, day.computed_at = bridge.lines_digest, bridge.digest, timezone.now()
    day.save(update_fields=["run", "up_to_entry", "lines_digest", "digest", "computed_at"])


@transaction.atomic
def refresh(date_: date) -> Day:
    """Compute an open day anew; a signed or closed one stays as it is."""
    hold_the_books()
    carry()
    Day.objects.bulk_create([Day(date=date_)], ignore_conflicts=True)
    day = Day.objects.select_for_update(no_key=True).get(date=date_)
    if day.state == DayState.OPEN:
        keep(day, compute(date_))
    return day


def last_run() -> Run | None:
    return Run.objects.filter(state=RunState.DONE, is_dry=False).order_by("-id").first()


def is_behind(day: Day) -> bool:
    """Whether an open day's figures may be another's by now: lines came, or something happened to a break."""
    last = last_run()
    if day.state != DayState.OPEN or last is None:
        return False
    if day.run is None or day.computed_at is None or day.run.up_to_entry != last.up_to_entry:
        return True
    return BreakEvent.objects.filter(at__gte=day.computed_at).exists()


def refresh_days(*, back: int = 35) -> dict[str, int]:
    """The ticker's round: compute what is behind of the last `back` days, the newest first, for some seconds."""
    today, began, done = business_day.of(timezone.now()), time.monotonic(), 0
    first = today - timedelta(days=back)
    known = {day.date: day for day in Day.objects.select_related("run").filter(date__gte=first)}
    held = set(
        Entry.objects.filter(business_date__range=(first, today)).values_list("business_date", flat=True).distinct()
    )
    for date_ in sorted(held, reverse=True):
        if time.monotonic() - began > LONGEST_ROUND:
            break
        if date_ not in known or is_behind(known[date_]):
            refresh(date_)
            done += 1
    return {"computed": done}


def unnamed(figures: Iterable[Figure | DayFigure]) -> dict[str, int]:
    """What nobody can name, by currency: amounts without their sign, so that two of them never cancel out."""
    found: dict[str, int] = defaultdict(int)
    for figure in figures:
        if figure.step in (Step.NOT_COMPARED, Step.UNEXPLAINED):
            found[figure.currency] += abs(figure.amount)
    return dict(found)


def _prove(figures: Sequence[Figure]) -> None:
    sums: dict[tuple[str, str, str], int] = defaultdict(int)
    totals: dict[tuple[str, str, str], int] = defaultdict(int)
    for each in figures:
        where = totals if each.step == Step.TOTAL else sums
        where[each.gateway, each.currency, each.book] += each.amount
    for gateway, currency in {(each.gateway, each.currency) for each in figures}:
        gross, ours, ho = (totals[gateway, currency, book] for book in (Book.GATEWAY, Book.OURS, Book.HO))
        to_ours, to_ho = (sums[gateway, currency, book] for book in (Book.TO_OURS, Book.TO_HO))
        if (sums[gateway, currency, Book.GATEWAY], gross + to_ours, ours + to_ho) != (gross, ours, ho):
            raise Unproved(_("The bridge of %(gateway)s does not add up.") % {"gateway": gateway or "?"})


def _text(name: str) -> str:
    return (FOLDER / f"{name}.sql").read_text()
