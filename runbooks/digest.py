"""The hash that an approval is bound to: SHA-256 over everything that a plan will do.

The same content gives the same hash on every machine: names sorted, no spaces, one line a row. The plan's
own code is part of it, so that a hash belongs to one plan only.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from runbooks.models import Plan, PlanRow

ROW = (
    *("public_id", "place", "expected_state", "expected_version", "target", "amount", "currency"),
    *("message", "neighbour", "params", "before"),
)


def digest(plan: Plan, rows: Iterable[PlanRow]) -> str:
    """The hash of a plan with these rows, eligible or not, in the order of their ids."""
    told = hashlib.sha256(_line([plan.code, plan.action, plan.params, plan.proposer, plan.risk, plan.money]))
    for row in rows:
        # Why a row is left out is frozen too; what becomes of an eligible one is not.
        why = row.why if row.place is None else ""
        # An order is named by its public id; other subjects by their resource too (plans of orders came first).
        of = [] if plan.subject == "order" else [row.resource]
        told.update(_line([*of, *(getattr(row, name) for name in ROW), why]))
    return told.hexdigest()


def digest_now(plan: Plan) -> str:
    """The hash of what the database holds at this moment."""
    return digest(plan, plan.rows.order_by("id").iterator(chunk_size=2000))


def _line(values: Any) -> bytes:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
