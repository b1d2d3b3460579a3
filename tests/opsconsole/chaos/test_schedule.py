"""What happens when is decided by the seed."""

import pytest

from opsconsole.chaos.accidents import NEIGHBOUR_FAULTS, WELL
from opsconsole.chaos.schedule import BROKER_LENGTHS, END, LENGTHS, schedule
from opsconsole.sandbox.faults import Faults, changed

SEEDS = range(20)


def test_the_same_seed_is_the_same_schedule_and_another_one_is_not() -> None:
    assert schedule(seed=3, seconds=60) == schedule(seed=3, seconds=60)
    assert schedule(seed=3, seconds=60) != schedule(seed=4, seconds=60)


@pytest.mark.parametrize("seconds", [8, 60, 120])
@pytest.mark.parametrize("seed", SEEDS)
def test_every_accident_happens_and_all_of_them_end_in_time(seed: int, seconds: float) -> None:
    planned = schedule(seed=seed, seconds=seconds)

    assert {each.name for each in planned} == set(LENGTHS)
    assert [each.at for each in planned] == sorted(each.at for each in planned)
    assert all(0 <= each.at <= seconds * END and each.at + each.lasts <= seconds for each in planned)
    assert all(0 <= each.pick < 1 for each in planned)


def test_a_broker_of_its_own_has_accidents_of_its_own() -> None:
    names = {each.name for each in schedule(seed=3, seconds=60, with_broker=True)}
    assert names == {*LENGTHS, *BROKER_LENGTHS}


def test_postgresql_is_cut_off_for_ten_seconds_in_a_long_run() -> None:
    longest = max(each.lasts for each in schedule(seed=1, seconds=120) if each.name == "postgres cut")
    assert longest == 10


@pytest.mark.parametrize("name", NEIGHBOUR_FAULTS)
def test_every_trouble_of_a_neighbour_is_one_the_sandbox_knows_and_is_taken_back(name: str) -> None:
    faults = NEIGHBOUR_FAULTS[name][1]
    well = {key: WELL[key] for key in faults if key in WELL}

    assert name in LENGTHS
    assert changed(changed(Faults(), by=faults), by=well | {"late_seconds": 2.0}) == Faults()
