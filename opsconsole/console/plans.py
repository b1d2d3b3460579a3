"""The list of plans and runs: what waits for a second person, what runs, what came of the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from opsconsole.console.access import allowed
from opsconsole.console.live import answer
from opsconsole.console.plan_words import label_of, state_of
from opsconsole.console.tones import Tone
from orders.models.control import EVERY_ACTION
from orders.queries.order_page import people
from orders.queries.telling import who
from orders.services.switches import stopped_by
from runbooks.models import Plan
from runbooks.queries import plans as queries
from runbooks.states import FAILED_ROWS, RowState

TABS: Final[Mapping[str, Promise]] = {
    "all": _("All"),
    "waiting": _("Waits for approval"),
    "running": _("Running"),
    "planned": _("Not started"),
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One plan of the list."""

    plan: Plan
    label: str
    state: str
    tone: Tone
    proposer: str
    fixed: int
    accepted: int
    failed: int


@require_GET
@allowed("view_runbooks")
def plans(request: HttpRequest) -> HttpResponse:
    view = request.GET.get("view", "all")
    view = view if view in TABS else "all"
    before = request.GET.get("before", "")
    found = queries.plans(view, before=int(before) if before.isdecimal() and len(before) < 19 else None)
    counts = queries.view_counts()
    context = {
        "section": "runbooks",
        "tabs": [(name, label, counts[name]) for name, label in TABS.items()],
        "view": view,
        "before": before,
        "lines": _lines(found[: queries.PAGE]),
        "next": found[queries.PAGE - 1].pk if len(found) > queries.PAGE else None,
        "total": counts[view],
        "reviews": queries.open_reviews(),
        "stopped": stopped_by(EVERY_ACTION),
    }
    return answer(request, "console/plans.html", "console/plans_live.html", context)


def _lines(found: Sequence[Plan]) -> list[Line]:
    names, counts = people(plan.proposer for plan in found), queries.counts_of(found)
    return [_line(plan, names, counts[plan.pk]) for plan in found]


def _line(plan: Plan, names: dict[str, str], counts: Mapping[str, int]) -> Line:
    state, tone = state_of(plan)
    return Line(
        plan=plan,
        label=label_of(plan),
        state=state,
        tone=tone,
        proposer=who(plan.proposer, names),
        fixed=counts.get(RowState.FIXED, 0),
        accepted=counts.get(RowState.ACCEPTED, 0),
        failed=sum(counts.get(each, 0) for each in FAILED_ROWS),
    )
