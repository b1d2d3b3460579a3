"""Going through a runbook: begin, end a step, choose a way, plan what a step does, leave it.

Every verb locks the run, looks whether the step is still the current one, writes, and says so in an event, in one
transaction: of two people who click the same only the first moves it. Nothing but rows: a run goes on after anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from orders.errors import NotAllowed
from orders.money import shown as money_shown
from reconciliation import business_day
from runbooks.codes import new_code
from runbooks.files import Book, Step, book_in
from runbooks.files.lint import resolved
from runbooks.models import Guide, GuideEvent, GuideStep, Incident, Plan
from runbooks.queries import figures
from runbooks.queries.figures import Reading
from runbooks.services.incidents import leading
from runbooks.services.manifest import keys_of
from runbooks.services.planning import Ask, make_plan
from runbooks.states import GuideState, PlanState, RunState, StepState
from runbooks.transitions import tell_incident

END: Final = "end"
_OVER: Final = (RunState.FINISHED, RunState.CANCELLED)
_NOTHING_DONE: Final = (PlanState.REJECTED, PlanState.WITHDRAWN, PlanState.EXPIRED)


@dataclass(frozen=True, kw_only=True)
class Said:
    """What somebody gives with a step: a note or pasted output, or the way they choose."""

    actor: str
    note: str = ""
    choice: str = ""


def begin(book: Book, *, actor: str, params: Mapping[str, str] | None = None, incident_id: int | None = None) -> Guide:
    """Begin a runbook at its first step. Raises NotAllowed for a parameter that it does not offer."""
    chosen = {name: (params or {}).get(name, param.default) for name, param in book.front.params.items()}
    for name, param in book.front.params.items():
        if chosen[name] not in param.choices:
            raise NotAllowed(_("“%(value)s” is not offered for %(name)s.") % {"value": chosen[name], "name": name})
    with transaction.atomic():
        guide = Guide.objects.create(
            code=new_code("RB", 6),
            runbook=book.name,
            text=book.text,
            hash=book.hash,
            params=chosen,
            incident_id=incident_id,
            started_by=actor,
        )
        GuideStep.objects.create(guide=guide, step=book.steps[0].id)
        _tell(guide, "begin", actor=actor, detail={"hash": guide.hash, **chosen})
    return guide


def book_of(guide: Guide) -> Book:
    """The runbook as it was when the run began. Raises NotAllowed where that version cannot be read any more."""
    book = book_in(guide.text, path=f"{guide.runbook}.md")
    if book is None:
        raise NotAllowed(_("The version of this runbook cannot be read any more: begin it anew."))
    return book


def done(guide: Guide, step_id: str, said: Said) -> None:
    """End the current step and open the next. Raises NotAllowed when it is not current any more, or is not done."""
    with transaction.atomic():
        book, row, step = _current(guide, step_id)
        readings = readings_of(step, guide.params)
        _refuse_undone(step, row, said, readings)
        kept = [reading.kept() for reading in readings]
        note = said.note.strip()
        if step.kind == "message":
            note = note or text_of(step, guide, readings)
        _end(row, StepState.DONE, actor=said.actor, note=note, figures=kept, choice=said.choice)
        detail = {"figures": kept, **({"choice": said.choice} if said.choice else {})}
        if step.spec.clock:
            detail["clock"] = step.spec.clock
        _tell(guide, "done", step=step_id, actor=said.actor, note=note, detail=detail)
        _go_on(guide, book, step, said)


def skip(guide: Guide, step_id: str, said: Said) -> None:
    """Leave the current step out, with the reason."""
    if not said.note.strip():
        raise NotAllowed(_("Say why it is left out."))
    with transaction.atomic():
        book, row, step = _current(guide, step_id)
        if step.kind == "decide":
            raise NotAllowed(_("Choose a way: nothing else follows from here."))
        if row.plan is not None and _is_going(row.plan):
            raise NotAllowed(_("Its plan is under way: wait for it, or stop it first."))
        _end(row, StepState.SKIPPED, actor=said.actor, note=said.note.strip())
        _tell(guide, "skip", step=step_id, actor=said.actor, note=said.note.strip())
        _go_on(guide, book, step, said)


def abandon(guide: Guide, *, actor: str, reason: str) -> None:
    """End it before its end, with the reason. What was done stays done."""
    if not reason.strip():
        raise NotAllowed(_("A reason is needed."))
    with transaction.atomic():
        guide = _locked(guide)
        GuideStep.objects.filter(guide=guide, state=StepState.CURRENT).update(
            state=StepState.SKIPPED, actor=actor, note=reason.strip(), ended_at=timezone.now()
        )
        _tell(guide, "abandon", actor=actor, note=reason.strip())
        _close(guide, GuideState.ABANDONED, actor=actor)


def plan(guide: Guide, step_id: str, *, actor: str) -> Plan:
    """Freeze what the current `act` would do now. Its own page asks for reason, sum and second person.

    A second click answers the plan already there. Raises NotAllowed when nothing is selected, or it is more than
    the runbook's budget.
    """
    with transaction.atomic():
        book, row, step = _current(guide, step_id)
        if step.kind != "act":
            raise NotAllowed(_("This step does nothing by itself."))
        if row.plan is not None and row.plan.state not in _NOTHING_DONE:
            return row.plan
        keys = keys_of(step, guide.params, incident=guide.incident_id)
        ask = Ask(
            action=step.spec.action,
            proposer=actor,
            kind=Plan.Kind.STEP,
            source={"runbook": guide.runbook, "run": guide.code, "step": step_id, "words": [book.front.title]},
            params=resolved(step.spec.given, guide.params),
        )
        made = make_plan(keys, ask)
        _within_budget(book, made)
        GuideStep.objects.filter(pk=row.pk).update(plan=made)
        _attach(guide, made, actor=actor)
        _tell(guide, "plan", step=step_id, actor=actor, detail={"plan": made.code, "rows": made.eligible})
    return made


def plan_again(guide: Guide, step_id: str, *, actor: str) -> Plan:
    """Another plan for what is selected now: the first one has ended, or did nothing."""
    with transaction.atomic():
        _book, row, _step = _current(guide, step_id)
        if row.plan is not None and _is_going(row.plan):
            raise NotAllowed(_("Its plan is under way: wait for it, or stop it first."))
        GuideStep.objects.filter(pk=row.pk).update(plan=None)
        return plan(guide, step_id, actor=actor)


def _attach(guide: Guide, made: Plan, *, actor: str) -> None:
    """A plan of a run that is part of an incident is part of the incident too."""
    incident = Incident.objects.filter(pk=guide.incident_id).first() if guide.incident_id else None
    if incident is not None:
        leading.attach_plan(incident, made.code, leading.By(actor=actor))


def readings_of(step: Step, params: Mapping[str, str]) -> Sequence[Reading]:
    """The figures that belong to a step: what it shows, or what proves it."""
    holder = step.spec.verify if step.kind == "act" else step.spec
    if not getattr(holder, "show", ""):
        return []
    within, expect = getattr(holder, "within", {}), getattr(holder, "expect", {})
    return figures.read(holder.show, within, expect, params)


def text_of(step: Step, guide: Guide, readings: Sequence[Reading], *, language: str = "en") -> str:
    """The message of a step with the figures of this moment."""
    values: dict[str, Any] = {reading.figure.key: _shown(reading) for reading in readings}
    passed = timezone.now() - guide.started_at
    values |= {
        "started": f"{timezone.localtime(guide.started_at, business_day.ZONE):%H:%M}",
        "minutes": passed.seconds // 60,
    }
    values["title"] = guide.runbook
    text = step.spec.text if language == "en" else step.spec.text_id
    return str(text).format_map(values)


def _shown(reading: Reading) -> str:
    value = reading.figure.value
    if value is None:
        return "?"
    if reading.figure.money:
        return money_shown(int(value), currency=reading.figure.money)
    return f"{value:g}"


def _refuse_undone(step: Step, row: GuideStep, said: Said, readings: Sequence[Reading]) -> None:
    if step.kind == "check" and step.spec.paste and not said.note.strip():
        raise NotAllowed(_("Paste what the command answered, or say what you saw."))
    if step.kind == "decide" and said.choice not in {choice.to for choice in step.spec.choices}:
        raise NotAllowed(_("Choose one of the ways."))
    if step.kind in {"act", "wait"} and not figures.are_good(readings) and not said.note.strip():
        raise NotAllowed(_("The figures are not yet as wanted: wait, or say why it goes on all the same."))
    if step.kind == "act" and row.plan is None:
        raise NotAllowed(_("Nothing was planned: plan it, or leave the step out with the reason."))
    if step.kind == "act" and row.plan is not None and _is_going(row.plan):
        raise NotAllowed(_("Its plan is under way: wait for it, or stop it first."))


def _is_going(made: Plan) -> bool:
    """It waits for a person, or its run has not ended."""
    run = getattr(made, "run", None)
    if run is not None:
        return run.state not in _OVER
    return made.state == PlanState.AWAITING_APPROVAL


def _within_budget(book: Book, made: Plan) -> None:
    budget, amount = book.front.budget, sum(made.money.values())
    if made.eligible > budget.rows or amount > budget.amount:
        count = ngettext("%(count)d row", "%(count)d rows", budget.rows) % {"count": budget.rows}
        limit = money_shown(budget.amount, currency="IDR")
        raise NotAllowed(
            _("It is more than this runbook may touch at once: %(rows)s, %(money)s.")
            % {
                "rows": count,
                "money": limit,
            }
        )


def _locked(guide: Guide) -> Guide:
    found = Guide.objects.select_for_update(no_key=True).get(pk=guide.pk)
    if found.state != GuideState.OPEN:
        raise NotAllowed(_("This run has ended."))
    return found


def _current(guide: Guide, step_id: str) -> tuple[Book, GuideStep, Step]:
    """Locked, and still at this step."""
    guide = _locked(guide)
    row = GuideStep.objects.select_related("plan__run").filter(guide=guide, state=StepState.CURRENT).first()
    book = book_of(guide)
    step = book.step(step_id)
    if row is None or step is None or row.step != step_id:
        raise NotAllowed(_("Somebody has moved it on: nothing was done."))
    return book, row, step


def _end(row: GuideStep, state: str, *, actor: str, **values: Any) -> None:
    GuideStep.objects.filter(pk=row.pk).update(state=state, actor=actor, ended_at=timezone.now(), **values)


def _go_on(guide: Guide, book: Book, step: Step, said: Said) -> None:
    """Open the next step, or the chosen one; those between are not on the way. Ends the run after the last."""
    places = [each.id for each in book.steps]
    here = places.index(step.id)
    target = said.choice if step.kind == "decide" else ""
    following = len(places) if target == END else places.index(target) if target else here + 1
    now = timezone.now()
    passed = [
        GuideStep(guide=guide, step=each, state=StepState.PASSED, ended_at=now) for each in places[here + 1 : following]
    ]
    GuideStep.objects.bulk_create(passed)
    if following >= len(places):
        _close(guide, GuideState.FINISHED, actor=said.actor)
        _tell(guide, "finish", actor=said.actor)
        return
    GuideStep.objects.create(guide=guide, step=places[following])


def _close(guide: Guide, state: str, *, actor: str) -> None:
    Guide.objects.filter(pk=guide.pk).update(state=state, ended_by=actor, ended_at=timezone.now())


def _tell(
    guide: Guide, verb: str, *, actor: str, step: str = "", note: str = "", detail: Mapping[str, Any] | None = None
) -> None:
    GuideEvent.objects.create(guide=guide, verb=verb, step=step, actor=actor, note=note, detail=dict(detail or {}))
    incident = Incident.objects.filter(pk=guide.incident_id).first() if guide.incident_id else None
    if incident is not None:
        told = {"runbook": guide.runbook, "run": guide.code, "step": step, "what": verb}
        tell_incident(incident, "runbook", actor=actor, text=note, detail=told)
