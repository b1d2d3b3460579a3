"""Business days, buckets and severities at their edges."""

from datetime import UTC, datetime, timedelta

import pytest

from reconciliation.ageing import BUCKETS, Severity, bucket, bucket_bounds, days_ago, severity

WEDNESDAY = datetime(2026, 11, 25, 5, 0, tzinfo=UTC)  # noon in Jakarta


@pytest.mark.parametrize(
    ("now", "days", "then"),
    [
        (WEDNESDAY, 1, WEDNESDAY - timedelta(days=1)),
        (WEDNESDAY, 2, WEDNESDAY - timedelta(days=2)),
        (WEDNESDAY, 3, WEDNESDAY - timedelta(days=5)),  # Friday
        (WEDNESDAY, 7, WEDNESDAY - timedelta(days=9)),
        (WEDNESDAY, 30, WEDNESDAY - timedelta(days=42)),
        (WEDNESDAY - timedelta(days=3), 1, WEDNESDAY - timedelta(days=6)),  # a Sunday counts from its Friday
    ],
)
def test_weekends_do_not_count(now: datetime, days: int, then: datetime) -> None:
    assert days_ago(now, days) == then


def test_a_sunday_in_utc_that_is_monday_in_jakarta_is_a_monday() -> None:
    sunday_night = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
    assert days_ago(sunday_night, 1) == sunday_night - timedelta(days=3)


def test_each_bucket_ends_where_the_next_begins() -> None:
    bounds = bucket_bounds(WEDNESDAY)
    assert [oldest for _newest, oldest in bounds[:-1]] == [newest for newest, _oldest in bounds[1:]]
    assert (bounds[0][0], bounds[-1][1], len(bounds)) == (None, None, len(BUCKETS))


@pytest.mark.parametrize(
    ("days", "before", "after"), [(1, "<1", "1-3"), (3, "1-3", "3-7"), (7, "3-7", "7-30"), (30, "7-30", ">30")]
)
def test_the_edge_belongs_to_the_younger_bucket(days: int, before: str, after: str) -> None:
    edge = days_ago(WEDNESDAY, days)
    assert bucket(edge, WEDNESDAY) == before
    assert bucket(edge - timedelta(microseconds=1), WEDNESDAY) == after


@pytest.mark.parametrize(
    ("exposure", "currency", "days", "wanted"),
    [
        (999_999, "IDR", 0, Severity.LOW),
        (1_000_000, "IDR", 0, Severity.MEDIUM),
        (10_000_000, "IDR", 0, Severity.HIGH),
        (100_000_000, "IDR", 0, Severity.CRITICAL),
        (1, "IDR", 1, Severity.MEDIUM),
        (1, "IDR", 3, Severity.HIGH),
        (1, "IDR", 5, Severity.CRITICAL),
        (6_666, "USD", 0, Severity.LOW),
        (6_667, "USD", 0, Severity.MEDIUM),
    ],
)
def test_amount_or_age_whichever_is_worse(exposure: int, currency: str, days: int, wanted: Severity) -> None:
    moment = days_ago(WEDNESDAY, days) - timedelta(seconds=1)
    assert severity(exposure=exposure, currency=currency, occurred_at=moment, now=WEDNESDAY) == wanted
