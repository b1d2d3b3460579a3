"""The investigation board: each hypothesis with what speaks for it and against it, over a chosen window."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from opsconsole.console.access import allowed
from opsconsole.console.formats import WIB
from opsconsole.console.incident_page import found_or_404
from opsconsole.console.live import answer
from opsconsole.console.tones import Tone
from orders import names
from orders.queries.order_page import people
from orders.queries.telling import who
from orders.states import Service
from runbooks.catalogue import CATALOGUE
from runbooks.models import Incident
from runbooks.queries import board as queries
from runbooks.queries import board_deploys
from runbooks.queries.board import Board, Counted, Hypothesis, Verdict, Window

FORMAT: Final = "%Y-%m-%dT%H:%M"  # of a datetime-local input
WORDS: Final[Mapping[Hypothesis, tuple[Promise, Promise]]] = {
    Hypothesis.POOL: (
        gettext_lazy("Connections of the database ran out"),
        gettext_lazy("diagnosed as waiting for a connection, or for a worker that did not come"),
    ),
    Hypothesis.CALLBACKS: (
        gettext_lazy("Callbacks were lost"),
        gettext_lazy("paid, and no callback of the gateway ever came"),
    ),
    Hypothesis.BREAKER: (
        gettext_lazy("A breaker was open"),
        gettext_lazy("needed a neighbour that was not called at that time"),
    ),
    Hypothesis.TIMEOUTS: (
        gettext_lazy("Neighbours did not answer in time"),
        gettext_lazy("sent something that was not answered within its time limit"),
    ),
    Hypothesis.RACES: (
        gettext_lazy("Things happened at once"),
        gettext_lazy("paid twice, paid after it was closed, or told in the wrong order"),
    ),
}
VERDICTS: Final[Mapping[Verdict, tuple[Promise, Tone]]] = {
    Verdict.STRONG: (gettext_lazy("The evidence is strong"), Tone.FAILED),
    Verdict.SOME: (gettext_lazy("Some evidence"), Tone.ATTENTION),
    Verdict.WEAK: (gettext_lazy("Hardly any evidence"), Tone.NEUTRAL),
    Verdict.UNKNOWN: (gettext_lazy("Too few orders to say"), Tone.NEUTRAL),
}
DIMENSIONS: Final[Mapping[str, Promise]] = {
    "service": gettext_lazy("Service"),
    "method": gettext_lazy("Method"),
    "city": gettext_lazy("City"),
    "gateway": gettext_lazy("Gateway"),
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One hypothesis as it is drawn."""

    title: Promise
    signal: Promise
    verdict: Promise
    tone: Tone
    counted: Counted
    percent: int
    likelier: str
    patterns: list[str]
    course: list[int]


@require_GET
@allowed("view_incidents")
def board(request: HttpRequest, code: str) -> HttpResponse:
    found = found_or_404(code)
    now = timezone.now()
    window = _window(request, queries.window_of(found, now=now))
    seen = queries.board(found, window, now=now)
    values = queries.choices(window)
    context = {
        "section": "incidents",
        "incident": found,
        "board": seen,
        "lines": [_line(seen, each) for each in seen.ranked],
        "deploys": _deploys(found, window),
        "hurt_course": list(seen.hurt_course),
        "since": window.since.astimezone(WIB).strftime(FORMAT),
        "until": window.until.astimezone(WIB).strftime(FORMAT),
        "filters": [
            (name, label, getattr(window, name), [(each, _value(name, each)) for each in values[name]])
            for name, label in DIMENSIONS.items()
        ],
        "query": request.GET.urlencode(),
    }
    return answer(request, "console/incidents/board.html", "console/incidents/board_live.html", context)


def _deploys(found: Incident, window: Window) -> list[dict[str, Any]]:
    """What went live, whose it is, and the share of hurt orders before and after it, in per cent, None of none."""
    notes = board_deploys.deployed(found, window)
    known = people(each.note.actor for each in notes)
    return [
        {
            "note": each.note,
            "service": CATALOGUE[each.note.service].title if each.note.service in CATALOGUE else each.note.service,
            "by": who(each.note.actor, known),
            "before": _share(each.before_hurt, each.before),
            "after": _share(each.after_hurt, each.after),
        }
        for each in notes
    ]


def _share(hurt: int, orders: int) -> int | None:
    return round(100 * hurt / orders) if orders else None


def _window(request: HttpRequest, default: Window) -> Window:
    """What the address says, as far as it makes sense; at most a week."""
    since = _instant(request.GET.get("since", "")) or default.since
    until = _instant(request.GET.get("until", "")) or default.until
    if not since < until <= since + queries.LONGEST:
        since, until = default.since, default.until
    wanted = {name: request.GET.get(name, "")[:40] for name in DIMENSIONS}
    return replace(default, since=since, until=until, **wanted)


def _instant(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, FORMAT).replace(tzinfo=WIB)
    except ValueError:
        return None


def _line(seen: Board, each: Hypothesis) -> Line:
    counted = seen.counted[each]
    title, signal = WORDS[each]
    words, tone = VERDICTS[queries.verdict(counted)]
    return Line(
        title=title,
        signal=signal,
        verdict=words,
        tone=tone,
        counted=counted,
        percent=round(100 * counted.share),
        likelier=_likelier(counted),
        patterns=[
            _("%(what)s %(value)s: %(share)s%% of them, %(usual)s%% of all orders")
            % {
                "what": DIMENSIONS[pattern.dimension],
                "value": _value(pattern.dimension, pattern.value),
                "share": round(100 * pattern.share),
                "usual": round(100 * pattern.usual),
            }
            for pattern in seen.patterns[each]
        ],
        course=list(seen.courses[each]),
    )


def _likelier(counted: Counted) -> str:
    if counted.lift is None:
        return ""
    return _("An order that shows it hangs %(times)s times as often as one that does not.") % {
        "times": number_format(counted.lift, 1)
    }


def _value(dimension: str, value: str) -> Any:
    if dimension == "gateway":
        return names.system(value)
    if dimension == "method":
        return names.method(value)
    return Service(value).label if dimension == "service" and value in Service.values else value
