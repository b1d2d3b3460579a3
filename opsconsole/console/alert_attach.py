"""A loose alert made part of an incident by a person: its dialog, and doing it."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from opsconsole.console import incident_words as words
from opsconsole.console.access import allowed
from opsconsole.console.live import is_fragment
from opsconsole.console.staff import actor_of
from orders.errors import Refusal
from runbooks.models import Episode
from runbooks.queries import incidents as queries
from runbooks.services.incidents import leading
from runbooks.services.incidents.leading import By


class AttachForm(forms.Form):
    """Where to, and why."""

    incident = forms.CharField(max_length=16)
    reason = forms.CharField(max_length=400, strip=True)


@require_http_methods(["GET", "POST"])
@allowed("lead_incidents")
def attach(request: HttpRequest, pk: int) -> HttpResponse:
    """GET is the dialog, POST does it and leads to the incident."""
    episode = queries.loose_alert(pk)
    if episode is None:
        raise Http404
    form = AttachForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        return _draw(request, episode, form)
    incident = queries.find_incident(form.cleaned_data["incident"])
    if incident is None:
        raise Http404
    try:
        leading.attach_alert(incident, pk, By(actor=actor_of(request), reason=form.cleaned_data["reason"]))
    except Refusal as refusal:
        form.add_error(None, str(refusal))
        return _draw(request, episode, form)
    messages.success(request, _("Done. It is in the timeline."))
    target = redirect("incident", code=incident.code)
    return HttpResponseClientRedirect(target["Location"]) if is_fragment(request) else target


def _draw(request: HttpRequest, episode: Episode, form: AttachForm) -> HttpResponse:
    context = {
        "section": "incidents",
        "episode": episode,
        "service": words.service(episode.alert.service),
        "incidents": [(each.code, words.headline(each), each.says) for each in queries.live_incidents()],
        "form": form,
    }
    status = 422 if request.method == "POST" else 200
    if is_fragment(request):
        return render(request, "console/incidents/attach.html", context, status=status)
    return render(request, "console/incidents/attach_page.html", {**context, "is_page": True}, status=status)
