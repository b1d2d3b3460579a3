"""One saga: its page, and asking for what a person may do to it."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import trigger_client_event

from opsconsole.console.access import allowed
from opsconsole.console.action_answers import MOVED, asked_for, told
from opsconsole.console.actions import AskForm
from opsconsole.console.formats import money
from opsconsole.console.live import answer, is_fragment, toast
from opsconsole.console.order import found
from opsconsole.console.order_choices import Risk
from opsconsole.console.order_guards import guards_of
from opsconsole.console.saga_choices import KINDS, seen
from opsconsole.console.saga_page import saga_page
from opsconsole.console.saga_words import step_label
from opsconsole.console.staff import actor_of
from orders import names
from orders.errors import Refusal, StaleState
from orders.models import Order
from orders.queries.sentences import ACTIONS, ONE_CLICK
from orders.services import actions
from orders.services.actions import Wish
from orders.services.actions.saga_verbs import Subject, at_stake, subject_of
from orders.states import SagaState, StepState


class SagaForm(AskForm):
    """`saga_version` and `step_version` are what the person saw."""

    step = forms.IntegerField(required=False)
    saga_version = forms.IntegerField()
    step_version = forms.IntegerField(required=False)


class EvidenceForm(SagaForm):
    """What was seen, and where it can be looked up."""

    evidence = forms.CharField(max_length=300, strip=True)
    reference = forms.CharField(max_length=80, strip=True)


FORMS: Final[Mapping[str, type[SagaForm]]] = {"mark_step_done": EvidenceForm}
_PARAMS: Final = ("step", "saga_version", "step_version", "evidence", "reference")


@dataclass(frozen=True, kw_only=True)
class SagaDialog:
    """`effects` are what will happen, in order; `why_not` is set where nothing can be done after all."""

    order: Order
    number: int
    name: str
    title: str
    button: str
    url: str
    effects: list[str]
    is_danger: bool
    needs_second: bool
    why_not: str
    fields: Mapping[str, int]
    form: forms.Form | None = None
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def wants_evidence(self) -> bool:
        return self.name == "mark_step_done"


@require_GET
@allowed("view_orders")
def newest(request: HttpRequest, public_id: str) -> HttpResponse:
    """The saga that counts: the last one."""
    order = found(public_id)
    number = order.sagas.count()
    if not number:
        raise Http404
    return redirect("saga", public_id=order.public_id, number=number)


@require_GET
@allowed("view_orders")
def saga(request: HttpRequest, public_id: str, number: int) -> HttpResponse:
    order = found(public_id)
    page = saga_page(request, order, number)
    if page is None:
        raise Http404
    here = reverse("saga", args=[order.public_id, number])
    context = {"page": page, "order": order, "here": here, "section": "orders"}
    return answer(request, "console/saga.html", "console/saga/live.html", context)


def view_of(name: str) -> Callable[..., HttpResponseBase]:
    """The address of one action. GET is the dialog (a page for those without a script), POST asks for it."""

    def act(request: HttpRequest, public_id: str, number: int) -> HttpResponse:
        order = found(public_id)
        if request.method == "POST":
            return _ask(request, order, number, name)
        return _draw(request, dialog_of(order, number, name, step=_step(request.GET.get("step", ""))))

    guarded: Callable[..., HttpResponseBase] = allowed(KINDS[name].right)(act)
    return require_http_methods(["GET", "POST"])(guarded)


def _step(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 5 else 0


def _ask(request: HttpRequest, order: Order, number: int, name: str) -> HttpResponse:
    given = request.POST.copy()
    if KINDS[name].risk == Risk.SAFE:
        given.setdefault("reason", ONE_CLICK)
    form = FORMS.get(name, SagaForm)(given)
    if not form.is_valid():
        dialog = dialog_of(order, number, name, step=_step(given.get("step", "")), form=form, given=given.dict())
        return _draw(request, dialog, status=422)
    try:
        action = actions.request(order, _wish(request, number, name, form.cleaned_data))
    except StaleState:
        return _answered(request, order, number, _("It moved on since you looked. Nothing was done."), tone="failed")
    except Refusal as refusal:
        return _answered(request, order, number, told(str(refusal)), tone="failed")
    return _answered(request, order, number, asked_for(action))


def _wish(request: HttpRequest, number: int, name: str, given: Mapping[str, Any]) -> Wish:
    return Wish(
        name=name,
        actor=actor_of(request),
        reason=given["reason"],
        expected_version=given["version"],
        key=given["key"],
        seen=given["seen"] or 0,
        params={"saga": number, **{each: given[each] for each in _PARAMS if given.get(each)}},
    )


def _answered(request: HttpRequest, order: Order, number: int, text: str, *, tone: str = "done") -> HttpResponse:
    if is_fragment(request):
        return trigger_client_event(toast(HttpResponse(), text, tone=tone), MOVED)
    (messages.error if tone == "failed" else messages.success)(request, text)
    return redirect("saga", public_id=order.public_id, number=number)


def dialog_of(
    order: Order,
    number: int,
    name: str,
    *,
    step: int,
    form: forms.Form | None = None,
    given: Mapping[str, Any] | None = None,
) -> SagaDialog:
    """Raises Http404 when there is no such saga or step."""
    params = {"saga": number, "step": step} if KINDS[name].of_step else {"saga": number}
    subject = _subject_or_404(order, name, params)
    needs_second = actions.needs_second_person(name, {"amount": at_stake(order, params)}, currency=order.currency)
    label = str(ACTIONS[name])
    return SagaDialog(
        order=order,
        number=number,
        name=name,
        title=f"{label}: {step_label(subject.step)}" if subject.step else f"{label}: {order.public_id}",
        button=_("Request approval") if needs_second else label,
        url=reverse(f"saga-{name}", args=[order.public_id, number]),
        effects=effects_of(order, name, params),
        is_danger=KINDS[name].risk == Risk.MONEY,
        needs_second=needs_second,
        why_not=actions.why_not(order, name, params),
        fields=_fields(order, subject, number, given or {}),
        form=form,
        given=given or {},
    )


def _fields(order: Order, subject: Subject, number: int, given: Mapping[str, Any]) -> Mapping[str, int]:
    now = seen(subject.saga, subject.step, number)
    return {**now, "seen": guards_of(order).seen, **_as_given(given)}


def _subject_or_404(order: Order, name: str, params: Mapping[str, Any]) -> Subject:
    subject = subject_of(order, params)
    if subject is None or (subject.step is None) == KINDS[name].of_step:
        raise Http404
    return subject


def _as_given(given: Mapping[str, Any]) -> dict[str, Any]:
    """A form that comes back still speaks of what its person saw first."""
    return {name: given[name] for name in ("saga_version", "step_version", "seen") if given.get(name)}


def effects_of(order: Order, name: str, params: Mapping[str, Any]) -> list[str]:
    """What will happen, from how things are now: also for whoever has to approve it."""
    subject = subject_of(order, params)
    effects = [str(KINDS[name].effect)]
    if subject is None:
        return effects
    amount = at_stake(order, params)
    effects += _of_step(subject, name) if subject.step else _of_saga(subject)
    if actions.needs_second_person(name, {"amount": amount}, currency=order.currency):
        sum_ = money(amount, currency=order.currency)
        effects.append(_("%(sum)s are at stake: a second person has to approve it.") % {"sum": sum_})
    return effects


def _of_step(subject: Subject, name: str) -> list[str]:
    step = subject.the_step
    named = {"partner": names.system(step.partner), "key": step.key, "saga": str(subject.saga.state_label)}
    if name == "mark_step_done" and step.state in (StepState.SENT, StepState.UNKNOWN):
        return [_("The step counts as done at %(partner)s under the key %(key)s.") % named]
    if name == "mark_step_done":
        return [_("The step counts as undone at %(partner)s under the key %(key)s; the rest is undone.") % named]
    return []


def _of_saga(subject: Subject) -> list[str]:
    limit = money(settings.SECOND_PERSON_FROM)
    held = _("A refund of %(limit)s and more waits for a second person.") % {"limit": limit}
    return [held] if subject.saga.state in (SagaState.RUNNING, SagaState.NEEDS_HAND) else []


def _draw(request: HttpRequest, dialog: SagaDialog, *, status: int = 200) -> HttpResponse:
    context = {"dialog": dialog, "order": dialog.order, "section": "orders", "key": uuid.uuid4().hex}
    if is_fragment(request):
        return render(request, "console/saga/dialog.html", context, status=status)
    return render(request, "console/saga/dialog_page.html", {**context, "is_page": True}, status=status)
