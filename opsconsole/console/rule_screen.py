"""The rules of matching: versions, and trying others on the last days before they are saved."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from opsconsole.console.access import allowed, refuse
from opsconsole.console.book_shown import told_actor
from opsconsole.console.roles import RIGHT_BY_CODENAME
from opsconsole.console.rule_rows import KnownRow, TariffRow, are_right, rows_of, said_in
from opsconsole.console.rule_words import told_known, told_people, told_tariff
from opsconsole.console.runs import run_or_404
from opsconsole.console.staff import actor_of, person
from orders import names
from orders.errors import Refusal
from orders.money import NotMoney, to_major, to_minor
from orders.queries.order_page import people
from reconciliation import business_day
from reconciliation.models import Feed, Rules, Run
from reconciliation.services.rounds import ring_run
from reconciliation.services.rules import rules_in_force, save_rules
from reconciliation.services.runs import ask
from reconciliation.states import Pairing, RunScope, RunState, Side

TRIED_DAYS: Final = 7
_MOST_LINES: Final = 40
_THOUSANDTHS, _HUNDREDTHS = Decimal(1000), Decimal(100)


class RulesForm(forms.Form):
    """Amounts as people write them: major units and percent."""

    tolerance = forms.DecimalField(min_value=0, max_value=1_000_000, max_digits=10, decimal_places=3)
    percent = forms.DecimalField(min_value=0, max_value=100, max_digits=5, decimal_places=2)
    by_currency = forms.CharField(required=False, max_length=2_000)
    open_order_hours = forms.IntegerField(min_value=0, max_value=24 * 90)
    patience_days = forms.IntegerField(min_value=1, max_value=365)
    days = forms.IntegerField(min_value=1, max_value=62, initial=TRIED_DAYS)

    def clean_by_currency(self) -> dict[str, int]:
        """Lines of `IDR = 500`, in major units."""
        found: dict[str, int] = {}
        for line in self.cleaned_data["by_currency"].splitlines()[:_MOST_LINES]:
            code, mark, amount = (part.strip() for part in line.partition("="))
            if not (code or mark or amount):
                continue
            try:
                found[code.upper()] = to_minor(amount, currency=code.upper())
            except NotMoney as error:
                raise forms.ValidationError(str(error)) from error
            if found[code.upper()] < 0:
                raise forms.ValidationError(_("A tolerance is not below zero."))
        return found

    @property
    def fields_of_rules(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {
            "tolerance": int(data["tolerance"] * _THOUSANDTHS),
            "tolerance_percent": int(data["percent"] * _HUNDREDTHS),
            "tolerance_by_currency": data["by_currency"],
            "open_order_hours": data["open_order_hours"],
            "patience_days": data["patience_days"],
        }


@require_http_methods(["GET", "POST"])
@allowed("view_reconciliation")
def rules(request: HttpRequest) -> HttpResponse:
    """GET is the rules in force and the older ones; POST tries others on the last days, and saves nothing."""
    right = RIGHT_BY_CODENAME["change_matching"]
    if request.method == "POST" and not person(request).has_perm(right.permission):
        return refuse(request, right)
    now = rules_in_force()
    given = request.POST if request.method == "POST" else None
    form = RulesForm(given, initial=_initial(now))
    tariffs = rows_of(TariffRow, "tariff", given, now.tariffs)
    known = rows_of(KnownRow, "known", given, now.known)
    if given is not None and all([form.is_valid(), are_right(tariffs), are_right(known)]):
        agreed = {"tariffs": said_in(tariffs, now.tariffs), "known": said_in(known, now.known)}
        return redirect("book-run", pk=_tried(form, agreed, actor=actor_of(request)).pk)
    context = {
        "section": "reconciliation",
        "place": "rules",
        "form": form,
        "tariffs": tariffs,
        "known": known,
        "pairings": Pairing.choices,
        "gateways": Feed.objects.filter(side=Side.GATEWAY).order_by("source").values_list("source", flat=True),
        "methods": sorted(names.METHODS),
        "in_force": now,
        "versions": _versions(),
    }
    return render(request, "console/books/rules.html", context, status=422 if form.is_bound else 200)


def _tried(form: RulesForm, agreed: dict[str, Any], *, actor: str) -> Run:
    today = business_day.of(timezone.now())
    window = today - timedelta(days=form.cleaned_data["days"]), today
    trial = ask(scope=RunScope.WINDOW, window=window, trial=form.fields_of_rules | agreed, actor=actor)
    ring_run(trial.pk)
    return trial


def _versions() -> list[tuple[Rules, str, dict[str, Any]]]:
    versions = list(Rules.objects.order_by("-number")[:20])
    known = people(each.actor for each in versions)
    return [(each, told_actor(each.actor, known), _initial(each) | _agreed(each)) for each in versions]


def _agreed(found: Rules) -> dict[str, list[str]]:
    approved = [f"{told_known(each)} ({told_people(each)})" for each in found.known]
    return {"tariffs": [told_tariff(each) for each in found.tariffs], "known": approved}


@require_POST
@allowed("change_matching")
def save(request: HttpRequest, pk: int) -> HttpResponse:
    """Save the rules that the run `pk` tried: what nobody has tried cannot be saved."""
    run = run_or_404(pk)
    if not run.trial or run.state != RunState.DONE or run.rules is None:
        raise Http404
    reason = request.POST.get("reason", "")
    try:
        saved = save_rules(
            run.trial, expected=run.rules.number, actor=actor_of(request), reason=reason, asked_by=run.actor
        )
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return redirect("book-run", pk=pk)
    messages.success(
        request, _("Version %(number)s is in force. The next run looks at everything.") % {"number": saved.number}
    )
    return redirect("book-rules")


def _initial(found: Rules) -> dict[str, Any]:
    lines = (f"{code} = {to_major(int(amount), currency=code)}" for code, amount in found.tolerance_by_currency.items())
    return {
        "tolerance": f"{found.tolerance / _THOUSANDTHS:f}",
        "percent": f"{found.tolerance_percent / _HUNDREDTHS:f}",
        "by_currency": "\n".join(sorted(lines)),
        "open_order_hours": found.open_order_hours,
        "patience_days": found.patience_days,
        "days": TRIED_DAYS,
    }
