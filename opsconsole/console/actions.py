"""Asking for an action on one order: a click for what is safe, a dialog for what the customer feels."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from opsconsole.console.access import allowed, signed_in
from opsconsole.console.action_answers import asked_for, done, link_to_first, refused, told
from opsconsole.console.action_dialogs import Dialog, dialog_of, warnings_of
from opsconsole.console.formats import money
from opsconsole.console.live import is_fragment
from opsconsole.console.order import found
from opsconsole.console.order_choices import KINDS, Risk, risk_of
from opsconsole.console.staff import actor_of
from opsconsole.console.sums import parsed_sum
from opsconsole.console.transfer import BankReferenceField, WibField
from orders.errors import Refusal, StaleState
from orders.models import OperatorAction, Order
from orders.queries.sentences import ONE_CLICK, TAKEN_BACK
from orders.services import actions
from orders.services.actions import Wish, transfer
from orders.services.actions.link import ADDRESS


class AskForm(forms.Form):
    """What every action carries: the key minted with the form, the version its operator saw, why; up to which
    action its operator has read the results, and what of the customer's money was held then."""

    key = forms.CharField(max_length=64)
    version = forms.IntegerField()
    reason = forms.CharField(max_length=400, strip=True)
    seen = forms.IntegerField(min_value=0, required=False)
    balance = forms.IntegerField(required=False)

    def fits(self, order: Order) -> bool:
        """Whether what was typed can be so; else the form says at each field why not."""
        return True


class RefundForm(AskForm):
    """`amount` is what is given back, `typed` the same sum typed again by hand."""

    amount = forms.IntegerField(min_value=1)
    typed = forms.CharField(max_length=30)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if "typed" in given and parsed_sum(given["typed"]) != given.get("amount"):
            self.add_error("typed", gettext_lazy("This is not the sum above."))
        return given


class TransferForm(AskForm):
    """Which refund, and what proves that its money was sent. What is missing has the domain's words."""

    refund = forms.CharField(max_length=64, required=False)
    reference = BankReferenceField(max_length=100, required=False)
    transferred_at = WibField(max_length=30, required=False)

    def fits(self, order: Order) -> bool:
        for name, why in transfer.problems(order, self.cleaned_data).items():
            self.add_error(name, why)
        return self.is_valid()


class LinkForm(AskForm):
    gateway = forms.CharField(max_length=16, required=False)


class DispatchForm(AskForm):
    """`entry` is the place in the dispatch queue that is meant."""

    entry = forms.IntegerField(min_value=1, required=False)


class SendForm(AskForm):
    channel = forms.ChoiceField(choices=[(way, way) for way in ADDRESS])


FORMS: Final[Mapping[str, type[AskForm]]] = {
    "refund": RefundForm,
    transfer.NAME: TransferForm,
    "make_link": LinkForm,
    "send_link": SendForm,
    **dict.fromkeys(("send_to_dispatch", "dispatch_by_hand", "customer_cancelled", "give_up_dispatch"), DispatchForm),
}


_PARAMS: Final = ("amount", "gateway", "entry", "channel", "refund", "reference", "transferred_at")


def view_of(name: str) -> Callable[..., HttpResponseBase]:
    """The address of one action. GET is the dialog (a page for those without a script), POST asks for it."""

    def act(request: HttpRequest, public_id: str) -> HttpResponse:
        order = found(public_id)
        if request.method == "POST":
            return _ask(request, order, name)
        return _draw(request, dialog_of(request, order, name))

    guarded: Callable[..., HttpResponseBase] = allowed(KINDS[name].right)(act)
    return require_http_methods(["GET", "POST"])(guarded)


def _ask(request: HttpRequest, order: Order, name: str) -> HttpResponse:
    form = FORMS.get(name, AskForm)(_given(request, order, name))
    if not (form.is_valid() and form.fits(order)):
        return _draw(request, dialog_of(request, order, name, form=form), status=422)
    try:
        action = actions.request(order, _wish(request, name, form.cleaned_data))
    except StaleState:
        return refused(request, order, _moved_on(public_id=order.public_id))
    except Refusal as refusal:
        return refused(request, order, told(str(refusal)), first=link_to_first(order, refusal))
    return done(request, order, asked_for(action))


def _given(request: HttpRequest, order: Order, name: str) -> Any:
    """A safe step needs no words of its own."""
    given = request.POST.copy()
    if risk_of(order, name) == Risk.SAFE:
        given.setdefault("reason", ONE_CLICK)
    return given


def _wish(request: HttpRequest, name: str, given: Mapping[str, Any]) -> Wish:
    params = {each: given[each] for each in _PARAMS if given.get(each)}
    return Wish(
        name=name,
        actor=actor_of(request),
        reason=given["reason"],
        expected_version=given["version"],
        key=given["key"],
        params=params,
        seen=given["seen"] or 0,
        balance=given["balance"],
    )


def _moved_on(*, public_id: str) -> str:
    """The version does not say what changed; the page that follows does."""
    now = found(public_id)
    return _("This order changed while you were reading: it is now “%(state)s”. Nothing was done.") % {
        "state": now.state_label
    }


def _draw(request: HttpRequest, dialog: Dialog, *, status: int = 200) -> HttpResponse:
    context = {"dialog": dialog, "order": dialog.order, "section": "orders", "key": uuid.uuid4().hex}
    if is_fragment(request):
        return render(request, "console/order/dialog.html", context, status=status)
    return render(request, "console/order/dialog_page.html", {**context, "is_page": True}, status=status)


@require_POST
@allowed("view_orders")
def warnings(request: HttpRequest, public_id: str, name: str) -> HttpResponse:
    """What speaks against it at this moment: everybody is asked live while the dialog is read."""
    if name not in KINDS:
        raise Http404
    context = {"warnings": warnings_of(found(public_id), name)}
    return render(request, "console/order/warnings.html", context)


@require_GET
@allowed("view_orders")
def echo(request: HttpRequest, public_id: str) -> HttpResponse:
    """The sum as it was understood, while it is typed."""
    typed, wanted = request.GET.get("typed", ""), parsed_sum(request.GET.get("amount", ""))
    understood = parsed_sum(typed)
    context = {
        "is_empty": not typed.strip(),
        "understood": None if understood is None else money(understood),
        "fits": understood is not None and understood == wanted,
    }
    return render(request, "console/order/echo.html", context)


@require_POST
@signed_in
def withdraw(request: HttpRequest, public_id: str, pk: int) -> HttpResponse:
    """Who proposed something that waits for a second person takes it back."""
    order = found(public_id)
    actor = actor_of(request)
    action = OperatorAction.objects.filter(pk=pk, order=order, actor=actor).first()
    if action is None:
        raise Http404
    try:
        actions.reject(action, actor=actor, reason=TAKEN_BACK)
    except Refusal as refusal:
        return refused(request, order, told(str(refusal)))
    return done(request, order, _("Taken back. Nothing was done."))
