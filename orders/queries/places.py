"""Where a page of a list ended: lists go on by key, never by number."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """The instant by which a list is sorted, and the id of the row; the next page goes on behind it."""

    at: datetime
    row_id: int

    def __str__(self) -> str:
        return f"{(self.at - EPOCH) // timedelta(microseconds=1)}-{self.row_id}"

    @classmethod
    def parse(cls, text: str) -> "Place | None":
        """The place that an address names; None for no place or nonsense."""
        micros, _dash, row_id = text.partition("-")
        if not (micros.isdecimal() and row_id.isdecimal() and len(micros) < 17 and len(row_id) < 19):
            return None
        return cls(EPOCH + timedelta(microseconds=int(micros)), int(row_id))
