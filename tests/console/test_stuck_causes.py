"""Stuck orders by cause: one line each, with what the orders have in common, one click from the list."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from opsconsole.console.cases import window
from orders.models import Diagnosis, Order
from tests.console.people import World
from tests.orders.making import make_attempt, make_order

pytestmark = pytest.mark.django_db

CAUSES = "/orders/stuck/causes/"


@pytest.fixture
def sari(people: World) -> Client:
    return people.client("sari")


def stuck(cause: str, *, gateway: str, city: str) -> None:
    order = make_order("paid", since=timezone.now() - timedelta(hours=3), city=city, amount=100_000)
    Order.objects.filter(pk=order.pk).update(owning_attempt=make_attempt(order, "paid", gateway=gateway))
    if cause:
        Diagnosis.objects.create(
            order=order, cause=cause, confidence=95, next_step="retry_booking", order_version=order.version
        )


def test_a_cause_is_a_line_with_count_money_pattern_and_its_list(sari: Client) -> None:
    for city in ("Bali", "Medan", "Medan", "Medan"):
        stuck("booking_never_started", gateway="xendit", city=city)
    stuck("", gateway="midtrans", city="Bali")

    html = sari.get(CAUSES).content.decode()

    first, second = re.split(r'<tr id="cause-', html)[1:]
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", first))
    for expected in ("Booking never started", "Next step: Retry booking", "4 paid", "Rp\u00a0400.000", "3h 00m"):
        assert expected.replace("\u00a0", " ") in text.replace("\u00a0", " ")
    assert re.findall(r'<a class="chip" href="([^"]+)">(\w+) <b>(\d+)%', first) == [
        ("/orders/stuck/?cause=booking_never_started&amp;service=taxi", "Taxi", "100"),
        ("/orders/stuck/?cause=booking_never_started&amp;gateway=xendit", "Xendit", "100"),
        ("/orders/stuck/?cause=booking_never_started&amp;method=qris", "QRIS", "100"),
        ("/orders/stuck/?cause=booking_never_started&amp;city=Medan", "Medan", "75"),
    ]
    assert 'href="/orders/stuck/?cause=-"' in second
    assert "Not looked at yet" in second
    listed = sari.get("/orders/stuck/?cause=booking_never_started&city=Medan").content.decode()
    assert listed.count("<tr id=") == 3


def test_nothing_stuck_and_nothing_known_are_different_things(sari: Client, settings: Settings) -> None:
    assert "No stuck orders" in sari.get(CAUSES).content.decode()
    settings.SCREEN_TIMEOUT = timedelta(milliseconds=1)
    stuck("", gateway="midtrans", city="Bali")
    assert "Cannot know what hangs" in sari.get(CAUSES).content.decode()


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (datetime(2025, 1, 12, 3, 2, tzinfo=UTC), datetime(2025, 1, 12, 3, 2, 9, tzinfo=UTC), "12 Jan 2025, 10:02 WIB"),
        (
            datetime(2025, 1, 12, 3, 2, tzinfo=UTC),
            datetime(2025, 1, 12, 4, 40, tzinfo=UTC),
            "12 Jan 2025, 10:02 – 11:40 WIB",
        ),
        (
            datetime(2025, 1, 12, 16, 2, tzinfo=UTC),
            datetime(2025, 1, 12, 17, 40, tzinfo=UTC),
            "12 Jan 2025, 23:02 – 13 Jan 2025, 00:40 WIB",
        ),
        (datetime(2016, 1, 12, tzinfo=UTC), datetime(2018, 2, 1, tzinfo=UTC), "12 Jan 2016 – 1 Feb 2018"),
    ],
)
def test_a_window_is_told_as_short_as_it_is_clear(first: datetime, last: datetime, expected: str) -> None:
    assert window(first, last) == expected
