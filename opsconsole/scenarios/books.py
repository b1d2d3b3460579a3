"""The demo's books: what gateways and Head Office say of the days gone by, with the usual differences in it.

Files as they would come, loaded as finance loads them: a few payments that Head Office was never told, a fee that
somebody took off some of them, an entry booked twice, money nobody knows, a payment that a gateway took back. The
sandbox's Head Office holds the same entries, so that a correction or a reversal finds what it is about.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from opsconsole.sandbox.books import Books
from opsconsole.scenarios import past
from reconciliation import business_day
from reconciliation.models import Entry, Load, RunSchedule
from reconciliation.schedules import Schedule, next_run
from reconciliation.services import loading
from reconciliation.services.feeds import feed_of
from reconciliation.services.ours import copy_ours
from reconciliation.services.runs import reconcile
from reconciliation.states import EntryKind, RunScope, Side

ACTOR = "user:budi"
RULE = "every:300"
TAKEN_OFF = 2_500  # rupiah, by Head Office's import of one branch
HO_COLUMNS = ("entry_id", "entry_ref", "order_ref", "kind", "method", "currency", "amount", "posted_at")
GATEWAY_COLUMNS = (
    *("Order ID", "Payment type", "Currency", "Amount", "Transaction ID", "Transaction status"),
    *("Transaction time", "Settlement time"),
)
Row = tuple[object, ...]


def fill(say: Callable[[str], None], *, sandbox: Books | None = None) -> int:
    """Load the books of the days gone by and compare them twice, once only. How many files.

    `sandbox` are the books of a sandbox that does not run yet; without them Head Office knows nothing of its files.
    """
    if is_filled():
        return 0
    copy_ours()
    paid = list(
        Entry.objects.filter(side=Side.OURS, order_reference__startswith=past.PREFIX, kind=EntryKind.PAYMENT).order_by(
            "occurred_at", "pk"
        )
    )
    entries = _numbered(_entries(paid))
    late = _numbered(_late(paid), after=len(entries))
    if sandbox is not None:
        _hold(sandbox, [*entries, *late])
    files = [*_gateway_files(paid), ("ho-entries.csv", Side.HO, "ho", "ho", HO_COLUMNS, entries)]
    for file in files:
        _load(*file)
    reconcile(scope=RunScope.FULL, actor=ACTOR)
    _load("ho-late-entries.csv", Side.HO, "ho", "ho", HO_COLUMNS, late)
    reconcile(actor=ACTOR)
    _begin_by_the_clock()
    say(f"{len(files) + 1} files in the books, and two runs over them")
    return len(files) + 1


def is_filled() -> bool:
    return Load.objects.filter(actor=ACTOR).exists()


def _begin_by_the_clock() -> None:
    at = next_run(Schedule.read(RULE), weekdays="1234567", after=timezone.now())
    RunSchedule.objects.create(scope=RunScope.CHANGES, rule=RULE, next_at=at)


def _load(name: str, side: Side, source: str, layout: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    load = loading.receive(
        [text.getvalue().encode()],
        feed=feed_of(side, source),
        name=name,
        layout=layout,
        actor=ACTOR,
        currency="IDR",
        stated={"complete_up_to": _today().isoformat()},
    )
    loading.work(load.pk)


def _today() -> datetime:
    """Where the last business day that is over ends."""
    return business_day.begins(business_day.of(timezone.now()))


def _entries(paid: Sequence[Entry]) -> Iterator[Row]:
    """Head Office's entries: most as they should be."""
    for number, line in enumerate(paid):
        if not _is_untold(number):
            yield _entry(line, _off(number, line))
        if number % 67 == 11:
            yield _entry(line, line.amount)  # booked twice
    for number, line in enumerate(paid[30:32]):
        yield ("", f"MRG-24-0{number:04}", "payment", "cash", "IDR", 85_000, _at(line, 3))


def _is_untold(number: int) -> bool:
    return number % 23 == 5


def _off(number: int, line: Entry) -> int:
    if number % 19 == 3:
        return line.amount - TAKEN_OFF
    return line.amount + 90_000 if number == 40 else line.amount


def _late(paid: Sequence[Entry]) -> Iterator[Row]:
    """Half of what Head Office was not told comes a file later."""
    for number, line in enumerate(paid):
        if _is_untold(number) and number % 2:
            yield _entry(line, line.amount)


def _entry(line: Entry, amount: int) -> Row:
    return (line.reference, line.order_reference, "payment", line.method, line.currency, amount, _at(line, 2))


def _numbered(entries: Iterable[Row], *, after: int = 0) -> list[Row]:
    """With Head Office's own numbers, which it counts up."""
    return [(f"HO-{number:09d}", *entry) for number, entry in enumerate(entries, after + 1)]


def _hold(sandbox: Books, entries: Iterable[Row]) -> None:
    for row in entries:
        entry = dict(zip(HO_COLUMNS, row, strict=True))
        at = datetime.fromisoformat(str(entry.pop("posted_at"))).replace(tzinfo=business_day.ZONE).isoformat()
        entry |= {"occurred_at": at, "recorded_at": at, "branch": ""}
        asked = {name: entry[name] for name in ("order_ref", "amount", "currency", "kind", "occurred_at")}
        sandbox.put("ho", "entries", str(row[0]), {**entry, "asked": asked})


def _gateway_files(paid: Sequence[Entry]) -> Iterator[tuple[str, Side, str, str, Sequence[str], list[Row]]]:
    """One report a gateway of the days that are over."""
    for gateway in ("midtrans", "xendit", "nicepay"):
        lines = [line for line in paid if line.source == gateway and line.occurred_at < _today()]
        rows = list(_payments(gateway, lines))
        yield f"{gateway}-settlement.csv", Side.GATEWAY, gateway, "midtrans", GATEWAY_COLUMNS, rows


def _payments(gateway: str, lines: Sequence[Entry]) -> Iterator[Row]:
    for number, line in enumerate(lines):
        status = "deny" if number == 21 else "settlement"
        if number % 53 != 17:
            yield _payment(line, f"{gateway[:2].upper()}-{number:06d}", line.reference, line.amount, status)
    for number, line in enumerate(lines[8:10]):
        theirs = f"{gateway[:2].upper()}-9{number:05}"
        yield _payment(line, theirs, f"UNKNOWN-{gateway}-{number}", 132_000, "settlement")


def _payment(line: Entry, theirs: str, reference: str, amount: int, status: str) -> Row:
    return (reference, line.method, "IDR", f"{amount}.00", theirs, status, _at(line, 0), _at(line, 1))


def local(at: datetime) -> datetime:
    """By the clock of the files."""
    return at.astimezone(business_day.ZONE)


def _at(line: Entry, minutes: int) -> str:
    return f"{local(line.occurred_at + timedelta(minutes=minutes)):%Y-%m-%d %H:%M:%S}"
