"""`/_parts/`: every component with something in it. The accessibility tests and screenshots use it."""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from opsconsole.console.access import allowed
from opsconsole.console.live import answer
from opsconsole.console.samples import sample_orders as made_up_orders
from opsconsole.console.samples import sample_overview, unknown_overview
from opsconsole.console.tones import TONES, Tone

BARS = (3, 5, 4, 6, 9, 14, 22, 31, 28, 19, 12, 9, 7, 6, 5, 4, 6, 5, 4, 3, 4, 5, 3, 2)


@require_GET
@allowed("view_parts")
def parts(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    context = {
        **_table(now),
        "tones": list(Tone),
        "machines": [(machine, list(states)) for machine, states in TONES.items()],
        "overview": sample_overview(now),
        "lost": unknown_overview(now),
        "bars": BARS,
        "instant": now - timedelta(hours=27),
        "spans": [timedelta(seconds=seconds) for seconds in (48, 720, 35_820, 93_720)],
        "limit": timedelta(minutes=30),
        "options": _options(),
    }
    return answer(request, "console/parts.html", "console/parts_table.html", context)


@require_GET
@allowed("view_parts")
def peek(request: HttpRequest, code: str) -> HttpResponse:
    """The panel beside the list; as a page of its own it is the list with the panel open."""
    now = timezone.now()
    context = {**_table(now), "code": code, "instant": now - timedelta(hours=27)}
    return answer(request, "console/parts_peek_page.html", "console/parts_peek.html", context)


def _table(now: datetime) -> dict[str, Any]:
    return {"orders": made_up_orders(now), "now": now}


def _options() -> list[dict[str, Any]]:
    gateways = (("midtrans", "Midtrans", 18, True), ("xendit", "Xendit", 14, False), ("nicepay", "Nicepay", 5, False))
    return [{"value": v, "label": label, "count": count, "is_on": is_on} for v, label, count, is_on in gateways]
