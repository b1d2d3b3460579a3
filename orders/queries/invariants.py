"""What must always hold, and where it does not. The rules are SQL views (`orders/sql/invariants.sql`)."""

# ruff: noqa: S608 - the names of views are constants of this file

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Invariant:
    """One rule. A broken one is an incident, unless it only lists what another platform left."""

    name: str
    rule: Promise
    is_incident: bool = True

    @property
    def view(self) -> str:
        return f"invariant_{self.name}"


_CHUNK: Final = 1000  # orders in one question; their ids let each view go by its indexes
INVARIANTS: Final = (
    Invariant("paid_is_handled", _("What was paid is booked, given back, or somebody's task.")),
    Invariant("refunds_within_charges", _("No more goes back than was charged.")),
    Invariant("one_refund_per_cause", _("One cause is refunded once.")),
    Invariant("one_live_saga", _("An order has one live saga of a kind.")),
    Invariant("history_without_gap", _("The history has no gap.")),
    Invariant("one_currency", _("The money of an order is in the order's currency.")),
    Invariant("completed_is_posted", _("A completed order is posted to Head Office.")),
    Invariant("paid_was_charged", _("What counts as paid was charged.")),
    Invariant(
        "imported_refund_owed",
        _("Imported orders that were closed with money: to be given back where they came from."),
        is_incident=False,
    ),
)


@dataclass(frozen=True, slots=True)
class Violation:
    """Where a rule does not hold. `what` is for people on duty, in English."""

    invariant: str
    order_id: int
    public_id: str
    what: str


def violations(
    *, since: datetime | None = None, limit: int = 1000, rules: Sequence[Invariant] = INVARIANTS
) -> list[Violation]:
    """Broken rules, at most `limit` each; with `since`, of orders whose history grew since then.

    With `since` the work grows with those orders, not with the table.
    """
    if since is None:
        return [found for rule in rules for found in _of(rule, ids=None, limit=limit)]
    touched = _touched(since)
    chunks = [touched[at : at + _CHUNK] for at in range(0, len(touched), _CHUNK)]
    return [found for rule in rules for ids in chunks for found in _of(rule, ids=ids, limit=limit)]


def counts(rules: Sequence[Invariant] = INVARIANTS) -> dict[str, int]:
    """How many orders break each rule. Reads every order: minutes on a large database."""
    parts = [f"SELECT '{rule.name}' AS name, count(DISTINCT order_id) FROM {rule.view}" for rule in rules]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return dict(cursor.fetchall())


def _touched(since: datetime) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT order_id FROM orders_history WHERE recorded_at >= %s", [since])
        return sorted(order_id for (order_id,) in cursor.fetchall())


def _of(rule: Invariant, *, ids: list[int] | None, limit: int) -> list[Violation]:
    statement = (
        "SELECT v.order_id, coalesce(o.public_id, ''), v.what"
        f" FROM {rule.view} v LEFT JOIN orders_order o ON o.id = v.order_id"
        f" WHERE {'TRUE' if ids is None else 'v.order_id = ANY(%(ids)s)'}"
        " ORDER BY v.order_id, v.what LIMIT %(limit)s"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, {"ids": ids, "limit": limit})
        return [Violation(rule.name, *row) for row in cursor.fetchall()]
