"""How an own action is answered: with a script a toast and fresh parts, without one the page again."""

import re
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django_htmx.http import trigger_client_event

from opsconsole.console.live import is_fragment, toast
from orders.errors import Refusal
from orders.models import OperatorAction, Order
from orders.queries.order_page import people
from orders.queries.sentences import ACTIONS
from orders.services.actions import Blocked

MOVED: Final = "order-moved"  # parts of the page that listen to it read themselves again
_PERSON: Final = re.compile(r"\buser:([\w.@+-]+)")


def done(request: HttpRequest, order: Order, text: str, *, undo: str = "") -> HttpResponse:
    """It was done, or asked for. `undo` offers to take it back for ten seconds."""
    if not is_fragment(request):
        messages.success(request, text)
        response = redirect("order", public_id=order.public_id)
        if undo:
            response["Location"] += f"?undo={undo}"
        return response
    if not undo:
        return trigger_client_event(toast(HttpResponse(), text), MOVED)
    context = {"order": order, "text": text, "token": undo}
    return trigger_client_event(render(request, "console/order/undo_toast.html", context), MOVED)


def answered(request: HttpRequest, text: str, *, to: str, tone: str = "done") -> HttpResponse:
    """What concerns no order: `to` is the page that shows how things are now."""
    if is_fragment(request):
        return trigger_client_event(toast(HttpResponse(), text, tone=tone), MOVED)
    add = messages.error if tone == "failed" else messages.success
    add(request, text)
    return redirect(to)


def refused(request: HttpRequest, order: Order, text: str, *, first: str = "") -> HttpResponse:
    """Nothing was done; the page shows how things are now. `first` leads to what is in the way."""
    if not is_fragment(request):
        messages.error(request, text)
        return redirect("order", public_id=order.public_id)
    return trigger_client_event(toast(HttpResponse(), text, tone="failed", href=first), MOVED)


def link_to_first(order: Order, refusal: Refusal) -> str:
    """Where what is in the way can be looked at: an action in the order's list, or a plan; "" for neither."""
    if not isinstance(refusal, Blocked):
        return ""
    if refusal.by.first is not None:
        return f"{reverse('order-actions', args=[order.public_id])}#action-{refusal.by.first.pk}"
    return reverse("plan", args=[refusal.by.values["plan"]]) if "plan" in refusal.by.values else ""


def asked_for(action: OperatorAction) -> str:
    label = {"action": str(ACTIONS[action.name])}
    if action.status == OperatorAction.Status.AWAITING_APPROVAL:
        return _("%(action)s: waits for a second person.") % label
    return _("%(action)s: asked for. The result follows here.") % label


def told(sentence: str) -> str:
    """A refusal's sentence with people by their names."""
    named = people(f"user:{name}" for name in _PERSON.findall(sentence))
    return _PERSON.sub(lambda found: named.get(found[0], found[1]), sentence)
