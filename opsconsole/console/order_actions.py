"""Every operator's action ever applied to one order: by whom, let go by whom, what came of it, and its plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from opsconsole.console.access import allowed
from opsconsole.console.live import answer
from opsconsole.console.order import found
from opsconsole.console.order_lines import STATUS_TONES
from opsconsole.console.plan_words import ROW_TONES
from opsconsole.console.tones import Tone
from orders.models import OperatorAction
from orders.queries.order_page import people
from orders.queries.phrases import Retold, retold
from orders.queries.sentences import ACTIONS, ONE_CLICK, status_words
from orders.queries.telling import who
from runbooks.models import Plan
from runbooks.queries.order_actions import PAGE, Applied, Place, applied_to, count_of
from runbooks.states import RowState

AT_DESK: Final[Mapping[str, Promise]] = {
    "held": _("Put on hold"),
    "released": _("Taken from hold"),
    "assigned": _("Assigned"),
    "unassigned": _("Given back: nobody's move"),
}
_LOOKED_AT: Final = (RowState.CAME_BACK, RowState.UNKNOWN)
LATER: Final[Mapping[str, tuple[Promise, Tone]]] = {
    OperatorAction.Later.CAME_BACK: (_("Came back"), Tone.FAILED),
    OperatorAction.Later.CAME_RIGHT: (_("Came right later"), Tone.DONE),
    OperatorAction.Later.DONE: (_("Done since"), Tone.DONE),
    OperatorAction.Later.NOT_DONE: (_("Accepted, and not done after all"), Tone.FAILED),
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One action as it is shown. `plan` is None where it was asked for by hand."""

    applied: Applied
    label: str
    status: str
    tone: Tone
    outcome: Retold
    by: str
    approved_by: str
    reason: str
    plan: Plan | None


@require_GET
@allowed("view_orders")
def order_actions(request: HttpRequest, public_id: str) -> HttpResponse:
    """Newest first, page by page."""
    order = found(public_id)
    after = Place.read(request.GET.get("after", ""))
    rows = applied_to(order, after=after)
    here = reverse("order-actions", args=[order.public_id])
    has_more = len(rows) > PAGE
    context = {
        "order": order,
        "lines": _lines(rows[:PAGE]),
        "total": count_of(order),
        "here": f"{here}?{urlencode({'after': str(after)})}" if after else here,
        "next_url": f"{here}?{urlencode({'after': str(rows[PAGE - 1].place)})}" if has_more else "",
        "first_url": here if after else "",
        "section": "orders",
    }
    return answer(request, "console/order_actions.html", "console/order_actions_live.html", context)


def _lines(rows: Sequence[Applied]) -> list[Line]:
    names = people(actor for row in rows for actor in (row.actor, row.approver))
    plans = Plan.objects.in_bulk({row.row.plan_id for row in rows if row.row is not None})
    return [_line(row, names, plans) for row in rows]


def _line(row: Applied, names: Mapping[str, str], plans: Mapping[int, Plan]) -> Line:
    status, tone = _result(row)
    return Line(
        applied=row,
        label=str(AT_DESK[row.name] if row.name in AT_DESK else ACTIONS.get(row.name) or row.name),
        status=status,
        tone=tone,
        outcome=retold(row.outcome),
        by=who(row.actor, names),
        approved_by=who(row.approver, names) if row.approver else "",
        reason="" if row.reason == ONE_CLICK else row.reason,
        plan=plans.get(row.row.plan_id) if row.row is not None else None,
    )


def _result(row: Applied) -> tuple[str, Tone]:
    """A second look has the last word, whether a run's or of a single action."""
    if row.row is not None and (row.row.state in _LOOKED_AT or row.status == OperatorAction.Status.ACCEPTED):
        return str(RowState(row.row.state).label), ROW_TONES[row.row.state]
    if row.later in LATER:
        label, tone = LATER[row.later]
        return str(label), tone
    return status_words(row.name, row.status, row.outcome), STATUS_TONES.get(row.status, Tone.NEUTRAL)
