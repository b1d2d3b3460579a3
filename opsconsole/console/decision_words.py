"""What a person changed about a feed, a schedule of runs or a report by mail, in words: what it was and what it is."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.functional import Promise
from django.utils.translation import get_language_info, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from opsconsole.console.book_shown import told_actor, told_schedule
from opsconsole.console.report_words import FILTER_LABELS, told_value
from orders.queries.order_page import people
from reconciliation.models import BookEvent
from reconciliation.queries.reports import REPORTS
from reconciliation.schedules import Schedule
from reconciliation.states import FileFormat, RunScope

EVERY_DAY: Final = "1234567"
LABELS: Final[Mapping[str, Promise]] = {
    "report": gettext_lazy("Report"),
    "wanted": gettext_lazy("Filters"),
    "days": gettext_lazy("Covers"),
    "recipients": gettext_lazy("To"),
    "rule": gettext_lazy("When (WIB)"),
    "schedule": gettext_lazy("When (WIB)"),
    "weekdays": gettext_lazy("Weekdays"),
    "language": gettext_lazy("Language"),
    "format": gettext_lazy("As"),
    "is_active": gettext_lazy("In use"),
    "scope": gettext_lazy("Looks at"),
    "cut_off": gettext_lazy("The day ends at"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was decided; `was` is empty where it is new."""

    label: str
    was: str
    now: str


def told_events(events: Iterable[BookEvent]) -> list[tuple[BookEvent, str, list[Change]]]:
    """Each decision with who took it and what it changed. One query for the names."""
    events = list(events)
    known = people(event.actor for event in events)
    return [(event, told_actor(event.actor, known), told_changes(event.detail)) for event in events]


def told_changes(detail: Mapping[str, Any]) -> list[Change]:
    """Of what was known before only what is another now; of something new everything that was said."""
    before, after = detail.get("before") or {}, detail.get("after") or {}
    return [
        Change(str(LABELS.get(name, name)), _told(name, before[name]) if name in before else "", _told(name, value))
        for name, value in after.items()
        if (before.get(name) != value if before else value not in ("", {}, []))
    ]


def told_weekdays(weekdays: str) -> str:
    if weekdays == EVERY_DAY:
        return _("every day")
    return ", ".join(str(WEEKDAYS_ABBR[int(each) - 1]) for each in weekdays)


def told_filters(wanted: Mapping[str, str]) -> str:
    """`Gateway: Midtrans · City: JKT`."""
    return " · ".join(
        f"{FILTER_LABELS[name]}: {told_value(name, value)}" for name, value in wanted.items() if name in FILTER_LABELS
    )


def told_span(days: int) -> str:
    text = ngettext("the last business day", "the last %(count)d business days", days)
    return text % {"count": days}


def _told(name: str, value: Any) -> str:
    return str(_WRITERS[name](value)) if name in _WRITERS else str(value)


def _language(code: str) -> str:
    return str(get_language_info(code)["name_local"]) if code in dict(settings.LANGUAGES) else code


_WRITERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "report": lambda name: REPORTS[name].title if name in REPORTS else name,
    "wanted": lambda wanted: told_filters(wanted) or _("none"),
    "days": told_span,
    "recipients": ", ".join,
    "rule": lambda rule: told_schedule(Schedule.read(rule)),
    "schedule": lambda rule: told_schedule(Schedule.read(rule)),
    "weekdays": told_weekdays,
    "language": _language,
    "format": lambda value: FileFormat(value).label,
    "is_active": lambda value: _("yes") if value else _("no"),
    "scope": lambda value: RunScope(value).label,
}
