"""How the stuck list went over the last day, from its samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Sum

from orders.models import StuckSample

DAY: Final = timedelta(hours=24)
POINTS: Final = 48
_AGO: Final = timedelta(hours=1)
_TOLERANCE: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Moment:
    """The list at one instant; what was paid in minor units by currency, age of the oldest in seconds."""

    at: datetime
    count: int
    paid_count: int
    paid_money: Mapping[str, int]
    oldest_seconds: float
    recovered: int


@dataclass(frozen=True, slots=True)
class Course:
    """The last day in at most 48 moments, an hour ago (None when nobody looked), and what
    came free today; the last that did is known to the minute, within the day."""

    moments: Sequence[Moment] = ()
    hour_ago: Moment | None = None
    recovered: int = 0
    recovered_by_hand: int = 0
    last_recovered_at: datetime | None = None


def course(*, now: datetime, day_began: datetime) -> Course:
    """Two small queries. `day_began` is the midnight of the business day."""
    samples = list(StuckSample.objects.filter(at__gt=now - DAY, at__lte=now).order_by("at"))
    today = StuckSample.objects.filter(at__gt=day_began, at__lte=now)
    freed = today.aggregate(all=Sum("recovered", default=0), by_hand=Sum("recovered_by_hand", default=0))
    before = [sample for sample in samples if sample.at <= now - _AGO]
    return Course(
        moments=_thinned(samples, now),
        hour_ago=_moment(before[-1], 0) if before and now - _AGO - before[-1].at <= _TOLERANCE else None,
        recovered=freed["all"],
        recovered_by_hand=freed["by_hand"],
        last_recovered_at=max((sample.at for sample in samples if sample.recovered), default=None),
    )


def _thinned(samples: Sequence[StuckSample], now: datetime) -> list[Moment]:
    """The last sample of each half hour; what came free adds up over the day."""
    buckets: dict[int, StuckSample] = {}
    freed: dict[int, int] = {}
    total = 0
    for sample in samples:
        bucket = int((now - sample.at) / (DAY / POINTS))
        total += sample.recovered
        buckets[bucket], freed[bucket] = sample, total
    return [_moment(sample, freed[bucket]) for bucket, sample in buckets.items()]


def _moment(sample: StuckSample, recovered: int) -> Moment:
    oldest = (sample.at - sample.oldest_since).total_seconds() if sample.oldest_since else 0.0
    return Moment(sample.at, sample.count, sample.paid_count, sample.paid_money, oldest, recovered)
