"""Reports by mail in words: the schedule, and what became of each sending and of each of its mails."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from opsconsole.console.book_shown import told_actor
from opsconsole.console.decision_words import told_filters, told_span, told_weekdays
from opsconsole.console.tones import Tone
from orders.names import system
from orders.queries.order_page import people
from reconciliation.models import ReportMail, ReportSchedule, ReportSending
from reconciliation.queries.reports import REPORTS
from reconciliation.schedules import Schedule
from reconciliation.states import FileState, MailState

SHOWN: Final = 20  # sendings on a page
MAIL_TONES: Final = {
    MailState.QUEUED: Tone.ACTIVE,
    MailState.UNKNOWN: Tone.WAITING,
    MailState.SENT: Tone.WAITING,
    MailState.DELIVERED: Tone.DONE,
    MailState.BOUNCED: Tone.FAILED,
    MailState.FAILED: Tone.FAILED,
}
# The state of a sending is that of its worst mail.
_WORST: Final = (
    *(MailState.BOUNCED, MailState.FAILED, MailState.UNKNOWN, MailState.QUEUED, MailState.SENT),
    MailState.DELIVERED,
)


@dataclass(frozen=True, kw_only=True)
class ShownSending:
    """One sending: its days, its file, and each mail with its state and tone."""

    sending: ReportSending
    by: str
    state: str | Promise
    tone: Tone
    mails: Sequence[tuple[ReportMail, str | Promise, Tone, str]]


def title_of(found: ReportSchedule) -> str | Promise:
    """What the report is called; its own name where nobody makes it any more."""
    report = REPORTS.get(found.report)
    return report.title if report else found.report


def rhythm_of(found: ReportSchedule) -> str:
    """When it goes out: `every day at 07:00`, `Mon, Thu at 07:00`. WIB."""
    at = Schedule.read(found.rule).by
    clock = f"{at:%H:%M}" if at else ""
    return _("%(days)s at %(at)s") % {"days": told_weekdays(found.weekdays), "at": clock}


def facts_of(found: ReportSchedule) -> dict[str, Any]:
    return {
        "title": title_of(found),
        "rhythm": rhythm_of(found),
        "span": told_span(found.days),
        "filters": told_filters(found.wanted),
        "recipients": ", ".join(found.recipients),
        "language": dict(settings.LANGUAGES).get(found.language, found.language),
    }


def sendings_of(found: ReportSchedule) -> list[ShownSending]:
    """The last ones, newest first. Three queries."""
    rows = list(found.sendings.select_related("file").prefetch_related("mails").order_by("-pk")[:SHOWN])
    known = people(row.actor for row in rows)
    return [_sending(row, known) for row in rows]


def last_of(schedules: Sequence[ReportSchedule]) -> list[tuple[ReportSchedule, dict[str, Any], ShownSending | None]]:
    """Each schedule with its last sending. Three queries."""
    newest = ReportSending.objects.filter(schedule__in=schedules).order_by("schedule_id", "-pk").distinct("schedule_id")
    rows = {row.schedule_id: row for row in newest.select_related("file").prefetch_related("mails")}
    return [(each, facts_of(each), _sending(rows[each.pk], {}) if each.pk in rows else None) for each in schedules]


def _sending(row: ReportSending, known: dict[str, str]) -> ShownSending:
    mails = sorted(row.mails.all(), key=lambda each: each.address)
    state, tone = _state(row, mails)
    return ShownSending(
        sending=row,
        by=_("the clock") if row.actor.startswith("mailing:") else told_actor(row.actor, known),
        state=state,
        tone=tone,
        mails=[(each, MailState(each.state).label, MAIL_TONES[MailState(each.state)], _via(each)) for each in mails],
    )


def _state(row: ReportSending, mails: Sequence[ReportMail]) -> tuple[str | Promise, Tone]:
    if row.file.state == FileState.FAILED:
        return _("The file could not be written"), Tone.FAILED
    if row.mailed_at is None:
        return FileState(FileState.WAITING).label, Tone.ACTIVE
    if not mails:
        return _("Nobody may be written to"), Tone.FAILED
    worst = min((MailState(each.state) for each in mails), key=_WORST.index)
    return worst.label, MAIL_TONES[worst]


def _via(mail: ReportMail) -> str:
    return system(mail.provider) if mail.provider else ""
