"""The dispatch desk: the queue, one place in it, and what people do there at once."""

from collections.abc import Callable
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from opsconsole.console import desk
from opsconsole.console.access import allowed
from opsconsole.console.action_answers import MOVED, told
from opsconsole.console.dispatch_entry import entry_context, found_entry
from opsconsole.console.dispatch_queue import Asked, read_queue
from opsconsole.console.live import answer, is_fragment, is_poll, toast
from opsconsole.console.order import found
from opsconsole.console.reading import known
from opsconsole.console.staff import actor_name, actor_of, person
from orders.errors import Refusal
from orders.models import DispatchEntry, Order
from orders.queries.dispatch import free_ids
from orders.services import dispatch_desk
from orders.services.dispatch_desk import Car
from orders.services.nearest import nearest as ask_nearest

RIGHT: Final = "dispatch_by_hand"


@require_GET
@allowed("view_orders")
def queue(request: HttpRequest) -> HttpResponse:
    """All that waits for a car."""
    asked = Asked.of(request.GET, actor=actor_of(request))
    context = {"queue": known(lambda: read_queue(asked)), "asked": asked, "section": "orders", "place": "dispatch"}
    return answer(request, "console/dispatch.html", "console/dispatch/live.html", context)


@require_GET
@allowed("view_orders")
def entry(request: HttpRequest, public_id: str) -> HttpResponse:
    """One place in the queue as a page."""
    return _entry(request, public_id, "console/dispatch/entry_live.html")


@require_GET
@allowed("view_orders")
def peek(request: HttpRequest, public_id: str) -> HttpResponse:
    """The same beside the list; for everybody without a script the page."""
    if not is_fragment(request):
        order = found(public_id)
        chosen = found_entry(order, request.GET.get("entry", ""))
        return redirect(_address(order, chosen))
    return _entry(request, public_id, "console/dispatch/peek.html")


def _entry(request: HttpRequest, public_id: str, fragment: str) -> HttpResponse:
    order = found(public_id)
    chosen = found_entry(order, request.GET.get("entry", ""))
    if not is_poll(request):
        dispatch_desk.touch(chosen, actor=actor_of(request))
        chosen.refresh_from_db(fields=["touched_at"])
    return answer(request, "console/dispatch/entry_page.html", fragment, entry_context(request, order, chosen))


@require_POST
@allowed("view_orders")
def vehicles(request: HttpRequest, public_id: str) -> HttpResponse:
    """Asks the dispatch system now; POST because it costs a call."""
    order = found(public_id)
    chosen = found_entry(order, request.POST.get("entry", ""))
    dispatch_desk.touch(chosen, actor=actor_of(request))
    context = entry_context(request, order, chosen, nearest=ask_nearest(chosen), is_asked=True)
    if is_fragment(request):
        return render(request, "console/dispatch/vehicles.html", context)
    return render(request, "console/dispatch/entry_page.html", context)


@require_POST
@allowed(RIGHT)
def claim(request: HttpRequest, public_id: str) -> HttpResponse:
    return _do(request, public_id, lambda each: dispatch_desk.claim(each, actor=actor_of(request)), _("It is yours."))


@require_POST
@allowed(RIGHT)
def take_next(request: HttpRequest) -> HttpResponse:
    """The first of the list that nobody has, with the list's own filters and order."""
    query = request.GET
    asked = Asked.of(query, actor=actor_of(request))
    taken = dispatch_desk.claim_first(free_ids(asked.wanted, sort=asked.sort), actor=actor_of(request))
    if taken is None:
        return _said(request, None, _("Nothing here is free."), tone="failed")
    response = _taken(request, taken, _("%(order)s is yours.") % {"order": taken.order.public_id})
    if _is_for(request, "peek"):
        response["HX-Push-Url"] = f"{reverse('dispatch')}?{asked.choices.query(peek=taken.order.public_id)}"
    return response


@require_http_methods(["GET", "POST"])
@allowed(RIGHT)
def release(request: HttpRequest, public_id: str) -> HttpResponse:
    """GET is the dialog for a word to the next person."""
    if request.method == "GET":
        return _dialog(request, public_id, "release")
    note = request.POST.get("note", "")
    done = _("Back in the queue.")
    return _do(request, public_id, lambda each: dispatch_desk.release(each, actor=actor_of(request), note=note), done)


class HandOverForm(forms.Form):
    """To whom, and a word about what was done and what is left."""

    to = forms.ModelChoiceField(queryset=User.objects.none())
    note = forms.CharField(max_length=400, strip=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chooser: Any = self.fields["to"]
        chooser.queryset = desk.colleagues(RIGHT)


@require_http_methods(["GET", "POST"])
@allowed(RIGHT)
def hand_over(request: HttpRequest, public_id: str) -> HttpResponse:
    form = HandOverForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        status = 200 if request.method == "GET" else 422
        colleagues = desk.colleagues(RIGHT).exclude(pk=person(request).pk)
        return _dialog(request, public_id, "hand_over", status=status, form=form, colleagues=colleagues)
    to, note = form.cleaned_data["to"], form.cleaned_data["note"]
    done = _("It is %(name)s's now.") % {"name": to.get_full_name() or to.get_username()}

    def hand(each: DispatchEntry) -> None:
        dispatch_desk.hand_over(each, actor=actor_of(request), to=actor_name(to), note=note)

    return _do(request, public_id, hand, done)


@require_POST
@allowed(RIGHT)
def note(request: HttpRequest, public_id: str) -> HttpResponse:
    text = request.POST.get("text", "")
    done = _("Written down.")
    return _do(request, public_id, lambda each: dispatch_desk.write_note(each, text, actor=actor_of(request)), done)


@require_POST
@allowed(RIGHT)
def assign(request: HttpRequest, public_id: str) -> HttpResponse:
    """A car and its driver, typed or from the list of vacant ones."""
    given = [request.POST.get(name, "")[:80] for name in ("vehicle", "driver", "phone")]
    done = _("Assigned. Call the driver, then mark it as dispatched.")
    return _do(request, public_id, lambda each: dispatch_desk.assign(each, Car(*given), actor=actor_of(request)), done)


@require_POST
@allowed(RIGHT)
def free(request: HttpRequest, public_id: str) -> HttpResponse:
    done = _("The car is off again.")
    return _do(request, public_id, lambda each: dispatch_desk.free(each, actor=actor_of(request)), done)


def _do(request: HttpRequest, public_id: str, deed: Callable[[DispatchEntry], object], done: str) -> HttpResponse:
    order = found(public_id)
    chosen = found_entry(order, request.POST.get("entry", ""))
    try:
        deed(chosen)
    except Refusal as refusal:
        return _said(request, chosen, told(str(refusal)), tone="failed")
    return _taken(request, chosen, done)


def _taken(request: HttpRequest, chosen: DispatchEntry, text: str) -> HttpResponse:
    """From the list the panel opens with it; from its own page the parts read themselves again."""
    if not _is_for(request, "peek"):
        return _said(request, chosen, text)
    order = found(chosen.order.public_id)
    shown = found_entry(order, str(chosen.pk))
    response = render(request, "console/dispatch/peek.html", entry_context(request, order, shown))
    return trigger_client_event(toast(response, text), MOVED)


def _is_for(request: HttpRequest, target: str) -> bool:
    htmx: Any = getattr(request, "htmx", None)
    return is_fragment(request) and htmx.target == target


def _said(request: HttpRequest, chosen: DispatchEntry | None, text: str, *, tone: str = "done") -> HttpResponse:
    if is_fragment(request):
        response = HttpResponse()
        if not _is_for(request, "dialog"):  # a dialog is emptied by it
            response["HX-Reswap"] = "none"
        return trigger_client_event(toast(response, text, tone=tone), MOVED)
    add = messages.error if tone == "failed" else messages.success
    add(request, text)
    return redirect(_address(chosen.order, chosen)) if chosen else redirect("dispatch")


def _address(order: Order, chosen: DispatchEntry) -> str:
    return f"{reverse('order-dispatch', args=[order.public_id])}?entry={chosen.pk}"


def _dialog(request: HttpRequest, public_id: str, name: str, *, status: int = 200, **more: Any) -> HttpResponse:
    order = found(public_id)
    chosen = found_entry(order, (request.POST or request.GET).get("entry", ""))
    body = f"console/dispatch/{name}_body.html"
    context = {"order": order, "entry": chosen, "section": "orders", "body": body, **more}
    if is_fragment(request):
        return render(request, "console/order/desk_dialog.html", context, status=status)
    return render(request, "console/order/desk_page.html", {**context, "is_page": True}, status=status)
