"""The list of breaks: filters in the address, pages by key, everything that matches as CSV."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from opsconsole.console import keyset
from opsconsole.console.access import allowed
from opsconsole.console.book_tones import SEVERITY_SQUARES
from opsconsole.console.break_words import BUCKET_WORDS
from opsconsole.console.chips import NONE, Chip, Choices, Option, day_of
from opsconsole.console.desk import colleagues
from opsconsole.console.export import csv_file
from opsconsole.console.formats import iso
from opsconsole.console.live import answer
from opsconsole.console.staff import person
from opsconsole.console.stuck_choices import ME
from opsconsole.console.stuck_head import grouped
from opsconsole.console.sums import parsed_sum
from orders import names
from orders.queries.places import Place
from reconciliation.ageing import bucket, severity
from reconciliation.models import Break
from reconciliation.queries import breaks as queries
from reconciliation.queries.breaks import BreakFilter
from reconciliation.services.feeds import DEFAULTS
from reconciliation.states import BreakState, BreakType, Pairing, Side

_TIMING: Final = {"yes": True, "no": False}
NAMES: Final = (
    "side",
    "type",
    "gateway",
    "method",
    "state",
    "age",
    "owner",
    "timing",
    "case",
    "from",
    "to",
    "least",
    "q",
)


class Asked(keyset.Asked):
    names = NAMES
    places = Place

    def wanted(self, user_id: int, now: datetime) -> BreakFilter:
        choices, owner = self.choices, self.choices.one("owner")
        states = tuple(state for state in choices.many("state") if state in BreakState.values)
        return BreakFilter(
            states=states or (BreakState.OPEN,),
            pairings=choices.many("side"),
            types=choices.many("type"),
            gateways=choices.many("gateway"),
            methods=choices.many("method"),
            case=_number(choices.one("case")),
            owner=_owner(owner, user_id),
            unowned=owner == NONE,
            first_day=day_of(choices.one("from")),
            last_day=day_of(choices.one("to")),
            least=parsed_sum(choices.one("least")) if choices.one("least") else None,
            is_timing=_TIMING.get(choices.one("timing")),
            text=choices.one("q"),
            age=choices.one("age"),
            at=now,
        )

    @property
    def words(self) -> list[str]:
        """The filters that are on and have no chip."""
        labels = {"case": _("Case"), "from": _("From day"), "to": _("To day"), "least": _("At least"), "q": _("Named")}
        return [f"{label}: {self.choices.one(name)}" for name, label in labels.items() if self.choices.one(name)]


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _owner(text: str, user_id: int) -> int | None:
    if not text or text == NONE:
        return None
    return user_id if text == ME else _number(text) or 0


@dataclass(frozen=True, kw_only=True)
class BreakRow:
    """One break of a list."""

    found: Break
    type: str
    square: int
    age: str
    source: str
    method: str
    owner: str


@dataclass(frozen=True, kw_only=True)
class BreakList(keyset.KeysetList):
    """One page. `total` is exact up to ten thousand."""

    url_name = "breaks"
    asked: Asked
    at: datetime
    rows: Sequence[BreakRow]
    total: str
    chips: Sequence[Chip]

    @property
    def words(self) -> list[str]:
        chosen = [f"{chip.label}: {chip.chosen}" for chip in self.chips if chip.chosen]
        return [*chosen, *self.asked.words]


@require_GET
@allowed("view_reconciliation")
def breaks(request: HttpRequest) -> HttpResponse:
    people = list(colleagues("work_breaks"))
    found = read_breaks(Asked.read(request.GET), user_id=person(request).pk, people=people)
    context = {
        "section": "reconciliation",
        "place": "breaks",
        "list": found,
        "first": found.asked.choices.first(),
        "people": people,
    }
    return answer(request, "console/breaks/list.html", "console/breaks/list_live.html", context)


def read_breaks(asked: Asked, *, user_id: int, people: Sequence[User] = ()) -> BreakList:
    """Two queries, and one more where a name is looked for."""
    now = timezone.now()
    wanted = asked.wanted(user_id, now)
    page = queries.page(wanted, after=asked.after, size=keyset.PAGE + 1)
    count = queries.counted(wanted)
    last = page[keyset.PAGE - 1] if len(page) > keyset.PAGE else None
    return BreakList(
        at=now,
        asked=asked,
        rows=break_rows(page[: keyset.PAGE], now),
        total=grouped(count) if count <= queries.COUNTED else f"{grouped(queries.COUNTED)}+",
        chips=chips(asked.choices, [each for each in people if each.pk != user_id]),
        next_place=Place(last.occurred_at, last.pk) if last else None,
    )


def break_rows(found: Sequence[Break], now: datetime) -> list[BreakRow]:
    return [break_row(each, now) for each in found]


def break_row(found: Break, now: datetime) -> BreakRow:
    level = severity(exposure=found.exposure, currency=found.currency, occurred_at=found.occurred_at, now=now)
    owner = found.owner or (found.case.owner if found.case else None)
    return BreakRow(
        found=found,
        type=str(BreakType(found.type).label),
        square=SEVERITY_SQUARES[level],
        age=bucket(found.occurred_at, now),
        source=names.system(found.gateway or found.source),
        method=names.method(found.method),
        owner=(owner.get_full_name() or owner.get_username()) if owner else "",
    )


def chips(choices: Choices, people: Sequence[User] = ()) -> list[Chip]:
    """Closed lists of what may be chosen; nobody counts ten million breaks for them."""
    gateways = [(value, names.system(value)) for side, value, _rule in DEFAULTS if side == Side.GATEWAY]
    methods = [(value, names.method(value)) for value in names.METHODS]
    others = [(str(each.pk), each.get_full_name() or each.get_username()) for each in people]
    owners = [("", _("Anybody")), (ME, _("Me")), (NONE, _("Nobody")), *others]
    timing = (("", _("Either")), ("yes", _("May be on its way")), ("no", _("Not on its way")))
    ages = (("", _("Any age")), *BUCKET_WORDS.items())
    return [
        chip("side", gettext_lazy("Books"), Pairing.choices, choices),
        chip("type", gettext_lazy("Type"), BreakType.choices, choices),
        chip("gateway", gettext_lazy("Gateway"), gateways, choices),
        chip("method", gettext_lazy("Method"), methods, choices),
        chip("state", gettext_lazy("State"), BreakState.choices, choices),
        chip("age", gettext_lazy("Age"), ages, choices, is_single=True),
        chip("owner", gettext_lazy("Owner"), owners, choices, is_single=True),
        chip("timing", gettext_lazy("On its way"), timing, choices, is_single=True),
    ]


def chip(name: str, label: str | Promise, pairs: Any, choices: Choices, *, is_single: bool = False) -> Chip:
    """Values of the address that the list does not offer stand in it all the same, so that they can be taken out."""
    on, offered = choices.many(name), dict(pairs)
    every = {**offered, **{value: value for value in on if value not in offered}}
    options = [Option(value=value, label=text, is_on=value in on) for value, text in every.items()]
    return Chip(name=name, label=label, options=options, is_single=is_single)


@require_GET
@allowed("export_orders")
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Every break that matches, oldest money first; amounts in minor units."""
    now = timezone.now()
    wanted = Asked.read(request.GET).wanted(person(request).pk, now)
    header = (
        *("break", "state", "type", "books", "order_id", "reference", "gateway", "method", "currency"),
        *("ours_minor", "theirs_minor", "difference_minor", "at_stake_minor", "occurred_at", "business_day"),
        *("age", "case", "owner", "found_at", "closed_at", "cause"),
    )
    return csv_file("breaks", header, _exported(wanted, now))


def _exported(wanted: BreakFilter, now: datetime) -> Iterator[Sequence[Any]]:
    """By a cursor of the database, which lives as long as its transaction."""
    with transaction.atomic():
        for each in queries.breaks(wanted).select_related("owner").iterator(chunk_size=1_000):
            yield (
                *(each.pk, each.state, each.type, each.pairing, each.order_reference, each.reference, each.gateway),
                *(each.method, each.currency, each.ours_amount, each.theirs_amount, each.difference, each.exposure),
                *(iso(each.occurred_at), each.business_date.isoformat(), bucket(each.occurred_at, now)),
                *(each.case_id or "", each.owner.get_username() if each.owner else "", iso(each.found_at)),
                *(iso(each.closed_at) if each.closed_at else "", each.cause),
            )
