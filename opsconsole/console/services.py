"""Services: every neighbour with its breaker, rate limits, what happened, what still works. And operating them."""

from datetime import timedelta
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import trigger_client_event

from opsconsole.console import services_rows
from opsconsole.console.access import allowed
from opsconsole.console.action_answers import MOVED
from opsconsole.console.breaker_words import LABELS, TONES
from opsconsole.console.live import answer, is_fragment, toast
from opsconsole.console.staff import actor_of
from opsconsole.degradation import TABLE, what_happens_without
from orders.errors import Refusal
from orders.models import ChannelToken
from orders.queries.breakers import changes_page
from orders.resilience import breaker
from orders.resilience.buckets import DEFAULTS
from orders.services import breakers, rate_limits

SECTION: Final = {"section": "services"}
SPANS: Final[dict[int, Promise]] = {
    15: gettext_lazy("15 minutes"),
    60: gettext_lazy("1 hour"),
    240: gettext_lazy("4 hours"),
    1440: gettext_lazy("24 hours"),
}
WISHES: Final[dict[str, tuple[Promise, Promise]]] = {
    "open": (gettext_lazy("Force open"), gettext_lazy("No call goes there. What still works is below.")),
    "closed": (gettext_lazy("Force closed"), gettext_lazy("Every call goes there, however many fail.")),
    "reset": (gettext_lazy("Reset"), gettext_lazy("Closed by itself again, with nothing counted and nothing forced.")),
}


class BreakerForm(forms.Form):
    wish = forms.ChoiceField(choices=[(name, name) for name in WISHES])
    minutes = forms.TypedChoiceField(choices=[(span, span) for span in SPANS], coerce=int, required=False)
    reason = forms.CharField(max_length=400, strip=True)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("wish") != "reset" and not given.get("minutes"):
            self.add_error("minutes", _("It needs an end."))
        return given


class LimitForm(forms.Form):
    rate = forms.IntegerField(min_value=1, max_value=rate_limits.MOST)
    burst = forms.IntegerField(min_value=1, max_value=rate_limits.MOST)
    reason = forms.CharField(max_length=400, strip=True)


@require_GET
@allowed("view_services")
def services(request: HttpRequest) -> HttpResponse:
    rows = services_rows.services()
    context = {
        **SECTION,
        "rows": rows,
        "limits": services_rows.limits(),
        "is_known": all(row.state.is_known for row in rows),
        "trouble": sum(row.has_trouble for row in rows),
        "tokens": services_rows.tokens(),
        "endpoints": list(DEFAULTS),
    }
    return answer(request, "console/services/page.html", "console/services/live.html", context)


@require_GET
@allowed("view_services")
def events(request: HttpRequest) -> HttpResponse:
    """Every change of every breaker, newest first."""
    upstream, after = request.GET.get("of", ""), request.GET.get("after", "0")
    page = changes_page(upstream=upstream, after=int(after) if after.isdigit() else 0)
    here = reverse("services-events")
    context = {
        **SECTION,
        "shown": services_rows.shown_changes(page.rows),
        "total": page.total,
        "of": upstream,
        "names": [(name, services_rows.title_of(name)) for name in breaker.names()],
        "next_url": f"{here}?of={upstream}&after={page.after}" if page.after else "",
        "first_url": f"{here}?of={upstream}" if after.isdigit() and int(after) else "",
    }
    return answer(request, "console/services/events.html", "console/services/events_list.html", context)


@require_GET
@allowed("view_services")
def without(request: HttpRequest) -> HttpResponse:
    """What still works when a neighbour is down."""
    return render(request, "console/services/without.html", {**SECTION, "table": TABLE})


@require_http_methods(["GET", "POST"])
@allowed("operate_breakers")
def operate(request: HttpRequest, name: str) -> HttpResponse:
    """GET is the dialog; POST forces a breaker open or closed for a while, or resets it."""
    if breaker.policy_of(name) is None:
        raise Http404
    form = BreakerForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return _draw_breaker(request, name, form)
    try:
        _operate(request, name, **form.cleaned_data)
    except Refusal as refusal:
        return _answered(request, str(refusal), tone="failed")
    return _answered(request, _("Done. It holds for every process from now on."))


def _operate(request: HttpRequest, name: str, *, wish: str, minutes: int | str, reason: str) -> None:
    if wish == "reset":
        breakers.reset(name, reason=reason, actor=actor_of(request))
        return
    until = timezone.now() + timedelta(minutes=int(minutes)) - timedelta(seconds=1)
    breakers.force(name, wish, until=until, reason=reason, actor=actor_of(request))


def _draw_breaker(request: HttpRequest, name: str, form: BreakerForm) -> HttpResponse:
    state = breaker.state_of(name)
    context: dict[str, Any] = {
        "name": name,
        "title": services_rows.title_of(name),
        "label": LABELS[state.state],
        "tone": TONES[state.state],
        "state": state,
        "form": form if form.is_bound else None,
        "wishes": [(wish, label, effect) for wish, (label, effect) in WISHES.items()],
        "chosen": form["wish"].value() or ("reset" if state.is_forced else "closed" if state.is_open else "open"),
        "spans": list(SPANS.items()),
        "minutes": int(form["minutes"].value() or 15),
        "lines": what_happens_without(name),
    }
    return _draw(request, "console/services/breaker.html", context)


@require_http_methods(["GET", "POST"])
@allowed("operate_breakers")
def limit(request: HttpRequest, endpoint: str, scope: str) -> HttpResponse:
    """GET is the dialog; POST sets other figures, or puts the default back with `decision=clear`."""
    found = next((each for each in rate_limits.in_force() if (each.endpoint, each.scope) == (endpoint, scope)), None)
    if found is None and not _is_token(endpoint, scope):
        raise Http404
    form = LimitForm(request.POST or None)
    if request.POST.get("decision") == "clear":
        form.fields["rate"].required = form.fields["burst"].required = False
    if request.method == "GET" or not form.is_valid():
        return _draw_limit(request, endpoint, scope, form=form, found=found)
    try:
        _change(request, endpoint, scope, **form.cleaned_data)
    except Refusal as refusal:
        return _answered(request, str(refusal), tone="failed")
    return _answered(request, _("The limit is in force."))


def _is_token(endpoint: str, scope: str) -> bool:
    """A token without figures of its own yet."""
    number = scope.removeprefix("token:")
    is_endpoint = any(each.endpoint == endpoint for each in rate_limits.in_force())
    return is_endpoint and number.isdigit() and ChannelToken.objects.filter(pk=number, revoked_at=None).exists()


def _change(request: HttpRequest, endpoint: str, scope: str, *, rate: int, burst: int, reason: str) -> None:
    if request.POST.get("decision") == "clear":
        rate_limits.clear_limit(endpoint, scope, reason=reason, actor=actor_of(request))
    else:
        rate_limits.set_limit(endpoint, scope, rate=rate, burst=burst, reason=reason, actor=actor_of(request))


def _draw_limit(
    request: HttpRequest, endpoint: str, scope: str, *, form: LimitForm, found: rate_limits.InForce | None
) -> HttpResponse:
    general = next(
        each for each in rate_limits.in_force() if each.endpoint == endpoint and each.scope == scope.partition(":")[0]
    )
    now = (found or general).figures
    context = {
        "endpoint": endpoint,
        "scope": scope,
        "whose": services_rows.whose(scope, {str(each.pk): str(each) for each in ChannelToken.objects.all()}),
        "form": form if form.is_bound else None,
        "rate": form["rate"].value() or int(now.rate),
        "burst": form["burst"].value() or int(now.burst),
        "can_clear": found is not None and found.is_changed,
    }
    return _draw(request, "console/services/limit.html", context)


def _draw(request: HttpRequest, body: str, context: dict[str, Any]) -> HttpResponse:
    status = 422 if request.method == "POST" else 200
    if is_fragment(request):
        return render(request, "console/services/dialog.html", {**context, "body": body}, status=status)
    page = {**context, **SECTION, "body": body, "is_page": True}
    return render(request, "console/services/dialog_page.html", page, status=status)


def _answered(request: HttpRequest, text: str, *, tone: str = "done") -> HttpResponse:
    if is_fragment(request):
        return trigger_client_event(toast(HttpResponse(), text, tone=tone), MOVED)
    add = messages.error if tone == "failed" else messages.success
    add(request, text)
    return redirect("services")
