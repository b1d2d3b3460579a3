"""The state machines as they are: the generated pictures, and beside each the table it was drawn from."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_GET

from opsconsole.console.access import allowed
from opsconsole.paths import PROJECT
from orders.queries.sentences import MOVES
from orders.states import MACHINES, Machine

FOLDER: Final = PROJECT / "docs" / "machines"
NAMES: Final[dict[str, Promise]] = {
    "order": _("Order"),
    "attempt": _("Payment attempt"),
    "refund": _("Refund"),
    "saga": pgettext_lazy("saga", "Booking"),
    "step": _("Booking step"),
    "dispatch": _("Dispatch queue"),
    "posting": _("Entry for Head Office"),
    "inbound": _("Message"),
    "letter": _("Dead letter"),
    "notice": _("Message to a person"),
}
# What a sentence says of a particular one is a dot where it is said of all.
_PLACE: Final = re.compile(r"%\(\w+\)s")


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """`source` is '' for a birth; `sentence` is what the timeline says of it."""

    source: str
    verb: str
    target: str
    sentence: str


@dataclass(frozen=True, slots=True)
class ShownMachine:
    """`picture` is '' where none was drawn."""

    name: str
    label: Promise
    picture: SafeString | str
    edges: Sequence[EdgeRow]


@require_GET
@allowed("view_orders")
def machines(request: HttpRequest) -> HttpResponse:
    """`?machine=order&state=paid` marks a state in the picture."""
    marked = (request.GET.get("machine", ""), request.GET.get("state", ""))
    shown = [_shown(machine, marked=marked) for machine in MACHINES.values()]
    return render(request, "console/machines.html", {"machines": shown})


def _shown(machine: Machine, *, marked: tuple[str, str]) -> ShownMachine:
    label = NAMES[machine.name]
    state = marked[1] if marked[0] == machine.name else ""
    return ShownMachine(machine.name, label, _picture(machine, str(label), marked=state), _edges(machine))


def _edges(machine: Machine) -> list[EdgeRow]:
    births = [EdgeRow("", "create", birth, _said(machine.name, "create")) for birth in sorted(machine.births)]
    moves = [
        EdgeRow(str(source), str(verb), str(target), _said(machine.name, str(verb)))
        for (source, verb), target in machine.edges.items()
    ]
    return [*births, *moves]


def _said(machine: str, verb: str) -> str:
    return _PLACE.sub("…", str(MOVES[machine, verb]))


def _picture(machine: Machine, label: str, *, marked: str) -> SafeString | str:
    drawn = _file(machine.name)
    if not drawn:
        return ""
    named = drawn.replace('<svg role="img"', f'<svg role="img" aria-label="{escape(label)}"', 1)
    if marked in machine.states.values:
        named = re.sub(rf'(class="node state [^"]*)(">\s*<title>{re.escape(marked)}</title>)', r"\1 here\2", named)
    return mark_safe(named)  # noqa: S308 our own file, made by draw_machines


@lru_cache(maxsize=16)
def _file(name: str) -> str:
    path = FOLDER / f"{name}.svg"
    return path.read_text() if path.exists() else ""
