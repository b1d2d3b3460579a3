"""Telling those who wait: what is down, what it means, since when, until when, who is on it; in two languages.

A message is made of a template and of numbers counted when it is sent, and kept as it was sent. It stops the
stakeholders' clock, and promises the next one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.bells import ring
from orders.errors import NotAllowed
from orders.money import shown
from reconciliation import business_day
from runbooks.catalogue import CATALOGUE
from runbooks.incident_states import LIVE, Severity
from runbooks.models import Incident, Page, StakeholderMessage
from runbooks.queries.incidents import cohort_of
from runbooks.services.incidents import clocks
from runbooks.transitions import lock_incident, tell_incident

LONGEST_TEXT: Final = 1000
# First sentences; the rest is the same for all.
TEMPLATES: Final[Mapping[str, tuple[Promise, Promise]]] = {
    "started": (gettext_lazy("It has begun"), gettext_lazy("We have a disturbance: %(title)s.")),
    "update": (gettext_lazy("What is new"), gettext_lazy("News of the disturbance: %(title)s.")),
    "workaround": (
        gettext_lazy("A workaround is in force"),
        gettext_lazy("A workaround is in force for: %(title)s. What hung is being repaired."),
    ),
    "payments": (
        gettext_lazy("Payments are affected"),
        gettext_lazy(
            "Payments are disturbed: %(title)s. Nobody pays twice; links are sent as soon as they can be made."
        ),
    ),
    "dispatch": (
        gettext_lazy("Taxis are affected"),
        gettext_lazy(
            "Booking of taxis is disturbed: %(title)s. Paid orders wait and are booked by themselves or by hand."
        ),
    ),
    "resolved": (gettext_lazy("It is over"), gettext_lazy("The disturbance is over: %(title)s.")),
}


@dataclass(frozen=True, kw_only=True)
class Telling:
    """What a person adds. `eta` in their words; `next_minutes` until the next message, 0 for the last one."""

    template: str
    impact: str
    eta: str = ""
    next_minutes: int = 0


def numbers_of(incident: Incident) -> dict[str, Any]:
    """What is counted at this moment."""
    found = cohort_of(incident)
    money = [shown(amount, currency=currency) for currency, amount in sorted(found.hanging_money.items())]
    return {
        "orders": found.pinned,
        "hanging": len(found.hanging),
        "recovered": found.recovered,
        "money": " + ".join(money),
    }


def render(incident: Incident, telling: Telling, numbers: Mapping[str, Any], *, commander: str, language: str) -> str:
    """The text in one language."""
    with translation.override(language):
        _label, first = TEMPLATES[telling.template]
        lines = [
            f"[{Severity(incident.severity).label}] {str(first) % {'title': incident.says}}",
            _("Down: %(service)s.") % {"service": CATALOGUE[incident.service].title},
            _("Impact: %(impact)s") % {"impact": telling.impact.strip()[:LONGEST_TEXT]},
            _("Since: %(at)s WIB.")
            % {"at": incident.began_at.astimezone(business_day.ZONE).strftime("%d.%m.%Y %H:%M")},
            _numbers(numbers),
            _("Expected end: %(eta)s.") % {"eta": telling.eta.strip()[:200] or _("not known yet")},
            _next(telling.next_minutes),
            _("On it: %(who)s (%(code)s).") % {"who": commander or _("nobody yet"), "code": incident.code},
        ]
        return "\n".join(line for line in lines if line)


def _numbers(numbers: Mapping[str, Any]) -> str:
    if not numbers["orders"]:
        return _("Orders: none is known to be affected.")
    text = _("Orders: %(orders)s affected, %(recovered)s recovered, %(hanging)s still hang.") % numbers
    return f"{text} {_('On them: %(money)s.') % numbers}" if numbers["money"] else text


def _next(minutes: int) -> str:
    if not minutes:
        return _("This is the last message.")
    return _("Next message within %(minutes)s minutes.") % {"minutes": minutes}


def send(incident: Incident, telling: Telling, *, actor: str, commander: str) -> StakeholderMessage:
    """Count, write it down, and send it by Slack and email. Raises NotAllowed for an unknown template, without an
    impact, or without a promise while the incident lives."""
    if telling.template not in TEMPLATES:
        raise NotAllowed(_("There is no such template."))
    if not telling.impact.strip():
        raise NotAllowed(_("Say what it means for those who read it."))
    if incident.state in LIVE and telling.next_minutes <= 0:
        raise NotAllowed(_("While it lasts, say when they hear more."))
    numbers = numbers_of(incident)
    texts = {
        code: render(incident, telling, numbers, commander=commander, language=code)
        for code, _name in settings.LANGUAGES
    }
    with transaction.atomic():
        incident = lock_incident(incident)
        message = StakeholderMessage.objects.create(
            incident=incident,
            template=telling.template,
            text_en=texts["en"],
            text_id=texts["id"],
            numbers=numbers,
            sent_by=actor,
            next_minutes=telling.next_minutes,
        )
        _queue(message)
        tell_incident(incident, "message", actor=actor, detail={"template": telling.template, **numbers})
        clocks.stop(incident, "stakeholders", by=actor)
        _promise(incident, telling.next_minutes)
    return message


def _queue(message: StakeholderMessage) -> None:
    incident, to = message.incident, settings.PAGING
    text = f"{message.text_id}\n\n{message.text_en}"
    subject = f"[{Severity(incident.severity).label}] {incident.code}: {incident.title}"
    receivers = (
        (Page.Channel.SLACK, to["slack"]["stakeholders"]),
        (Page.Channel.MAIL, ",".join(to["mail"]["stakeholders"])),
    )
    for channel, receiver in receivers:
        Page.objects.create(
            incident=incident,
            message=message,
            channel=channel,
            purpose="message",
            receiver=receiver,
            key=f"{incident.code}:message:{message.pk}:{channel}",
            body={"subject": subject, "text": text},
            due_at=timezone.now(),
        )
    ring("page")


def _promise(incident: Incident, minutes: int) -> None:
    due_at = timezone.now() + timedelta(minutes=minutes) if minutes and incident.state in LIVE else None
    Incident.objects.filter(pk=incident.pk).update(update_due_at=due_at)
