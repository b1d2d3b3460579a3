"""Replay, edited or not, and discard: one letter, or all that are ticked or match."""

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods
from django_htmx.http import trigger_client_event

from opsconsole.console.access import allowed
from opsconsole.console.action_answers import MOVED
from opsconsole.console.letters import Asked, draw, found_letter, pretty
from opsconsole.console.live import is_fragment, toast
from opsconsole.console.staff import actor_of
from orders.errors import Refusal
from orders.models import DeadLetter
from orders.queries.letters import wanted_letters
from orders.services import letters as service
from orders.states import LetterState

MOST = 500  # letters in one act; more take longer than a person waits for a page


class ActForm(forms.Form):
    reason = forms.CharField(max_length=400, strip=True)
    version = forms.IntegerField(min_value=1)
    body = forms.CharField(required=False, strip=False, max_length=64 * 1024)


class ManyForm(forms.Form):
    """`why` and not `reason`: that is a filter of the same address."""

    why = forms.CharField(max_length=400, strip=True)


@require_http_methods(["GET", "POST"])
@allowed("operate_letters")
def replay(request: HttpRequest, pk: int) -> HttpResponse:
    """The body as the reader edited it; the original is kept."""
    letter = found_letter(pk)

    def act(given: dict[str, str], version: int) -> None:
        body = given["body"].replace("\r\n", "\n")
        as_it_was = body == pretty(letter.body)
        service.replay(
            letter,
            version=version,
            actor=actor_of(request),
            reason=given["reason"],
            body="" if as_it_was else body,
        )

    return _one(request, letter, "console/letters/replay.html", act, _("Replayed: its consumer tries it now."))


@require_http_methods(["GET", "POST"])
@allowed("operate_letters")
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    letter = found_letter(pk)

    def act(given: dict[str, str], version: int) -> None:
        service.discard(letter, version=version, actor=actor_of(request), reason=given["reason"])

    return _one(request, letter, "console/letters/discard.html", act, _("Discarded. It can still be replayed."))


def _one(
    request: HttpRequest,
    letter: DeadLetter,
    template: str,
    act: Callable[[dict[str, str], int], None],
    done: str,
) -> HttpResponse:
    form = ActForm(request.POST or None)
    context: dict[str, object] = {"letter": letter, "body": pretty(letter.body), "form": form}
    if request.method == "GET":
        return draw(request, template, {**context, "form": None})
    if not form.is_valid():
        return draw(request, template, {**context, "problem": _("A reason is needed.")}, status=422)
    given = form.cleaned_data
    try:
        act(given, given["version"])
    except Refusal as refusal:
        edited = {"body": given["body"] or context["body"], "problem": str(refusal)}
        return draw(request, template, {**context, **edited}, status=422)
    return _answered(request, done, "letter", letter.pk)


@require_http_methods(["GET", "POST"])
@allowed("operate_letters")
def replay_many(request: HttpRequest) -> HttpResponse:
    """The ticked ones, else all dead ones that match the filter, as they are at this moment."""
    query = request.POST if request.method == "POST" else request.GET
    ids = [int(each) for each in query.getlist("letter") if each.isdecimal() and len(each) < 19]
    chosen = wanted_letters(Asked.read(query).wanted).filter(state=LetterState.DEAD)
    chosen = chosen.filter(pk__in=ids[:MOST]) if ids else chosen
    form = ManyForm(request.POST or None)
    if request.method == "GET" or not form.is_valid():
        filters = [(name, value) for name, values in Asked.read(query).choices.values.items() for value in values]
        context: dict[str, object] = {
            "count": min(chosen.count(), MOST),
            "filters": [*filters, *(("letter", each) for each in ids)],
            "problem": "" if request.method == "GET" else _("A reason is needed."),
        }
        return draw(request, "console/letters/replay_many.html", context, status=200 if not form.is_bound else 422)
    letters = list(chosen.select_related("order").order_by("first_seen_at", "pk")[:MOST])
    done, left_out = service.replay_many(letters, actor=actor_of(request), reason=form.cleaned_data["why"])
    text = ngettext("%(count)d letter replayed.", "%(count)d letters replayed.", done) % {"count": done}
    if left_out:
        text += " " + ngettext("%(count)d left out.", "%(count)d left out.", left_out) % {"count": left_out}
    return _answered(request, text, "letters")


def _answered(request: HttpRequest, text: str, page: str, *arguments: int) -> HttpResponse:
    if is_fragment(request):
        return trigger_client_event(toast(HttpResponse(), text), MOVED)
    messages.success(request, text)
    return redirect(page, *arguments)
