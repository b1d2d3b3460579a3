"""Telling the customers whom an incident affected: a plan of messages over its pinned orders, attached to it.

Also those whose order was repaired meanwhile hear of it; each what became of theirs.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.views.decorators.http import require_http_methods

from opsconsole.console.access import allowed
from opsconsole.console.incident_dialogs import plan_and_go, show
from opsconsole.console.incident_page import found_or_404
from opsconsole.console.staff import actor_of
from orders.errors import Refusal
from orders.messages import TEMPLATES
from runbooks.models import Incident, Plan
from runbooks.outcomes import OUTCOMES, texts_of
from runbooks.registry import newest
from runbooks.registry.parts import BY_OUTCOME
from runbooks.selections import SELECTIONS, Affected
from runbooks.services.planning import Ask

EXAMPLE: Final = {"order": "MRG-…"}


@require_http_methods(["GET", "POST"])
@allowed("notify_customers")
def customers(request: HttpRequest, code: str) -> HttpResponse:
    """GET is the dialog with what each would hear; POST freezes it. Nothing is sent before the plan is started."""
    found = found_or_404(code)
    if request.method == "GET":
        return _draw(request, found)
    try:
        return plan_and_go(request, found, _affected(found), _ask(found, actor=actor_of(request)))
    except Refusal as refusal:
        return _draw(request, found, problem=str(refusal))


def _affected(found: Incident) -> Sequence[str]:
    return SELECTIONS["affected_orders"].keys(Affected.model_validate({"incident": found.pk}))


def _ask(found: Incident, *, actor: str) -> Ask:
    return Ask(
        action=str(newest("notify_customer")),
        proposer=actor,
        kind=Plan.Kind.SELECTION,
        source={"incident": found.code, "words": [found.code]},
        params={"text": BY_OUTCOME},
    )


def _draw(request: HttpRequest, found: Incident, *, problem: str = "") -> HttpResponse:
    texts = texts_of(_affected(found))
    context = {
        "count": len(texts),
        "outcomes": _outcomes(texts),
        "problem": problem,
    }
    return show(request, found, "customers", context, status=422 if problem else 200)


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
