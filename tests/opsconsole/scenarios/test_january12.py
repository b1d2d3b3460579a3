"""The night of 12 January: which fates are dealt to whom. What comes of them is in `test_january12_books`."""

from collections import Counter

import pytest

from opsconsole.scenarios.january12 import PER_THOUSAND, SPIKE, deal, journeys, timetable
from opsconsole.traffic.catalogue import FATES, HANGING
from orders.diagnosis.causes import Cause


def test_every_cause_is_one_that_the_diagnosis_knows() -> None:
    assert {fate.cause for fate in HANGING} <= set(Cause)
    assert len({fate.cause for fate in HANGING}) >= 8


def test_every_share_is_of_a_fate_there_is_and_leaves_most_orders_alone() -> None:
    assert set(PER_THOUSAND) <= set(FATES)
    assert {fate.name for fate in HANGING} <= set(PER_THOUSAND)
    assert sum(PER_THOUSAND.values()) < 700


@pytest.mark.parametrize("orders", [1, 7, 40, 130, 5_000])
def test_so_many_fates_are_dealt_and_the_same_ones_again(orders: int) -> None:
    assert len(deal(orders, seed=3)) == orders
    assert deal(orders, seed=3) == deal(orders, seed=3)


def test_another_seed_deals_the_same_fates_to_others() -> None:
    one, other = deal(1_000, seed=3), deal(1_000, seed=4)

    assert one != other
    assert Counter(fate.name for fate in one) == Counter(fate.name for fate in other)


@pytest.mark.parametrize(("mix", "cause"), [("callbacks", "callback_lost"), ("silence", "ho_unanswered")])
def test_another_mix_hangs_mostly_of_one_cause_and_of_every_other_too(mix: str, cause: str) -> None:
    hanging = Counter(fate.cause for fate in deal(100, seed=3, mix=mix) if fate.hangs)

    assert hanging[cause] >= hanging.total() / 2
    assert len(hanging) > 10
    assert hanging != Counter(fate.cause for fate in deal(100, seed=3) if fate.hangs)


def test_every_cause_occurs_also_in_a_small_run() -> None:
    assert {fate.cause for fate in deal(60, seed=1) if fate.hangs} == {fate.cause for fate in HANGING}


def test_the_spike_has_two_and_a_half_times_the_orders() -> None:
    times: dict[str, list[float]] = {}
    for phase, at in timetable(1_000, per_minute=60):
        times.setdefault(phase.name, []).append(at)

    gaps = {name: (at[-1] - at[0]) / (len(at) - 1) for name, at in times.items()}

    assert gaps["before"] / gaps["spike"] == pytest.approx(SPIKE, rel=0.01)
    assert gaps["after"] == pytest.approx(gaps["before"], rel=0.01)


def test_nobody_shares_a_phone_with_somebody_else_of_the_run() -> None:
    phones = [each.wish.person.phone for each in journeys(5_000, seed=12)]

    assert len(set(phones)) == len(phones)
