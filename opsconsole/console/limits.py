"""Stuck limits: how long each state may last, what was changed, by whom and when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from opsconsole.console.access import allowed
from opsconsole.console.action_answers import answered
from opsconsole.console.holds import hold_rows
from opsconsole.console.live import answer, is_fragment
from opsconsole.console.machines import NAMES
from opsconsole.console.staff import actor_of
from orders.errors import Refusal
from orders.models import StuckLimit
from orders.policies import ANY_SERVICE, DEFAULT_LIMITS, overridden
from orders.queries.order_page import people
from orders.queries.telling import who
from orders.services import limits as service
from orders.services.limits import Key
from orders.states import MACHINES, Service

UNITS: Final[dict[str, tuple[timedelta, Promise]]] = {
    "m": (timedelta(minutes=1), gettext_lazy("minutes")),
    "h": (timedelta(hours=1), gettext_lazy("hours")),
    "d": (timedelta(days=1), gettext_lazy("days")),
}


@dataclass(frozen=True, kw_only=True)
class LimitRow:
    """One limit. `default` is None where a service has none of its own and follows all services."""

    key: Key
    machine: str
    state: str
    service: str
    in_force: timedelta
    default: timedelta | None
    is_changed: bool
    changed_by: str = ""
    changed_at: datetime | None = None

    @property
    def machine_label(self) -> str:
        """'' for the order, which the page is about."""
        return "" if self.machine == "order" else str(NAMES[self.machine])

    @property
    def service_label(self) -> str:
        return str(Service(self.service).label) if self.service else _("all services")

    @property
    def is_at_once(self) -> bool:
        return not self.in_force


class LimitForm(forms.Form):
    """A number and its unit, for one service or for all."""

    number = forms.IntegerField(min_value=1, max_value=43_200)
    unit = forms.ChoiceField(choices=[(unit, unit) for unit in UNITS])
    service = forms.ChoiceField(choices=[("", ""), *Service.choices], required=False)

    @property
    def span(self) -> timedelta:
        return int(self.cleaned_data["number"]) * UNITS[self.cleaned_data["unit"]][0]


@require_GET
@allowed("view_orders")
def limits(request: HttpRequest) -> HttpResponse:
    return answer(
        request, "console/limits.html", "console/limits_list.html", {"groups": _groups(), "holds": hold_rows()}
    )


@require_http_methods(["GET", "POST"])
@allowed("change_limits")
def change(request: HttpRequest, machine: str, state: str) -> HttpResponse:
    """GET is the dialog; POST sets a limit, or puts it back with `decision=clear`."""
    if not any((machine, state) == (of, str(where)) for of, where, _service in DEFAULT_LIMITS):
        raise Http404
    if request.method == "GET":
        return _draw(request, machine, state)
    if request.POST.get("decision") == "clear":
        return _clear(request, (machine, state, request.POST.get("service", "")))
    form = LimitForm(request.POST)
    if not form.is_valid():
        return _draw(request, machine, state, form=form, status=422)
    try:
        service.set_limit((machine, state, form.cleaned_data["service"]), form.span, actor=actor_of(request))
    except Refusal as refusal:
        return answered(request, str(refusal), to="limits", tone="failed")
    return answered(request, _("The limit is in force."), to="limits")


def _clear(request: HttpRequest, key: Key) -> HttpResponse:
    try:
        service.clear_limit(key, actor=actor_of(request))
    except Refusal as refusal:
        return answered(request, str(refusal), to="limits", tone="failed")
    return answered(request, _("Back to the default."), to="limits")


def _groups() -> list[tuple[str, list[LimitRow]]]:
    """By machine, in the order of the table of defaults."""
    groups: dict[str, list[LimitRow]] = {}
    for row in _rows():
        groups.setdefault(row.machine, []).append(row)
    return list(groups.items())


def _rows() -> Sequence[LimitRow]:
    own = list(StuckLimit.objects.all())
    changed = {(row.subject, row.state, row.service) for row in own}
    known = overridden(own).of
    order = {key[:2]: place for place, key in enumerate(dict.fromkeys(key[:2] for key in DEFAULT_LIMITS))}
    told = service.last_changes()
    names = people(change.actor for change in told.values())
    keys = sorted(known, key=lambda key: (order[key[0], key[1]], key[2]))
    return [_row(key, known[key], is_changed=key in changed, change=told.get(key), names=names) for key in keys]


def _row(
    key: Key, in_force: timedelta, *, is_changed: bool, change: service.Change | None, names: dict[str, str]
) -> LimitRow:
    machine, state, of = (str(part) for part in key)
    return LimitRow(
        key=key,
        machine=machine,
        state=state,
        service=of,
        in_force=in_force,
        default=DEFAULT_LIMITS.get(key),
        is_changed=is_changed,
        changed_by=who(change.actor, names) if change else "",
        changed_at=change.at if change else None,
    )


def _draw(
    request: HttpRequest, machine: str, state: str, *, form: LimitForm | None = None, status: int = 200
) -> HttpResponse:
    of = request.GET.get("service", ANY_SERVICE)
    rows = [row for row in _rows() if (row.machine, row.state) == (machine, state)]
    number, unit = _spelled(next((row.in_force for row in rows if row.service == of), rows[0].in_force))
    context: dict[str, Any] = {
        "machine": machine,
        "state": state,
        "label": MACHINES[machine].states(state).label,
        "rows": rows,
        "chosen": of,
        "services": [("", _("all services")), *Service.choices],
        "number": form["number"].value() if form else number,
        "unit": form["unit"].value() if form else unit,
        "units": [(code, label) for code, (_span, label) in UNITS.items()],
        "form": form,
        "can_clear": any(row.is_changed and row.service == of for row in rows),
    }
    if is_fragment(request):
        return render(request, "console/limits_dialog.html", context, status=status)
    return render(request, "console/limits_page.html", {**context, "is_page": True}, status=status)


def _spelled(span: timedelta) -> tuple[int, str]:
    """In the largest unit that leaves no rest: 90 minutes stay minutes, 24 hours are a day."""
    for unit in reversed(UNITS):
        size = UNITS[unit][0]
        if span and not span % size:
            return span // size, unit
    return 1, "m"
