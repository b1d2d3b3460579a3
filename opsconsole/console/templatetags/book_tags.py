"""Small pieces of reconciliation's pages."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from opsconsole.console.book_tones import BREAK_TONES
from opsconsole.console.templatetags.ui import pill
from reconciliation.cause_words import told_cause
from reconciliation.models import Break, RunSchedule
from reconciliation.schedules import Schedule
from reconciliation.states import BreakState, EntryKind, EntryStatus, Resolution

register = template.Library()
_ALL_DAYS = "1234567"


@register.filter
def begins(schedule: RunSchedule) -> str:
    """When runs of a schedule begin: `daily at 06:00 WIB, Mon Tue`."""
    rule = Schedule.read(schedule.rule)
    if rule.every is not None:
        when = _("every %(minutes)s minutes") % {"minutes": int(rule.every.total_seconds() // 60)}
    else:
        when = _("daily at %(time)s WIB") % {"time": f"{rule.by:%H:%M}"}
    if schedule.weekdays == _ALL_DAYS:
        return when
    return f"{when}, {' '.join(str(WEEKDAYS_ABBR[int(day) - 1]) for day in schedule.weekdays)}"


@register.simple_tag
def break_pill(found: Break) -> SafeString:
    return pill(BreakState(found.state).label, BREAK_TONES[found.state])


@register.filter
def known_cause(found: Break) -> str:
    """What is known of why it is missing, in the reader's language; '' where nothing is."""
    return told_cause(found.cause, found.type)


@register.filter
def decided(found: Break) -> str:
    """How a person decided about it: `written_off` → Written off."""
    return str(Resolution(found.resolution).label) if found.resolution in Resolution.values else found.resolution


@register.filter
def at(values: Mapping[Any, Any], key: Any) -> Any:
    """The value under a key, or nothing."""
    return values.get(key)


@register.filter
def kind_name(kind: str) -> str:
    """`payment` → Payment."""
    return str(EntryKind(kind).label)


@register.filter
def status_name(status: str) -> str:
    """`void` → Void."""
    return str(EntryStatus(status).label)
