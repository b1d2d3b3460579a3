"""Dead letters: events that a consumer could not use. Oldest first, by keyset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan

from orders.models import DeadLetter, History
from orders.queries.places import Place
from orders.states import LetterState

OPEN: Final = (LetterState.DEAD, LetterState.RETRYING)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Empty means any; without states, what is still open."""

    states: tuple[str, ...] = ()
    consumers: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def wanted_letters(wanted: Wanted) -> QuerySet[DeadLetter]:
    rows = DeadLetter.objects.filter(state__in=wanted.states or OPEN)
    if wanted.consumers:
        rows = rows.filter(consumer__in=wanted.consumers)
    if wanted.reasons:
        rows = rows.filter(reason__in=wanted.reasons)
    return rows


def letters_page(wanted: Wanted, *, after: Place | None, limit: int) -> tuple[Sequence[DeadLetter], Place | None]:
    """A page, and the place to go on from; the bodies stay in the database."""
    rows = wanted_letters(wanted).select_related("order").defer("raw", "body").order_by("first_seen_at", "pk")
    if after is not None:
        rows = rows.filter(TupleGreaterThan(Tuple("first_seen_at", "pk"), (after.at, after.row_id)))
    found = list(rows[: limit + 1])
    more = len(found) > limit
    page = found[:limit]
    return page, Place(page[-1].first_seen_at, page[-1].pk) if more else None


def counts() -> Sequence[tuple[str, str, str, int]]:
    """(state, consumer, reason, how many) of what is open."""
    rows = DeadLetter.objects.filter(state__in=OPEN).values_list("state", "consumer", "reason")
    return list(rows.annotate(count=Count("pk")).order_by("state", "consumer", "reason"))


def dead() -> Mapping[str, int]:
    """How many letters wait for a person, by consumer."""
    rows = DeadLetter.objects.filter(state=LetterState.DEAD).values_list("consumer")
    return dict(rows.annotate(count=Count("pk")).order_by())


def log_of(letter: DeadLetter) -> Sequence[History]:
    """What became of a letter, oldest first: who, when, why."""
    rows = History.objects.filter(order_id=letter.order_id or 0, machine="letter", subject_id=letter.pk)
    return list(rows.order_by("seq"))
