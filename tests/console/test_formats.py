"""Money, time and spans, as the house writes them in both languages."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.utils import timezone, translation
from django.utils.formats import date_format, localize, time_format

from opsconsole.console import formats
from opsconsole.console.personal import masked

AT = datetime(2026, 11, 20, 4, 42, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (0, "IDR", "Rp\u00a00"),
        (950, "IDR", "Rp\u00a0950"),
        (1_234_567, "IDR", "Rp\u00a01.234.567"),
        (8_213_500_000, "IDR", "Rp\u00a08.213.500.000"),
        (-12_500, "IDR", "\u2212Rp\u00a012.500"),
        (13_623, "BRL", "BRL\u00a0136,23"),
        (5, "BRL", "BRL\u00a00,05"),
        (-5, "USD", "\u2212USD\u00a00,05"),
        (123_456_789, "USD", "USD\u00a01.234.567,89"),
        (1_000, "JPY", "JPY\u00a01.000"),
        (1_234, "KWD", "KWD\u00a01,234"),
    ],
)
@pytest.mark.parametrize("language", ["en", "id"])
def test_money_is_the_same_in_both_languages(amount: int, currency: str, text: str, language: str) -> None:
    with translation.override(language):
        assert formats.money(amount, currency=currency) == text


@pytest.mark.parametrize(
    ("span", "english", "indonesian"),
    [
        (timedelta(), "0s", "0 dtk"),
        (timedelta(seconds=48), "48s", "48 dtk"),
        (timedelta(seconds=59, milliseconds=999), "59s", "59 dtk"),
        (timedelta(minutes=12, seconds=30), "12m", "12 mnt"),
        (timedelta(hours=9, minutes=42), "9h 42m", "9 jam 42 mnt"),
        (timedelta(hours=1), "1h 00m", "1 jam 00 mnt"),
        (timedelta(days=1, hours=2, minutes=59), "1d 02h", "1 hari 02 jam"),
        (timedelta(days=400), "400d 00h", "400 hari 00 jam"),
        (timedelta(seconds=-5), "0s", "0 dtk"),
    ],
)
def test_durations_never_use_one_letter_in_indonesian(span: timedelta, english: str, indonesian: str) -> None:
    assert formats.duration(span, language="en") == english
    assert formats.duration(span, language="id") == indonesian


def test_instants_are_told_in_business_time_with_the_label() -> None:
    assert formats.wib(AT) == "20 Nov 2026, 11:42:07 WIB"
    assert formats.wib(AT, seconds=False) == "20 Nov 2026, 11:42 WIB"
    assert formats.wib(datetime(2026, 5, 9, 17, 0, tzinfo=UTC), language="id") == "10 Mei 2026, 00:00:00 WIB"
    assert formats.iso(AT) == "2026-11-20T04:42:07Z"


def test_business_day_turns_at_midnight_in_jakarta() -> None:
    assert formats.wib_day(datetime(2026, 11, 20, 16, 59, tzinfo=UTC)) == "20 Nov 2026"
    assert formats.wib_day(datetime(2026, 11, 20, 17, 0, tzinfo=UTC)) == "21 Nov 2026"


@pytest.mark.parametrize("language", ["en", "id"])
def test_djangos_own_formats_use_24_hours_and_a_colon(language: str) -> None:
    with translation.override(language):
        assert time_format(time(14, 5)) == "14:05"
        assert date_format(timezone.localtime(AT), "SHORT_DATETIME_FORMAT").endswith("11:42")
        assert localize(1234) == "1234"


@pytest.mark.parametrize(
    ("text", "kind", "shown"),
    [
        ("+6281234567890", "phone", "+628•••••••890"),
        ("0812", "phone", "••••"),
        ("", "phone", ""),
        ("budi@example.com", "email", "b•••@example.com"),
        ("@example.com", "email", "•••"),
        ("nonsense", "email", "•••"),
        ("Budi Santoso", "name", "B••• S•••"),
    ],
)
def test_personal_data_is_masked(text: str, kind: str, shown: str) -> None:
    assert masked(text, kind=kind) == shown


def test_kind_that_nobody_masks_is_never_shown() -> None:
    with pytest.raises(KeyError):
        masked("3171234567890001", kind="nik")
