from datetime import timedelta

import pytest

from opsconsole.scenarios import limits
from orders.models import StuckLimit
from orders.policies import AT_ONCE, DEFAULT_LIMITS
from orders.queries.stuck import limits_in_force

pytestmark = pytest.mark.django_db


def test_no_limit_is_longer_than_told_and_what_is_stuck_at_once_stays_so() -> None:
    limits.shorten(timedelta(seconds=10), by="simulation:test")

    now = limits_in_force().of
    for key, default in DEFAULT_LIMITS.items():
        assert now[key] == (AT_ONCE if default == AT_ONCE else timedelta(seconds=10))


def test_a_limit_that_a_person_set_is_left_alone() -> None:
    StuckLimit.objects.create(subject="order", state="paid", service="", seconds=77, changed_by="user:sari")

    limits.shorten(timedelta(seconds=10), by="simulation:test")
    limits.shorten_for_demo()
    limits.forget()

    assert StuckLimit.objects.get().seconds == 77


def test_the_demo_puts_its_own_limits_in_the_place_of_a_scenarios() -> None:
    limits.shorten(timedelta(seconds=10), by="simulation:test")

    limits.shorten_for_demo()

    assert set(StuckLimit.objects.values_list("changed_by", flat=True)) == {limits.DEMO}
    assert limits_in_force().limit("order", "active", "rent") == limits.TRAVELLING


def test_forgetting_is_the_defaults_again() -> None:
    limits.shorten_for_demo()

    limits.forget()

    assert limits_in_force().of == DEFAULT_LIMITS
