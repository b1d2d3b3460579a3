"""Lines of money, as a file or a page tells them, on their way into a book. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

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


@dataclass(frozen=True, slots=True)
class Columns:
    """Many lines as the columns that `Line` has, in its order: a million rows made one by one take seconds."""

    fields: tuple[Sequence[Any], ...]

    def __iter__(self) -> Iterator[Line]:
        return map(Line._make, zip(*self.fields, strict=True))

    def __len__(self) -> int:
        return len(self.fields[0])
