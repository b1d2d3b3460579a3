"""How long a booking waits where a bank may take the money back: by payment method, changed by whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from opsconsole.console.access import allowed
from opsconsole.console.action_answers import answered
from opsconsole.console.live import is_fragment
from opsconsole.console.staff import actor_of
from orders import names
from orders.errors import Refusal
from orders.models import DispatchHold
from orders.queries.holds import default_hold, holds_in_force
from orders.queries.order_page import people
from orders.queries.telling import who
from orders.services import holds as service


@dataclass(frozen=True, kw_only=True)
class HoldRow:
    method: str
    label: str
    in_force: timedelta
    default: timedelta
    changed_by: str = ""


class HoldForm(forms.Form):
    minutes = forms.IntegerField(min_value=0, max_value=30)


def hold_rows() -> Sequence[HoldRow]:
    """Every method: two queries and people's names. Those that wait stand first."""
    own, force = {row.method: row for row in DispatchHold.objects.all()}, holds_in_force()
    named = people(row.changed_by for row in own.values())
    rows = [
        HoldRow(
            method=method,
            label=names.method(method),
            in_force=force.get(method, timedelta(0)),
            default=default_hold(method),
            changed_by=who(own[method].changed_by, named) if method in own else "",
        )
        for method in names.METHODS
    ]
    return sorted(rows, key=lambda row: (not row.in_force, row.label))


@require_http_methods(["GET", "POST"])
@allowed("change_limits")
def change(request: HttpRequest, method: str) -> HttpResponse:
    """GET is the dialog; POST sets it."""
    if method not in names.METHODS:
        raise Http404
    form = HoldForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return _draw(request, method, status=200 if request.method == "GET" else 422)
    try:
        span = timedelta(minutes=form.cleaned_data["minutes"])
        service.set_hold(method, span, actor=actor_of(request))
    except Refusal as refusal:
        return answered(request, str(refusal), to="limits", tone="failed")
    return answered(request, _("In force from the next payment on."), to="limits")


def _draw(request: HttpRequest, method: str, *, status: int) -> HttpResponse:
    row = next(each for each in hold_rows() if each.method == method)
    context = {"row": row, "minutes": int(row.in_force.total_seconds()) // 60}
    if is_fragment(request):
        return render(request, "console/hold_dialog.html", context, status=status)
    return render(request, "console/hold_page.html", {**context, "is_page": True}, status=status)
