"""Dead letters: what our consumers could not use, why, and what a person does with it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from opsconsole.console import keyset
from opsconsole.console.access import allowed
from opsconsole.console.chips import Chip, Choices, Option, words_of
from opsconsole.console.live import answer
from opsconsole.console.overview import CannotKnow
from opsconsole.console.reading import known
from opsconsole.console.stuck_head import grouped
from orders.models import DeadLetter
from orders.queries.letters import Wanted, counts, letters_page, log_of
from orders.queries.order_page import people
from orders.queries.places import Place
from orders.queries.sentences import MOVES
from orders.queries.telling import who
from orders.states import LetterState

NAMES: Final = ("state", "consumer", "reason")
_LABELS: Final = {
    "state": gettext_lazy("State"),
    "consumer": gettext_lazy("Consumer"),
    "reason": gettext_lazy("Reason"),
}


class Asked(keyset.Asked):
    names = NAMES
    places = Place

    @property
    def wanted(self) -> Wanted:
        states = tuple(state for state in self.choices.many("state") if state in LetterState.values)
        return Wanted(states, self.choices.many("consumer"), self.choices.many("reason"))


@dataclass(frozen=True, kw_only=True)
class LetterList(keyset.KeysetList):
    """One page. `total` is what is open and matches; closed letters are not counted."""

    url_name = "letters"
    at: datetime
    rows: Sequence[DeadLetter]
    dead: int
    total: str
    chips: Sequence[Chip]

    @property
    def words(self) -> list[str]:
        """The filters that are on, for the empty list that names them."""
        return words_of(self.chips)


@require_GET
@allowed("view_letters")
def letters(request: HttpRequest) -> HttpResponse:
    asked = Asked.read(request.GET)
    found = known(lambda: read_letters(asked))
    here = reverse("letters") if isinstance(found, CannotKnow) else found.here
    context = {"list": found, "asked": asked, "here": here, "section": "services"}
    return answer(request, "console/letters.html", "console/letters/live.html", context)


def read_letters(asked: Asked) -> LetterList:
    """Three queries: limits, a page, the counts of what is open."""
    rows, next_place = letters_page(asked.wanted, after=asked.after, limit=keyset.PAGE)
    open_now = counts()
    return LetterList(
        at=timezone.now(),
        asked=asked,
        rows=rows,
        dead=sum(count for state, _consumer, _reason, count in open_now if state == LetterState.DEAD),
        total=_total(asked, open_now, shown=len(rows)),
        chips=[_chip(name, asked.choices, open_now) for name in NAMES],
        next_place=next_place,
    )


def _total(asked: Asked, open_now: Sequence[tuple[str, str, str, int]], *, shown: int) -> str:
    wanted = asked.wanted
    if any(state not in {LetterState.DEAD, LetterState.RETRYING} for state in wanted.states):
        return f"{shown}+"
    lists = (wanted.states, wanted.consumers, wanted.reasons)
    matching = (
        row[3] for row in open_now if all(not chosen or row[place] in chosen for place, chosen in enumerate(lists))
    )
    return grouped(sum(matching))


def _chip(name: str, choices: Choices, open_now: Sequence[tuple[str, str, str, int]]) -> Chip:
    on, place = choices.many(name), NAMES.index(name)
    found: dict[str, int] = {}
    for row in open_now:
        found[str(row[place])] = found.get(str(row[place]), 0) + row[3]
    values = LetterState.values if name == "state" else sorted({*found, *on})
    labels = dict(LetterState.choices) if name == "state" else {}
    options = [
        Option(value=value, label=labels.get(value, value), count=found.get(value), is_on=value in on)
        for value in values
    ]
    return Chip(name=name, label=_LABELS[name], options=options)


@require_GET
@allowed("view_letters")
def letter(request: HttpRequest, pk: int) -> HttpResponse:
    return answer(request, "console/letter.html", "console/letters/letter.html", context_of(found_letter(pk)))


def found_letter(pk: int) -> DeadLetter:
    found = DeadLetter.objects.select_related("order").filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


@dataclass(frozen=True, slots=True)
class Act:
    """One line of what became of a letter."""

    sentence: str
    by: str
    reason: str
    at: datetime


def context_of(found: DeadLetter) -> dict[str, object]:
    log = log_of(found)
    names = people([row.actor for row in log])
    return {
        "letter": found,
        "body": pretty(found.body),
        "raw": pretty(bytes(found.raw).decode(errors="replace")) if found.is_edited else "",
        "log": [Act(str(MOVES["letter", row.verb]), who(row.actor, names), row.reason, row.recorded_at) for row in log],
        "now": timezone.now(),
        "section": "services",
    }


def pretty(text: str) -> str:
    """JSON with line breaks; what is no JSON as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def draw(request: HttpRequest, body: str, context: dict[str, object], *, status: int = 200) -> HttpResponse:
    """A dialog, or the same content as a page for those without a script."""
    is_part = bool(request.headers.get("HX-Request"))
    template = "console/letters/dialog.html" if is_part else "console/letters/page.html"
    return render(request, template, {**context, "body_template": body, "is_page": not is_part}, status=status)
