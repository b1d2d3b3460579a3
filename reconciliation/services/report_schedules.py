"""Reports by the clock: kept by finance, begun by the ticker or by a person, each sending once."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from orders.errors import NotAllowed
from reconciliation import business_day
from reconciliation.models import BookEvent, ReportSchedule, ReportSending
from reconciliation.queries.reports import Wanted
from reconciliation.schedules import Schedule, next_run
from reconciliation.services import report_files
from reconciliation.services.versioned import keep_version

FIELDS: Final = ("report", "wanted", "days", "recipients", "rule", "weekdays", "language", "format", "is_active")
SUBJECT: Final = "mailing"
MOST: Final = 50  # schedules
MOST_PEOPLE: Final = 20  # addresses of one


def keep(found: ReportSchedule, given: Mapping[str, Any], *, expected: int, actor: str, reason: str) -> ReportSchedule:
    """Save a new schedule (`pk` None) or the next version of one. `given` has FIELDS. Raises NotAllowed."""
    before = {name: getattr(found, name) for name in FIELDS} if found.pk else {}
    for name in FIELDS:
        setattr(found, name, given[name])
    found.recipients = addresses(given["recipients"])
    found.next_at = _next(found)
    if not found.pk and ReportSchedule.objects.count() >= MOST:
        raise NotAllowed(_("There are %(most)s schedules already.") % {"most": MOST})
    return keep_version(
        found, (*FIELDS, "next_at"), subject=SUBJECT, before=before, expected=expected, actor=actor, reason=reason
    )


def switch(found: ReportSchedule, *, is_active: bool, expected: int, actor: str, reason: str) -> ReportSchedule:
    """Pause it, or let it go on: then its next time is the next by the clock, and none is made up for."""
    before = {"is_active": found.is_active}
    found.is_active, found.next_at = is_active, _next(found)
    return keep_version(
        found, ("is_active", "next_at"), subject=SUBJECT, before=before, expected=expected, actor=actor, reason=reason
    )


def addresses(given: Sequence[str]) -> list[str]:
    """Each once, in lower case. Raises NotAllowed for none, too many, or one that may not be written to."""
    found = list(dict.fromkeys(each.strip().lower() for each in given if each.strip()))
    if not found:
        raise NotAllowed(_("Name at least one address."))
    if len(found) > MOST_PEOPLE:
        raise NotAllowed(_("At most %(most)s addresses.") % {"most": MOST_PEOPLE})
    for each in found:
        _refuse_stranger(each)
    return found


def _refuse_stranger(address: str) -> None:
    """Books do not leave the house: only whom REPORT_DOMAINS names is written to."""
    told = {"address": address, "domains": ", ".join(settings.REPORT_DOMAINS)}
    try:
        validate_email(address)
    except ValidationError as error:
        raise NotAllowed(_("%(address)s is no address.") % told) from error
    if address.rpartition("@")[2] not in settings.REPORT_DOMAINS:
        raise NotAllowed(_("%(address)s may not be written to: only addresses of %(domains)s.") % told)


def _next(found: ReportSchedule) -> Any:
    try:
        return next_run(Schedule.read(found.rule), weekdays=found.weekdays, after=timezone.now())
    except ValueError as error:
        raise NotAllowed(_("Choose a time of day, and at least one weekday.")) from error


def start_due() -> list[ReportSending]:
    """Begin the sendings whose time has come, each once however many tickers there are.

    A ticker that was away begins a sending once, not once for each time that it missed.
    """
    due = ReportSchedule.objects.filter(is_active=True, next_at__lte=timezone.now())
    return [sending for found in due if (sending := _start(found)) is not None]


def _start(found: ReportSchedule) -> ReportSending | None:
    following = _next(found)
    with transaction.atomic():
        ours = ReportSchedule.objects.filter(pk=found.pk, is_active=True, next_at=found.next_at)
        if not ours.update(next_at=following):
            return None
        return _send(found, cause=found.next_at.isoformat(), actor=f"{SUBJECT}:{found.pk}")


def send_now(found: ReportSchedule, *, key: str, actor: str, reason: str) -> ReportSending:
    """What a person wants sent at this moment, also while it is paused. The same `key` again is the same sending."""
    if not reason.strip():
        raise NotAllowed(_("Say why."))
    with transaction.atomic():
        ReportSchedule.objects.select_for_update(no_key=True).get(pk=found.pk)
        known = ReportSending.objects.filter(schedule=found, cause=f"by hand {key}").first()
        if known is not None:
            return known
        BookEvent.objects.create(subject=f"{SUBJECT}:{found.pk}", verb="send", actor=actor, reason=reason.strip()[:400])
        return _send(found, cause=f"by hand {key}", actor=actor)


def _send(found: ReportSchedule, *, cause: str, actor: str) -> ReportSending:
    """Whom it may not be sent to any more is left out here, whatever the schedule says. Needs a transaction."""
    allowed = [each for each in found.recipients if each.rpartition("@")[2] in settings.REPORT_DOMAINS]
    file = report_files.ask(found.report, wanted_of(found), actor=actor, format_=found.format)
    return ReportSending.objects.create(
        schedule=found, cause=cause, actor=actor, recipients=allowed, language=found.language, file=file
    )


def wanted_of(found: ReportSchedule) -> Wanted:
    """The last business days that are over, and the schedule's own filters."""
    last = business_day.of(timezone.now()) - timedelta(days=1)
    return Wanted(last - timedelta(days=found.days - 1), last, **found.wanted)
