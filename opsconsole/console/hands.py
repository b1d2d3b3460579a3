"""The queue of sagas that need a person: counts by kind, partner and cause, the money at stake, oldest first."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from opsconsole.console import keyset
from opsconsole.console.access import allowed
from opsconsole.console.chips import NONE, Chip, Option, words_of
from opsconsole.console.formats import duration
from opsconsole.console.live import answer
from opsconsole.console.overview import CannotKnow, Figure
from opsconsole.console.reading import known
from opsconsole.console.saga_words import cause_label, kind_label
from opsconsole.console.staff import names_by_id, person
from opsconsole.console.stuck_head import grouped, main_sum
from opsconsole.console.tones import Tone
from orders import names
from orders.queries.hands import Hand, Share, Wanted, chosen, hands_page, money_of, shares
from orders.queries.places import Place

LISTS: Final[Mapping[str, str]] = {"kind": "kinds", "cause": "causes", "partner": "partners"}
NAMES: Final = (*LISTS, "owner")
ME: Final = "me"
_LABELS: Final[Mapping[str, Promise]] = {
    "kind": gettext_lazy("Kind"),
    "cause": gettext_lazy("Cause"),
    "partner": gettext_lazy("Partner"),
    "owner": gettext_lazy("Owner"),
}
_VALUES: Final[Mapping[str, Callable[[Share], str]]] = {
    "kind": lambda share: share.kind,
    "cause": lambda share: share.cause,
    "partner": lambda share: share.partner,
}
_CALLED: Final[Mapping[str, Callable[[str], str]]] = {
    "kind": kind_label,
    "cause": cause_label,
    "partner": names.system,
}


class Asked(keyset.Asked):
    names = NAMES
    places = Place

    def wanted(self, user_id: int) -> Wanted:
        lists = {field: self.choices.many(name) for name, field in LISTS.items()}
        owner = self.choices.one("owner")
        return Wanted(**lists, owner=_owner(owner, user_id), unowned=owner == NONE)


def _owner(value: str, user_id: int) -> int | None:
    """A user's id; nobody has 0, so that a name nobody bears finds nothing."""
    if not value or value == NONE:
        return None
    return user_id if value == ME else int(value) if value.isdecimal() and len(value) < 10 else 0


@dataclass(frozen=True, kw_only=True)
class Row:
    """One saga of the list."""

    hand: Hand
    kind: str
    cause: str
    owner: str

    @property
    def code(self) -> str:
        return f"{self.hand.public_id}-{self.hand.number}"


@dataclass(frozen=True, kw_only=True)
class HandList(keyset.KeysetList):
    """One page, and the figures of all that match."""

    url_name = "hands"
    at: datetime
    rows: Sequence[Row]
    total: str
    everything: int
    figures: Sequence[tuple[Promise, Figure]]
    chips: Sequence[Chip]

    @property
    def words(self) -> list[str]:
        """The filters that are on, for the empty list that names them."""
        return words_of(self.chips)


@require_GET
@allowed("view_orders")
def hands(request: HttpRequest) -> HttpResponse:
    asked, user = Asked.read(request.GET), person(request)
    found = known(lambda: read_hands(asked, user_id=user.pk))
    here = reverse("hands") if isinstance(found, CannotKnow) else found.here
    context = {"list": found, "asked": asked, "here": here, "section": "orders", "place": "hands"}
    return answer(request, "console/hands.html", "console/hands/live.html", context)


def read_hands(asked: Asked, *, user_id: int) -> HandList:
    """A fixed number of queries: limits and rows, limits and counts, people."""
    wanted = asked.wanted(user_id)
    page = hands_page(wanted, after=asked.after, before=asked.before, limit=keyset.PAGE)
    all_shares, people, now = shares(), names_by_id(), timezone.now()
    matching = chosen(all_shares, wanted)
    return HandList(
        at=now,
        asked=asked,
        rows=[_row(hand, people) for hand in page.rows],
        total=grouped(_count(matching)),
        everything=_count(all_shares),
        figures=_figures(matching, now=now),
        chips=[
            *(_chip(name, asked, wanted, all_shares) for name in LISTS),
            _owners(asked, all_shares, people, user_id),
        ],
        next_place=page.next,
        previous_place=page.previous,
    )


def _row(hand: Hand, people: Mapping[int, str]) -> Row:
    return Row(
        hand=hand,
        kind=kind_label(hand.kind),
        cause=cause_label(hand.cause),
        owner=people.get(hand.owner_id, "") if hand.owner_id else "",
    )


def _count(some: Iterable[Share]) -> int:
    return sum(share.count for share in some)


def _figures(matching: Sequence[Share], *, now: datetime) -> list[tuple[Promise, Figure]]:
    count, held = _count(matching), money_of(matching)
    text, others = main_sum(held)
    oldest = min((share.oldest for share in matching), default=None)
    unowned = _count(share for share in matching if share.owner_id is None)
    return [
        (gettext_lazy("Need a hand"), Figure(text=grouped(count), tone=Tone.FAILED if count else Tone.DONE)),
        (
            gettext_lazy("Money at stake"),
            Figure(text=text, note=f"+ {others}" if others else "", tone=Tone.ATTENTION if held else Tone.DONE),
        ),
        (
            gettext_lazy("Oldest"),
            Figure(text=duration(now - oldest) if oldest else "–", tone=Tone.ATTENTION if oldest else Tone.DONE),
        ),
        (
            gettext_lazy("Nobody's"),
            Figure(
                text=grouped(unowned),
                tone=Tone.ATTENTION if unowned else Tone.DONE,
                href=f"{reverse('hands')}?owner={NONE}",
            ),
        ),
    ]


def _chip(name: str, asked: Asked, wanted: Wanted, all_shares: Sequence[Share]) -> Chip:
    """Counts are of what the other filters let through, so that every value says what choosing it gives."""
    any_value: Any = {LISTS[name]: ()}
    others = chosen(all_shares, replace(wanted, **any_value))
    on, value_of = asked.choices.many(name), _VALUES[name]
    every = dict.fromkeys((*sorted({value_of(share) for share in all_shares} - {""}), *on))
    options = [
        Option(
            value=value,
            label=_CALLED[name](value),
            count=_count(share for share in others if value_of(share) == value),
            is_on=value in on,
        )
        for value in every
    ]
    return Chip(name=name, label=_LABELS[name], options=options)


def _owners(asked: Asked, all_shares: Sequence[Share], people: Mapping[int, str], user_id: int) -> Chip:
    on = asked.choices.one("owner")
    others = sorted({share.owner_id for share in all_shares if share.owner_id} - {user_id})
    pairs = [("", _("Anybody")), (ME, _("Me")), (NONE, _("Nobody"))]
    pairs += [(str(each), people.get(each, str(each))) for each in others]
    options = [Option(value=value, label=label, is_on=value == on and bool(value)) for value, label in pairs]
    return Chip(name="owner", label=_LABELS["owner"], options=options, is_single=True)
