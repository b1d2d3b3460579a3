"""A plan on its page: what it would do, who has to say yes, how its run gets on, what became of each row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.views.decorators.http import require_GET

from opsconsole.console import subject_words
from opsconsole.console.access import allowed
from opsconsole.console.live import answer
from opsconsole.console.plan_dialogs import deeds_now, dialog_of, effect_of, sums_of
from opsconsole.console.plan_words import EVENTS, ROW_TONES, kind_of, label_of, message_of, run_of, state_of
from opsconsole.console.repair_words import steps_of
from opsconsole.console.tones import Tone
from orders import names as systems
from orders.queries.order_page import people
from orders.queries.phrases import retold
from orders.queries.telling import who
from orders.resilience import breaker
from runbooks import policies, reasons
from runbooks.models import Plan, PlanRow, Run
from runbooks.queries import plans as queries
from runbooks.registry import find
from runbooks.services.approving import WARNING
from runbooks.states import PlanState, Risk, RowState, RunState

# What a person has to look at comes first.
ORDER: Final = (
    *(RowState.CAME_BACK, RowState.NOT_FIXED, RowState.UNKNOWN, RowState.SKIPPED, RowState.NOT_RUN),
    *(RowState.RELEASED, RowState.ACCEPTED, RowState.PLANNED, RowState.FIXED, RowState.INELIGIBLE),
)

_COUNTED: Final = {
    "fixed": RowState.FIXED,
    "accepted": RowState.ACCEPTED,
    "failed": RowState.NOT_FIXED,
    "skipped": RowState.SKIPPED,
    "came_back": RowState.CAME_BACK,
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One subject of the plan as it is drawn. `was` and `becomes` are label and tone of its states."""

    row: PlanRow
    label: str | Promise
    tone: Tone
    text: str
    steps: Sequence[str]
    message: str | Promise
    has_drifted: bool
    url: str
    was: subject_words.Shown
    becomes: subject_words.Shown


@require_GET
@allowed("view_runbooks")
def plan(request: HttpRequest, code: str) -> HttpResponse:
    found = queries.find_plan(code)
    if found is None:
        raise Http404
    return answer(request, "console/plan.html", "console/plan_live.html", _context(request, found))


def _context(request: HttpRequest, found: Plan) -> dict[str, Any]:
    counts = dict(queries.row_counts(found))
    run, action = run_of(found), find(found.action)
    deeds = deeds_now(found, request.user, counts)
    label, tone = state_of(found)
    return {
        "section": "runbooks",
        "plan": found,
        "run": run,
        "label": label_of(found),
        "state": label,
        "tone": tone,
        "effect": effect_of(found, action),
        "sums": sums_of(found),
        "risk": Risk(found.risk).label,
        "kind": kind_of(found),
        "undo": str(action.irreversible) if action and not action.undo else "",
        "rate": action.rate if action else 0,
        "subject": subject_words.name_of(found.subject),
        "dialogs": [dialog_of(found, deed) for deed in deeds],
        **_clock(found),
        **_warnings(found, run),
        **_progress(found, run, counts),
        **_rows(request, found, counts),
        **_people(found),
    }


def _clock(found: Plan) -> dict[str, Any]:
    if found.state != PlanState.AWAITING_APPROVAL or found.approve_by is None:
        return {}
    left = max(found.approve_by - timezone.now(), timedelta(0))
    return {"left": left, "is_late": left < WARNING}


def _warnings(found: Plan, run: Run | None) -> dict[str, Any]:
    """What speaks against it at this moment: rows that changed, neighbours that are turned away."""
    if run is not None and run.state in (RunState.FINISHED, RunState.CANCELLED):
        return {}
    near = queries.neighbours(found)
    shut = [systems.system(name) for name, _count in near if breaker.policy_of(name) and breaker.state_of(name).is_open]
    return {
        "drifted": queries.drifted(found),
        "shut": ", ".join(shut),
        "near": [(systems.system(name), count) for name, count in near],
    }


def _progress(found: Plan, run: Run | None, counts: Mapping[str, int]) -> dict[str, Any]:
    if run is None:
        return {}
    return {
        "pace": queries.pace_of(run, counts),
        "paused": _why(run.paused_for, run.paused_values) if run.state == RunState.PAUSED else "",
        "waits_for": systems.system(run.waits_for) if run.waits_for and run.state == RunState.RUNNING else "",
        "waves": _waves(run),
    }


def _waves(run: Run) -> list[tuple[int, str, bool, bool]]:
    """(number, size, over, current) of each wave."""
    sizes = [*(str(size) for size in policies.WAVES), ""]
    over = run.state == RunState.FINISHED
    return [
        (number, size, over or number < run.wave, not over and number == run.wave)
        for number, size in enumerate(sizes, start=1)
    ]


def _rows(request: HttpRequest, found: Plan, counts: Mapping[str, int]) -> dict[str, Any]:
    state, after = request.GET.get("state", ""), request.GET.get("after", "")
    state = state if state in RowState.values else ""
    place = int(after) if after.isdecimal() and len(after) < 19 else 0
    page = queries.rows(found, state=state, after=place)
    shown = page[: queries.PAGE]
    names = people(str(row.why_values.get("actor", "")) for row in shown)
    moved = queries.moved(found, [row for row in shown if row.state == RowState.PLANNED])
    return {
        "tabs": [(each.value, each.label, counts[each], ROW_TONES[each]) for each in ORDER if counts.get(each)],
        "state_chosen": state,
        "after": after if place else "",
        "rows": [_row(row, names, has_moved=row.pk in moved) for row in shown],
        "next": shown[-1].pk if len(page) > queries.PAGE else None,
        "total": counts.get(state, 0) if state else sum(counts.values()),
    }


def _row(row: PlanRow, names: Mapping[str, str], *, has_moved: bool) -> Row:
    why = reasons.words(row.why, row.why_values, people=names)
    said = retold(row.said).text if row.said and row.why != "refused" else ""
    if row.why == "not_done":  # what was said when it was accepted tells who has to do it
        why = f"{why} {said}"
    return Row(
        row=row,
        label=RowState(row.state).label,
        tone=ROW_TONES[row.state],
        text=why or said,
        steps=steps_of(row),
        message=message_of(row.message),
        has_drifted=has_moved,
        url=subject_words.url_of(row),
        was=subject_words.state_of(row.resource, row.expected_state),
        becomes=subject_words.state_of(row.resource, row.target),
    )


def _people(found: Plan) -> dict[str, Any]:
    happened: Sequence[Any] = queries.events(found)
    told_of = (str(event.detail.get("actor", "")) for event in happened)
    names = people([found.proposer, found.approver, *(event.actor for event in happened), *told_of])
    return {
        "proposer": who(found.proposer, names),
        "approver": who(found.approver, names) if found.approver else "",
        "events": [
            (EVENTS.get(each.verb, each.verb), each, _told(each.detail, names), who(each.actor, names))
            for each in happened
        ],
    }


def _why(code: str, values: Mapping[str, Any]) -> str:
    return reasons.words(code, values, people=people([str(values.get("actor", ""))]))


def _told(detail: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """What an event adds in words: why it paused, or what a wave came to."""
    if "why" in detail:
        values = {name: value for name, value in detail.items() if name != "why"}
        return reasons.words(detail["why"], values, people=names)
    return " · ".join(f"{detail[name]} {state.label}" for name, state in _COUNTED.items() if detail.get(name))
