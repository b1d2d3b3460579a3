"""The chain of one order, cheap enough for its page: rows, head, and the states they end with.

Anchors are files, and checking them means reading them all: that is `verify_history`'s work.
"""

from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction

from orders.models import ChainHead, Order
from orders.services.verification.breaks import Break, Kind
from orders.services.verification.chains import Head, Known, Row, check_head, check_rows

_ROWS = """
SELECT order_id, seq, machine, subject_id, verb, source, target, actor, reason, detail::text,
       (extract(epoch FROM occurred_at) * 1000000)::bigint,
       (extract(epoch FROM recorded_at) * 1000000)::bigint, mac, id
FROM orders_history WHERE order_id = %s ORDER BY seq
"""
# Messages are left out: their own rows tell of them before they find their order.
_STATES = """
SELECT 'order', id, state FROM orders_order WHERE id = %(order)s
UNION ALL SELECT 'attempt', id, state FROM orders_attempt WHERE order_id = %(order)s
UNION ALL SELECT 'refund', id, state FROM orders_refund WHERE order_id = %(order)s
UNION ALL SELECT 'saga', id, state FROM orders_saga WHERE order_id = %(order)s
UNION ALL SELECT 'step', id, state FROM orders_step WHERE order_id = %(order)s
UNION ALL SELECT 'dispatch', id, state FROM orders_dispatchentry WHERE order_id = %(order)s
UNION ALL SELECT 'posting', id, state FROM orders_posting WHERE order_id = %(order)s
"""


@dataclass(frozen=True, slots=True)
class OrderVerdict:
    """How many rows were recomputed, and the first thing that is broken."""

    rows: int
    found: Break | None

    @property
    def intact(self) -> bool:
        return self.found is None


def verify_order(order: Order) -> OrderVerdict:
    """Recompute the chain of `order`, in one snapshot, so that traffic meanwhile is no break."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return _verified(order)


def _verified(order: Order) -> OrderVerdict:
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [order.pk])
        rows = [Row(*found) for found in cursor.fetchall()]
    problem, last, known = check_rows(rows, key=settings.CHAIN_KEY)
    heads = ChainHead.objects.filter(order_id=order.pk).values_list("order_id", "seq", "mac")
    head = next((Head(order_id, seq, bytes(mac) if mac else None) for order_id, seq, mac in heads), None)
    if last is None:
        problem = problem or Break(Kind.NO_HISTORY, order.pk, 1)
    problem = problem or check_head(order.pk, head, last) or _state_break(order, known)
    return OrderVerdict(rows=len(rows), found=problem)


def _state_break(order: Order, known: Known) -> Break | None:
    for machine, subject, state in _states(order):
        told = known.get((machine, subject))
        if told is None or told[1] != state:
            facts = {"machine": machine, "subject": subject, "state": state, "known": told[1] if told else "-"}
            return Break(Kind.STATE_CHANGED, order.pk, facts=facts)
    return None


def _states(order: Order) -> list[tuple[str, int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(_STATES, {"order": order.pk})
        return list(cursor.fetchall())
