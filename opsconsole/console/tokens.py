"""Bearer tokens of channels: who may call the API. A secret is shown once and kept nowhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import trigger_client_event

from opsconsole.console.access import allowed
from opsconsole.console.action_answers import MOVED
from opsconsole.console.live import answer, is_fragment, toast
from opsconsole.console.staff import actor_of
from orders.errors import Refusal
from orders.models import ChannelToken
from orders.queries.order_page import people
from orders.queries.telling import who
from orders.services import tokens as service
from orders.states import Channel


@dataclass(frozen=True, slots=True)
class ShownToken:
    token: ChannelToken
    created_by: str
    revoked_by: str


class IssueForm(forms.Form):
    channel = forms.ChoiceField(choices=Channel.choices)
    name = forms.CharField(max_length=service.NAME_LENGTH, strip=True)


class RevokeForm(forms.Form):
    reason = forms.CharField(max_length=400, strip=True)


def _listed() -> Sequence[ShownToken]:
    rows = list(service.listed())
    names = people([actor for row in rows for actor in (row.created_by, row.revoked_by)])
    return [ShownToken(row, who(row.created_by, names), who(row.revoked_by, names)) for row in rows]


@require_GET
@allowed("view_tokens")
def tokens(request: HttpRequest) -> HttpResponse:
    return answer(request, "console/tokens.html", "console/tokens_list.html", {"shown": _listed()})


@require_http_methods(["GET", "POST"])
@allowed("manage_tokens")
def issue(request: HttpRequest) -> HttpResponse:
    """The answer to POST is the only place where the secret ever stands."""
    form = IssueForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        status = 200 if request.method == "GET" else 422
        context = {"form": form if form.is_bound else None, "channels": Channel.choices}
        return _draw(request, "console/tokens_issue.html", context, status=status)
    given = form.cleaned_data
    token, secret = service.issue(given["channel"], name=given["name"], actor=actor_of(request))
    response = _draw(request, "console/tokens_secret.html", {"token": token, "secret": secret})
    return trigger_client_event(response, MOVED) if is_fragment(request) else response


@require_http_methods(["GET", "POST"])
@allowed("manage_tokens")
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """From the next request on, whoever holds it is turned away."""
    token = ChannelToken.objects.filter(pk=pk).first()
    if token is None:
        raise Http404
    form = RevokeForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        status = 200 if request.method == "GET" else 422
        context = {"token": token, "form": form if form.is_bound else None}
        return _draw(request, "console/tokens_revoke.html", context, status=status)
    try:
        service.revoke(token, actor=actor_of(request), reason=form.cleaned_data["reason"])
    except Refusal as refusal:
        return _answered(request, str(refusal), tone="failed")
    return _answered(request, _("Revoked. The next call with it is turned away."))


def _draw(request: HttpRequest, body: str, context: Mapping[str, object], *, status: int = 200) -> HttpResponse:
    if is_fragment(request):
        response = render(request, "console/tokens_dialog.html", {**context, "body": body}, status=status)
    else:
        page = {**context, "body": body, "is_page": True}
        response = render(request, "console/tokens_page.html", page, status=status)
    response["Cache-Control"] = "no-store"
    return response


def _answered(request: HttpRequest, text: str, *, tone: str = "done") -> HttpResponse:
    if is_fragment(request):
        return trigger_client_event(toast(HttpResponse(), text, tone=tone), MOVED)
    add = messages.error if tone == "failed" else messages.success
    add(request, text)
    return redirect("tokens")
