"""The pages of the catalogue: risks, the map with its what-if, and history; all from what is so now."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from opsconsole import upstreams
from orders.models import BreakerChange, Heartbeat
from orders.resilience.breaker import gate
from reconciliation import business_day
from runbooks.models import Alert, Episode
from runbooks.queries import services
from runbooks.queries.services import Health
from runbooks.services import detectors
from tests.console.people import World

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def real_breakers(settings: Any) -> Iterator[None]:
    settings.BREAKERS = upstreams.breakers({})
    settings.REDIS_PREFIX = "test-catalogue:"
    yield
    gate.forget()


def _away(name: str, *, minutes: int = 3) -> None:
    since = (timezone.now() - timedelta(minutes=minutes)).isoformat()
    facts = {"pid": 0, "at": timezone.now(), "detail": {"ok": False, "since": since}}
    Heartbeat.objects.update_or_create(name=f"neighbour:{name}", defaults=facts)


def test_health_is_what_the_rows_show() -> None:
    _away("promo")
    _away("midtrans")
    seen = services.health()
    assert {name: seen[name].health for name in ("promo", "upg", "midtrans", "postgresql", "users")} == {
        "promo": Health.DOWN,
        "upg": Health.TROUBLE,
        "midtrans": Health.DOWN,
        "postgresql": Health.WELL,
        "users": Health.UNKNOWN,
    }
    detectors.detect()
    assert services.health()["promo"].incident.startswith("INC-")


def test_progress_is_computed_from_the_settings(settings: Any) -> None:
    assert {each.name: each.now for each in services.progress()}["breakers"] == 100
    settings.BREAKERS = {name: policy for name, policy in settings.BREAKERS.items() if name != "tpg"}
    now = {each.name: each.now for each in services.progress()}
    assert 80 < now["breakers"] < 100


def test_recovery_is_measured_from_what_was_down() -> None:
    alert = Alert.objects.create(
        source="opsconsole", fingerprint="x", name="ServiceDown", service="tpg", failure="down", severity=0
    )
    start = timezone.now() - timedelta(days=2)
    for hour, minutes in ((0, 4), (1, 9), (2, 2)):
        at = start + timedelta(hours=hour)
        Episode.objects.create(alert=alert, starts_at=at, ends_at=at + timedelta(minutes=minutes), state="resolved")
    found = services.outages()["tpg"]
    assert (found.count, found.median, found.longest) == (3, timedelta(minutes=4), timedelta(minutes=9))


def test_what_differs_from_the_catalogue_is_said(people: World, settings: Any) -> None:
    settings.UPSTREAMS = {**settings.UPSTREAMS, "tpg": {**settings.UPSTREAMS["tpg"], "timeout": 2.0}}
    page = people.client("agus").get("/services/catalogue/").content.decode()
    assert "in force: tpg: 2 s" in page
    for text in ("PostgreSQL", "Single points of failure", "100% wanted", "15 to 30 minutes"):
        assert text in page


def test_the_map_answers_what_if(people: World, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    client = people.client("dewi")
    with django_assert_max_num_queries(22):
        page = client.get("/services/map/").content.decode()
    assert page.count("<rect x=") == 25
    page = client.get("/services/map/?fail=bbd&fail=nonsense").content.decode()
    assert "What if: 60% of the platform would be lost" in page
    assert "fallback: dispatch queue, by hand" in page
    assert "/services/map/?fail=bbd&amp;fail=redis" in page
    assert "Goes on with less" in page


def test_history_has_a_column_a_day(people: World) -> None:
    _away("promo")
    detectors.detect()
    page = people.client("agus").get("/services/history/").content.decode()
    assert page.index("Promo Gateway") < page.index("Midtrans")


def test_history_counts_by_the_day_of_wib_and_brings_one_row_a_day(django_assert_num_queries: Any) -> None:
    """Whatever happened, the database counts: the queries bring days and not events."""
    alert = Alert.objects.create(
        source="opsconsole", fingerprint="x", name="ServiceDown", service="tpg", failure="down", severity=0
    )
    today = business_day.begins(business_day.of(timezone.now()))
    for number in range(40):
        at = today - timedelta(days=1) + timedelta(minutes=number)
        BreakerChange.objects.create(key=f"k{number}", upstream="tpg", source="closed", target="open", cause="x", at=at)
        Episode.objects.create(alert=alert, starts_at=today - timedelta(seconds=1 + number))
    BreakerChange.objects.create(key="today", upstream="tpg", source="closed", target="open", cause="x", at=today)
    BreakerChange.objects.create(key="shut", upstream="tpg", source="open", target="closed", cause="x", at=today)
    long_ago = today - timedelta(days=30)
    BreakerChange.objects.create(key="old", upstream="tpg", source="closed", target="open", cause="x", at=long_ago)
    with django_assert_num_queries(2):
        days = services.history()["tpg"]
    assert [(day.opened, day.alerts) for day in days] == [*[(0, 0)] * 28, (40, 40), (1, 0)]
