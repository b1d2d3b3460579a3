"""One feed: how far it is complete, what came of it, when it is due, and where its day ends."""

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from opsconsole.console.access import allowed, refuse
from opsconsole.console.book_shown import feed_rows, load_rows
from opsconsole.console.decision_words import told_events
from opsconsole.console.roles import RIGHT_BY_CODENAME
from opsconsole.console.staff import actor_of, person
from orders.errors import Refusal
from reconciliation.models import BookEvent, Feed
from reconciliation.queries.loads import layout_name, loads_of
from reconciliation.schedules import Schedule
from reconciliation.services.feeds import Terms, agree, terms_of

KINDS: Final = (
    ("hand", gettext_lazy("Files come when they come")),
    ("daily", gettext_lazy("A file a day, by")),
    ("every", gettext_lazy("Read page by page, every")),
)
NEWEST: Final = 10


class TermsForm(forms.Form):
    """When a feed is due, and where its day ends."""

    kind = forms.ChoiceField(choices=KINDS)
    at = forms.TimeField(required=False)
    seconds = forms.IntegerField(min_value=10, max_value=86_400, required=False)
    cut_off = forms.TimeField()
    is_active = forms.BooleanField(required=False)
    reason = forms.CharField(max_length=400, required=False, strip=True)
    was_schedule = forms.CharField(max_length=64, required=False)
    was_cut_off = forms.TimeField()
    was_active = forms.BooleanField(required=False)

    @property
    def terms(self) -> Terms:
        data = self.cleaned_data
        at, seconds = data.get("at"), data.get("seconds")
        # A kind without its figure is no rule at all, and is refused as one.
        rules = {
            "hand": "",
            "daily": f"daily:{at:%H:%M}" if at else "daily:",
            "every": f"every:{seconds}" if seconds else "every:",
        }
        return Terms(rules[data["kind"]], data["cut_off"], data["is_active"])

    @property
    def expected(self) -> Terms:
        data = self.cleaned_data
        return Terms(data["was_schedule"], data["was_cut_off"], data["was_active"])


@require_http_methods(["GET", "POST"])
@allowed("view_reconciliation")
def feed(request: HttpRequest, pk: int) -> HttpResponse:
    """GET is the feed; POST changes its terms, with a reason."""
    found, right = Feed.objects.filter(pk=pk).first(), RIGHT_BY_CODENAME["change_matching"]
    if found is None:
        raise Http404
    if request.method == "POST" and not person(request).has_perm(right.permission):
        return refuse(request, right)
    form = TermsForm(request.POST or None, initial=_initial(found))
    problem = ""
    if request.method == "POST" and form.is_valid():
        try:
            agree(
                found,
                form.terms,
                expected=form.expected,
                actor=actor_of(request),
                reason=form.cleaned_data["reason"],
            )
        except Refusal as refusal:
            problem = str(refusal)
        else:
            messages.success(request, _("The feed's terms are changed."))
            return redirect("book-feed", pk=pk)
    context = {"form": form, "problem": problem, "kinds": KINDS, **_shown(found)}
    return render(request, "console/books/feed.html", context, status=422 if form.is_bound else 200)


def _shown(found: Feed) -> dict[str, Any]:
    events = BookEvent.objects.filter(subject=f"feed:{found.pk}").order_by("-pk")[:20]
    newest = loads_of(found, limit=NEWEST)
    return {
        "section": "reconciliation",
        "place": "overview",
        "feed": found,
        "row": feed_rows([found], now=timezone.now())[0],
        "loads": load_rows(newest),
        "used_layout": next((layout_name(load.layout) for load in newest if load.file), ""),
        "events": told_events(events),
    }


def _initial(found: Feed) -> dict[str, Any]:
    rule, terms = Schedule.read(found.schedule), terms_of(found)
    return {
        "kind": "every" if rule.every else "daily" if rule.by else "hand",
        "at": f"{rule.by:%H:%M}" if rule.by else "09:00",
        "seconds": int(rule.every.total_seconds()) if rule.every else 60,
        "cut_off": f"{terms.cut_off:%H:%M}",
        "is_active": terms.is_active,
        "was_schedule": terms.schedule,
        "was_cut_off": f"{terms.cut_off:%H:%M:%S}",
        "was_active": "on" if terms.is_active else "",
    }
