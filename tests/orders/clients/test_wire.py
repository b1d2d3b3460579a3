"""Amounts and instants as neighbours write them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from orders.clients import wire


@pytest.mark.parametrize(
    ("value", "currency", "minor"),
    [
        ("150000.00", "IDR", 150_000),
        ("150000", "IDR", 150_000),
        (150_000, "IDR", 150_000),
        (150_000.0, "IDR", 150_000),
        (Decimal("150000.00"), "IDR", 150_000),
        ("10.55", "BRL", 1_055),
        (10.55, "BRL", 1_055),
        ("0", "IDR", 0),
        ("-5", "IDR", -5),
    ],
)
def test_an_amount_is_read_in_minor_units(value, currency, minor):
    assert wire.minor_units(value, currency=currency) == minor


@pytest.mark.parametrize(
    "value",
    [
        "",
        " 1",
        "1 ",
        "1,000",
        "1.5",
        "1e3",
        "0x1",
        "1_000",
        "١",
        "9" * 16,
        None,
        True,
        [],
        float("inf"),
        float("nan"),
        1e20,
    ],
)
def test_what_is_no_amount_is_refused(value):
    with pytest.raises(wire.Unreadable):
        wire.minor_units(value, currency="IDR")


@pytest.mark.parametrize("amount", [0, 1, 99, 150_000, 12_345_678])
@pytest.mark.parametrize("currency", ["IDR", "BRL"])
def test_an_amount_survives_the_way_there_and_back(amount, currency):
    assert wire.minor_units(wire.plain_amount(amount, currency=currency), currency=currency) == amount


def test_midtrans_and_nicepay_write_jakarta_time():
    expected = datetime(2020, 1, 9, 11, 27, 19, tzinfo=UTC)
    assert wire.wib_instant("2020-01-09 18:27:19") == expected
    assert wire.wib_instant("2020-1-9 18:27:19") == expected
    assert wire.compact_wib_instant("20200109", "182719") == expected


@pytest.mark.parametrize("digits", ["", ".1", ".123", ".123456", ".123456789"])
def test_xendit_writes_any_number_of_digits(digits):
    instant = wire.iso_instant(f"2020-01-09T11:27:19{digits}Z")
    assert instant.replace(microsecond=0) == datetime(2020, 1, 9, 11, 27, 19, tzinfo=UTC)


@pytest.mark.parametrize("value", ["2020-01-09T11:27:19", "x", "", None, 5, "0001-01-01T00:00:00+23:59", "9" * 50])
def test_an_instant_without_a_zone_or_sense_is_none(value):
    assert wire.iso_instant(value) is None


@pytest.mark.parametrize("value", [None, 5, "", "2020-13-01 00:00:00", "0001-01-01 00:00:00", "2020-W02-4 18:27:19"])
def test_a_local_time_without_sense_is_none(value):
    assert wire.wib_instant(value) is None
