"""What plans are about: orders, and everything else that an operator repairs. One entry for each kind.

To plan for a new kind of thing, add it here with what reads many of them at once, and register actions that
name it (`runbooks.registry`). Its words for people are in `opsconsole.console.subject_words`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from django.db.models import Max

from orders.models import DeadLetter, Order
from reconciliation.models import Break, Entry
from reconciliation.states import BreakType, EntryKind, Side
from runbooks.facts import Facts, gather


class Known(Protocol):
    """What is known of one subject, of whatever kind: who it is, and how it stood when it was read.

    `version` grows with each change; 0 where its kind has none, and then only `state` tells of a change.
    """

    @property
    def key(self) -> str: ...
    @property
    def public_id(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def currency(self) -> str: ...
    @property
    def order_id(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Found:
    """A subject that is one row, or one setting: `row` is what previews and second looks judge by."""

    key: str
    public_id: str
    state: str
    row: Any
    version: int = 0
    currency: str = ""
    order_id: int | None = None


@dataclass(frozen=True, slots=True)
class FoundBreak(Found):
    """A break with what its repairs are judged by: its order, and the other side's lines that are in question."""

    facts: Facts | None = None
    lines: Sequence[Entry] = ()


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One kind. `gather` reads many by their keys in a fixed number of queries; who is not there is left out."""

    name: str
    gather: Callable[[Sequence[str]], Mapping[str, Known]]


def resource_of(subject: str, key: str) -> str:
    """How a subject is named wherever kinds are mixed: rows, locks, deeds."""
    return f"{subject}:{key}"


def numbers(keys: Iterable[str]) -> list[int]:
    """Those keys that are ids."""
    return [int(key) for key in keys if key.isdecimal() and len(key) < 19]


def _orders(keys: Sequence[str]) -> Mapping[str, Known]:
    return {str(order_id): facts for order_id, facts in gather(numbers(keys)).items()}


def _letters(keys: Sequence[str]) -> Mapping[str, Known]:
    rows = DeadLetter.objects.filter(pk__in=numbers(keys)).defer("raw")
    return {
        str(row.pk): Found(str(row.pk), row.event_id, row.state, row, row.version, order_id=row.order_id)
        for row in rows
    }


def _breaks(keys: Sequence[str]) -> Mapping[str, Known]:
    """A break has no version of its own: its last event stands for it, so that whatever happened to it since counts
    as a change."""
    rows = list(Break.objects.filter(pk__in=numbers(keys)).annotate(last=Max("events__id")))
    names = {row.order_reference for row in rows if row.order_reference}
    orders = dict(Order.objects.filter(public_id__in=names).values_list("public_id", "pk"))
    facts, lines = gather(orders.values()), _their_lines(rows)
    return {str(row.pk): _break(row, facts.get(orders.get(row.order_reference, 0)), lines) for row in rows}


def _break(row: Any, facts: Facts | None, lines: Mapping[str, Sequence[Entry]]) -> FoundBreak:
    name = row.order_reference or row.reference or row.identity[:64]
    return FoundBreak(
        key=str(row.pk),
        public_id=name,
        state=row.state,
        row=row,
        version=row.last or 0,
        currency=row.currency,
        order_id=facts.order.pk if facts else None,
        facts=facts,
        lines=lines.get(str(row.pk), ()),
    )


def _their_lines(rows: Sequence[Any]) -> Mapping[str, Sequence[Entry]]:
    """Of each break, by its id. A payment that was reversed late is in Head Office's book and in no break: there it is
    the entry of the same order and amount that is in question. Two queries."""
    entries = Entry.objects.in_bulk({pk for row in rows for pk in row.theirs})
    late = {row.order_reference for row in rows if row.type == BreakType.LATE_REVERSAL and row.order_reference}
    booked = Entry.objects.filter(side=Side.HO, order_reference__in=late, kind=EntryKind.PAYMENT)
    by_sum = {(entry.order_reference, entry.amount): entry for entry in booked.order_by("-pk")} if late else {}
    found: dict[str, Sequence[Entry]] = {}
    for row in rows:
        reversed_late = by_sum.get((row.order_reference, -row.ours_amount))
        found[str(row.pk)] = [entries[pk] for pk in row.theirs if pk in entries] or [
            each for each in (reversed_late,) if each is not None
        ]
    return found


_ALL: Final = (
    Subject(name="order", gather=_orders),
    Subject(name="letter", gather=_letters),
    Subject(name="break", gather=_breaks),
)
SUBJECTS: Final[Mapping[str, Subject]] = {subject.name: subject for subject in _ALL}
