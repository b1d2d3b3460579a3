"""Signs of life, and what is measured by them: how long a process was gone before it came back."""

from datetime import timedelta

import pytest
from django.utils import timezone

from orders import heartbeats
from orders.heartbeats import beat
from orders.models import Absence, Heartbeat
from runbooks.queries import services

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _new_process() -> None:
    heartbeats._last.clear()


def last_seen(name: str, *, seconds: float) -> None:
    at = timezone.now() - timedelta(seconds=seconds)
    Heartbeat.objects.update_or_create(name=name, defaults={"pid": 1, "at": at, "detail": {}})


@pytest.mark.parametrize(("seconds", "count"), [(3, 0), (14, 1), (2 * 3600, 0)])
def test_a_process_that_comes_back_was_gone_unless_it_was_stopped_or_another_stood_in(
    seconds: float, count: int
) -> None:
    last_seen("relay", seconds=seconds)
    beat("relay", detail={})
    assert Absence.objects.count() == count


def test_the_first_start_and_a_copy_are_nobodys_absence() -> None:
    last_seen("worker-act@host-1", seconds=14)
    beat("worker-act@host-1", detail={})
    beat("ticker", detail={})
    assert not Absence.objects.exists()


def test_what_recovery_took_is_the_worst_and_the_middle_of_it() -> None:
    for seconds in (8, 20, 31):
        heartbeats._last.clear()
        last_seen("web", seconds=seconds)
        beat("web", detail={})
    seen = services.absences()["web"]
    assert seen.count == 3
    assert seen.median is not None
    assert seen.longest is not None
    assert round(seen.median.total_seconds()) == 20
    assert round(seen.longest.total_seconds()) == 31
