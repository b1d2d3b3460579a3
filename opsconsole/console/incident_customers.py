"""Telling the customers whom an incident affected: a plan of messages over its pinned orders, attached to it.

Also those whose order was repaired meanwhile hear of it; each what became of theirs.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from opsconsole.console.access import allowed
from opsconsole.console.incident_page import found_or_404
from opsconsole.console.live import is_fragment
from opsconsole.console.staff import actor_of
from orders.errors import Refusal
from orders.messages import TEMPLATES
from runbooks.models import Incident, Plan
from runbooks.outcomes import OUTCOMES, texts_of
from runbooks.registry import newest
from runbooks.registry.parts import BY_OUTCOME
from runbooks.selections import SELECTIONS, Affected
from runbooks.services.incidents import leading
from runbooks.services.incidents.leading import By
from runbooks.services.planning import Ask, make_plan

EXAMPLE: Final = {"order": "MRG-…"}


@require_http_methods(["GET", "POST"])
@allowed("notify_customers")
def customers(request: HttpRequest, code: str) -> HttpResponse:
    """GET is the dialog with what each would hear; POST freezes it. Nothing is sent before the plan is started."""
    found = found_or_404(code)
    if request.method == "GET":
        return _draw(request, found)
    try:
        plan = _plan(found, actor=actor_of(request))
    except Refusal as refusal:
        return _draw(request, found, problem=str(refusal))
    address = reverse("plan", args=[plan.code])
    return HttpResponseClientRedirect(address) if is_fragment(request) else redirect(address)


def _affected(found: Incident) -> Sequence[str]:
    return SELECTIONS["affected_orders"].keys(Affected.model_validate({"incident": found.pk}))


def _plan(found: Incident, *, actor: str) -> Plan:
    ask = Ask(
        action=str(newest("notify_customer")),
        proposer=actor,
        kind=Plan.Kind.SELECTION,
        source={"incident": found.code, "words": [found.code]},
        params={"text": BY_OUTCOME},
    )
    plan = make_plan(_affected(found), ask)
    leading.attach_plan(found, plan.code, By(actor=actor))
    return plan


def _draw(request: HttpRequest, found: Incident, *, problem: str = "") -> HttpResponse:
    texts = texts_of(_affected(found))
    context: dict[str, Any] = {
        "section": "incidents",
        "incident": found,
        "count": len(texts),
        "outcomes": _outcomes(texts),
        "problem": problem,
    }
    status = 422 if problem else 200
    if is_fragment(request):
        return render(request, "console/incidents/customers.html", context, status=status)
    return render(request, "console/incidents/customers_page.html", {**context, "is_page": True}, status=status)


def _outcomes(texts: Mapping[str, str]) -> list[tuple[int, str, list[tuple[str, str]]]]:
    """(how many, what became of them, the text in each language) of the outcomes that there are."""
    counts = Counter(texts.values())
    return [(counts[name], str(TEMPLATES[name].label), _said(name)) for name in OUTCOMES if counts[name]]


def _said(name: str) -> list[tuple[str, str]]:
    said = []
    for language, _name in reversed(settings.LANGUAGES):
        with translation.override(language):
            said.append((language, str(TEMPLATES[name].text) % EXAMPLE))
    return said
