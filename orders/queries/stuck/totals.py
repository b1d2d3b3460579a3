"""How many are stuck, and how much money hangs on them."""

# ruff: noqa: S608

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from orders.policies import Limits
from orders.queries.prepared import fetch_prepared
from orders.queries.stuck.filters import UNPAID, StuckFilter
from orders.queries.stuck.lists import EVERYTHING, ask, with_tables


@dataclass(frozen=True, slots=True)
class Totals:
    """Of a filter: orders, money by currency in minor units, and the oldest. `paid` is the part
    whose customer has paid."""

    count: int = 0
    money: dict[str, int] = field(default_factory=dict)
    oldest: datetime | None = None
    paid_count: int = 0
    paid_money: dict[str, int] = field(default_factory=dict)


class View(StrEnum):
    """The saved views of the stuck list."""

    ALL = "all"
    PAID = "paid"
    REFUNDS = "refunds"
    NOT_AT_HO = "not_at_ho"
    UNOWNED = "unowned"
    MINE = "mine"

    def filter(self, *, user_id: int | None) -> StuckFilter:
        """The filter a view stands for; "mine" belongs to `user_id`."""
        if self == View.MINE:
            return StuckFilter(owner=user_id or 0)
        return _FILTERS[self]


_FILTERS = {
    View.ALL: EVERYTHING,
    View.PAID: StuckFilter(paid=True),
    View.REFUNDS: StuckFilter(machines=("refund",)),
    View.NOT_AT_HO: StuckFilter(machines=("posting",)),
    View.UNOWNED: StuckFilter(unowned=True),
}

PAID = "order_state <> ALL(%(never_paid)s)"
COLUMNS = (
    "count(*) AS count, sum(amount)::bigint AS money, min(since) AS oldest,"
    f" count(*) FILTER (WHERE {PAID}) AS paid_count,"
    f" coalesce(sum(amount) FILTER (WHERE {PAID}), 0)::bigint AS paid_money"
)
_TOTALS = f"SELECT currency, {COLUMNS} FROM ({{union}}) u GROUP BY currency ORDER BY currency"
_COUNTS = (
    "SELECT count(*) AS all,"
    f" count(*) FILTER (WHERE {PAID}) AS paid,"
    " count(*) FILTER (WHERE machine = 'refund') AS refunds,"
    " count(*) FILTER (WHERE machine = 'posting') AS not_at_ho,"
    " count(*) FILTER (WHERE owner_id IS NULL) AS unowned,"
    " count(*) FILTER (WHERE owner_id = %(me)s) AS mine"
    " FROM ({union}) u"
)


def stuck_totals(
    wanted: StuckFilter = EVERYTHING, *, as_of: datetime | None = None, limits: Limits | None = None
) -> Totals:
    """The head of the list for a filter."""
    return summed(_ask(_TOTALS, wanted, as_of=as_of, limits=limits))


def summed(rows: Sequence[Mapping[str, Any]]) -> Totals:
    """The totals of rows with `currency` and the columns of `COLUMNS`."""
    money, paid_money = Counter[str](), Counter[str]()
    for row in rows:
        money[row["currency"]] += row["money"]
        if row["paid_count"]:
            paid_money[row["currency"]] += row["paid_money"]
    return Totals(
        count=sum(row["count"] for row in rows),
        money=dict(money),
        oldest=min((row["oldest"] for row in rows), default=None),
        paid_count=sum(row["paid_count"] for row in rows),
        paid_money=dict(paid_money),
    )


def stuck_counts(*, user_id: int | None, limits: Limits | None = None) -> dict[View, int]:
    """How many rows each saved view has; all views in one query."""
    row = _ask(_COUNTS, EVERYTHING, as_of=None, limits=limits, me=user_id)[0]
    return {view: row[view.value] for view in View}


def _ask(
    statement: str, wanted: StuckFilter, *, as_of: datetime | None, limits: Limits | None, **more: Any
) -> list[dict[str, Any]]:
    question = ask(wanted, as_of=as_of, limits=limits)
    union = question.union()
    params = {**question.params, **more, "never_paid": list(UNPAID)}
    return fetch_prepared(f"{with_tables(question)} {statement.format(union=union)}", params)
