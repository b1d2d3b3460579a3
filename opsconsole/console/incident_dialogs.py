"""What the dialogs of an incident have in common: how one is shown, and what follows when it made a plan."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from opsconsole.console.live import is_fragment
from runbooks.models import Incident
from runbooks.services.incidents import leading
from runbooks.services.incidents.leading import By
from runbooks.services.planning import Ask, make_plan


def show(
    request: HttpRequest, found: Incident, name: str, context: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    """Over the incident's page, or on a page of its own where scripts are missing."""
    dialog = f"console/incidents/{name}.html"
    shown = {**context, "section": "incidents", "incident": found, "dialog": dialog}
    if is_fragment(request):
        return render(request, dialog, shown, status=status)
    return render(request, "console/incidents/dialog_page.html", {**shown, "is_page": True}, status=status)


def plan_and_go(request: HttpRequest, found: Incident, keys: Sequence[Any], ask: Ask) -> HttpResponse:
    """Freeze a plan, attach it to the incident, and go to its page. Raises a Refusal."""
    plan = make_plan(keys, ask)
    leading.attach_plan(found, plan.code, By(actor=ask.proposer))
    address = reverse("plan", args=[plan.code])
    return HttpResponseClientRedirect(address) if is_fragment(request) else redirect(address)
