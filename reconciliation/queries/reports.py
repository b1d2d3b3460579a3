"""Reports of finance: each a table of plain values, the same on screen, as CSV and as XLSX. Never writes.

Money is in minor units with its currency beside it; sums of two currencies stand in two rows.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from django.db import connection
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.queries.money_queues import BY_API
from orders.states import RefundState
from reconciliation.ageing import BUCKETS, bucket_bounds
from reconciliation.day_states import UNNAMED
from reconciliation.states import BreakState, BreakType, BreakVerb, Resolution, Rule

Row = Sequence[Any]
_CHUNK: Final = 1_000


class Kind(StrEnum):
    """What a column holds, and so how it is written. MONEY is in minor units of the row's CURRENCY."""

    TEXT = "text"
    CODE = "code"
    TYPE = "type"
    GATEWAY = "gateway"
    ORDER = "order"
    WAITS = "waits"
    DAY = "day"
    INSTANT = "instant"
    COUNT = "count"
    MONEY = "money"
    CURRENCY = "currency"


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    label: Promise
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a report is narrowed to; business days, both included. '' means any."""

    first: date
    last: date
    gateway: str = ""
    method: str = ""
    service: str = ""
    city: str = ""
    waits_for: str = ""
    now: datetime | None = None

    def params(self) -> dict[str, Any]:
        return {
            "first": self.first,
            "last": self.last,
            "gateway": self.gateway,
            "method": self.method,
            "service": self.service,
            "city": self.city,
            "waits_for": self.waits_for,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """`filters` are the fields of `Wanted` that it knows besides the days; `has_days`: whether it knows these."""

    name: str
    title: Promise
    about: Promise
    columns: Sequence[Column]
    rows: Callable[[Wanted], Iterator[Row]]
    filters: Sequence[str] = ()
    has_days: bool = True


_MONEY: Final = (Column("amount_minor", _("Amount"), Kind.MONEY), Column("currency", _("Currency"), Kind.CURRENCY))
_OPEN: Final = """
FROM reconciliation_break b LEFT JOIN orders_order o ON o.public_id = b.order_reference AND b.order_reference <> ''
WHERE b.state = 'open' AND b.business_date BETWEEN %(first)s AND %(last)s
  AND (%(gateway)s = '' OR b.gateway = %(gateway)s) AND (%(method)s = '' OR b.method = %(method)s)
  AND (%(service)s = '' OR o.service = %(service)s) AND (%(city)s = '' OR o.city = %(city)s)
"""
_BROKEN_FILTERS: Final = ("gateway", "method", "service", "city")


def _daily(wanted: Wanted) -> Iterator[Row]:
    """The days' figures as they were computed, or signed."""
    return _fetched(
        """
        SELECT d.date, d.state, f.gateway, f.currency,
               sum(amount) FILTER (WHERE book = 'gateway' AND step = 'total'),
               sum(amount) FILTER (WHERE book = 'ours' AND step = 'total'),
               sum(amount) FILTER (WHERE book = 'ho' AND step = 'total'),
               coalesce(sum(abs(amount)) FILTER (WHERE step = ANY(%(types)s)), 0),
               coalesce(sum(abs(amount)) FILTER (WHERE step = ANY(%(unnamed)s)), 0)
        FROM reconciliation_day d JOIN reconciliation_dayfigure f ON f.day_id = d.id
        WHERE d.date BETWEEN %(first)s AND %(last)s AND (%(gateway)s = '' OR f.gateway = %(gateway)s)
        GROUP BY d.date, d.state, f.gateway, f.currency ORDER BY d.date DESC, f.gateway, f.currency
        """,
        {**wanted.params(), "types": BreakType.values, "unnamed": [str(step) for step in UNNAMED]},
    )


def _ageing(wanted: Wanted) -> Iterator[Row]:
    bounds = bucket_bounds(wanted.now or timezone.now())
    edges = [edge for _older, edge in bounds if edge is not None]
    params = {**wanted.params(), "edges": edges, "names": list(BUCKETS)}
    return _fetched(
        f"""
        WITH aged AS (
            SELECT (SELECT count(*)::int FROM unnest(%(edges)s::timestamptz[]) e WHERE b.occurred_at < e) AS bucket,
                   b.type, b.exposure, b.currency {_OPEN})
        SELECT (%(names)s::text[])[1 + bucket], type, count(*), sum(exposure), currency
        FROM aged GROUP BY bucket, type, currency ORDER BY bucket, type, currency
        """,  # noqa: S608 - our own text
        params,
    )


def _by(expression: str) -> Callable[[Wanted], Iterator[Row]]:
    """Open breaks by one property; `expression` is ours and no reader's."""

    def rows(wanted: Wanted) -> Iterator[Row]:
        statement = f"SELECT {expression}, b.type, count(*), sum(b.exposure), b.currency {_OPEN}"
        return _fetched(f"{statement} GROUP BY 1, b.type, b.currency ORDER BY 4 DESC, 1, 2", wanted.params())

    return rows


def _refunds_owed(wanted: Wanted) -> Iterator[Row]:
    """Money that is to go back and has not: whoever's move it is."""
    return _fetched(
        f"""
        SELECT o.public_id, a.gateway, a.method, r.state, w.waits_for, r.entered_at, r.amount, r.currency
        FROM orders_refund r JOIN orders_order o ON o.id = r.order_id JOIN orders_attempt a ON a.id = r.attempt_id
        CROSS JOIN LATERAL (SELECT CASE
            WHEN r.state = 'requested' THEN 'approval'
            WHEN r.state <> 'failed' THEN 'gateway'
            WHEN (a.gateway, a.method) IN ({BY_API}) THEN 'decision'
            ELSE 'transfer' END AS waits_for) w
        WHERE r.state <> ALL(%(over)s)
          AND reconciliation_business_day(r.created_at, interval '0') BETWEEN %(first)s AND %(last)s
          AND (%(gateway)s = '' OR a.gateway = %(gateway)s) AND (%(method)s = '' OR a.method = %(method)s)
          AND (%(service)s = '' OR o.service = %(service)s) AND (%(city)s = '' OR o.city = %(city)s)
          AND %(waits_for)s IN ('', w.waits_for)
        ORDER BY r.entered_at, r.id
        """,  # noqa: S608 - our own text
        {**wanted.params(), "over": [str(RefundState.SUCCEEDED), str(RefundState.REJECTED)]},
    )


def _write_offs(wanted: Wanted) -> Iterator[Row]:
    """What was written off and still is, by the day of the decision."""
    return _fetched(
        """
        SELECT e.at, b.order_reference, b.type, e.detail ->> 'code', e.actor, e.detail ->> 'approver', e.reason,
               b.difference, b.currency
        FROM reconciliation_break b
        JOIN LATERAL (SELECT * FROM reconciliation_breakevent v WHERE v.of_id = b.id AND v.verb = %(verb)s
                      ORDER BY v.id DESC LIMIT 1) e ON true
        LEFT JOIN orders_order o ON o.public_id = b.order_reference AND b.order_reference <> ''
        WHERE b.state = %(state)s AND b.resolution = %(resolution)s
          AND reconciliation_business_day(e.at, interval '0') BETWEEN %(first)s AND %(last)s
          AND (%(gateway)s = '' OR b.gateway = %(gateway)s) AND (%(method)s = '' OR b.method = %(method)s)
          AND (%(service)s = '' OR o.service = %(service)s) AND (%(city)s = '' OR o.city = %(city)s)
        ORDER BY e.at DESC, b.id
        """,
        {
            **wanted.params(),
            "verb": str(BreakVerb.RESOLVE),
            "state": str(BreakState.RESOLVED),
            "resolution": str(Resolution.WRITTEN_OFF),
        },
    )


def _fees(wanted: Wanted) -> Iterator[Row]:
    """Open breaks of fees: what was agreed for their payments, what was taken, and what that is too much."""
    return _fetched(
        f"""
        SELECT b.gateway, b.method, count(*), -sum(b.ours_amount), -sum(b.theirs_amount), -sum(b.difference), b.currency
        {_OPEN} AND b.type = %(type)s
        GROUP BY b.gateway, b.method, b.currency ORDER BY 6 DESC, 1, 2
        """,
        {**wanted.params(), "type": str(BreakType.FEE_DIFFERS)},
    )


def _known(wanted: Wanted) -> Iterator[Row]:
    """What each known difference of the rules in force has let pass, by the day of our line; also those without any."""
    return _fetched(
        """
        WITH stated AS (
            SELECT k.* FROM reconciliation_rules r, jsonb_to_recordset(r.known) AS k (
                name text, pairing text, gateway text, method text, source text, currency text, difference bigint,
                reason text, asked_by text, approved_by text)
            WHERE r.number = (SELECT max(number) FROM reconciliation_rules)
        )
        SELECT s.pairing, s.gateway, s.method, s.source, s.difference, s.reason, s.asked_by, s.approved_by,
               count(e.id), coalesce(sum(m.difference) FILTER (WHERE e.id IS NOT NULL), 0), s.currency
        FROM stated s
        LEFT JOIN reconciliation_match m ON m.rule = %(rule)s AND m.known = s.name AND m.pairing = s.pairing
        LEFT JOIN reconciliation_entry e ON e.id = m.ours[1] AND e.business_date BETWEEN %(first)s AND %(last)s
        WHERE %(gateway)s IN ('', s.gateway) AND %(method)s IN ('', s.method)
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, s.name, s.currency ORDER BY 9 DESC, 1, 2, 3, s.name
        """,
        {**wanted.params(), "rule": str(Rule.KNOWN)},
    )


def _open_breaks(wanted: Wanted) -> Iterator[Row]:
    """One row a break, with two empty columns to be filled in: which repair, and under which code."""
    return _fetched(
        f"""
        SELECT b.id, b.business_date, b.type, b.order_reference, b.reference, b.gateway, b.method,
               coalesce(o.service, ''), coalesce(o.city, ''), b.ours_amount, b.theirs_amount, b.difference, b.currency,
               '', '' {_OPEN}
        ORDER BY b.occurred_at, b.id
        """,
        wanted.params(),
    )


def _fetched(statement: str, params: Mapping[str, Any]) -> Iterator[Row]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        while rows := cursor.fetchmany(_CHUNK):
            yield from rows


def _grouped(label: Promise, kind: Kind) -> Sequence[Column]:
    counted = Column("breaks", _("Breaks"), Kind.COUNT)
    return (Column("group", label, kind), Column("type", _("Type"), Kind.TYPE), counted, *_MONEY)


_SUMS: Final = (
    Column("gateway_minor", _("Gateway"), Kind.MONEY),
    Column("ours_minor", _("Our ledger"), Kind.MONEY),
    Column("ho_minor", _("Head Office"), Kind.MONEY),
    Column("open_minor", _("In open breaks"), Kind.MONEY),
    Column("unexplained_minor", _("Unexplained"), Kind.MONEY),
)
_ALL: Final = (
    Report(
        name="daily",
        title=_("Daily summary"),
        about=_("What each book adds up to, day by day and gateway by gateway."),
        columns=(
            *(Column("business_date", _("Day"), Kind.DAY), Column("state", _("State"), Kind.CODE)),
            *(Column("gateway", _("Gateway"), Kind.GATEWAY), Column("currency", _("Currency"), Kind.CURRENCY)),
            *_SUMS,
        ),
        rows=_daily,
        filters=("gateway",),
    ),
    Report(
        name="ageing",
        title=_("Ageing"),
        about=_("Open breaks by how many business days they are old."),
        columns=_grouped(_("Business days"), Kind.CODE),
        rows=_ageing,
        filters=_BROKEN_FILTERS,
    ),
    Report(
        name="by-gateway",
        title=_("By gateway"),
        about=_("Open breaks by the gateway that was paid."),
        columns=_grouped(_("Gateway"), Kind.GATEWAY),
        rows=_by("b.gateway"),
        filters=_BROKEN_FILTERS,
    ),
    Report(
        name="by-method",
        title=_("By method"),
        about=_("Open breaks by the way of paying."),
        columns=_grouped(_("Method"), Kind.CODE),
        rows=_by("b.method"),
        filters=_BROKEN_FILTERS,
    ),
    Report(
        name="by-service",
        title=_("By service"),
        about=_("Open breaks by what was ordered."),
        columns=_grouped(_("Service"), Kind.CODE),
        rows=_by("coalesce(o.service, '')"),
        filters=_BROKEN_FILTERS,
    ),
    Report(
        name="by-region",
        title=_("By region"),
        about=_("Open breaks by the city of the order."),
        columns=_grouped(_("City"), Kind.CODE),
        rows=_by("coalesce(o.city, '')"),
        filters=_BROKEN_FILTERS,
    ),
    Report(
        name="refunds-owed",
        title=_("Refunds owed"),
        about=_("Money that is to go back to customers and has not yet."),
        columns=(
            *(Column("order", _("Order"), Kind.ORDER), Column("gateway", _("Gateway"), Kind.GATEWAY)),
            *(Column("method", _("Method"), Kind.CODE), Column("state", _("State"), Kind.CODE)),
            *(Column("waits_for", _("Waits for"), Kind.WAITS), Column("since", _("Since"), Kind.INSTANT), *_MONEY),
        ),
        rows=_refunds_owed,
        filters=(*_BROKEN_FILTERS, "waits_for"),
    ),
    Report(
        name="write-offs",
        title=_("Write-offs"),
        about=_("What was written off, under which code, by whom."),
        columns=(
            *(Column("at", _("When"), Kind.INSTANT), Column("order", _("Order"), Kind.ORDER)),
            *(Column("type", _("Type"), Kind.TYPE), Column("code", _("Code"), Kind.CODE)),
            *(Column("actor", _("Proposed by")), Column("approver", _("Approved by")), Column("reason", _("Reason"))),
            *_MONEY,
        ),
        rows=_write_offs,
        filters=_BROKEN_FILTERS,
    ),
    Report(
        name="fees",
        title=_("Fees"),
        about=_("Fees that gateways took otherwise than agreed: what to claim from each of them."),
        columns=(
            *(Column("gateway", _("Gateway"), Kind.GATEWAY), Column("method", _("Method"), Kind.CODE)),
            *(Column("breaks", _("Breaks"), Kind.COUNT), Column("agreed_minor", _("Agreed"), Kind.MONEY)),
            *(Column("taken_minor", _("Taken"), Kind.MONEY), Column("too_much_minor", _("Too much"), Kind.MONEY)),
            Column("currency", _("Currency"), Kind.CURRENCY),
        ),
        rows=_fees,
        filters=_BROKEN_FILTERS,
    ),
    Report(
        name="known-differences",
        title=_("Known differences"),
        about=_("What the differences stated in the rules have let pass, and who agreed to each."),
        columns=(
            *(Column("books", _("Books"), Kind.CODE), Column("gateway", _("Gateway"), Kind.GATEWAY)),
            *(Column("method", _("Method"), Kind.CODE), Column("source", _("Source"), Kind.CODE)),
            *(Column("each_minor", _("Each"), Kind.MONEY), Column("reason", _("Reason"))),
            *(Column("asked_by", _("Asked by")), Column("approved_by", _("Approved by"))),
            *(Column("matches", _("Matches"), Kind.COUNT), *_MONEY),
        ),
        rows=_known,
        filters=("gateway", "method"),
    ),
    Report(
        name="open-breaks",
        title=_("Open breaks"),
        about=_("Every open break. Fill in its last two columns in the spreadsheet, and load it back as proposals."),
        columns=(
            *(Column("break", _("Break"), Kind.CODE), Column("business_date", _("Day"), Kind.DAY)),
            *(Column("type", _("Type"), Kind.TYPE), Column("order", _("Order"), Kind.ORDER)),
            *(Column("reference", _("Payment")), Column("gateway", _("Gateway"), Kind.GATEWAY)),
            *(Column("method", _("Method"), Kind.CODE), Column("service", _("Service"), Kind.CODE)),
            *(Column("city", _("City"), Kind.CODE), Column("ours_minor", _("Ours"), Kind.MONEY)),
            *(Column("theirs_minor", _("Theirs"), Kind.MONEY), Column("difference_minor", _("Difference"), Kind.MONEY)),
            *(Column("currency", _("Currency"), Kind.CURRENCY), Column("repair", _("Repair"))),
            Column("code", _("Code")),
        ),
        rows=_open_breaks,
        filters=_BROKEN_FILTERS,
    ),
)
REPORTS: Final[Mapping[str, Report]] = {report.name: report for report in _ALL}
