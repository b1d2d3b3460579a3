"""The list of incidents as CSV. The rules are `export`'s."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_GET

from opsconsole.console.access import allowed
from opsconsole.console.export import csv_file
from opsconsole.console.formats import iso
from opsconsole.console.incidents import view_of
from runbooks.incident_states import Severity
from runbooks.queries.incidents import all_incidents

HEAD = ("incident", "severity", "state", "service", "failure", "title", "began_at", "opened_at", "acknowledged_at")
TAIL = ("mitigated_at", "resolved_at", "reviewed_at", "leads", "alerts", "clocks_too_late", "orders_pinned")


@require_GET
@allowed("export_orders")
def incidents(request: HttpRequest) -> StreamingHttpResponse:
    """Every incident of the chosen view, the newest first."""
    return csv_file("incidents", (*HEAD, *TAIL), (_row(*each) for each in all_incidents(view_of(request))))


def _row(row: Any, pinned: int) -> Sequence[Any]:
    late = sum(clock.breached_at is not None for clock in row.clocks.all())
    what = (row.code, Severity(row.severity).label, row.state, row.service, row.failure, row.title)
    began = (iso(row.began_at), iso(row.opened_at), _instant(row.acknowledged_at))
    ended = (_instant(row.mitigated_at), _instant(row.resolved_at), _instant(row.reviewed_at))
    counts = (row.alerts, late, pinned)
    return (*what, *began, *ended, row.commander.removeprefix("user:"), *counts)


def _instant(at: datetime | None) -> str:
    return iso(at) if at else ""
