"""What those who respond do with an incident. Everything has an actor, a reason where it matters, and the version
that the actor saw; everything is progress, and keeps an acknowledge from lapsing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from orders.errors import NotAllowed
from reconciliation import business_day
from runbooks import correlation
from runbooks.incident_states import LIVE, AlertState, IncidentState, IncidentVerb, Severity
from runbooks.models import ActionItem, Episode, Incident, IncidentPlan, Plan
from runbooks.queries import proof
from runbooks.services.incidents import clocks, cohort, paging
from runbooks.services.incidents.opening import alone, attach_by_hand, raise_severity
from runbooks.transitions import change_incident, lock_incident, move_incident, tell_incident

OVERRIDE_DAYS: Final = 5


@dataclass(frozen=True, kw_only=True)
class By:
    """Who does something and what they saw. `version` None: nobody looked (a policy, another system)."""

    actor: str
    version: int | None = None
    reason: str = ""


def acknowledge(incident: Incident, by: By) -> None:
    """I have it: the actor leads from now on. Raises NotAllowed when somebody else has it already."""
    with transaction.atomic():
        incident = _seen(incident, by)
        now = timezone.now()
        first = incident.acknowledged_at or now
        move_incident(
            incident,
            IncidentVerb.ACKNOWLEDGE,
            actor=by.actor,
            told=by.reason,
            commander=by.actor,
            acknowledged_at=first,
            hand_until=now + correlation.IN_HAND_FOR[incident.severity],
        )
        clocks.stop(incident, "acknowledge", by=by.actor)
        paging.page(incident, "acknowledge")


def hand_over(incident: Incident, to: str, by: By) -> None:
    """Somebody else leads. `to` is an actor; raises NotAllowed for a stranger or without a word for them."""
    _needs(by.reason, _("Say what whoever takes it has to know."))
    if not get_user_model()._base_manager.filter(username=to.removeprefix("user:"), is_active=True).exists():
        raise NotAllowed(_("There is no such person."))
    with transaction.atomic():
        incident = _live(incident, by)
        if incident.commander == to:
            raise NotAllowed(_("They lead it already."))
        detail = {"was": incident.commander, "now": to}
        change_incident(incident, "hand_over", actor=by.actor, told=by.reason, detail=detail, commander=to)
        _progress(incident)


def change_severity(incident: Incident, severity: int, by: By) -> None:
    """Raises NotAllowed without a reason, or when it is so already."""
    _needs(by.reason)
    with transaction.atomic():
        incident = _live(incident, by)
        if severity == incident.severity or severity not in Severity.values:
            raise NotAllowed(_("It is so already."))
        raise_severity(incident, severity, actor=by.actor, why=by.reason)
        _progress(incident)


def note(incident: Incident, text: str, by: By) -> None:
    """A line in the timeline. Raises NotAllowed for an empty one."""
    _needs(text, _("An empty note says nothing."))
    with transaction.atomic():
        incident = lock_incident(incident)
        tell_incident(incident, "note", actor=by.actor, text=text)
        _progress(incident)


def state_done(incident: Incident, kind: str, by: By) -> None:
    """A person says that what a clock asks for has happened, and how they know. Raises NotAllowed."""
    _needs(by.reason, _("Say what you have looked at."))
    if not correlation.by_hand(kind):
        raise NotAllowed(_("That clock stops by itself."))
    with transaction.atomic():
        incident = _live(incident, By(actor=by.actor))
        if not clocks.stop(incident, kind, by=by.actor, evidence=by.reason):
            raise NotAllowed(_("That clock does not run any more."))
        _progress(incident)


def mitigate(incident: Incident, by: By) -> None:
    """A workaround is in force. Raises NotAllowed without saying which."""
    _needs(by.reason, _("Say which workaround is in force."))
    with transaction.atomic():
        incident = _seen(incident, by)
        now = timezone.now()
        move_incident(incident, IncidentVerb.MITIGATE, actor=by.actor, told=by.reason, mitigated_at=now)
        clocks.stop(incident, "workaround", by=by.actor, evidence=by.reason)
        clocks.stop(incident, "fallback", by=by.actor, evidence=by.reason)
        _progress(incident)


def relapse(incident: Incident, by: By) -> None:
    """The workaround does not hold. Raises NotAllowed without a reason."""
    _needs(by.reason)
    with transaction.atomic():
        incident = _seen(incident, by)
        move_incident(incident, IncidentVerb.RELAPSE, actor=by.actor, told=by.reason, mitigated_at=None)
        _progress(incident)


def resolve(incident: Incident, by: By, *, override: bool = False) -> None:
    """It is over. Raises NotAllowed while rules about money are broken, orders of the cohort hang or alerts fire,
    unless it is overridden: that becomes an item for the review, with the actor as its owner."""
    _needs(by.reason, _("Say how it was ended."))
    obstacles = proof.obstacles(incident)
    if obstacles and not override:
        raise NotAllowed(" ".join(each.words for each in obstacles))
    with transaction.atomic():
        incident = _seen(incident, by)
        move_incident(
            incident,
            IncidentVerb.RESOLVE,
            actor=by.actor,
            told=by.reason,
            detail={"override": [each.as_detail() for each in obstacles]},
            resolved_at=timezone.now(),
            hand_until=None,
            update_due_at=None,
        )
        if obstacles:
            _owe(incident, obstacles, by)
        clocks.drop_all(incident)
        paging.page(incident, "resolve")
    cohort.sample(incident)


def _owe(incident: Incident, obstacles: Sequence[proof.Obstacle], by: By) -> None:
    text = f"{' '.join(each.words for each in obstacles)} {by.reason}".strip()
    ActionItem.objects.create(
        incident=incident,
        kind=ActionItem.Kind.OVERRIDE,
        text=text[:400],
        owner=by.actor,
        due_on=business_day.of(timezone.now()) + timedelta(days=OVERRIDE_DAYS),
        made_by=by.actor,
    )


def reopen(incident: Incident, by: By) -> None:
    """It was not over. Raises NotAllowed without a reason, or when the same is open again."""
    _needs(by.reason)
    with transaction.atomic():
        incident = _seen(incident, by)
        if Incident.objects.filter(storm=incident.storm, state__in=LIVE).exists():
            raise NotAllowed(_("The same is open as another incident."))
        until = timezone.now() + correlation.IN_HAND_FOR[incident.severity]
        move_incident(
            incident,
            IncidentVerb.REOPEN,
            actor=by.actor,
            told=by.reason,
            resolved_at=None,
            proposed_end_at=None,
            hand_until=until,
            commander=by.actor,
        )
        paging.page(incident, "reopen")


def dismiss(incident: Incident, by: By) -> None:
    """Nothing was wrong. Raises NotAllowed without a reason."""
    _needs(by.reason)
    with transaction.atomic():
        incident = _seen(incident, by)
        move_incident(
            incident,
            IncidentVerb.DISMISS,
            actor=by.actor,
            told=by.reason,
            resolved_at=timezone.now(),
            hand_until=None,
            update_due_at=None,
        )
        clocks.drop_all(incident)
        paging.page(incident, "resolve")


def attach_plan(incident: Incident, code: str, by: By) -> None:
    """A plan, with its run, belongs to this incident. Raises NotAllowed for a stranger, or another incident's."""
    plan = Plan.objects.filter(code=code.strip().upper()).first()
    if plan is None:
        raise NotAllowed(_("There is no such plan."))
    with transaction.atomic():
        incident = lock_incident(incident)
        found, is_new = IncidentPlan.objects.get_or_create(
            plan=plan, defaults={"incident": incident, "attached_by": by.actor}
        )
        if found.incident_id != incident.pk:
            raise NotAllowed(_("It belongs to another incident."))
        if is_new:
            tell_incident(incident, "plan", actor=by.actor, detail={"plan": plan.code, "action": plan.action})
            _progress(incident)


def attach_alert(incident: Incident, episode_id: int, by: By) -> None:
    """A loose alert belongs to this incident. Raises NotAllowed without a reason, when the incident is over, or when
    the alert does not fire any more or belongs to one already."""
    _needs(by.reason)
    with transaction.atomic():
        alone()
        incident = _live(incident, by)
        loose = (
            Episode.objects.select_for_update(of=("self",), no_key=True).select_related("alert").filter(pk=episode_id)
        )
        episode = loose.filter(state=AlertState.FIRING, incident=None).first()
        if episode is None:
            raise NotAllowed(_("It does not fire any more, or belongs to an incident already."))
        attach_by_hand(episode, incident, actor=by.actor, reason=by.reason)
        _progress(incident)


def lapse(incident: Incident) -> None:
    """The ticker: it was taken and nothing followed; everybody is told again."""
    with transaction.atomic():
        incident = lock_incident(incident)
        if incident.state != IncidentState.ACKNOWLEDGED or not _has_lapsed(incident):
            return
        detail = {"commander": incident.commander}
        move_incident(incident, IncidentVerb.LAPSE, actor="policy:clocks", detail=detail, commander="", hand_until=None)
        paging.page(incident, "lapsed")


def _has_lapsed(incident: Incident) -> bool:
    return incident.hand_until is not None and incident.hand_until < timezone.now()


def _seen(incident: Incident, by: By) -> Incident:
    """Locked, and as the actor saw it."""
    incident = lock_incident(incident)
    if by.version is not None and by.version != incident.version:
        raise NotAllowed(_("The incident has moved on since you looked: nothing was done."))
    return incident


def _live(incident: Incident, by: By) -> Incident:
    incident = _seen(incident, by)
    if incident.state not in LIVE:
        raise NotAllowed(_("The incident is over."))
    return incident


def _progress(incident: Incident) -> None:
    """Somebody does something about it: an acknowledge holds on."""
    if incident.state in (IncidentState.ACKNOWLEDGED, IncidentState.MITIGATED):
        until = timezone.now() + correlation.IN_HAND_FOR[incident.severity]
        Incident.objects.filter(pk=incident.pk).update(hand_until=until)


def _needs(text: str, sentence: str = "") -> None:
    if not text.strip():
        raise NotAllowed(sentence or _("A reason is needed."))
