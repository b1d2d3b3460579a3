"""Values of reports in words and figures, and what their filters can be set to."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from django.db.models import TextChoices
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from opsconsole.console import formats
from opsconsole.console.book_shown import source_name
from opsconsole.console.stuck_head import grouped
from orders import names
from orders.states import RefundState, Service
from reconciliation.day_states import DayState
from reconciliation.queries.reports import Column, Kind, Report, Row
from reconciliation.services.feeds import DEFAULTS
from reconciliation.states import BreakType, Pairing, Side, WriteOff

FILTER_LABELS: Final[Mapping[str, Promise]] = {
    "gateway": _("Gateway"),
    "method": _("Method"),
    "service": _("Service"),
    "city": _("City"),
    "waits_for": _("Waits for"),
}
# Whose move a refund is that has not gone back.
WAITS_FOR: Final[Mapping[str, Promise]] = {
    "transfer": _("A transfer by hand"),
    "decision": _("A decision: send again, or transfer"),
    "approval": _("A second person"),
    "gateway": _("The gateway"),
}
# By report and column: the words of codes that are our own.
_CHOICES: Final[Mapping[tuple[str, str], type[TextChoices]]] = {
    ("daily", "state"): DayState,
    ("by-service", "group"): Service,
    ("refunds-owed", "state"): RefundState,
    ("write-offs", "code"): WriteOff,
    ("known-differences", "books"): Pairing,
    ("open-breaks", "service"): Service,
}


def choices_of(name: str) -> Sequence[tuple[str, str]]:
    """What a filter offers; a field to type in where this is empty."""
    if name == "gateway":
        return [(source, source_name(source)) for side, source, _rule in DEFAULTS if side == Side.GATEWAY]
    if name == "waits_for":
        return [(value, str(label)) for value, label in WAITS_FOR.items()]
    return [(service.value, str(service.label)) for service in Service] if name == "service" else []


def told_value(name: str, value: str) -> str:
    """What a filter is set to, in words."""
    return dict(choices_of(name)).get(value, value)


def shown(report: Report, row: Row) -> Sequence[tuple[Any, bool]]:
    """Each value as it is read, and whether it is a number."""
    at = next((place for place, column in enumerate(report.columns) if column.kind == Kind.CURRENCY), None)
    currency = row[at] if at is not None else "IDR"
    return [
        (_labelled(report, column, value) or _shown(column.kind, value, currency), column.kind in _NUMBERS)
        for column, value in zip(report.columns, row, strict=True)
    ]


def _labelled(report: Report, column: Column, value: Any) -> str:
    """'' for what is no code of ours."""
    choices = _CHOICES.get((report.name, column.name))
    return str(choices(value).label) if choices and value in choices else ""


def _shown(kind: Kind, value: Any, currency: str) -> Any:
    if value is None or value == "":
        return "–"
    if kind == Kind.MONEY:
        return formats.money(int(value), currency=currency)
    write = _WRITERS.get(kind)
    return write(value) if write else value


def _order(value: str) -> Any:
    return format_html('<a class="link" href="{}">{}</a>', reverse("order", args=[value]), value)


def _instant(value: datetime) -> str:
    return formats.wib(value)


def _day(value: date) -> Any:
    return format_html('<a class="link" href="{}">{}</a>', reverse("day", args=[value]), formats.day(value))


def _code(value: Any) -> str:
    return names.method(value) if isinstance(value, str) else str(value)


_NUMBERS: Final = (Kind.MONEY, Kind.COUNT)
_WRITERS: Final[Mapping[Kind, Callable[[Any], Any]]] = {
    Kind.COUNT: grouped,
    Kind.TYPE: lambda value: BreakType(value).label,
    Kind.GATEWAY: source_name,
    Kind.ORDER: _order,
    Kind.INSTANT: _instant,
    Kind.DAY: _day,
    Kind.CODE: _code,
    Kind.WAITS: lambda value: WAITS_FOR[value],
}
