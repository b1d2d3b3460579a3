"""Taking a file into a book: received and kept, then read, judged as a whole, and taken in or held.

    load = receive(chunks, feed=feed, name="2026-11-27.csv", layout="midtrans", actor="user:budi")
    work(load.pk)  # by whoever comes first: a worker, the command, or both

A load is worked on by one process at a time, under an advisory lock that its death gives back; done twice it adds
nothing. See docs/adr/0070.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone, translation

from reconciliation.holds import Facts, objections, told
from reconciliation.layouts import Fitted, Layout, fit
from reconciliation.lines import Columns, Line
from reconciliation.models import Feed, Load, LoadEvent, QuarantinedRow
from reconciliation.reading import FileRefused, Limits, Problem, Row, open_tables
from reconciliation.services import feeds, known_money
from reconciliation.services.alone import alone
from reconciliation.services.entries import Total, take_in
from reconciliation.services.files import Kept, keep, path_of
from reconciliation.services.layouts import find
from reconciliation.states import LoadState, LoadVerb

MOST_REFUSED: Final = 50_000  # unreadable rows after which the rest is not worth reading
_LONGEST_RAW: Final = 2_000
_LOCK: Final = 0x10AD  # advisory lock: the class, beside the load's id
_TICK: Final = 1.0  # seconds between two signs of life
Progress = Callable[[int], None]


class _Held(Exception):
    """Reading came to an end that only a person can judge."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(problems)
        self.problems = problems


@dataclass
class _Reading:
    """One reading of a file: what came of its rows so far."""

    load: Load
    fitted: list[Fitted]
    progress: Progress
    rows: int = 0
    refused: list[QuarantinedRow] = field(default_factory=list)
    first: Any = None
    last: Any = None
    _told_at: float = 0.0

    def lines(self) -> Iterator[Line | Columns]:
        """Every line of money of every table; rows that give none are put aside."""
        for table in self.fitted:
            part = table.table.name if len(self.fitted) > 1 else ""
            for taken in table.blocks():
                if taken.refused:
                    self._put_aside(part, *taken.refused)
                if isinstance(taken.lines, Columns):
                    yield taken.lines
                else:
                    yield from taken.lines
                self._count(taken.rows)
        self.progress(self.rows)

    def _count(self, rows: int) -> None:
        before, self.rows = self.rows, self.rows + rows
        if self.rows // 5_000 > before // 5_000:
            self._tell()

    def facts(self, totals: Iterable[Total]) -> Facts:
        settled = [total for total in totals if total.status == "settled"]
        currencies = sorted({total.currency for total in settled})
        return Facts(
            rows=self.rows,
            refused=len(self.refused),
            lines=sum(total.lines for total in settled),
            sums=self.sums(),
            claims=[claim for table in self.fitted for claim in table.claims],
            stated=self.load.stated,
            currencies=currencies,
            wanted_currency=self.load.currency,
            usual_currencies=known_money.usual_currencies(self.load),
            factors=known_money.factors(),
            medians=known_money.medians(self.load),
        )

    def sums(self) -> Mapping[str, int]:
        sums: dict[str, int] = {}
        for table in self.fitted:
            for currency, amount in table.reader.sums.items():
                sums[currency] = sums.get(currency, 0) + amount
        return sums

    def _put_aside(self, part: str, row: Row, problem: Problem) -> None:
        if len(self.refused) >= MOST_REFUSED:
            facts = {"limit": f"{MOST_REFUSED:,}", "layout": self.fitted[0].layout.title}
            raise _Held(Problem("too_many_refused", facts))
        with translation.override("en"):
            reason = told(problem)[:300]
        self.refused.append(
            QuarantinedRow(
                load=self.load,
                part=part[:200],
                line=row.number,
                reason=reason,
                problem=asdict(problem),
                raw=row.raw[:_LONGEST_RAW],
            )
        )

    def _tell(self) -> None:
        if self.rows > Limits().rows:
            raise FileRefused("too_many_rows", limit=f"{Limits().rows:,}")
        if time.monotonic() - self._told_at > _TICK:
            self._told_at = time.monotonic()
            self.progress(self.rows)


def receive(
    chunks: Iterable[bytes],
    *,
    feed: Feed,
    name: str,
    layout: str | Layout,
    actor: str,
    currency: str = "",
    stated: Mapping[str, Any] | None = None,
) -> Load:
    """Keep the file and write down that it is to be read. Raises FileRefused or LayoutRefused, with nothing written."""
    label, mapping = (layout.title or "mapping", layout) if isinstance(layout, Layout) else find(layout)
    kept = keep(chunks, name=name)
    return register(
        kept, feed=feed, name=name, label=label, layout=mapping, actor=actor, currency=currency, stated=stated
    )


def register(
    kept: Kept,
    *,
    feed: Feed,
    name: str,
    label: str,
    layout: Layout,
    actor: str,
    currency: str = "",
    stated: Mapping[str, Any] | None = None,
) -> Load:
    """Write down that a kept file is to be read by this very layout, which the load keeps for good."""
    with transaction.atomic():
        load = Load.objects.create(
            feed=feed,
            name=name[-200:],
            layout=label[:64],
            mapping=layout.as_data(),
            currency=currency,
            file=kept.name,
            size=kept.size,
            digest=kept.digest,
            stated=dict(stated or {}),
            actor=actor,
        )
        LoadEvent.objects.create(load=load, verb=LoadVerb.RECEIVE, actor=actor, detail={"layout": label})
    return load


def work(load_id: int, *, progress: Progress | None = None) -> Load | None:
    """Read a load that waits and take it in or hold it. None where another is at it, or it waits no more."""
    with alone(_LOCK, load_id) as is_ours:
        load = Load.objects.select_related("feed").filter(pk=load_id, state=LoadState.READING).first()
        if not is_ours or load is None:
            return None
        with _signs_of_life(load) as tell:
            _read(load, _both(tell, progress))
    return load


def _both(first: Progress, second: Progress | None) -> Progress:
    def tell(rows: int) -> None:
        first(rows)
        if second:
            second(rows)

    return tell


def _read(load: Load, progress: Progress) -> None:
    try:
        with open_tables(path_of(load.file)) as tables:
            reading = _Reading(load, fit(tables, Layout.from_data(load.mapping), currency=load.currency), progress)
            load.notes = [asdict(note) for table in reading.fitted for note in table.table.notes]
            _take(load, reading)
    except _Held as held:
        _end(load, LoadState.HELD, held.problems)
    except FileRefused as refused:
        is_header = refused.problem.code in {"header", "header_twice"}
        _end(load, LoadState.HELD if is_header else LoadState.REFUSED, [refused.problem])


def _take(load: Load, reading: _Reading) -> None:
    """All or nothing, with the rows put aside and the feed's watermark, in one transaction."""
    found: list[Problem] = []

    def check(totals: Iterable[Total]) -> str:
        totals = list(totals)
        found.extend(objections(reading.facts(totals)))
        first, last = known_money.span() if totals else (None, None)
        reading.first, reading.last = first, last
        if load.is_released or not found:
            return ""
        with translation.override("en"):
            return told(found[0])

    with transaction.atomic():
        load.quarantine.all().delete()
        take_in(load, reading.lines(), check=check)
        QuarantinedRow.objects.bulk_create(reading.refused, batch_size=2_000)
        load.control = {currency: [None, amount] for table in reading.fitted for currency, amount in table.claims}
        load.quarantined, load.read, load.read_at = len(reading.refused), reading.rows, timezone.now()
        load.problems = [asdict(problem) for problem in found]
        if load.state == LoadState.LOADED:
            load.complete_up_to = feeds.covered_by(load, first=reading.first, last=reading.last)
            feeds.loaded(load)
        else:
            feeds.troubled(load)
        load.save()
        verb = LoadVerb.LOAD if load.state == LoadState.LOADED else LoadVerb.HOLD
        LoadEvent.objects.create(load=load, verb=verb, actor=load.actor, reason=load.reason, detail=_counts(load))


def _counts(load: Load) -> dict[str, int]:
    return {"rows": load.read, "new": load.new, "known": load.known, "quarantined": load.quarantined}


def _end(load: Load, state: LoadState, problems: Iterable[Problem]) -> None:
    problems = list(problems)
    with translation.override("en"):
        load.reason = told(problems[0])[:400]
    load.state, load.problems, load.ended_at = state, [asdict(each) for each in problems], timezone.now()
    verb = LoadVerb.HOLD if state == LoadState.HELD else LoadVerb.REFUSE
    with transaction.atomic():
        load.save()
        LoadEvent.objects.create(load=load, verb=verb, actor=load.actor, reason=load.reason)
        feeds.troubled(load)


@contextmanager
def _signs_of_life(load: Load) -> Iterator[Progress]:
    """Tells how far it is by a connection of its own, as nobody sees into the transaction that reads."""
    aside = connection.copy()

    def tell(rows: int) -> None:
        with aside.cursor() as cursor:
            cursor.execute(
                "UPDATE reconciliation_load SET read = %s, read_at = now() WHERE id = %s AND state = 'reading'",
                [rows, load.pk],
            )

    try:
        yield tell
    finally:
        aside.close()
