"""The timeline as it is drawn: days, tones, and whether a line was ignored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final

from opsconsole.console.formats import WIB
from opsconsole.console.tones import Tone, tone_of
from orders.models import Order
from orders.queries.timeline import Line

# Seconds between what happened and our knowing it that are worth a word.
WORTH_SAYING: Final = timedelta(seconds=30)

_FACT_TONES: Final[Mapping[str, Tone]] = MappingProxyType(
    {
        "paid_twice": Tone.ATTENTION,
        "reversed_after_booking": Tone.FAILED,
        "anomaly": Tone.ATTENTION,
        "driver_assigned": Tone.ACTIVE,
        "picked_up": Tone.ACTIVE,
        "item_completed": Tone.DONE,
        "action_approved": Tone.ACTIVE,
        "action_rejected": Tone.FAILED,
    }
)
STATUS_TONES: Final[Mapping[str, Tone]] = MappingProxyType(
    {
        "awaiting_approval": Tone.ATTENTION,
        "queued": Tone.ACTIVE,
        "running": Tone.ACTIVE,
        "fixed": Tone.DONE,
        "accepted": Tone.ACTIVE,
        "not_fixed": Tone.ATTENTION,
        "refused": Tone.FAILED,
        "unknown": Tone.ATTENTION,
    }
)
_IGNORED: Final = ("duplicate", "out_of_order")


@dataclass(frozen=True)
class Shown:
    """One line with its tone. `is_ignored`: it was kept and changed nothing."""

    line: Line
    tone: Tone

    @property
    def is_ignored(self) -> bool:
        return self.line.verdict in _IGNORED

    @property
    def late_by(self) -> timedelta | None:
        late = self.line.late_by
        return late if late is not None and late >= WORTH_SAYING else None


@dataclass(frozen=True)
class Day:
    """The lines of one business day, in the order they are read."""

    on: date
    lines: Sequence[Shown]


def days_of(order: Order, lines: Sequence[Line]) -> list[Day]:
    """Lines by business day of the time they stand under."""
    by_day: dict[date, list[Shown]] = {}
    for line in lines:
        at = line.happened_at if order.origin == Order.Origin.IMPORT else line.learnt_at
        by_day.setdefault(at.astimezone(WIB).date(), []).append(Shown(line, _tone(line)))
    return [Day(on, shown) for on, shown in by_day.items()]


def _tone(line: Line) -> Tone:
    if line.status:
        return STATUS_TONES.get(line.status, Tone.NEUTRAL)
    if line.message:
        return tone_of(line.machine, line.target)
    if line.verb == "send":
        return Tone.ACTIVE  # what is asked is unknown until it is answered: no alarm yet
    if line.is_move:
        return tone_of(line.machine, line.target)
    return _FACT_TONES.get(line.verb, Tone.NEUTRAL)
