"""The kill switches: every action, and each by itself, with who turned them and why."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from opsconsole.console.access import allowed
from opsconsole.console.action_answers import told
from opsconsole.console.staff import actor_of
from orders.errors import Refusal
from orders.models import ActionSwitch
from orders.models.control import EVERY_ACTION
from orders.queries.order_page import people
from orders.queries.sentences import ACTIONS
from orders.queries.telling import who
from orders.services import switches as service


@dataclass(frozen=True, kw_only=True)
class Switch:
    """One switch as it stands; `row` is None where it was never touched."""

    name: str
    label: str
    row: ActionSwitch | None
    changed_by: str = ""

    @property
    def is_stopped(self) -> bool:
        return self.row is not None and self.row.is_stopped


@require_GET
@allowed("view_runbooks")
def switches(request: HttpRequest) -> HttpResponse:
    rows = {row.name: row for row in ActionSwitch.objects.all()}
    changes = service.changes()
    names = people([*(row.changed_by for row in rows.values()), *(change.actor for change in changes)])
    context = {
        "section": "runbooks",
        "switches": [
            Switch(
                name=name,
                label=_label(name),
                row=rows.get(name),
                changed_by=who(rows[name].changed_by, names) if name in rows else "",
            )
            for name in (EVERY_ACTION, *ACTIONS)
        ],
        "changes": [(_label(each.name), each, who(each.actor, names)) for each in changes],
    }
    return render(request, "console/switches.html", context)


@require_POST
@allowed("stop_actions")
def turn(request: HttpRequest, name: str) -> HttpResponse:
    """Stop an action or let it go again, with a reason."""
    stop, actor = request.POST.get("stop") == "1", actor_of(request)
    try:
        service.turn(name, stop=stop, known=list(ACTIONS), actor=actor, reason=request.POST.get("reason", ""))
    except Refusal as refusal:
        messages.error(request, told(str(refusal)))
    else:
        messages.success(request, _("Stopped: no further row begins.") if stop else _("Allowed again."))
    return redirect("switches")


def _label(name: str) -> str:
    return _("Every action") if name == EVERY_ACTION else str(ACTIONS.get(name, name))
