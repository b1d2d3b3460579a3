"""One break: the lines of both books side by side, what became of it over the runs, and the row it came from."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from opsconsole.console import formats
from opsconsole.console.access import allowed
from opsconsole.console.book_shown import told_actor
from opsconsole.console.break_list import break_row
from opsconsole.console.break_words import BUCKET_WORDS, NEXT
from opsconsole.console.desk import colleagues
from opsconsole.console.live import answer
from opsconsole.console.roles import RIGHT_BY_CODENAME
from opsconsole.console.staff import person
from orders import names
from orders.models import Order
from orders.queries.order_page import people
from reconciliation.models import Break, BreakEvent, Entry, Match
from reconciliation.queries.breaks import BreakPage, break_page
from reconciliation.queries.cases import CAUSES
from reconciliation.services.raw_rows import raw_rows
from reconciliation.states import BreakType, BreakVerb, EntryKind, EntryStatus, Pairing, Rule, Side

MOST_SIDE_BY_SIDE: Final = 8  # lines that fit beside each other; more stand in a table below each other

Cell = tuple[str, bool]  # as shown, and whether it is code


class Compared(NamedTuple):
    """One field of all lines. `differs` where one book says what the other does not."""

    label: str
    cells: Sequence[Cell]
    differs: bool


# What a line says; `code` is shown as such, `own` names, clocks and batches differ by nature and are not compared.
FIELDS: Final[Sequence[tuple[Promise, Callable[[Entry], str], str]]] = (
    (gettext_lazy("Kind"), lambda line: str(EntryKind(line.kind).label), ""),
    (gettext_lazy("Amount"), lambda line: formats.money(line.amount, currency=line.currency), ""),
    (gettext_lazy("Currency"), lambda line: line.currency, ""),
    (gettext_lazy("Status"), lambda line: str(EntryStatus(line.status).label), ""),
    (gettext_lazy("Order"), lambda line: line.order_reference, "code"),
    (gettext_lazy("Our reference"), lambda line: line.reference, "code"),
    (gettext_lazy("Their reference"), lambda line: line.external_reference, "own code"),
    (gettext_lazy("Business day"), lambda line: formats.day(line.business_date), ""),
    (gettext_lazy("Happened"), lambda line: formats.wib(line.occurred_at), "own"),
    (gettext_lazy("Method"), lambda line: names.method(line.method), ""),
    (gettext_lazy("From"), lambda line: names.system(line.source), "own"),
    (gettext_lazy("Batch"), lambda line: line.batch, "own code"),
)


@require_GET
@allowed("view_reconciliation")
def found_break(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        page = break_page(pk)
    except Break.DoesNotExist as missing:
        raise Http404 from missing
    return answer(request, "console/breaks/break.html", "console/breaks/break_live.html", _context(request, page))


def _context(request: HttpRequest, page: BreakPage) -> dict[str, Any]:
    found, now = page.found, timezone.now()
    row = break_row(found, now)
    return {
        "section": "reconciliation",
        "place": "breaks",
        "break": found,
        "row": row,
        "age": BUCKET_WORDS[row.age],
        "sides": _sides(found),
        "page": page,
        "compared": compared(page) if 0 < len(page.ours) + len(page.theirs) <= MOST_SIDE_BY_SIDE else [],
        "cause": CAUSES[found.type],
        "next": NEXT[found.type],
        "order": Order.objects.filter(public_id=found.order_reference).only("public_id").first(),
        "events": _events(page),
        "people": colleagues("work_breaks") if _may_work(request) else [],
        "by_hand": _linked(page),
        "unread": _unread(found),
        "now": now,
    }


def _may_work(request: HttpRequest) -> bool:
    return person(request).has_perm(RIGHT_BY_CODENAME["work_breaks"].permission)


def _sides(found: Break) -> tuple[str, str]:
    """What the two sums are: whose book they stand in, or what was agreed and what was taken."""
    if found.type == BreakType.FEE_DIFFERS:
        return _("Fee as agreed"), _("Fee taken")
    return str(Side.OURS.label), str((Side.HO if found.pairing == Pairing.HO else Side.GATEWAY).label)


def compared(page: BreakPage) -> list[Compared]:
    """Field by field; fields that no line has are left out."""
    rows = []
    for label, value, how in FIELDS:
        ours, theirs = ([value(line) for line in lines] for lines in (page.ours, page.theirs))
        if any((*ours, *theirs)):
            differs = "own" not in how and _differ(ours, theirs)
            rows.append(Compared(str(label), [(text, "code" in how) for text in (*ours, *theirs)], differs))
    return rows


def _differ(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    mine, other = set(filter(None, ours)), set(filter(None, theirs))
    return bool(mine and other) and mine != other


def _unread(found: Break) -> int | None:
    """The load whose rows could not be read, of a break that is about them: `load~12|12` names it."""
    text = found.identity.removeprefix("load~").partition("|")[0]
    return int(text) if found.type == BreakType.INVALID_ROW and text.isdigit() else None


def _linked(page: BreakPage) -> bool:
    keys = [page.found.key] if page.found.key else []
    return Match.objects.filter(key__in=keys, rule=Rule.BY_HAND).exists()


def _events(page: BreakPage) -> list[dict[str, Any]]:
    """Oldest first: found, then what runs and people did."""
    found = page.found
    known = people([event.actor for event in page.events])
    told = [{"label": _("Found"), "by": "", "at": found.found_at, "run": found.found_by_id, "tone": "attention"}]
    return [*told, *(_event(event, known) for event in page.events)]


_TONES: Final = {BreakVerb.HEAL: "done", BreakVerb.REOPEN: "attention", BreakVerb.CHANGE: "attention"}


def _event(event: BreakEvent, known: dict[str, str]) -> dict[str, Any]:
    return {
        "label": _sentence(event),
        "by": "" if event.actor.startswith("run:") else told_actor(event.actor, known),
        "at": event.at,
        "run": event.run_id,
        "reason": event.reason,
        "tone": _TONES.get(BreakVerb(event.verb), "neutral"),
    }


def _sentence(event: BreakEvent) -> str:
    label = str(BreakVerb(event.verb).label)
    if event.verb == BreakVerb.ASSIGN:
        after = event.detail.get("owner", ["", ""])[1]
        return _("Assigned to %(name)s") % {"name": after} if after else _("Nobody's any more")
    types = event.detail.get("type", [])
    if event.verb == BreakVerb.CHANGE and len(set(types)) == 2:
        return f"{label}: {BreakType(types[0]).label} → {BreakType(types[1]).label}"
    return label


_WHY_NO_ROW: Final = {
    "no_file": gettext_lazy("This line was read from the other system page by page; there is no file."),
    "gone": gettext_lazy("The file is not kept any more."),
    "far": gettext_lazy("The row stands too far down in the file to be looked up here."),
    "unreadable": gettext_lazy("The file cannot be read any more."),
}


@require_GET
@allowed("view_raw_messages")
def raw(request: HttpRequest, pk: int) -> HttpResponse:
    """The row of the file that a line was read from, with its header and its neighbours, as it came."""
    line = Entry.objects.select_related("load").filter(pk=pk).first()
    if line is None:
        raise Http404
    shown = raw_rows(line)
    context = {
        "section": "reconciliation",
        "place": "breaks",
        "line": line,
        "shown": shown,
        "why": _WHY_NO_ROW.get(shown.why, ""),
    }
    return answer(request, "console/breaks/raw_page.html", "console/breaks/raw.html", context)
