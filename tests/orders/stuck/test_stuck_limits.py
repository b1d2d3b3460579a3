"""When a state counts as stuck."""

from datetime import timedelta

import pytest
from django.utils import timezone

from orders.models import StuckLimit
from orders.policies import ANY_SERVICE, DEFAULT_LIMITS, Limits, overridden
from orders.queries.stuck import stuck_order, stuck_page
from orders.states import MACHINES, OPEN_ORDER_STATES
from tests.orders.making import make_order

pytestmark = pytest.mark.django_db
MOMENT = timedelta(seconds=20)


def test_every_open_state_of_an_order_has_a_limit() -> None:
    assert set(Limits().states("order")) == set(OPEN_ORDER_STATES)


def test_limits_are_of_states_that_exist_and_may_be_left() -> None:
    for machine, state, _service in DEFAULT_LIMITS:
        assert state in set(MACHINES[machine].states.values) - MACHINES[machine].final


ORDER_LIMITS = [
    (state, service or "delivery", limit)
    for (machine, state, service), limit in DEFAULT_LIMITS.items()
    if machine == "order"
]


@pytest.mark.parametrize(("state", "service", "limit"), ORDER_LIMITS)
def test_an_order_is_stuck_from_its_limit_on(state: str, service: str, limit: timedelta) -> None:
    now = timezone.now()
    late = make_order(state, since=now - limit - MOMENT, service=service)
    if limit:
        make_order(state, since=now - limit + MOMENT, service=service)
    (row,) = stuck_page().rows
    assert (row.order_id, row.machine, row.state, row.limit) == (late.pk, "order", state, limit)
    assert row.since == late.entered_at
    assert limit <= row.age < limit + 2 * MOMENT


@pytest.mark.parametrize("state", ["completed", "cancelled", "expired", "failed"])
def test_an_order_that_ended_is_never_stuck(state: str) -> None:
    order = make_order(state, since=timezone.now() - timedelta(days=900))
    assert stuck_page().rows == []
    assert stuck_order(order) is None


def test_an_operator_may_change_a_limit_for_all_or_for_one_service() -> None:
    StuckLimit.objects.create(subject="order", state="paid", service="", seconds=3600, changed_by="user:a")
    StuckLimit.objects.create(subject="order", state="paid", service="rent", seconds=60, changed_by="user:a")
    since = timezone.now() - timedelta(minutes=20)
    make_order("paid", since=since, service="taxi")
    rent = make_order("paid", since=since, service="rent")
    assert [row.order_id for row in stuck_page().rows] == [rent.pk]


def test_the_more_specific_limit_wins() -> None:
    rows = [StuckLimit(subject="order", state="active", service="", seconds=60)]
    limits = overridden(rows)
    assert limits.limit("order", "active", "taxi") == timedelta(hours=6)
    assert limits.limit("order", "active", "boat") == timedelta(minutes=1)
    assert limits.limit("order", "completed", "taxi") is None
    assert ANY_SERVICE in limits.by_service("order", "active")
