"""How urgent a stuck order is: P0 (now) to P3 (when there is time). Pure.

Three questions, each worth points, so that a reader can work the square out:

- whose money, and can only a person move it? 3: the customer's money is with us and nothing happens
  without a person; 2: the customer has paid and waits; 1: the trip runs or only books are behind;
  0: nothing has been paid.
- how much? One point from about a million rupiah, two from the sum that needs a second person.
- how long? One point from 8 times the limit of the state, two from 48 times.

Five points and more are P0, four P1, two and three P2, fewer P3.
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from orders.states import AttemptState, DispatchState, OrderState, PostingState, RefundState, SagaState

LOWEST: Final = 3
LATE, VERY_LATE = 8, 48  # times the limit

# What is stuck at once has no limit to be a multiple of; it ages as what may stay this long.
SHORTEST: Final = timedelta(minutes=15)

NEEDS_A_PERSON: Final = 3
PAID_AND_WAITING: Final = 2
BEHIND: Final = 1
UNPAID: Final = 0

WEIGHTS: Final[Mapping[tuple[str, str], int]] = MappingProxyType(
    {
        ("order", OrderState.CREATED): UNPAID,
        ("order", OrderState.AWAITING_PAYMENT): UNPAID,
        ("order", OrderState.PAID): PAID_AND_WAITING,
        ("order", OrderState.BOOKING): PAID_AND_WAITING,
        ("order", OrderState.QUEUED_FOR_DISPATCH): PAID_AND_WAITING,
        ("order", OrderState.ACTIVE): BEHIND,
        ("order", OrderState.PAID_AFTER_CLOSE): NEEDS_A_PERSON,
        ("attempt", AttemptState.MISMATCH): NEEDS_A_PERSON,
        ("saga", SagaState.COMPENSATING): PAID_AND_WAITING,
        ("saga", SagaState.NEEDS_HAND): NEEDS_A_PERSON,
        ("dispatch", DispatchState.WAITING): PAID_AND_WAITING,
        ("dispatch", DispatchState.CLAIMED): PAID_AND_WAITING,
        ("dispatch", DispatchState.SENDING): PAID_AND_WAITING,
        ("refund", RefundState.REQUESTED): PAID_AND_WAITING,
        ("refund", RefundState.APPROVED): PAID_AND_WAITING,
        ("refund", RefundState.SENT): PAID_AND_WAITING,
        ("refund", RefundState.UNKNOWN): PAID_AND_WAITING,
        ("refund", RefundState.FAILED): NEEDS_A_PERSON,
        ("posting", PostingState.DUE): BEHIND,
        ("posting", PostingState.SENT): BEHIND,
        ("posting", PostingState.UNKNOWN): BEHIND,
        ("posting", PostingState.REJECTED): BEHIND,
    }
)

# (much, very much) in minor units. Rupiah: a million, and settings.SECOND_PERSON_FROM's default;
# the others about the same at rates of 2026, for imported orders. Any other currency earns no points.
LARGE_SUMS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "IDR": (1_000_000, 5_000_000),
        "BRL": (350_00, 1_750_00),
        "EUR": (55_00, 275_00),
        "MYR": (270_00, 1_350_00),
        "SGD": (80_00, 400_00),
        "USD": (60_00, 300_00),
    }
)


def priority(machine: str, state: str, *, amount: int, currency: str, age: timedelta, limit: timedelta) -> int:
    """0 for P0 … 3 for P3. `amount` in minor units of `currency`; `age` counts from entering the state.

    KeyError for a state that is never stuck.
    """
    points = WEIGHTS[machine, state] + _money(amount, currency) + _age(age, limit)
    if points >= 5:
        return 0
    if points == 4:
        return 1
    return 2 if points >= 2 else LOWEST


def _money(amount: int, currency: str) -> int:
    return sum(amount >= sum_from for sum_from in LARGE_SUMS.get(currency, ()))


def _age(age: timedelta, limit: timedelta) -> int:
    times = age / max(limit, SHORTEST)
    return sum(times >= many for many in (LATE, VERY_LATE))
