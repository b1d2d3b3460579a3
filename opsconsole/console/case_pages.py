"""Cases: one line a cause, and one cause in full with what its breaks have in common."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from opsconsole.console import keyset
from opsconsole.console.access import allowed
from opsconsole.console.book_shown import told_actor
from opsconsole.console.book_tones import SEVERITY_SQUARES
from opsconsole.console.break_list import break_rows, chip
from opsconsole.console.break_words import BUCKET_WORDS, NEXT, TRAITS, trait_value
from opsconsole.console.chips import NONE, Chip, Choices, day_of
from opsconsole.console.desk import colleagues
from opsconsole.console.export import csv_file
from opsconsole.console.formats import iso
from opsconsole.console.live import answer
from opsconsole.console.roles import RIGHT_BY_CODENAME
from opsconsole.console.staff import person
from opsconsole.console.stuck_choices import ME
from opsconsole.console.stuck_head import grouped
from orders.queries.order_page import people
from reconciliation.models import BookEvent, Case
from reconciliation.queries import breaks as break_queries
from reconciliation.queries import cases as queries
from reconciliation.queries.breaks import BreakFilter
from reconciliation.queries.cases import CaseFilter, CaseRow, Place
from reconciliation.states import BreakType, Pairing

WINDOW: Final = {"from": gettext_lazy("From day"), "to": gettext_lazy("To day")}
NAMES: Final = ("side", "type", "age", "owner", "state", "from", "to")
FIRST_BREAKS: Final = 20
MOST_VALUES: Final = 6
HOURS: Final = 24


class Asked(keyset.Asked):
    names = NAMES
    places = Place

    def wanted(self, user_id: int, now: datetime) -> CaseFilter:
        owner = self.choices.one("owner")
        return CaseFilter(
            pairings=self.choices.many("side"),
            types=self.choices.many("type"),
            owner=user_id if owner == ME else None,
            unowned=owner == NONE,
            age=self.choices.one("age"),
            at=now,
            open_only=self.choices.one("state") != "all",
            first_day=day_of(self.choices.one("from")),
            last_day=day_of(self.choices.one("to")),
        )


class CasePages(keyset.KeysetList):
    url_name = "cases"


@require_GET
@allowed("view_reconciliation")
def cases(request: HttpRequest) -> HttpResponse:
    asked, now = Asked.read(request.GET), timezone.now()
    found = queries.cases(asked.wanted(person(request).pk, now))
    page = queries.page(found, now, after=asked.after, size=keyset.PAGE + 1)
    rows, totals = page[: keyset.PAGE], queries.totals(found)
    last = rows[-1].case if len(page) > keyset.PAGE else None
    pages = CasePages(asked=asked, next_place=Place(last.money, last.pk) if last else None)
    chosen = chips(asked.choices)
    context = {
        "section": "reconciliation",
        "place": "cases",
        "rows": shown(rows),
        "totals": totals,
        "total": grouped(sum(count for _currency, count, _breaks, _money in totals)),
        "chips": chosen,
        "words": [f"{each.label}: {each.chosen}" for each in chosen if each.chosen] + window_words(asked.choices),
        "first": {name: asked.choices.one(name) for name in WINDOW},
        "query": pages.query,
        "here": pages.here,
        "next_url": pages.next,
        "first_url": pages.first,
        "now": now,
    }
    return answer(request, "console/cases/list.html", "console/cases/list_live.html", context)


def chips(choices: Choices) -> list[Chip]:
    owners = (("", _("Anybody")), (ME, _("Me")), (NONE, _("Nobody")))
    states = (("", _("Open")), ("all", _("Open and over")))
    ages = (("", _("Any age")), *BUCKET_WORDS.items())
    return [
        chip("side", gettext_lazy("Books"), Pairing.choices, choices),
        chip("type", gettext_lazy("Type"), BreakType.choices, choices),
        chip("age", gettext_lazy("Age"), ages, choices, is_single=True),
        chip("owner", gettext_lazy("Owner"), owners, choices, is_single=True),
        chip("state", gettext_lazy("State"), states, choices, is_single=True),
    ]


def window_words(choices: Choices) -> list[str]:
    """From and to which day, where somebody said so."""
    return [f"{label}: {choices.one(name)}" for name, label in WINDOW.items() if choices.one(name)]


def shown(rows: Sequence[CaseRow]) -> list[dict[str, Any]]:
    return [shown_case(row) for row in rows]


def shown_case(row: CaseRow) -> dict[str, Any]:
    owner = row.case.owner
    return {
        "case": row.case,
        "type": str(BreakType(row.case.type).label),
        "books": str(Pairing(row.case.pairing).label),
        "cause": row.cause,
        "money": int(row.case.money),
        "square": SEVERITY_SQUARES[row.severity],
        "severity": str(row.severity.label),
        "age": BUCKET_WORDS[row.age],
        "owner": (owner.get_full_name() or owner.get_username()) if owner else "",
    }


@require_GET
@allowed("view_reconciliation")
def case(request: HttpRequest, pk: int) -> HttpResponse:
    found, now = queries.case_of(pk), timezone.now()
    if found is None:
        raise Http404
    events = list(BookEvent.objects.filter(subject=f"case:{pk}").order_by("pk"))
    known = people(event.actor for event in events)
    may_work = person(request).has_perm(RIGHT_BY_CODENAME["work_breaks"].permission)
    context = {
        "section": "reconciliation",
        "place": "cases",
        "row": shown_case(queries.case_row(found, now)),
        "case": found,
        "next": NEXT[found.type],
        "patterns": _patterns(found),
        "breaks": break_rows(break_queries.page(BreakFilter(case=pk), size=FIRST_BREAKS), now),
        "events": [(event, _sentence(event), told_actor(event.actor, known)) for event in events],
        "people": colleagues("work_breaks") if may_work else [],
        "now": now,
    }
    return answer(request, "console/cases/case.html", "console/cases/case_live.html", context)


def _patterns(found: Case) -> list[dict[str, Any]]:
    """What the breaks have in common, trait by trait; a trait that nobody knows of any of them is left out."""
    shares = queries.pattern(found)
    patterns = []
    for trait, label in TRAITS.items():
        these = [share for share in shares if share.trait == trait]
        total = sum(share.breaks for share in these)
        if any(share.value for share in these):
            values = [(trait_value(trait, share.value), share.breaks, share.breaks / total) for share in these]
            patterns.append({"label": label, "values": values[:MOST_VALUES], "hours": _hours(trait, these)})
    return patterns


def _hours(trait: str, shares: Sequence[queries.Share]) -> list[int]:
    """A column an hour, or none for the other traits."""
    counts = {share.value: share.breaks for share in shares}
    return [counts.get(f"{hour:02}", 0) for hour in range(HOURS)] if trait == "hour" else []


def _sentence(event: BookEvent) -> str:
    if event.verb == "note":
        return _("Note")
    after = event.detail.get("owner", ["", ""])[1]
    return _("Assigned to %(name)s") % {"name": after} if after else _("Nobody's any more")


@require_GET
@allowed("export_orders")
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Every case that matches, the most money first; money in minor units."""
    now = timezone.now()
    found = queries.cases(Asked.read(request.GET).wanted(person(request).pk, now))
    header = (
        *("case", "type", "books", "signature", "cause", "breaks", "currency", "money_minor", "first_at", "last_at"),
        *("age", "severity", "owner"),
    )
    return csv_file("cases", header, _exported(found, now))


def _exported(found: Any, now: datetime) -> Iterator[Sequence[Any]]:
    for each in found.iterator(chunk_size=1_000):
        row = queries.case_row(each, now)
        yield (
            *(each.pk, each.type, each.pairing, each.signature, row.cause, each.count, each.currency, int(each.money)),
            *(iso(each.first_at) if each.first_at else "", iso(each.last_at) if each.last_at else ""),
            *(row.age, row.severity, each.owner.get_username() if each.owner else ""),
        )
