"""Taking up, handing over and noting: one break, the ticked ones, or all that match; and whole cases."""

from typing import Final

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from opsconsole.console.access import allowed
from opsconsole.console.break_list import Asked
from opsconsole.console.desk import colleagues
from opsconsole.console.staff import actor_of, person
from orders.errors import Refusal
from reconciliation.models import Break, Case
from reconciliation.queries.breaks import breaks
from reconciliation.services import findings

NOBODY: Final = "-"


@require_POST
@allowed("work_breaks")
def act_on_many(request: HttpRequest) -> HttpResponse:
    """The ticked ones, else all that match the filter at this moment, up to ten thousand."""
    ids = _chosen(request)
    back = f"{reverse('breaks')}?{request.POST.get('query', '')}"
    if not ids:
        messages.error(request, _("Nothing is selected."))
        return HttpResponseRedirect(back)
    try:
        messages.success(request, _done(request, ids))
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return HttpResponseRedirect(back)


def _chosen(request: HttpRequest) -> list[int]:
    if request.POST.get("all"):
        asked = Asked.read(QueryDict(request.POST.get("query", "")))
        found = breaks(asked.wanted(person(request).pk, timezone.now()))
        return list(found.values_list("pk", flat=True)[: findings.MOST])
    given = request.POST.getlist("break")[: findings.MOST]
    return [int(text) for text in given if text.isascii() and text.isdigit() and len(text) < 19]


def _done(request: HttpRequest, ids: list[int]) -> str:
    actor, text = actor_of(request), request.POST.get("note", "")
    match request.POST.get("do"):
        case "take":
            count = findings.assign(ids, person(request), actor=actor, reason=text)
            return ngettext("%(count)s break is yours.", "%(count)s breaks are yours.", count) % {"count": count}
        case "assign":
            count = findings.assign(ids, _owner(request), actor=actor, reason=text)
            said = ngettext("%(count)s break handed over.", "%(count)s breaks handed over.", count)
            return said % {"count": count}
        case "note":
            count = findings.note(ids, actor=actor, text=text)
            return ngettext("Noted on %(count)s break.", "Noted on %(count)s breaks.", count) % {"count": count}
    raise Http404


@require_POST
@allowed("work_breaks")
def act_on_one(request: HttpRequest, pk: int) -> HttpResponse:
    if not Break.objects.filter(pk=pk).exists():
        raise Http404
    actor, text = actor_of(request), request.POST.get("note", "")
    try:
        if request.POST.get("do") == "note":
            findings.note([pk], actor=actor, text=text)
            messages.success(request, _("The note is kept."))
        else:
            done = findings.assign([pk], _owner(request), actor=actor, reason=text, expected=_seen(request))
            messages.success(request, _("Handed over.") if done else _("Nothing changed."))
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect("break", pk=pk)


@require_POST
@allowed("work_breaks")
def act_on_case(request: HttpRequest, pk: int) -> HttpResponse:
    if not Case.objects.filter(pk=pk).exists():
        raise Http404
    actor, text = actor_of(request), request.POST.get("note", "")
    try:
        if request.POST.get("do") == "note":
            findings.note_case(pk, actor=actor, text=text)
            messages.success(request, _("The note is kept."))
        else:
            findings.assign_case(pk, _owner(request), expected=_seen(request), actor=actor, reason=text)
            messages.success(request, _("Handed over."))
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect("case", pk=pk)


def _owner(request: HttpRequest) -> User | None:
    """Somebody who may work on breaks, or nobody; anybody else does not exist here."""
    name = request.POST.get("owner", "")
    if request.POST.get("do") == "take":
        return person(request)
    if name == NOBODY:
        return None
    found = [each for each in colleagues("work_breaks") if each.get_username() == name]
    if not found:
        raise Http404
    chosen: User = found[0]
    return chosen


def _seen(request: HttpRequest) -> int:
    text = request.POST.get("seen", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
