"""Amounts in files and APIs."""

import pytest

from orders.money import LARGEST, NotMoney, to_major, to_minor


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("61.62", "BRL", 6162),
        ("61.6", "BRL", 6160),
        ("61", "BRL", 6100),
        ("61.", "BRL", 6100),
        ("61.620", "BRL", 6162),
        ("-0.05", "BRL", -5),
        (" 150000 ", "IDR", 150_000),
        ("150000.00", "IDR", 150_000),
        ("1.234", "KWD", 1234),
        ("99", "JPY", 99),
    ],
)
def test_decimal_text_becomes_whole_minor_units(text: str, currency: str, amount: int) -> None:
    assert to_minor(text, currency=currency) == amount


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("61.625", "BRL"),
        ("150000.50", "IDR"),
        ("1,234.00", "USD"),
        ("1e3", "USD"),
        ("NaN", "USD"),
        ("", "USD"),
        ("٣", "USD"),
        ("10", "XYZ"),
        ("10", "usd"),
        (str(LARGEST), "USD"),
    ],
)
def test_what_is_no_exact_amount_is_refused(text: str, currency: str) -> None:
    with pytest.raises(NotMoney):
        to_minor(text, currency=currency)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [(6162, "BRL", "61.62"), (5, "BRL", "0.05"), (-5, "BRL", "-0.05"), (150_000, "IDR", "150000")],
)
def test_minor_units_become_decimal_text(amount: int, currency: str, text: str) -> None:
    assert to_major(amount, currency=currency) == text
