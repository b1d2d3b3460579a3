"""The only code that assigns the state of a plan, a run, an incident or a page.

A move is one conditional UPDATE and one event in the same transaction; who comes second finds nothing
and is refused.
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from orders.errors import NotAllowed
from runbooks.incident_states import INCIDENT_EDGES, PAGE_EDGES, IncidentVerb, PageVerb
from runbooks.models import Incident, IncidentEvent, Page, Plan, PlanEvent, Run
from runbooks.states import PLAN_EDGES, RUN_EDGES, PlanVerb, RunVerb


def lock_plan(plan: Plan) -> Plan:
    """The plan as it is now, locked until the transaction ends. Lock order: plan, run, order."""
    return Plan.objects.select_for_update(of=("self",), no_key=True).get(pk=plan.pk)


def lock_run(run: Run) -> Run:
    """The run as it is now, locked until the transaction ends."""
    return Run.objects.select_related("plan").select_for_update(of=("self",), no_key=True).get(pk=run.pk)


def move_plan(plan: Plan, verb: PlanVerb, *, actor: str, told: str = "", **changes: Any) -> None:
    """Move it along `verb`, setting `changes`; `told` goes into the event. Raises NotAllowed where it cannot
    go, or somebody else was first."""
    target = PLAN_EDGES.get((plan.state, verb))
    if target is None or not Plan.objects.filter(pk=plan.pk, state=plan.state).update(state=target, **changes):
        raise NotAllowed(_("The plan has moved on: nothing was done."))
    _now_is(plan, {"state": target, **changes})
    tell(plan, verb, actor=actor, reason=told, detail={"hash": plan.hash})


def move_run(
    run: Run, verb: RunVerb, *, actor: str, told: str = "", detail: Mapping[str, Any] | None = None, **changes: Any
) -> None:
    """As `move_plan`. Raises NotAllowed where it cannot go, or somebody else was first."""
    target = RUN_EDGES.get((run.state, verb))
    if target is None or not Run.objects.filter(pk=run.pk, state=run.state).update(state=target, **changes):
        raise NotAllowed(_("The run has moved on: nothing was done."))
    _now_is(run, {"state": target, **changes})
    tell(run.plan, verb, actor=actor, reason=told, detail=detail or {})


def tell(plan: Plan, verb: str, *, actor: str, reason: str = "", detail: Mapping[str, Any] | None = None) -> None:
    """Append an event. Call inside the transaction of what it tells."""
    PlanEvent.objects.create(plan=plan, verb=verb, actor=actor, reason=reason[:400], detail=dict(detail or {}))


def _now_is(row: Plan | Run, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)


def lock_incident(incident: Incident) -> Incident:
    """The incident as it is now, locked until the transaction ends."""
    return Incident.objects.select_for_update(of=("self",), no_key=True).get(pk=incident.pk)


def move_incident(
    incident: Incident,
    verb: IncidentVerb,
    *,
    actor: str,
    told: str = "",
    detail: Mapping[str, Any] | None = None,
    **changes: Any,
) -> None:
    """Move it along `verb`, setting `changes`. Raises NotAllowed where it cannot go, or somebody else was first."""
    target = INCIDENT_EDGES.get((incident.state, verb))
    if target is None:
        raise NotAllowed(_("The incident has moved on: nothing was done."))
    change_incident(incident, str(verb), actor=actor, told=told, detail=detail, state=target, **changes)


def change_incident(
    incident: Incident,
    kind: str,
    *,
    actor: str,
    told: str = "",
    detail: Mapping[str, Any] | None = None,
    **changes: Any,
) -> None:
    """Change what it says beside its state. Raises NotAllowed when somebody else was first."""
    values = {**changes, "version": incident.version + 1}
    seen = Incident.objects.filter(pk=incident.pk, state=incident.state, version=incident.version)
    if not seen.update(**values):
        raise NotAllowed(_("The incident has moved on: nothing was done."))
    for name, value in values.items():
        setattr(incident, name, value)
    tell_incident(incident, kind, actor=actor, text=told, detail=detail)


def tell_incident(
    incident: Incident, kind: str, *, actor: str, text: str = "", detail: Mapping[str, Any] | None = None
) -> None:
    """Append to its timeline. Call inside the transaction of what it tells."""
    IncidentEvent.objects.create(
        incident=incident, kind=kind, actor=actor, text=text.strip()[:2000], detail=dict(detail or {})
    )


def move_page(page: Page, verb: PageVerb, **changes: Any) -> None:
    """Move a page that is held along `verb`. Raises NotAllowed where it cannot go."""
    target = PAGE_EDGES.get((page.state, verb))
    if target is None or not Page.objects.filter(pk=page.pk, state=page.state).update(state=target, **changes):
        raise NotAllowed(_("The page has moved on: nothing was done."))
    for name, value in {"state": target, **changes}.items():
        setattr(page, name, value)
