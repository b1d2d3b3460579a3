"""Doing something with an incident: GET is its dialog, POST does it. One address a deed, one rule each."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from django import forms
from django.contrib import messages as flash
from django.contrib.auth import get_user_model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from django_htmx.http import trigger_client_event

from opsconsole.console import incident_words as words
from opsconsole.console.access import allowed, refuse
from opsconsole.console.action_answers import MOVED
from opsconsole.console.incident_choices import Choice, choice_named, is_open, may
from opsconsole.console.incident_dialogs import show
from opsconsole.console.incident_page import found_or_404
from opsconsole.console.live import is_fragment, toast
from opsconsole.console.roles import RIGHT_BY_CODENAME, Role
from opsconsole.console.staff import actor_of
from orders.errors import Refusal
from orders.queries.order_page import people
from orders.queries.telling import who
from runbooks.correlation import UPDATE_EVERY
from runbooks.incident_states import Severity
from runbooks.models import Incident
from runbooks.queries import proof
from runbooks.services.incidents import cohort, leading, messages
from runbooks.services.incidents.leading import By
from runbooks.services.incidents.messages import TEMPLATES, Telling


class DeedForm(forms.Form):
    """All fields that a deed may ask for; those it does not ask for are dropped."""

    reason = forms.CharField(max_length=400, strip=True)
    severity = forms.TypedChoiceField(choices=Severity.choices, coerce=int)
    person = forms.CharField(max_length=80)
    plan = forms.CharField(max_length=16, strip=True)
    template = forms.ChoiceField(choices=[(name, label) for name, (label, _text) in TEMPLATES.items()])
    impact = forms.CharField(max_length=1000, strip=True)
    eta = forms.CharField(max_length=200, strip=True, required=False)
    next_minutes = forms.IntegerField(min_value=0, max_value=1440)
    override = forms.BooleanField(required=False)

    def __init__(self, data: Any, choice: Choice, **given: Any) -> None:
        super().__init__(data, **given)
        for name in [name for name in self.fields if name not in choice.asks]:
            del self.fields[name]


@require_http_methods(["GET", "POST"])
@allowed("view_incidents")
def do(request: HttpRequest, code: str, deed: str) -> HttpResponse:
    """Reading an incident is everybody's; each deed then asks for its own right."""
    found, choice = found_or_404(code), choice_named(deed)
    if choice is None:
        raise Http404
    if not may(choice, request.user):
        return refuse(request, RIGHT_BY_CODENAME[choice.right])
    form = DeedForm(request.POST or None, choice, initial=_initial(found))
    if request.method == "GET":
        return _draw(request, found, choice, form, deed)
    if not form.is_valid() and choice.asks:
        return _draw(request, found, choice, form, deed)
    return _do(request, found, choice, deed, form)


def _initial(found: Incident) -> dict[str, Any]:
    return {"next_minutes": UPDATE_EVERY[found.severity], "severity": found.severity}


def _do(request: HttpRequest, found: Incident, choice: Choice, deed: str, form: DeedForm) -> HttpResponse:
    seen = request.POST.get("version", "")
    given = dict(form.cleaned_data) if choice.asks else {}
    by = By(
        actor=actor_of(request),
        version=int(seen) if seen.isdecimal() else None,
        reason=given.pop("reason", ""),
    )
    if not is_open(choice, found):
        return _answered(request, found, _("The incident has moved on: nothing was done."), tone="failed")
    try:
        _DEEDS[choice.name](found, by, {**given, "clock": deed.removeprefix("state-")})
    except Refusal as refusal:
        if choice.asks:
            form.add_error(None, str(refusal))
            return _draw(request, found, choice, form, deed)
        return _answered(request, found, str(refusal), tone="failed")
    return _answered(request, found, _("Done. It is in the timeline."))


def _acknowledge(found: Incident, by: By, _given: Mapping[str, Any]) -> None:
    leading.acknowledge(found, by)


def _tell(found: Incident, by: By, given: Mapping[str, Any]) -> None:
    names = people([found.commander])
    commander = who(found.commander, names) if found.commander else ""
    telling = Telling(**{name: given[name] for name in ("template", "impact", "eta", "next_minutes")})
    messages.send(found, telling, actor=by.actor, commander=commander)


def _resolve(found: Incident, by: By, given: Mapping[str, Any]) -> None:
    leading.resolve(found, by, override=given["override"])


def _pin(found: Incident, by: By, _given: Mapping[str, Any]) -> None:
    cohort.pin_what_hangs(found, actor=by.actor)


_DEEDS: Final[Mapping[str, Callable[[Incident, By, Mapping[str, Any]], None]]] = {
    "acknowledge": _acknowledge,
    "tell": _tell,
    "mitigate": lambda found, by, _given: leading.mitigate(found, by),
    "relapse": lambda found, by, _given: leading.relapse(found, by),
    "resolve": _resolve,
    "note": lambda found, by, _given: leading.note(found, by.reason, by),
    "pin": _pin,
    "plan": lambda found, by, given: leading.attach_plan(found, given["plan"], by),
    "severity": lambda found, by, given: leading.change_severity(found, given["severity"], by),
    "hand_over": lambda found, by, given: leading.hand_over(found, f"user:{given['person']}", by),
    "reopen": lambda found, by, _given: leading.reopen(found, by),
    "dismiss": lambda found, by, _given: leading.dismiss(found, by),
    "state": lambda found, by, given: leading.state_done(found, given["clock"], by),
}


def _draw(request: HttpRequest, found: Incident, choice: Choice, form: DeedForm, deed: str) -> HttpResponse:
    clock = deed.removeprefix("state-")
    context = {
        "choice": choice,
        "deed": deed,
        "title": words.CLOCKS.get(clock, choice.label),
        "form": form,
        "obstacles": proof.obstacles(found) if "override" in choice.asks else [],
        "people": _responders(found) if "person" in choice.asks else [],
    }
    return show(request, found, "dialog", context, status=422 if request.method == "POST" else 200)


def _responders(found: Incident) -> list[tuple[str, str]]:
    """Those on call, without whoever leads now."""
    users = get_user_model()._base_manager.filter(groups__name=Role.ONCALL.value, is_active=True).order_by("username")
    rows = [(user.get_username(), user.get_full_name() or user.get_username()) for user in users]
    return [(name, shown) for name, shown in rows if f"user:{name}" != found.commander]


def _answered(request: HttpRequest, found: Incident, text: str, *, tone: str = "done") -> HttpResponse:
    if is_fragment(request):
        return trigger_client_event(toast(HttpResponse(), text, tone=tone), MOVED)
    add = flash.error if tone == "failed" else flash.success
    add(request, text)
    return redirect("incident", code=found.code)
