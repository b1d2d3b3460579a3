"""What happened last to orders that hang: for lists, where no cause is known yet."""

from collections.abc import Mapping, Sequence
from typing import Final

from orders.queries.stuck.lists import fetch
from orders.states import MACHINES

_LAST: Final = """
SELECT wanted.id, last.machine, last.target
FROM unnest(%(ids)s::bigint[]) AS wanted(id)
CROSS JOIN LATERAL (
    SELECT h.machine, h.target FROM orders_history h
    WHERE h.order_id = wanted.id AND h.source <> h.target AND h.machine <> 'inbound'
    ORDER BY h.seq DESC LIMIT 1) last
"""


def last_changes(order_ids: Sequence[int]) -> Mapping[int, str]:
    """The state that was entered last, of whatever machine, in the reader's language. One query, or none."""
    if not order_ids:
        return {}
    rows = fetch(_LAST, {"ids": list(order_ids)})
    return {row["id"]: str(MACHINES[row["machine"]].states(row["target"]).label) for row in rows}
