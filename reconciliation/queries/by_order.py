"""Every order with what was paid for it and what Head Office holds, as the books stand."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection, transaction

from orders.money import to_major
from reconciliation.models import Rules

_CHUNK: Final = 5000  # rows fetched at a time: the whole may be ten million

# A break that says more than the two sums is the outcome; else the sums are. Both books come in key order from an index
# alone; 0, 1 and 4 are what is settled (reconciliation.states.CountsAs).
_SQL: Final = """
DECLARE by_order NO SCROLL CURSOR FOR
WITH paid AS (
    SELECT order_reference AS key, currency, sum(amount) AS amount FROM reconciliation_entry
    WHERE side = 'ours' AND counts_as IN (0, 1, 4) AND order_reference <> '' GROUP BY 1, 2
),
ledger AS (
    SELECT order_reference AS key, currency, sum(amount) AS amount FROM reconciliation_entry
    WHERE side = 'ho' AND counts_as IN (0, 1, 4) AND order_reference <> '' GROUP BY 1, 2
),
books AS (
    SELECT coalesce(p.key, l.key) AS key, coalesce(p.currency, l.currency) AS currency,
           p.amount AS paid, l.amount AS ledger
    FROM paid p FULL JOIN ledger l ON p.key = l.key AND p.currency = l.currency
),
bands (currency, absolute) AS (SELECT * FROM unnest(%(currencies)s::text[], %(bands)s::bigint[]))
SELECT coalesce(b.key, o.public_id), coalesce(b.currency, o.currency), coalesce(b.paid, 0)::bigint,
       coalesce(b.ledger, 0)::bigint,
       CASE
           WHEN coalesce(k.type, d.type) IN (
               'currency_differs', 'refund_exceeds_paid', 'duplicate_charge', 'duplicate_charge_across',
               'duplicate_in_ho', 'refund_missing_in_ho', 'late_reversal') THEN coalesce(k.type, d.type)
           WHEN b.key IS NULL THEN 'neither'
           WHEN coalesce(b.paid, 0) = coalesce(b.ledger, 0) THEN 'matched'
           WHEN b.paid IS NOT NULL AND b.ledger IS NOT NULL AND abs(b.paid - b.ledger) <= greatest(
               w.absolute, floor(greatest(abs(b.paid), abs(b.ledger)) * %(percent)s / 10000))
               THEN 'matched_within_tolerance'
           WHEN EXISTS (SELECT FROM reconciliation_match m
                        WHERE m.pairing = 'ho' AND m.key = b.key AND m.rule = 'known_difference')
               THEN 'known_difference'
           WHEN EXISTS (SELECT FROM reconciliation_expectation x WHERE x.pairing = 'ho' AND x.key = b.key)
               THEN 'expected'
           WHEN b.ledger IS NULL THEN 'missing_in_ho'
           WHEN b.paid IS NULL THEN 'ho_without_payment'
           WHEN b.paid > b.ledger THEN 'overpaid'
           ELSE 'underpaid'
       END,
       coalesce(c.signature, '')
FROM books b
FULL JOIN orders_order o ON o.public_id = b.key
LEFT JOIN bands w ON w.currency = b.currency
LEFT JOIN reconciliation_break k
       ON k.pairing = 'ho' AND k.identity = concat(b.key, '|', b.currency) AND k.state = 'open'
LEFT JOIN reconciliation_break d
       ON d.pairing = 'ho' AND d.identity = concat(b.key, '|currencies') AND d.state = 'open'
LEFT JOIN reconciliation_case c ON c.id = coalesce(k.case_id, d.case_id)
ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One order in one currency; amounts in minor units, `difference` is paid less ledger."""

    order: str
    currency: str
    paid: int
    ledger: int
    outcome: str
    case: str

    @property
    def difference(self) -> int:
        return self.paid - self.ledger

    def as_json(self) -> dict[str, str]:
        """For machines: amounts in major units, as text."""
        return {
            "order_id": self.order,
            "outcome": self.outcome,
            "paid": to_major(self.paid, currency=self.currency),
            "ledger": to_major(self.ledger, currency=self.currency),
            "diff": to_major(self.difference, currency=self.currency),
            "currency": self.currency,
            "case": self.case,
        }


def by_order(rules: Rules) -> Iterator[OrderLine]:
    """Every order of ours and every order that a book names, by its id; streamed."""
    bands = rules.bands()
    params: dict[str, Any] = {
        "currencies": list(bands),
        "bands": list(bands.values()),
        "percent": rules.tolerance_percent,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SQL, params)
        while True:
            cursor.execute(f"FETCH {_CHUNK} FROM by_order")
            rows = cursor.fetchall()
            yield from (OrderLine(*row) for row in rows)
            if not rows:
                break
        cursor.execute("CLOSE by_order")
