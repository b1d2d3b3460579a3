"""Words and tones of incidents, their clocks, pages and timelines."""

from collections.abc import Mapping
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from opsconsole.console.breaker_words import LABELS as BREAKERS
from opsconsole.console.guide_words import EVENTS as GUIDE_EVENTS
from opsconsole.console.guide_words import title_named
from opsconsole.console.plan_words import EVENTS as PLAN_EVENTS
from opsconsole.console.tones import Tone
from opsconsole.degradation import NEIGHBOURS
from orders.queries.sentences import ACTIONS
from runbooks.catalogue import CATALOGUE
from runbooks.incident_states import AlertState, IncidentState, PageState, Severity
from runbooks.models import ActionItem, Incident
from runbooks.services.incidents.messages import TEMPLATES

TONES: Final[Mapping[str, Tone]] = {
    IncidentState.OPEN: Tone.FAILED,
    IncidentState.ACKNOWLEDGED: Tone.ACTIVE,
    IncidentState.MITIGATED: Tone.ATTENTION,
    IncidentState.RESOLVED: Tone.DONE,
    IncidentState.REVIEWED: Tone.DONE,
    IncidentState.DISMISSED: Tone.NEUTRAL,
}
ALERT_TONES: Final[Mapping[str, Tone]] = {AlertState.FIRING: Tone.FAILED, AlertState.RESOLVED: Tone.DONE}
PAGE_TONES: Final[Mapping[str, Tone]] = {
    PageState.QUEUED: Tone.ACTIVE,
    PageState.UNKNOWN: Tone.ATTENTION,
    PageState.SENT: Tone.DONE,
    PageState.FAILED: Tone.FAILED,
    PageState.WITHDRAWN: Tone.NEUTRAL,
}
FAILURES: Final[Mapping[str, Promise]] = {
    "down": _("is down"),
    "errors": _("fails"),
    "latency": _("is slow"),
    "capacity": _("is at its limit"),
    "traffic": _("odd traffic"),
    "money": _("money does not add up"),
    "stuck": _("orders hang"),
}
CLOCKS: Final[Mapping[str, Promise]] = {
    "acknowledge": _("Somebody has it"),
    "pods": _("Pods checked"),
    "infrastructure": _("Infrastructure verified"),
    "stakeholders": _("Those who wait are told"),
    "workaround": _("Workaround or rollback"),
    "impact": _("Impact assessed"),
    "fallback": _("Fallback on, end told"),
}
PURPOSES: Final[Mapping[str, Promise]] = {
    "open": _("It began"),
    "reopen": _("It came back"),
    "worse": _("It got worse"),
    "unheard": _("Nobody had taken it"),
    "lapsed": _("Nothing followed"),
    "acknowledge": _("Somebody has it"),
    "resolve": _("It is over"),
    "message": _("Message to those who wait"),
}
# Why an alert belongs to its incident (runbooks.correlation).
JOINED: Final[Mapping[str, Promise]] = {
    "opened": _("It opened the incident."),
    "same": _("Same service and kind of failure."),
    "behind": _("It needs %(service)s, which had failed already."),
    "in_front": _("%(service)s, which had failed already, needs it."),
    "storm": _("Part of a storm: %(count)s incidents opened within minutes."),
    "came_back": _("The same again within minutes of the end."),
    "by_hand": _("Attached by a person."),
}
ITEM_KINDS: Final[Mapping[str, Promise]] = {
    ActionItem.Kind.DETECT: _("Detect it sooner"),
    ActionItem.Kind.PREVENT: _("Prevent it"),
    ActionItem.Kind.CORRECT: _("Correct what it left"),
    ActionItem.Kind.OVERRIDE: _("Owed by an override"),
}
ITEM_STATES: Final[Mapping[str, tuple[Promise, Tone]]] = {
    ActionItem.State.OPEN: (_("To do"), Tone.ACTIVE),
    ActionItem.State.DONE: (_("Done"), Tone.DONE),
    ActionItem.State.DROPPED: (_("Dropped"), Tone.NEUTRAL),
}
# A timeline's sentences, and how loud each is.
LINES: Final[Mapping[str, tuple[Promise, Tone]]] = {
    "open": (_("Opened as %(severity)s for %(service)s"), Tone.FAILED),
    "alert": (_("Alert %(alert)s of %(service)s"), Tone.FAILED),
    "alert_over": (_("Alert %(alert)s of %(service)s is over"), Tone.DONE),
    "alert_again": (_("Alert %(alert)s of %(service)s fires again"), Tone.FAILED),
    "fires_again": (_("It fires again: the proposed end is taken back"), Tone.ATTENTION),
    "proposed_end": (_("All its alerts are over: it may be resolved"), Tone.ATTENTION),
    "taken_elsewhere": (_("%(who)s acknowledged %(alert)s in PagerDuty"), Tone.NEUTRAL),
    "acknowledge": (_("Taken"), Tone.ACTIVE),
    "lapse": (_("Taken, and nothing followed: open again"), Tone.FAILED),
    "hand_over": (_("Command handed to %(now)s"), Tone.ACTIVE),
    "severity": (_("Severity %(was)s becomes %(now)s"), Tone.ATTENTION),
    "note": (_("Note"), Tone.NEUTRAL),
    "clock_stopped": (_("%(clock)s: done"), Tone.DONE),
    "clock_breached": (_("%(clock)s: not in time"), Tone.FAILED),
    "mitigate": (_("A workaround is in force"), Tone.ATTENTION),
    "relapse": (_("The workaround does not hold"), Tone.FAILED),
    "resolve": (_("Resolved"), Tone.DONE),
    "reopen": (_("Open again"), Tone.FAILED),
    "dismiss": (_("A false alarm"), Tone.NEUTRAL),
    "review": (_("Reviewed"), Tone.DONE),
    "pin": (_("%(count)s affected orders pinned"), Tone.NEUTRAL),
    "plan": (_("Plan %(plan)s belongs to it"), Tone.ACTIVE),
    "message": (_("Told those who wait: %(template)s"), Tone.DONE),
    "update_late": (_("The promised message did not come in time"), Tone.FAILED),
    "page_failed": (_("A page by %(channel)s failed: %(why)s"), Tone.FAILED),
    "breaker": (_("Breaker of %(upstream)s: %(to)s"), Tone.ATTENTION),
    "deploy": (_("%(service)s %(version)s went live"), Tone.ATTENTION),
    "runbook": (_("Runbook %(runbook)s, %(step)s: %(what)s"), Tone.ACTIVE),
    "plan_event": (_("%(plan)s: %(verb)s"), Tone.ACTIVE),
    "action": (_("%(name)s on %(order)s"), Tone.ACTIVE),
    "drafted": (_("The review was drafted"), Tone.NEUTRAL),
    "item": (_("Action item: %(item)s"), Tone.NEUTRAL),
}


def sentence(kind: str, detail: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """A line in the reader's language. `names` are people by actor."""
    if kind not in LINES:
        return kind
    values = {name: _value(kind, name, value, names) for name, value in detail.items()}
    return str(LINES[kind][0]) % {**dict.fromkeys(("service", "who", "alert"), ""), **values}


def tone_of(kind: str) -> Tone:
    return LINES[kind][1] if kind in LINES else Tone.NEUTRAL


def why_joined(code: str, values: Mapping[str, Any]) -> str:
    if code not in JOINED:
        return ""
    told = {name: service(str(value)) if name == "service" else str(value) for name, value in values.items()}
    return str(JOINED[code]) % told


def service(name: str) -> str:
    return CATALOGUE[name].title if name in CATALOGUE else name


def headline(incident: Incident) -> str:
    """What fails, in three words."""
    return f"{service(incident.service)}: {FAILURES.get(incident.failure, incident.failure)}"


def _value(kind: str, name: str, value: Any, names: Mapping[str, str]) -> str:
    text = str(value)
    if name in ("severity", "was", "now") and isinstance(value, int):
        return str(Severity(value).label)
    if kind == "hand_over":
        return names.get(text, text.removeprefix("user:"))
    if name == "runbook":
        return title_named(text)
    words: Mapping[str, Mapping[str, Any]] = {
        "service": {each.name: each.title for each in CATALOGUE.values()},
        "clock": CLOCKS,
        "upstream": NEIGHBOURS,
        "to": BREAKERS,
        "verb": PLAN_EVENTS,
        "what": GUIDE_EVENTS,
        "name": ACTIONS,
        "template": {code: label for code, (label, _text) in TEMPLATES.items()},
    }
    return str(words.get(name, {}).get(text, text))
