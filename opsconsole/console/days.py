"""Business days: the calendar, a day with its bridge, what a step is made of, and what finance decides."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from opsconsole.console.access import allowed
from opsconsole.console.day_shown import month_of, shown_day, shown_rows
from opsconsole.console.export import csv_file
from opsconsole.console.formats import iso
from opsconsole.console.live import answer
from opsconsole.console.staff import actor_of
from orders.errors import Refusal
from reconciliation import business_day
from reconciliation.day_states import Book
from reconciliation.models import Day, DayItem, Entry
from reconciliation.queries import days as queries
from reconciliation.services import bridges, closing


@require_GET
@allowed("view_reconciliation")
def days(request: HttpRequest) -> HttpResponse:
    """A month as a calendar: each day's state, and the money in it that nobody can name."""
    today = business_day.of(timezone.now())
    context = {"section": "reconciliation", "place": "days", **month_of(_month(request, today), today=today)}
    return answer(request, "console/days/month.html", "console/days/month_live.html", context)


@require_GET
@allowed("view_reconciliation")
def day(request: HttpRequest, on: date) -> HttpResponse:
    context = {"section": "reconciliation", **shown_day(_found(on), request)}
    return answer(request, "console/days/day.html", "console/days/day_live.html", context)


@require_GET
@allowed("view_reconciliation")
def rows(request: HttpRequest, on: date) -> HttpResponse:
    """What one step is made of: breaks, orders or lines, each one click away."""
    found, asked = _kept(on), _asked(request)
    context = {"section": "reconciliation", "day": found, **shown_rows(found, request, **asked)}
    return answer(request, "console/days/rows.html", "console/days/rows_live.html", context)


@require_GET
@allowed("view_reconciliation")
def rows_csv(request: HttpRequest, on: date) -> StreamingHttpResponse:
    """Every row of a step; of sums of lines, the lines."""
    found, asked = _kept(on), _asked(request)
    where = {"book": asked["book"], "step": asked["step"], "gateway": asked["gateway"]}
    items = queries.items_of(found, **where)
    if items.exists():
        return csv_file(f"day-{on}-{asked['step']}", _ITEM_HEAD, map(_item_cells, items.iterator(chunk_size=1_000)))
    lines = queries.lines_of(found, **where).iterator(chunk_size=1_000)
    return csv_file(f"day-{on}-{asked['step']}", _LINE_HEAD, map(_line_cells, lines))


_ITEM_HEAD: Final = ("gateway", "step", "name", "amount_minor", "currency", "lines", "carried_from")
_LINE_HEAD: Final = (
    *("business_date", "book", "source", "kind", "order", "reference"),
    *("amount_minor", "currency", "at"),
)


def _item_cells(item: DayItem) -> Sequence[Any]:
    carried = item.carried_from or ""
    return (item.gateway, item.step, item.name, item.amount, item.currency, len(item.entries), carried)


def _line_cells(line: Entry) -> Sequence[Any]:
    return (
        *(line.business_date, line.side, line.source, line.kind, line.order_reference, line.reference),
        *(line.amount, line.currency, iso(line.occurred_at)),
    )


@require_POST
@allowed("close_days")
def decide(request: HttpRequest, on: date, deed: str) -> HttpResponse:
    """Compute anew, sign, take back, lock, ask to reopen, reopen, keep locked."""
    if deed not in DEEDS:
        raise Http404
    actor, reason = actor_of(request), request.POST.get("reason", "")
    try:
        said = DEEDS[deed](on, actor, reason, request.POST)
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, said)
    return redirect("day", on=on)


@require_GET
@allowed("view_reconciliation")
def verify(request: HttpRequest, on: date) -> HttpResponse:
    """Hold a closed day's lines in the books against the digest that was kept."""
    found = _kept(on)
    if closing.is_unchanged(found):
        messages.success(request, _("Unchanged: the books hold exactly the lines whose digest was kept."))
    else:
        messages.error(request, _("Changed: the books no longer hold the lines whose digest was kept."))
    return redirect("day", on=on)


Deed = Callable[[date, str, str, Mapping[str, str]], str]


def _compute(on: date, actor: str, reason: str, given: Mapping[str, str]) -> str:
    bridges.refresh(on)
    return _("Computed anew from the books.")


def _sign(on: date, actor: str, reason: str, given: Mapping[str, str]) -> str:
    try:
        closing.sign(on, digest=given.get("digest", ""), actor=actor, reason=reason)
    except Refusal:
        bridges.refresh(on)  # the figures that were read may be old ones; who looks again sees today's
        raise
    return _("Signed. The figures stay as they are; lock the day to close it.")


def _unsign(on: date, actor: str, reason: str, given: Mapping[str, str]) -> str:
    closing.unsign(on, actor=actor, reason=reason)
    return _("The signature is taken back.")


def _lock(on: date, actor: str, reason: str, given: Mapping[str, str]) -> str:
    closing.lock(on, actor=actor)
    return _("Locked. What comes late is carried forward by name.")


def _ask_reopen(on: date, actor: str, reason: str, given: Mapping[str, str]) -> str:
    closing.ask_reopen(on, actor=actor, reason=reason)
    return _("A second person has to agree. The day stays closed until then.")


def _reopen(on: date, actor: str, reason: str, given: Mapping[str, str]) -> str:
    closing.reopen(on, actor=actor, reason=reason)
    return _("Reopened. The signature is void.")


def _keep_locked(on: date, actor: str, reason: str, given: Mapping[str, str]) -> str:
    closing.keep_locked(on, actor=actor, reason=reason)
    return _("The day stays locked.")


DEEDS: Final[Mapping[str, Deed]] = {
    "compute": _compute,
    "sign": _sign,
    "unsign": _unsign,
    "lock": _lock,
    "ask-reopen": _ask_reopen,
    "reopen": _reopen,
    "keep-locked": _keep_locked,
}


def _asked(request: HttpRequest) -> dict[str, Any]:
    given = request.GET
    book = given.get("book", "")
    if book not in Book.values:
        raise Http404
    gateway = given.get("gateway")
    return {"book": book, "step": given.get("step", "")[:24], "gateway": gateway[:24] if gateway is not None else None}


def _month(request: HttpRequest, today: date) -> date:
    try:
        return date.fromisoformat(f"{request.GET.get('month', '')[:7]}-01")
    except ValueError:
        return today.replace(day=1)


def _found(on: date) -> Day:
    """A day that nobody has computed yet is shown as one without figures."""
    if on > business_day.of(timezone.now()) + timedelta(days=1):
        raise Http404
    return queries.find_day(on) or Day(date=on)


def _kept(on: date) -> Day:
    found = queries.find_day(on)
    if found is None:
        raise Http404
    return found
