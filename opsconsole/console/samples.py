"""Made-up data for the catalogue of components: what every part looks like with something in it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from opsconsole.console import formats
from opsconsole.console.overview import (
    CannotKnow,
    Figure,
    Headline,
    LastRun,
    Neighbour,
    Overview,
    Queue,
    StuckState,
)
from opsconsole.console.tones import Tone


@dataclass(frozen=True)
class SampleOrder:
    code: str
    priority: int
    item: str
    machine: str
    state: str
    since: datetime
    limit: timedelta
    amount: int
    paid_with: str
    event: str
    owner: str

    @property
    def is_late(self) -> bool:
        return True


_ROWS: Final = """
48187 | 0 | Taxi · Jakarta | refund | failed | 130000 | 357000 | QRIS · Midtrans | 422 balance · 2/5 | Bima Putra
48175 | 1 | Shuttle · Medan | attempt | unknown | 93720 | 200000 | Card · Nicepay | no callback · 3/5 | Sari W
48120 | 1 | Delivery · Bandung | posting | due | 67320 | 38000 | ShopeePay · Xendit | HO 503 · 4/5 |
48092 | 1 | Taxi · Surabaya | attempt | mismatch | 59280 | 229500 | GoPay · Midtrans | Rp ≠ order Rp | Rizky H
48049 | 0 | Taxi · Semarang | step | failed | 38100 | 179000 | BNI VA · Midtrans | TPG timeout · 3/3 |
48013 | 2 | Taxi · Jakarta | refund | sent | 36420 | 372500 | BCA VA · Xendit | sent to Xendit · 1/5| Dewi A
47971 | 2 | Rent · Bali | order | paid | 9100 | 728500 | OVO · Xendit | saga timed out · 3/3| Bima Putra
47460 | 3 | Taxi · Jakarta | order | queued_for_dispatch | 2700 | 419000 | OVO · Xendit | TPG breaker open |
47372 | 3 | Taxi · Surabaya | order | booking | 1 | 30500 | Card · Nicepay | book rent · 2/3 |
"""


def sample_orders(now: datetime) -> list[SampleOrder]:
    """Nine orders in nine states; the youngest changes with every second."""
    return [_order(now, [cell.strip() for cell in line.split("|")]) for line in _ROWS.strip().splitlines()]


def _order(now: datetime, cells: list[str]) -> SampleOrder:
    number, priority, item, machine, state, seconds, amount, paid_with, event, owner = cells
    return SampleOrder(
        code=f"MRG-{number}",
        priority=int(priority),
        item=item,
        machine=machine,
        state=state,
        since=now.replace(second=0, microsecond=0) - timedelta(seconds=int(seconds)),
        limit=timedelta(minutes=30),
        amount=int(amount),
        paid_with=paid_with,
        event=event,
        owner=owner,
    )


def sample_overview(now: datetime) -> Overview:
    """A bad morning: one breaker open, one queue without a worker, a loop that was not seen."""
    return Overview(
        at=now,
        headline=_headline(),
        stuck=_stuck(now),
        neighbours=_neighbours(now),
        queues=(
            Queue(name="act", depth=12, workers=2, oldest_since=now - timedelta(seconds=4)),
            Queue(name="diagnose", depth=0, workers=1),
            Queue(name="notify", depth=148, workers=0, oldest_since=now - timedelta(minutes=9)),
            Queue(name="bulk", depth=0, workers=1),
        ),
        loops=(
            LastRun(
                name="ticker",
                duty="clocks, leases, sweeps",
                at=now - timedelta(seconds=1),
                every=timedelta(seconds=1),
                now=now,
            ),
            LastRun(
                name="relay",
                duty="outbox to broker",
                at=now - timedelta(minutes=4),
                every=timedelta(seconds=1),
                now=now,
            ),
        ),
    )


def unknown_overview(now: datetime) -> Overview:
    """The same page when PostgreSQL did not answer."""
    lost = CannotKnow("PostgreSQL did not answer within 2 s.")
    return Overview(
        at=now,
        headline=Headline(orders_per_minute=lost, success_rate=lost, stuck=lost, money_held=lost, oldest=lost),
        stuck=lost,
        neighbours=lost,
        queues=lost,
        loops=lost,
    )


def _headline() -> Headline:
    rising = (9, 10, 9, 12, 13, 12, 15, 17, 16, 19, 22, 24, 23, 27, 30, 29, 33, 37)
    falling = (99, 99, 98, 99, 98, 97, 98, 96, 97, 95, 95, 94, 95, 93, 92, 92, 91, 91)
    return Headline(
        orders_per_minute=Figure(text="412", note="normal 380", series=tuple(360 + 3 * each for each in rising)),
        success_rate=Figure(text="91%", change="−6", note="vs 1 h ago", series=falling, tone=Tone.ATTENTION),
        stuck=Figure(text="37", change="+9", note="vs 1 h ago", series=rising, tone=Tone.ATTENTION, href="#list"),
        money_held=Figure(
            text=formats.money(8_213_500),
            change=f"+{formats.money(2_402_000)}",
            series=rising,
            tone=Tone.ATTENTION,
            href="#list",
        ),
        oldest=Figure(text=formats.duration(timedelta(hours=36)), note="MRG-48187", tone=Tone.FAILED, href="#list"),
    )


def _stuck(now: datetime) -> tuple[StuckState, ...]:
    lines = (
        ("attempt", "unknown", 12, 4_210_000, 93_720),
        ("order", "paid", 9, 2_904_500, 33_240),
        ("refund", "failed", 6, 1_020_000, 130_000),
        ("posting", "due", 5, 412_000, 67_320),
        ("order", "queued_for_dispatch", 4, 640_000, 2_700),
        ("saga", "needs_hand", 1, 27_000, 5_400),
    )
    return tuple(
        StuckState(
            machine=machine,
            state=state,
            count=count,
            money=((amount, "IDR"),),
            oldest_since=now - timedelta(seconds=seconds),
            limit=timedelta(minutes=30),
            href="#list",
        )
        for machine, state, count, amount, seconds in lines
    )


def _neighbours(now: datetime) -> tuple[Neighbour, ...]:
    return (
        Neighbour(name="Midtrans", tone=Tone.DONE, words="Up", latency_ms=182),
        Neighbour(name="Xendit", tone=Tone.ATTENTION, words="Slow", latency_ms=2_940),
        Neighbour(name="Nicepay", tone=Tone.DONE, words="Up", latency_ms=240),
        Neighbour(name="TPG / BBD", tone=Tone.FAILED, words="Breaker open", since=now - timedelta(minutes=12)),
        Neighbour(name="Head Office", tone=Tone.FAILED, words="Cannot know"),
        Neighbour(name="Session Manager", tone=Tone.DONE, words="Up", latency_ms=61),
    )
