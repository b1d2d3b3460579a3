"""The map of services: who needs whom, how each is now, and who would be hurt if one failed. Drawn on the server."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from opsconsole.console.access import allowed
from opsconsole.console.live import answer
from opsconsole.console.tones import Tone
from runbooks.catalogue import CATALOGUE, blast_of, needed_by, spread
from runbooks.catalogue.graph import Hurt
from runbooks.queries import services as queries
from runbooks.queries.services import Health, Seen

WIDTH, HEIGHT, STEP_X, STEP_Y, TOP = 168, 34, 250, 44, 10
HEALTH: Final[Mapping[Health, tuple[Promise, Tone]]] = {
    Health.WELL: (gettext_lazy("Well"), Tone.DONE),
    Health.TROUBLE: (gettext_lazy("In trouble"), Tone.ATTENTION),
    Health.DOWN: (gettext_lazy("Down"), Tone.FAILED),
    Health.UNKNOWN: (gettext_lazy("Not watched"), Tone.NEUTRAL),
}
HURTS: Final[Mapping[str, tuple[Promise, Tone]]] = {
    Hurt.DOWN: (gettext_lazy("Down"), Tone.FAILED),
    Hurt.LESS: (gettext_lazy("Goes on with less"), Tone.ATTENTION),
}
WHY: Final[Mapping[str, Promise]] = {
    "away": gettext_lazy("cannot be reached"),
    "breaker": gettext_lazy("a breaker is open"),
    "alert": gettext_lazy("an alert fires"),
    "incident": gettext_lazy("an incident is live"),
    "outbox": gettext_lazy("events wait to be published"),
}
Marks = Mapping[str, tuple[str, Tone]]


@require_GET
@allowed("view_services")
def service_map(request: HttpRequest) -> HttpResponse:
    """With `fail` (more than once for several), what would happen without them; else as it is now."""
    failed = [name for name in dict.fromkeys(request.GET.getlist("fail")) if name in CATALOGUE]
    hurt, seen = spread(failed), queries.health()
    marks = _what_if(hurt) if failed else _as_is(seen)
    context = {
        "section": "services",
        "tab": "map",
        "failed": [(name, CATALOGUE[name].title, _link([each for each in failed if each != name])) for name in failed],
        "blast": blast_of(failed),
        "hurt": [(CATALOGUE[name], *HURTS[each]) for name, each in hurt.items() if name not in failed],
        "lines": [(CATALOGUE[name], *HEALTH[each.health], WHY.get(each.why, ""), each) for name, each in seen.items()],
        "picture": draw(marks, failed),
        "query": urlencode([("fail", name) for name in failed]),
        "others": [(name, each.title) for name, each in CATALOGUE.items() if name not in failed],
    }
    return answer(request, "console/services/map.html", "console/services/map_live.html", context)


def _what_if(hurt: Mapping[str, Hurt]) -> Marks:
    calm = (_("untouched"), Tone.NEUTRAL)
    marks = {name: (str(HURTS[each][0]), HURTS[each][1]) for name, each in hurt.items()}
    return {name: marks.get(name, calm) for name in CATALOGUE}


def _as_is(seen: Mapping[str, Seen]) -> Marks:
    return {name: (str(HEALTH[each.health][0]), HEALTH[each.health][1]) for name, each in seen.items()}


def columns() -> Sequence[Sequence[str]]:
    """Services by how far they stand behind the front, the farthest way counting."""
    depth: dict[str, int] = {}

    def of(name: str) -> int:
        if name not in depth:
            depth[name] = max((of(each) + 1 for each in needed_by(name)), default=0)
        return depth[name]

    found: list[list[str]] = []
    for name in sorted(CATALOGUE, key=lambda each: (of(each), -CATALOGUE[each].blast_radius)):
        found += [[] for _column in range(of(name) + 1 - len(found))]
        found[of(name)].append(name)
    return found


def draw(marks: Marks, failed: Sequence[str]) -> SafeString:
    """The picture: a link for each service that adds it to what has failed, or takes it away."""
    placed = _places()
    height = max(y for _x, y in placed.values()) + HEIGHT + TOP
    width = max(x for x, _y in placed.values()) + WIDTH + 2
    return format_html(
        '<svg class="service-map" viewBox="0 0 {} {}" width="{}" height="{}" role="group" aria-label="{}">{}{}</svg>',
        width,
        height,
        width,
        height,
        _("Services and what they need"),
        _edges(placed, marks),
        format_html_join("", "{}", ((_node(name, place, marks[name], failed),) for name, place in placed.items())),
    )


def _places() -> Mapping[str, tuple[int, int]]:
    rows = max(len(column) for column in columns())
    placed = {}
    for x, column in enumerate(columns()):
        start = TOP + (rows - len(column)) * STEP_Y // 2
        placed.update({name: (x * STEP_X + 1, start + y * STEP_Y) for y, name in enumerate(column)})
    return placed


def _edges(placed: Mapping[str, tuple[int, int]], marks: Marks) -> SafeString:
    parts = [
        (_curve(placed[service.name], placed[need.service]), str(need.how), marks[need.service][1])
        for service in CATALOGUE.values()
        for need in service.needs
    ]
    return format_html_join("", '<path d="{}" class="{}" data-tone="{}" fill="none"/>', parts)


def _curve(start: tuple[int, int], end: tuple[int, int]) -> str:
    """From the right side of one box to the left side of another."""
    x1, y1, x2, y2 = start[0] + WIDTH, start[1] + HEIGHT // 2, end[0], end[1] + HEIGHT // 2
    middle = (x1 + x2) // 2
    return f"M{x1},{y1} C{middle},{y1} {middle},{y2} {x2},{y2}"


def _node(name: str, place: tuple[int, int], mark: tuple[str, Tone], failed: Sequence[str]) -> SafeString:
    words, tone = mark
    others = [each for each in failed if each != name] if name in failed else [*failed, name]
    return format_html(
        '<a href="{}" data-tone="{}"{}><title>{}</title><rect x="{}" y="{}" width="{}" height="{}" rx="6"/>'
        '<text x="{}" y="{}">{}</text><text x="{}" y="{}" class="small">{} · {}%</text></a>',
        _link(others),
        tone,
        SafeString(' class="is-failed"') if name in failed else "",
        f"{CATALOGUE[name].title}: {words}",
        *place,
        WIDTH,
        HEIGHT,
        place[0] + 8,
        place[1] + 14,
        CATALOGUE[name].title,
        place[0] + 8,
        place[1] + 28,
        words,
        CATALOGUE[name].blast_radius,
    )


def _link(failed: Iterable[str]) -> str:
    query = urlencode([("fail", name) for name in failed])
    return f"{reverse('service-map')}?{query}" if query else reverse("service-map")
