"""One act on many orders: the ticked ones, or all that match the filter as it is at this moment.

Taking, handing over and holding are done at once and can be taken back for ten seconds. A re-check is one
action an order, asked for through the same service as on the order's own page, done by workers; its page
shows what became of each, and which were left out and why.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from opsconsole.console import bulk_plan, bulk_undo, desk
from opsconsole.console.access import allowed, refuse
from opsconsole.console.action_answers import MOVED, told
from opsconsole.console.bulk_page import progress_of
from opsconsole.console.live import is_fragment, toast
from opsconsole.console.models import Bulk
from opsconsole.console.preferences import safe_next
from opsconsole.console.roles import RIGHT_BY_CODENAME
from opsconsole.console.staff import actor_name, actor_of, person
from opsconsole.console.stuck_head import grouped
from opsconsole.console.stuck_list import Asked
from opsconsole.console.stuck_screen import dialogs_of
from orders.errors import Refusal
from orders.models import Order
from orders.queries.stuck import all_stuck, stuck_totals
from orders.services import actions
from orders.services import desk as desk_service
from runbooks.queries.incidents import find_incident
from runbooks.services.incidents import cohort

# More take longer than a person waits for a page; repairs of thousands go through a runbook.
# settings.BULK_MOST overrides it.
MOST: Final = 500


class CannotSelect(Exception):
    """What was selected cannot be acted on together. `str(error)` says why, in the reader's language."""


@dataclass(frozen=True)
class Done:
    """What became of it: a sentence, and how to take it back or follow it."""

    text: str
    tone: str = "done"
    token: str = ""
    bulk: Bulk | None = None


@require_POST
@allowed("view_orders")
def act(request: HttpRequest) -> HttpResponse:
    """`act` says what; its right is asked for here, because one form has several buttons."""
    if apart := _APART.get(request.POST.get("act", "")):
        return apart(request)
    what = _ACTS.get(request.POST.get("act", ""))
    if what is None:
        return HttpResponse(status=400)
    if not person(request).has_perm(RIGHT_BY_CODENAME[what.right].permission):
        return refuse(request, RIGHT_BY_CODENAME[what.right])
    try:
        done = what.perform(request, selected(request))
    except CannotSelect as problem:
        return _sorry(request, str(problem))
    return _answer(request, done)


def _plan(request: HttpRequest) -> HttpResponse:
    """Anything else that is done to many orders is planned first, and shown before it is done."""
    right = bulk_plan.right_for(request)
    if not person(request).has_perm(right.permission):
        return refuse(request, right)
    try:
        made = bulk_plan.make(request)
    except Refusal as refusal:
        return _sorry(request, told(str(refusal)))
    target = redirect("plan", code=made.code)
    return HttpResponseClientRedirect(target["Location"]) if is_fragment(request) else target


def _pin(request: HttpRequest) -> HttpResponse:
    """Those of the selection that hang belong to an incident from now on, however many they are."""
    right = RIGHT_BY_CODENAME["lead_incidents"]
    if not person(request).has_perm(right.permission):
        return refuse(request, right)
    incident = find_incident(request.POST.get("incident", ""))
    if incident is None:
        return _sorry(request, _("There is no such incident. Nothing was done."))
    try:
        said = bulk_plan.chosen_in_words(request)
        count = cohort.pin_orders(incident, bulk_plan.chosen(request), actor=actor_of(request), said=said)
    except Refusal as refusal:
        return _sorry(request, told(str(refusal)))
    text = ngettext("%(count)d order pinned to %(code)s.", "%(count)d orders pinned to %(code)s.", count)
    return _answer(request, Done(text=text % {"count": count, "code": incident.code}))


_APART: Final[Mapping[str, Callable[[HttpRequest], HttpResponse]]] = {"plan": _plan, "pin": _pin}


def selected(request: HttpRequest) -> list[Order]:
    """The orders of the form, oldest stuck first where the filter chose them. Raises CannotSelect."""
    if request.POST.get("all"):
        return _matching(request)
    codes = request.POST.getlist("order")
    if len(codes) > _most():
        raise CannotSelect(_too_many(len(codes)))
    orders = list(Order.objects.filter(public_id__in=codes).order_by("pk"))
    if not orders:
        raise CannotSelect(_("Nothing is selected. Nothing was done."))
    return orders


def _matching(request: HttpRequest) -> list[Order]:
    wanted = Asked.read(QueryDict(request.POST.get("query", ""))).wanted(person(request).pk)
    count = stuck_totals(wanted).count
    if count > _most():
        raise CannotSelect(_too_many(count))
    ids = [row.order_id for rows in all_stuck(wanted) for row in rows]
    found = Order.objects.in_bulk(ids[: _most()])
    if not found:
        raise CannotSelect(_("Nothing matches any more. Nothing was done."))
    return [found[pk] for pk in ids if pk in found]


def _too_many(count: int) -> str:
    return _("%(count)s orders match; at most %(most)s at a time. Narrow the filter. Nothing was done.") % {
        "count": grouped(count),
        "most": _most(),
    }


def _most() -> int:
    return int(getattr(settings, "BULK_MOST", MOST))


def _recheck(request: HttpRequest, orders: Sequence[Order]) -> Done:
    """Asked for at the version each order has now: asking again does no harm, whatever happened since."""
    user, key = person(request), uuid4().hex
    reason = _("Re-checked with %(count)d selected orders") % {"count": len(orders)}
    skipped = [skip for order in orders if (skip := _ask(order, user, key, reason))]
    row = Bulk.objects.create(
        key=key,
        user=user,
        action="recheck_payment",
        reason=reason,
        back=_back(request),
        asked=len(orders),
        skipped=skipped,
    )
    return Done(text="", bulk=row)


def _ask(order: Order, user: User, key: str, reason: str) -> list[str] | None:
    """None when it was asked for, else the order and why not."""
    wish = actions.Wish(
        name="recheck_payment",
        actor=actor_name(user),
        reason=reason,
        expected_version=order.version,
        key=f"{key}:{order.pk}",
    )
    try:
        actions.request(order, wish)
    except Refusal as refusal:
        return [order.public_id, told(str(refusal))]
    return None


def _take(request: HttpRequest, orders: Sequence[Order]) -> Done:
    return _assign_to(request, orders, person(request))


def _assign(request: HttpRequest, orders: Sequence[Order]) -> Done:
    form = desk.AssignForm({"owner": request.POST.get("owner", "")})
    if not form.is_valid():
        raise CannotSelect(_("That person cannot take orders. Nothing was done."))
    return _assign_to(request, orders, form.cleaned_data["owner"])


def _assign_to(request: HttpRequest, orders: Sequence[Order], owner: User | None) -> Done:
    user = person(request)
    changed = [order for order in orders if order.owner_id != (owner.pk if owner else None)]
    before = {order.pk: order.owner_id for order in changed}
    done = [order for order in changed if not _refused(_assigning(order, owner, user))]
    token = bulk_undo.offer_owners({order.pk: before[order.pk] for order in done}, owner, by=user)
    text = _whose(owner, len(orders) - len(changed) + len(done))
    return Done(text=_with_rest(text, len(changed) - len(done)), token=token if done else "")


def _whose(owner: User | None, count: int) -> str:
    if owner is None:
        said = ngettext("%(count)d order is nobody's now.", "%(count)d orders are nobody's now.", count)
        return said % {"count": count}
    said = ngettext("%(count)d order is %(name)s's now.", "%(count)d orders are %(name)s's now.", count)
    return said % {"count": count, "name": owner.get_full_name() or owner.get_username()}


def _assigning(order: Order, owner: User | None, user: User) -> Callable[[], None]:
    actor = actor_name(user)
    return lambda: desk_service.assign(order, owner, actor=actor, expected_owner=order.owner_id)


def _hold(request: HttpRequest, orders: Sequence[Order]) -> Done:
    form = desk.HoldForm(request.POST)
    if not form.is_valid():
        raise CannotSelect(_("A hold needs a time and a reason. Nothing was done."))
    user, until = person(request), timezone.now() + timedelta(seconds=int(form.cleaned_data["span"]))
    before = {order.pk: (order.held_until, order.hold_reason) for order in orders}
    reason = form.cleaned_data["reason"]
    done = [order for order in orders if not _refused(_holding(order, until, reason, user))]
    token = bulk_undo.offer_holds({order.pk: before[order.pk] for order in done}, until, by=user)
    text = ngettext(
        "%(count)d order is on hold. It comes back by itself.",
        "%(count)d orders are on hold. They come back by themselves.",
        len(done),
    ) % {"count": len(done)}
    return Done(text=_with_rest(text, len(orders) - len(done)), token=token if done else "")


def _holding(order: Order, until: Any, reason: str, user: User) -> Callable[[], None]:
    actor = actor_name(user)
    return lambda: desk_service.hold(order, until=until, actor=actor, reason=reason)


def _refused(do: Callable[[], None]) -> bool:
    try:
        do()
    except Refusal:
        return True
    return False


def _with_rest(text: str, left_out: int) -> str:
    if not left_out:
        return text
    rest = ngettext(
        "%(count)d was changed by somebody else meanwhile and is left alone.",
        "%(count)d were changed by somebody else meanwhile and are left alone.",
        left_out,
    )
    return f"{text} {rest % {'count': left_out}}"


@dataclass(frozen=True)
class _Act:
    right: str
    perform: Callable[[HttpRequest, Sequence[Order]], Done]


_ACTS: Final[Mapping[str, _Act]] = {
    "recheck_payment": _Act("recheck_payment", _recheck),
    "mine": _Act("assign_order", _take),
    "assign": _Act("assign_order", _assign),
    "hold": _Act("hold_order", _hold),
}


@require_http_methods(["GET", "POST"])
@allowed("view_orders")
def undo(request: HttpRequest) -> HttpResponse:
    """POST takes the last bulk assignment or hold back, as far as nobody has changed it since. GET is
    nothing: what the toast becomes when time is up."""
    if request.method == "GET":
        return HttpResponse()
    back = bulk_undo.take_back(request.POST.get("token", ""), by=person(request))
    if back is None:
        return _sorry(request, _("The time to undo is over. Nothing was done."))
    count, left_out = back
    text = ngettext("%(count)d order taken back.", "%(count)d orders taken back.", count) % {"count": count}
    return _answer(request, Done(text=_with_rest(text, left_out)))


def _answer(request: HttpRequest, done: Done) -> HttpResponse:
    if not is_fragment(request):
        if done.bulk is not None:
            return redirect("bulk", key=done.bulk.key)
        messages.success(request, done.text)
        return redirect(_back(request))
    # The dialogs are drawn anew, closed: a button that closed its own would lose its name on the way.
    context: dict[str, Any] = {"done": done, "id": uuid4().hex, **dialogs_of(person(request))}
    if done.bulk is not None:
        context["progress"] = progress_of(done.bulk)
    return trigger_client_event(render(request, "console/stuck/said.html", context), MOVED)


def _sorry(request: HttpRequest, text: str) -> HttpResponse:
    if is_fragment(request):
        return toast(HttpResponse(), text, tone="failed")
    messages.error(request, text)
    return redirect(_back(request))


def _back(request: HttpRequest) -> str:
    given = request.POST.get("back", "")
    return safe_next(request, given) if given else reverse("stuck")
