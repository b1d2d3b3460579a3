"""12 January: traffic at two and a half times the normal, and everything that went wrong with it.

The fate of order 17 of 5,000 is the same in every run with the seed. How many orders have each fate is
dealt, not drawn: every cause occurs in every run that is large enough.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from opsconsole.sandbox.chance import chance
from opsconsole.traffic.catalogue import FATES
from opsconsole.traffic.fates import Fate
from opsconsole.traffic.journeys import Journey
from opsconsole.traffic.people import person
from opsconsole.traffic.wishes import wish

NAME = "january12"
SPIKE = 2.5

# Of 1,000 orders; the rest are plain. Most of what hangs is what the incident was about: trips that
# stay active, and payments that Head Office never got.
PER_THOUSAND: Mapping[str, float] = MappingProxyType(
    {
        "lapses": 60,
        "cancels": 30,
        "driver_cancels": 15,
        "partner_refuses": 12,
        "callback_dropped": 50,
        "callback_doubled": 40,
        "callback_late": 20,
        "callback_forged": 10,
        "link_elsewhere": 60,
        "link_at_last": 20,
        "link_answer_lost": 10,
        "booking_answer_lost": 12,
        "booking_lost": 8,
        "ho_answer_lost": 30,
        "ho_busy": 15,
        "link_refused": 5,
        "link_unanswered": 6,
        "callback_lost": 12,
        "callback_unconfirmed": 6,
        "paid_short": 4,
        "unknown_code": 3,
        "paid_late": 5,
        "dispatch_away": 10,
        "partner_silent": 4,
        "undo_refused": 4,
        "refund_refused": 4,
        "refund_by_hand": 4,
        "refund_unanswered": 3,
        "refund_not_taken": 3,
        "large_refund": 2,
        "trip_end_lost": 22,
        "trip_without_end": 5,
        "ho_refuses": 8,
        "ho_silent": 16,
        "ho_away": 7,
    }
)

# Other nights, on which most of what hangs has one kind of cause: what is said to explain them has to differ.
MIXES: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "mixed": {},
        "callbacks": {"callback_lost": 300, "callback_unconfirmed": 0},
        "silence": {"ho_silent": 250, "link_unanswered": 60},
    }
)


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of the day: which share of the orders, at how many times the normal rate."""

    name: str
    share: float
    pace: float


PHASES = (Phase("before", 0.15, 1.0), Phase("spike", 0.70, SPIKE), Phase("after", 0.15, 1.0))


def deal(orders: int, *, seed: int, mix: str = "mixed") -> list[Fate]:
    """A fate for each order, in the order of placing. `mix` is one of MIXES."""
    counts = _counts(orders, {**PER_THOUSAND, **MIXES[mix]})
    fates = [FATES[name] for name, count in counts.items() for _each in range(count)]
    fates += [FATES["plain"]] * (orders - len(fates))
    numbers = sorted(range(orders), key=lambda number: chance(seed, NAME, "deal", number))
    return [fate for _number, fate in sorted(zip(numbers, fates, strict=True), key=lambda pair: pair[0])]


def _counts(orders: int, per_thousand: Mapping[str, float]) -> dict[str, int]:
    """At least one of each that hangs while these are at most half of all; then by share."""
    counts = {name: round(orders * share / 1000) for name, share in per_thousand.items()}
    hanging = [name for name in counts if FATES[name].hangs]
    for name in hanging[: orders // 2]:
        counts[name] = max(1, counts[name])
    return _trimmed(counts, orders)


def _trimmed(counts: dict[str, int], orders: int) -> dict[str, int]:
    """Never more than there are orders; what heals gives way first."""
    for name in [*(n for n in counts if not FATES[n].hangs), *counts]:
        excess = sum(counts.values()) - orders
        if excess <= 0:
            break
        counts[name] -= min(counts[name], excess)
    return counts


def journeys(orders: int, *, seed: int, mix: str = "mixed") -> list[Journey]:
    return [
        Journey(wish(number, person=person(number, seed=seed), seed=seed, leaning=fate.leaning), fate)
        for number, fate in enumerate(deal(orders, seed=seed, mix=mix))
    ]


def timetable(orders: int, *, per_minute: float) -> Iterator[tuple[Phase, float]]:
    """The phase of each order and the seconds from the start at which it is placed."""
    at = 0.0
    for place in range(orders):
        phase = _phase(place / orders)
        yield phase, at
        at += 60.0 / (per_minute * phase.pace)


def _phase(progress: float) -> Phase:
    for phase in PHASES:
        progress -= phase.share
        if progress < 0:
            return phase
    return PHASES[-1]
