"""What people do to an order at once: take it, hand it over, hold it, write on it. Ten seconds to undo."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from opsconsole.console import desk_undo
from opsconsole.console.access import allowed, signed_in
from opsconsole.console.action_answers import done, link_to_first, refused, told
from opsconsole.console.formats import duration
from opsconsole.console.live import is_fragment
from opsconsole.console.order import found
from opsconsole.console.roles import roles_with
from opsconsole.console.staff import actor_of
from orders.errors import Refusal, StaleState
from orders.models import Order
from orders.queries.sentences import CALLS
from orders.services import desk

SPANS: Final = tuple(
    timedelta(**each) for each in ({"minutes": 30}, {"hours": 2}, {"hours": 8}, {"days": 1}, {"days": 3})
)


def _seconds(span: timedelta) -> str:
    return str(int(span.total_seconds()))


class AssignForm(forms.Form):
    """`owner` is a person's id, '' for nobody; `was` is who had it on screen."""

    owner = forms.ModelChoiceField(queryset=User.objects.none(), required=False)
    was = forms.IntegerField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chooser: Any = self.fields["owner"]
        chooser.queryset = colleagues()


class HoldForm(forms.Form):
    span = forms.ChoiceField(choices=[(_seconds(span), span) for span in SPANS])
    reason = forms.CharField(max_length=200, strip=True)


class NoteForm(forms.Form):
    text = forms.CharField(max_length=2000, strip=True, widget=forms.Textarea)


class CallForm(forms.Form):
    about = forms.ChoiceField(choices=list(CALLS.items()))
    said = forms.CharField(max_length=400, strip=True, required=False)


def colleagues(right: str = "assign_order") -> Any:
    """Who may be given an order: whoever may take one, or holds another right that it takes."""
    roles = [role.value for role in roles_with(right)]
    people = get_user_model().objects.filter(is_active=True, groups__name__in=roles)
    return people.distinct().order_by("first_name", "username")


@require_POST
@allowed("assign_order")
def take(request: HttpRequest, public_id: str) -> HttpResponse:
    """One click: mine."""
    return _assign(request, found(public_id), request.user, was=_was(request))


@require_http_methods(["GET", "POST"])
@allowed("assign_order")
def assign(request: HttpRequest, public_id: str) -> HttpResponse:
    order = found(public_id)
    if request.method == "GET":
        return _draw(request, order, "assign", people=colleagues())
    form = AssignForm(request.POST)
    if not form.is_valid():
        return _draw(request, order, "assign", status=422, form=form, people=colleagues())
    return _assign(request, order, form.cleaned_data["owner"], was=form.cleaned_data["was"])


def _was(request: HttpRequest) -> int | None:
    given = request.POST.get("was", "")
    return int(given) if given.isdecimal() else None


def _assign(request: HttpRequest, order: Order, owner: Any, *, was: int | None) -> HttpResponse:
    try:
        desk.assign(order, owner, actor=actor_of(request), expected_owner=was)
    except StaleState:
        return refused(request, order, _owner_changed(order))
    after = owner.pk if owner else None
    undo = desk_undo.offer("assign", order, by=request.user, before=was, after=after)
    if owner is None:
        return done(request, order, _("Nobody's any more."), undo=undo)
    name = owner.get_full_name() or owner.get_username()
    return done(request, order, _("Assigned to %(name)s.") % {"name": name}, undo=undo)


def _owner_changed(order: Order) -> str:
    now = found(order.public_id).owner
    name = (now.get_full_name() or now.get_username()) if now else _("nobody")
    return _("Somebody was faster: it is %(name)s's now. Nothing was done.") % {"name": name}


@require_http_methods(["GET", "POST"])
@allowed("hold_order")
def hold(request: HttpRequest, public_id: str) -> HttpResponse:
    """Out of the stuck list for a while, with a reason."""
    order = found(public_id)
    spans = [(_seconds(span), duration(span)) for span in SPANS]
    form = HoldForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        status = 200 if request.method == "GET" else 422
        return _draw(request, order, "hold", status=status, spans=spans, form=form if form.is_bound else None)
    until = timezone.now() + timedelta(seconds=int(form.cleaned_data["span"]))
    before, reason_before = desk_undo.instant(order.held_until), order.hold_reason
    try:
        desk.hold(order, until=until, actor=actor_of(request), reason=form.cleaned_data["reason"])
    except Refusal as refusal:
        return refused(request, order, told(str(refusal)), first=link_to_first(order, refusal))
    undo = desk_undo.offer(
        "hold", order, by=request.user, before=before, after=desk_undo.instant(until), reason=reason_before
    )
    return done(request, order, _("On hold. It comes back by itself."), undo=undo)


@require_POST
@allowed("hold_order")
def release(request: HttpRequest, public_id: str) -> HttpResponse:
    order = found(public_id)
    try:
        desk.release(order, actor=actor_of(request))
    except Refusal as refusal:
        return refused(request, order, told(str(refusal)), first=link_to_first(order, refusal))
    return done(request, order, _("Hold ended."))


@require_http_methods(["GET", "POST"])
@allowed("assign_order")
def note(request: HttpRequest, public_id: str) -> HttpResponse:
    """A sentence on the timeline."""
    order = found(public_id)
    form = NoteForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        status = 200 if request.method == "GET" else 422
        return _draw(request, order, "note", status=status, form=form if form.is_bound else None)
    desk.note(order, form.cleaned_data["text"], actor=actor_of(request))
    return done(request, order, _("Written on the timeline."))


@require_http_methods(["GET", "POST"])
@allowed("assign_order")
def called(request: HttpRequest, public_id: str) -> HttpResponse:
    """The customer called: one click says about what."""
    order = found(public_id)
    form = CallForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        status = 200 if request.method == "GET" else 422
        given = form if form.is_bound else None
        return _draw(request, order, "called", status=status, calls=list(CALLS.items()), form=given)
    desk.called(order, form.cleaned_data["about"], actor=actor_of(request), said=form.cleaned_data["said"])
    return done(request, order, _("The call is on the timeline."))


@require_http_methods(["GET", "POST"])
@signed_in
def undo(request: HttpRequest, public_id: str) -> HttpResponse:
    """POST takes the last assignment or hold back. GET is nothing: what the toast becomes when time is up."""
    order = found(public_id)
    if request.method == "GET":
        return HttpResponse()
    offer = desk_undo.read(order, request.POST.get("token", ""), request.user)
    if offer is None:
        return refused(request, order, str(_TOO_LATE))
    try:
        _UNDO[offer.what](request, order, offer)
    except StaleState:
        return refused(request, order, _("Somebody has changed it since. Nothing was done."))
    return done(request, order, _("Taken back."))


_TOO_LATE: Final = gettext_lazy("The time to undo is over. Nothing was done.")


def _undo_assignment(request: HttpRequest, order: Order, offer: desk_undo.Undo) -> None:
    owner = get_user_model().objects.filter(pk=offer.before).first() if offer.before else None
    desk_undo.undo_assignment(order, offer, owner=owner, actor=actor_of(request))


def _undo_hold(request: HttpRequest, order: Order, offer: desk_undo.Undo) -> None:
    desk_undo.undo_hold(order, offer, actor=actor_of(request))


_UNDO: Final[dict[str, Callable[[HttpRequest, Order, desk_undo.Undo], None]]] = {
    "assign": _undo_assignment,
    "hold": _undo_hold,
}


def _draw(request: HttpRequest, order: Order, name: str, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {"order": order, "section": "orders", "body": f"console/order/{name}_body.html", "name": name, **more}
    if is_fragment(request):
        return render(request, "console/order/desk_dialog.html", context, status=status)
    return render(request, "console/order/desk_page.html", {**context, "is_page": True}, status=status)
