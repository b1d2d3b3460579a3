"""Sending many orders to the dispatch system again: first what it would do, then one action an order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from opsconsole.console.access import allowed
from opsconsole.console.action_answers import told
from opsconsole.console.dispatch_queue import Asked
from opsconsole.console.live import is_fragment, toast
from opsconsole.console.models import Bulk
from opsconsole.console.preferences import safe_next
from opsconsole.console.staff import actor_of, person
from opsconsole.console.stuck_head import main_sum
from orders.errors import Refusal
from orders.models import DispatchEntry
from orders.queries.dispatch import entries_among, matching
from orders.services import actions, dispatching

NAME: Final = "send_to_dispatch"
MOST: Final = 500  # as many as one dispatch system takes in a few minutes; the rest goes by itself


@dataclass(frozen=True)
class Plan:
    """What sending would do: the entries that go, and the orders that do not with the reason."""

    entries: Sequence[DispatchEntry]
    skipped: Sequence[tuple[str, str]]

    @property
    def money(self) -> tuple[str, str]:
        sums: dict[str, int] = {}
        for entry in self.entries:
            sums[entry.order.currency] = sums.get(entry.order.currency, 0) + entry.order.amount
        return main_sum(sums)

    @property
    def button(self) -> str:
        text = ngettext("Send %(count)d order again", "Send %(count)d orders again", len(self.entries))
        return text % {"count": len(self.entries)}


@require_http_methods(["GET", "POST"])
@allowed("retry_booking")
def send(request: HttpRequest) -> HttpResponse:
    """GET shows the plan, POST asks for each; the same form twice is one bulk."""
    given = request.POST if request.method == "POST" else request.GET
    plan = _plan(request, given)
    if request.method == "POST" and plan.entries:
        return _ask(request, plan, given)
    if not plan.entries and not plan.skipped and is_fragment(request):
        return _sorry(_("Nothing is selected. Nothing was done."))
    return _draw(request, plan, given)


def _plan(request: HttpRequest, given: QueryDict) -> Plan:
    actor = actor_of(request)
    goes, skipped = [], []
    for entry in _selected(given, actor)[:MOST]:
        why = actions.why_not(entry.order, NAME, {"entry": entry.pk, "by": actor})
        if why:
            skipped.append((entry.order.public_id, told(why)))
        else:
            goes.append(entry)
    return Plan(goes, skipped)


def _selected(given: QueryDict, actor: str) -> list[DispatchEntry]:
    """The ticked ones, or all that match the list's filter as it is at this moment; oldest first."""
    if given.get("all"):
        asked = Asked.of(QueryDict(given.get("query", "")), actor=actor)
        rows = matching(asked.wanted).select_related("order", "step__saga")
        return list(rows.order_by("created_at", "pk")[:MOST])
    ids = [int(each) for each in given.getlist("entry")[:MOST] if each.isdecimal() and len(each) < 19]
    return entries_among(ids)


def _draw(request: HttpRequest, plan: Plan, given: QueryDict) -> HttpResponse:
    context: dict[str, Any] = {
        "plan": plan,
        "pause": dispatching.pause(),
        "key": uuid4().hex,
        "back": safe_next(request, given.get("back", "")),
        "section": "orders",
    }
    if is_fragment(request):
        return render(request, "console/dispatch/send_dialog.html", context)
    return render(request, "console/dispatch/send_page.html", {**context, "is_page": True})


def _ask(request: HttpRequest, plan: Plan, given: QueryDict) -> HttpResponse:
    key = given.get("key", "")[:32]
    if not (key.isalnum() and len(key) == 32):
        return HttpResponse(status=400)
    if not Bulk.objects.filter(key=key).exists():
        _write(request, plan, key, given)
    address = reverse("bulk", args=[key])
    return HttpResponseClientRedirect(address) if is_fragment(request) else redirect(address)


def _write(request: HttpRequest, plan: Plan, key: str, given: QueryDict) -> None:
    """The row first: of two equal forms at the same instant the second finds it and asks for nothing."""
    reason = _("Sent again with %(count)d selected orders") % {"count": len(plan.entries)}
    back = safe_next(request, given.get("back", ""))
    try:
        with transaction.atomic():
            bulk = Bulk.objects.create(
                key=key, user=person(request), action=NAME, reason=reason, back=back, asked=len(plan.entries)
            )
    except IntegrityError:
        return
    left_out = [skip for entry in plan.entries if (skip := _wish(request, entry, key, reason))]
    bulk.skipped = [*map(list, plan.skipped), *left_out]
    bulk.save(update_fields=["skipped"])


def _wish(request: HttpRequest, entry: DispatchEntry, key: str, reason: str) -> list[str] | None:
    """None when it was asked for, else the order and why not."""
    wish = actions.Wish(
        name=NAME,
        actor=actor_of(request),
        reason=reason,
        expected_version=entry.order.version,
        key=f"{key}:{entry.pk}",
        params={"entry": entry.pk},
    )
    try:
        actions.request(entry.order, wish)
    except Refusal as refusal:
        return [entry.order.public_id, told(str(refusal))]
    return None


def _sorry(text: str) -> HttpResponse:
    response = toast(HttpResponse(), text, tone="failed")
    response["HX-Reswap"] = "none"
    return response
