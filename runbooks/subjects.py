"""What plans are about: orders, and everything else that an operator repairs. One entry for each kind.

To plan for a new kind of thing, add it here with what reads many of them at once, and register actions that
name it (`runbooks.registry`). Its words for people are in `opsconsole.console.subject_words`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Protocol

from django.db.models import Max
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders import names
from orders.models import ChannelPause, DeadLetter, DispatchEntry, Order, Saga
from orders.resilience import breaker
from orders.services import work
from orders.states import Channel
from reconciliation import business_day
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
    """A break with what its repairs are judged by: its order, our lines, and the other side's that are in question."""

    facts: Facts | None = None
    lines: Sequence[Entry] = ()
    own: Sequence[Entry] = ()


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
    entries = Entry.objects.in_bulk({pk for row in rows for pk in (*row.ours, *row.theirs)})
    facts, lines = gather(orders.values()), _their_lines(rows, entries)
    own = {str(row.pk): [entries[pk] for pk in row.ours if pk in entries] for row in rows}
    return {str(row.pk): _break(row, facts.get(orders.get(row.order_reference, 0)), lines, own) for row in rows}


Lines = Mapping[str, Sequence[Entry]]


def _break(row: Any, facts: Facts | None, lines: Lines, own: Lines) -> FoundBreak:
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
        own=own.get(str(row.pk), ()),
    )


def _their_lines(rows: Sequence[Any], entries: Mapping[int, Entry]) -> Lines:
    """Of each break, by its id. A payment that was reversed late is in Head Office's book and in no break: there it is
    the entry of the same order and amount that is in question. One query."""
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


# A row of these is an operator's action on their order: the version that counts is the order's.


def _sagas(keys: Sequence[str]) -> Mapping[str, Known]:
    """`row` is (the saga, its number among its order's, the order's facts)."""
    sagas = list(Saga.objects.filter(pk__in=numbers(keys)).order_by("pk"))
    facts = gather({saga.order_id for saga in sagas})
    siblings = Saga.objects.filter(order__in=facts).order_by("pk").values_list("order_id", "pk")
    places: dict[int, int] = {}
    seen: dict[int, int] = defaultdict(int)
    for order_id, pk in siblings:
        seen[order_id] += 1
        places[pk] = seen[order_id]
    return {str(saga.pk): _part(saga, facts[saga.order_id], places[saga.pk]) for saga in sagas}


def _part(row: Any, facts: Facts, place: int = 0) -> Found:
    order = facts.order
    return Found(str(row.pk), order.public_id, row.state, (row, place, facts), order.version, order.currency, order.pk)


def _dispatches(keys: Sequence[str]) -> Mapping[str, Known]:
    """`row` is (the entry, 0, the order's facts)."""
    entries = list(DispatchEntry.objects.filter(pk__in=numbers(keys)).select_related("step__saga"))
    facts = gather({entry.order_id for entry in entries})
    return {str(entry.pk): _part(entry, facts[entry.order_id]) for entry in entries}


# What is no row: settings and states of the platform.
# What stands in for a neighbour from the moment on in which nothing is sent to it (docs/degradation.md).
NEXT_BEST: Final[Mapping[str, Promise]] = {
    "midtrans": _("The next gateway that offers the method makes the links."),
    "xendit": _("The next gateway that offers the method makes the links."),
    "nicepay": _("The next gateway that offers the method makes the links."),
    "session_manager": _("The last price known stands in, and is marked."),
    "promo": _("Promos are skipped, and can be applied later."),
    "config": _("The copy of the settings on disk stands in."),
    "tpg": _("Paid orders queue for dispatch, and people dispatch by hand."),
}


def _breakers(keys: Sequence[str]) -> Mapping[str, Known]:
    """What an operator said counts as its state: a breaker that opens and closes by itself has not changed."""
    known = [breaker.state_of(key) for key in keys if key in breaker.names()]
    return {
        each.name: Found(each.name, names.system(each.name), each.state if each.is_forced else "automatic", each)
        for each in known
    }


def _channels(keys: Sequence[str]) -> Mapping[str, Known]:
    paused = {row.channel for row in ChannelPause.objects.filter(until__gt=timezone.now())}
    return {
        key: Found(key, str(Channel(key).label), "paused" if key in paused else "open", key)
        for key in keys
        if key in Channel.values
    }


def _queues(keys: Sequence[str]) -> Mapping[str, Known]:
    """Kinds of work, by the name of their bell; `row` is since when something of it is due, or None."""
    since = {key: work.waits_since(key) for key in keys if key in work.KINDS}
    return {key: Found(key, key, "waiting" if at else "idle", at) for key, at in since.items()}


def _days(keys: Sequence[str]) -> Mapping[str, Known]:
    """Business days, by date (ISO 8601), none in the future."""
    found = {key: _day(key) for key in keys}
    return {key: Found(key, key, "day", day) for key, day in found.items() if day is not None}


def _day(key: str) -> date | None:
    try:
        day = date.fromisoformat(key)
    except ValueError:
        return None
    return day if day <= business_day.of(timezone.now()) else None


_ALL: Final = (
    Subject(name="order", gather=_orders),
    Subject(name="saga", gather=_sagas),
    Subject(name="dispatch", gather=_dispatches),
    Subject(name="letter", gather=_letters),
    Subject(name="break", gather=_breaks),
    Subject(name="breaker", gather=_breakers),
    Subject(name="channel", gather=_channels),
    Subject(name="queue", gather=_queues),
    Subject(name="day", gather=_days),
)
SUBJECTS: Final[Mapping[str, Subject]] = {subject.name: subject for subject in _ALL}
