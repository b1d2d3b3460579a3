"""Linking lines of both books by hand: look for them, see what they come to, confirm with a reason; and undo."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from opsconsole.console.access import allowed, refuse
from opsconsole.console.book_shown import source_name, told_actor
from opsconsole.console.book_tones import LINK_TONES
from opsconsole.console.chips import Choices, day_of
from opsconsole.console.roles import RIGHT_BY_CODENAME
from opsconsole.console.staff import actor_name, actor_of, person
from opsconsole.console.sums import parsed_sum
from orders.errors import Refusal
from orders.queries.order_page import people
from reconciliation.models import BookEvent, Break, Entry, HandLink
from reconciliation.queries import lines as queries
from reconciliation.queries.lines import LineFilter
from reconciliation.queries.loads import all_feeds
from reconciliation.services import links
from reconciliation.services.rounds import ring_run
from reconciliation.states import LinkState, Pairing, Side

NAMES: Final = ("side", "q", "from", "to", "amount", "source", "lines", "break")
ALL: Final = "all"  # also lines that are matched already
AROUND: Final = timedelta(days=3)  # of a break's day: the other book has its line on another one


@dataclass(frozen=True)
class Asked:
    """What the address says: which two books, what is looked for, and the break it began with."""

    choices: Choices

    @classmethod
    def read(cls, query: QueryDict) -> "Asked":
        return cls(Choices.read(query, NAMES))

    @property
    def pairing(self) -> Pairing:
        side = self.choices.one("side")
        return Pairing(side) if side in Pairing.values else Pairing.HO

    @property
    def wants_all(self) -> bool:
        """A name is looked for among all lines; what else is looked for is to be linked, so it has no partner yet."""
        return bool(self.choices.one("q")) or self.choices.one("lines") == ALL

    def wanted(self, pairing: Pairing) -> LineFilter:
        choices = self.choices
        return LineFilter(
            text=choices.one("q"),
            first_day=day_of(choices.one("from")),
            last_day=day_of(choices.one("to")),
            amount=parsed_sum(choices.one("amount")) if choices.one("amount") else None,
            source=choices.one("source"),
            open_in=None if self.wants_all else pairing,
        )


def theirs(pairing: Pairing) -> Side:
    return Side.HO if pairing == Pairing.HO else Side.GATEWAY


@require_http_methods(["GET", "POST"])
@allowed("view_reconciliation")
def link(request: HttpRequest) -> HttpResponse:
    """GET looks for lines; POST shows what the ticked ones come to, and with `confirmed` links them."""
    if request.method == "GET":
        return _draw(request, Asked.read(request.GET))
    right = RIGHT_BY_CODENAME["propose_repair"]
    if not person(request).has_perm(right.permission):
        return refuse(request, right)
    asked = Asked.read(request.POST)
    try:
        return _confirmed(request, asked) if request.POST.get("confirmed") else _look(request, asked)
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return _draw(request, asked, status=422)


def _look(request: HttpRequest, asked: Asked) -> HttpResponse:
    picked = links.pick(asked.pairing, _ids(request, "ours"), _ids(request, "theirs"))
    context = {"section": "reconciliation", "place": "links", "picked": picked, **_sides(asked.pairing)}
    return render(request, "console/links_by_hand/confirm.html", context | {"pairing": asked.pairing})


def _confirmed(request: HttpRequest, asked: Asked) -> HttpResponse:
    made, run = links.link(
        asked.pairing,
        _ids(request, "ours"),
        _ids(request, "theirs"),
        actor=actor_of(request),
        reason=request.POST.get("reason", ""),
    )
    if run is None:
        messages.success(request, _("Proposed. A second person has to agree."))
    else:
        ring_run(run.pk)
        messages.success(request, _("Linked. The days of these lines are being compared again."))
    return redirect("book-link", pk=made.pk)


def _ids(request: HttpRequest, name: str) -> list[int]:
    given = request.POST.getlist(name)[: links.MOST_LINES + 1]
    return [int(text) for text in given if text.isascii() and text.isdigit() and len(text) < 19]


def _draw(request: HttpRequest, asked: Asked, *, status: int = 200) -> HttpResponse:
    began = _began(asked)
    pairing = asked.pairing if began is None else Pairing(began.pairing)
    wanted = asked.wanted(pairing) if began is None else _about(began, asked.wanted(pairing))
    ticked = {*_ids(request, "ours"), *_ids(request, "theirs"), *([*began.ours, *began.theirs] if began else [])}
    context = {
        "section": "reconciliation",
        "place": "links",
        "asked": asked,
        "first": asked.choices.first() | _window(wanted),
        "lines": [("", _("Open lines")), (ALL, _("All lines"))],
        "pairing": pairing,
        "pairings": Pairing.choices,
        "ours": _offered(Side.OURS, wanted, ticked),
        "theirs": _offered(theirs(pairing), wanted, ticked),
        "is_empty": wanted.is_empty and not ticked,
        "sources": [(name, source_name(name)) for name in sorted({feed.source for feed in all_feeds()} - {"ledger"})],
        "links": _link_rows(queries.links()),
        **_sides(pairing),
    }
    return render(request, "console/links_by_hand/link.html", context, status=status)


def _about(began: Break, wanted: LineFilter) -> LineFilter:
    """What may belong to a break: about its amount first, and where no days are given around its own."""
    near = replace(wanted, near=abs(began.difference))
    day = began.business_date
    return replace(near, first_day=day - AROUND, last_day=day + AROUND) if wanted.is_empty else near


def _window(wanted: LineFilter) -> dict[str, str]:
    """The days that are looked at, also where a break chose them."""
    days = {"from": wanted.first_day, "to": wanted.last_day}
    return {name: day.isoformat() for name, day in days.items() if day}


def _sides(pairing: Pairing) -> dict[str, str]:
    return {"our_side": str(Side.OURS.label), "their_side": str(theirs(pairing).label)}


def _began(asked: Asked) -> Break | None:
    text = asked.choices.one("break")
    return Break.objects.filter(pk=int(text)).first() if text.isascii() and text.isdigit() and len(text) < 19 else None


def _offered(side: Side, wanted: LineFilter, ticked: set[int]) -> list[tuple[Entry, bool]]:
    """Ticked lines first, so that a new search never loses them."""
    kept = [line for line in queries.lines_of(list(ticked)) if line.side == side]
    found = [line for line in queries.lines(side, wanted) if line.pk not in ticked]
    return [*((line, True) for line in kept), *((line, False) for line in found)]


def _link_rows(found: Sequence[HandLink]) -> list[dict[str, Any]]:
    known = people(each.proposer for each in found)
    return [
        {
            "link": each,
            "tone": LINK_TONES[each.state],
            "state": str(LinkState(each.state).label),
            "who": told_actor(each.proposer, known),
            "books": str(Pairing(each.pairing).label),
        }
        for each in found
    ]


@require_GET
@allowed("view_reconciliation")
def one_link(request: HttpRequest, pk: int) -> HttpResponse:
    found = queries.link_of(pk)
    if found is None:
        raise Http404
    events = list(BookEvent.objects.filter(subject=f"link:{pk}").order_by("pk"))
    known = people([found.proposer, *(event.actor for event in events)])
    user = person(request)
    context = {
        "section": "reconciliation",
        "place": "links",
        "link": found,
        "row": _link_rows([found])[0],
        "ours": queries.lines_of(found.ours),
        "theirs": queries.lines_of(found.theirs),
        "events": [(event, _VERBS[event.verb](), told_actor(event.actor, known)) for event in events],
        "is_own": found.proposer == actor_name(user),
        **_sides(Pairing(found.pairing)),
    }
    return render(request, "console/links_by_hand/one.html", context)


_VERBS: Final[dict[str, Any]] = {
    "propose": lambda: _("Proposed"),
    "approve": lambda: _("Approved"),
    "refuse": lambda: _("Refused"),
    "withdraw": lambda: _("Proposal taken back"),
    "undo": lambda: _("Taken back"),
}


@require_POST
@allowed("approve_repair")
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Agree to a proposal, refuse it, or take a link back, always with a reason."""
    if queries.link_of(pk) is None:
        raise Http404
    reason, actor = request.POST.get("reason", ""), actor_of(request)
    try:
        messages.success(request, _decided(request.POST.get("do", ""), pk, actor=actor, reason=reason))
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect("book-link", pk=pk)


def _decided(do: str, pk: int, *, actor: str, reason: str) -> str:
    match do:
        case "approve":
            ring_run(links.approve(pk, actor=actor, reason=reason)[1].pk)
            return _("Linked. The days of these lines are being compared again.")
        case "refuse":
            ended = links.refuse(pk, actor=actor, reason=reason)
            is_own = ended.state == LinkState.WITHDRAWN
            return _("Taken back. Nothing is linked.") if is_own else _("Refused. Nothing is linked.")
        case "undo":
            ring_run(links.undo(pk, actor=actor, reason=reason)[1].pk)
            return _("Taken back. The days of these lines are being compared again.")
    raise Http404
