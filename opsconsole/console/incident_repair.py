"""From the orders of an incident that still hang to a plan of one action over them, attached to the incident."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from opsconsole.console.access import allowed, refuse
from opsconsole.console.bulk_plan import NOT_FROM_LIST, offered
from opsconsole.console.incident_dialogs import plan_and_go, show
from opsconsole.console.incident_page import found_or_404
from opsconsole.console.roles import RIGHT_BY_CODENAME
from opsconsole.console.staff import actor_of, person
from orders.diagnosis.causes import NEXT_STEPS, WORDS, Cause, NextStep
from orders.errors import Refusal
from orders.queries.stuck import StuckRow
from runbooks.models import Incident, Plan
from runbooks.queries.incidents import cohort_of
from runbooks.registry import find
from runbooks.services.planning import Ask

# Choices of the form that are no cause.
ALL: Final = "all"
UNDIAGNOSED: Final = "undiagnosed"


@dataclass(frozen=True, slots=True)
class Choice:
    """Orders that hang for one cause: how many, what money is at stake (minor units, currency), what is advised."""

    cause: str
    title: str
    count: int
    money: Sequence[tuple[int, str]]
    advice: str


@require_http_methods(["GET", "POST"])
@allowed("run_runbook")
def repair(request: HttpRequest, code: str) -> HttpResponse:
    """GET is the dialog; POST freezes what the action would do. Nothing is done before the plan is started."""
    found = found_or_404(code)
    if request.method == "GET":
        return _draw(request, found)
    action = find(request.POST.get("action", ""))
    if action is None or action.name in NOT_FROM_LIST or action.subject != "order":
        return _draw(request, found, problem=_("There is no such action."))
    right = RIGHT_BY_CODENAME[action.right]
    if not request.user.has_perm(right.permission):
        return refuse(request, right)
    cause = request.POST.get("cause", "")
    if not cause:
        return _draw(request, found, problem=_("Choose which orders: those of one cause, or all of them."))
    try:
        ask = _ask(found, str(action), cause, actor=actor_of(request))
        return plan_and_go(request, found, _keys(found, cause), ask)
    except Refusal as refusal:
        return _draw(request, found, problem=str(refusal))


def _keys(found: Incident, cause: str) -> list[int]:
    return [row.order_id for row in cohort_of(found).hanging if cause in (ALL, _cause_of(row))]


def _cause_of(row: StuckRow) -> str:
    return row.cause or UNDIAGNOSED


def _ask(found: Incident, action: str, cause: str, *, actor: str) -> Ask:
    words = [found.code, *([_title(cause)] if cause != ALL else [])]
    return Ask(action=action, proposer=actor, kind=Plan.Kind.SELECTION, source={"incident": found.code, "words": words})


def _draw(request: HttpRequest, found: Incident, *, problem: str = "") -> HttpResponse:
    """Nothing is chosen beforehand where there is something to choose: all that hangs is seldom what is meant."""
    hanging = cohort_of(found).hanging
    choices = _choices(hanging)
    chosen = request.POST.get("cause", "") or request.GET.get("cause", "")
    only = [row for row in hanging if chosen in ("", ALL, _cause_of(row))]
    context = {
        "actions": offered(person(request)),
        "choices": choices,
        "chosen": choices[0].cause if len(choices) == 1 else chosen,
        "problem": problem,
        "next_step": request.POST.get("action") or _usual([row.next_step for row in only]),
    }
    return show(request, found, "repair", context, status=422 if problem else 200)


def _choices(hanging: Sequence[StuckRow]) -> list[Choice]:
    """By cause, most first, and all of them last where that says more."""
    by_cause: dict[str, list[StuckRow]] = defaultdict(list)
    for row in hanging:
        by_cause[_cause_of(row)].append(row)
    found = [_choice(cause, rows) for cause, rows in sorted(by_cause.items(), key=lambda each: -len(each[1]))]
    return [*found, _choice(ALL, hanging)] if len(found) > 1 else found


def _choice(cause: str, rows: Sequence[StuckRow]) -> Choice:
    money = Counter[str]()
    for row in rows:
        money[row.currency] += row.amount
    step = Counter(row.next_step for row in rows).most_common(1)[0][0] if cause != ALL else ""
    advice = str(NEXT_STEPS[NextStep(step)]) if step in set(NextStep) else ""
    return Choice(cause, _title(cause), len(rows), [(amount, currency) for currency, amount in money.items()], advice)


def _title(cause: str) -> str:
    if cause == ALL:
        return _("All of them, whatever the cause")
    return str(WORDS[Cause(cause)].title) if cause in set(Cause) else _("Not diagnosed yet")


def _usual(steps: Sequence[str]) -> str:
    """What the diagnoses advise most often, as the reference of an action; "" for nothing."""
    counts = Counter(f"{step}@1" for step in steps if find(f"{step}@1"))
    return counts.most_common(1)[0][0] if counts else ""
