"""A line of money, as a file or a page tells it, on its way into a book. Pure."""

from datetime import datetime
from typing import NamedTuple

from reconciliation.states import EntryStatus


class Line(NamedTuple):
    """One line of money as a file or a page tells it. `amount`: minor units, signed; times aware.

    `line` is where it stands in its file. What a field means: `reconciliation.models.Entry`.
    `source` '' stands for the feed's own.
    """

    line: int
    kind: str
    amount: int
    currency: str
    occurred_at: datetime
    reference: str = ""
    external_reference: str = ""
    order_reference: str = ""
    batch: str = ""
    method: str = ""
    status: str = EntryStatus.SETTLED
    source: str = ""
