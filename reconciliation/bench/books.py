"""Two books for the benchmark: one of twenty keys is in disorder, on purpose."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from reconciliation.lines import Line

FIRST: Final = datetime(2026, 1, 1, tzinfo=UTC)
PRIME: Final = 7919  # scatters the keys, so that no book arrives in key order
EVERY: Final = timedelta(milliseconds=3155)  # ten million in a year


def ours(rows: int, *, first: int = 0) -> Iterator[Line]:
    for number in range(first, first + rows):
        yield Line(
            number, "payment", _amount(number), "IDR", FIRST + EVERY * number,
            reference=f"{_order(number)}-1", external_reference=f"charge:{number}", order_reference=_order(number),
            method="gopay", source="midtrans",
        )  # fmt: skip


def theirs(rows: int, *, first: int = 0) -> Iterator[Line]:
    """1 % missing, 1 % strangers, 1 % with another amount, 1 % twice, 1 % in two parts."""
    for number in range(first, first + rows):
        yield from _entries(number)


def _entries(number: int) -> Iterator[Line]:
    order, amount, at = _order(number), _amount(number), FIRST + EVERY * number
    kind = number % 100
    if kind == 0:
        return
    if kind == 1:
        amount -= 250
    if kind == 2:
        yield _entry(f"{number}b", order, amount, at)
    if kind == 3:
        order = f"Z{order}"
    if kind == 4:
        yield _entry(f"{number}b", order, 1_000, at)
        amount -= 1_000
    yield _entry(str(number), order, amount, at)


def _entry(name: str, order: str, amount: int, at: datetime) -> Line:
    return Line(
        0, "payment", amount, "IDR", at, reference=order, external_reference=f"E{name}", order_reference=order
    )  # fmt: skip


def _order(number: int) -> str:
    return f"MRG-{number * PRIME % 100_000_007:09}"


def _amount(number: int) -> int:
    return 20_000 + number * 37 % 200_000
