"""How lines of money get into a book: copied into a staging table, then moved by one statement.

    load = Load.objects.create(feed=feed, name="2026-11-27.csv", layout="midtrans", digest=digest)
    taken = take_in(load, lines, check=control_totals_agree)

`lines` yields `Line`s, or many at once as `Columns`; a row that cannot be read is the caller's to put
into the quarantine instead.
`take_in` is idempotent and aware of occurrences: lines that are the same in everything are counted
within the load, so real twins both survive, while the same file once more (or a page that overlaps
the last one) adds nothing. A load is taken in whole or not at all. See docs/adr/0060.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from reconciliation import business_day
from reconciliation.lines import Columns, Line
from reconciliation.models import Load
from reconciliation.services import engine
from reconciliation.states import EntryKind, LoadState

_BLOCK: Final = 2_000  # lines in one write
_TABS: Final = len(Line._fields) - 6  # between the texts of a line
LOCK: Final = 0x0B00C5  # advisory: one load is moved into the books at a time, so its ids lie together
_DOWN: Final = frozenset({EntryKind.REFUND, EntryKind.REVERSAL, EntryKind.FEE, EntryKind.PAYOUT})


class Total(NamedTuple):
    """Staged lines of one kind, status and currency, and their sum in minor units."""

    kind: str
    status: str
    currency: str
    lines: int
    amount: int


@dataclass(frozen=True, slots=True)
class TakenIn:
    """Lines that came into the book, and lines that were there already."""

    new: int
    known: int


Check = Callable[[Sequence[Total]], str]


def signed(kind: str, amount: int) -> int:
    """The amount of a book that writes every amount without a sign, as it counts in the balance."""
    return -abs(amount) if kind in _DOWN else amount


def nothing_to_object(totals: Sequence[Total]) -> str:
    return ""


def take_in(load: Load, lines: Iterable[Line | Columns], *, check: Check = nothing_to_object) -> TakenIn:
    """Put `lines` into the book of the load's feed, once; the load is then `loaded`.

    `check` sees the totals of what was staged and may answer a sentence: then the load is `held`
    with that reason and nothing was taken in. What `lines` raises comes through, with nothing taken
    in either. Works in one transaction; the caller moves the feed's watermark.
    """
    return take_in_by(load, lambda: _copy(lines), check=check)


def take_in_by(load: Load, stage: Callable[[], object], *, check: Check = nothing_to_object) -> TakenIn:
    """As `take_in`, with lines that `stage` puts into the staging table itself, by SQL."""
    with transaction.atomic():
        engine.run("stage")
        stage()
        totals = _totals()
        if objection := check(totals):
            _end(load, LoadState.HELD, lines=_lines(totals), reason=objection[:400])
            return TakenIn(0, 0)
        taken = _move(load, staged=_lines(totals))
        _end(load, LoadState.LOADED, lines=_lines(totals), new=taken.new, known=taken.known)
    return taken


def _copy(lines: Iterable[Line | Columns]) -> None:
    """As text that we write ourselves: psycopg's row by row costs as much as everything else together."""
    statement = f"COPY staged ({', '.join(Line._fields)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for block in _texts(lines):
            copy.write(block)


def _texts(lines: Iterable[Line | Columns]) -> Iterator[str]:
    waiting: list[str] = []
    for piece in lines:
        waiting.append(_all_as_text(piece) if isinstance(piece, Columns) else _as_text(piece))
        if len(waiting) >= _BLOCK or isinstance(piece, Columns):
            yield "".join(waiting)
            waiting.clear()
    yield "".join(waiting)


def _all_as_text(lines: Columns) -> str:
    """As `_as_text` of each; column by column, where nothing has to be escaped."""
    line, kind, amount, currency, at, *texts = lines.fields
    fields = (map(str, line), kind, map(str, amount), currency, map(datetime.isoformat, at), *texts)
    text = "\n".join(map("\t".join, zip(*fields, strict=True))) + "\n"
    marks = text.count("\t"), text.count("\n"), text.count("\\"), text.count("\r")
    is_plain = marks == ((len(fields) - 1) * len(lines), len(lines), 0, 0)
    return text if is_plain else "".join(map(_as_text, lines))


def _as_text(line: Line) -> str:
    texts = "\t".join(line[5:])
    if "\\" in texts or "\n" in texts or "\r" in texts or texts.count("\t") != _TABS:
        texts = "\t".join(map(_escaped, line[5:]))
    return f"{line[0]}\t{line[1]}\t{line[2]}\t{line[3]}\t{line[4].isoformat()}\t{texts}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _totals() -> list[Total]:
    return [
        Total(kind, status, currency, lines, int(amount))
        for kind, status, currency, lines, amount in engine.run("staged")
    ]


def _lines(totals: Iterable[Total]) -> int:
    return sum(total.lines for total in totals)


def _move(load: Load, *, staged: int) -> TakenIn:
    feed = load.feed
    engine.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    engine.execute("SET LOCAL work_mem = '64MB'")  # for the sort
    rows = engine.run(
        "take_in",
        {
            "side": feed.side,
            "source": feed.source,
            "load": load.pk,
            "shift": business_day.shift(feed.cut_off),
        },
    )
    load.totals = {currency: [lines, int(amount)] for currency, lines, amount, _first, _last in rows}
    load.first_entry = min((first for *_rest, first, _last in rows), default=None)
    load.last_entry = max((last for *_rest, last in rows), default=None)
    new = sum(lines for lines, _amount in load.totals.values())
    return TakenIn(new=new, known=staged - new)


def _end(load: Load, state: LoadState, **values: Any) -> None:
    load.state, load.ended_at = state, timezone.now()
    for name, value in values.items():
        setattr(load, name, value)
    load.save()
