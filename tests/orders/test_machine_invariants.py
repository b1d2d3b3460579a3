"""Random traffic, faults, workers and people never break what must always hold.

The same examples every time, so that a red run is red again; OPSCONSOLE_EXAMPLES=500 goes looking for others, which
takes two seconds each.
"""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from opsconsole.sandbox.remote import RemoteSandbox
from orders.models import Attempt, LedgerEntry
from orders.services.placing import cancel_order
from tests.orders.flow import drain, pay, place
from tests.orders.history.tampering import sql
from tests.orders.oracle import check_invariants, differences
from tests.orders.platform_machine import CHAPTERS, REACHED, Platform
from tests.sandbox_fixtures import Receiver

EXAMPLES, STEPS = 5, 25
WANTED = int(os.environ.get("OPSCONSOLE_EXAMPLES", "0"))
# How far each beginning gets by itself: a run that gets nowhere proves nothing.
REACHES = {
    "placed": ("order", "open_link"),
    "paid, and nobody was told": ("order", "pay"),
    "booked": ("order", "confirm"),
    "driven": ("order", "complete"),
    "taken back": ("attempt", "reverse"),
    "called off": ("saga", "compensate"),
}


@pytest.fixture
def quick(settings: Any) -> None:
    settings.UPSTREAMS = {name: {**each, "timeout": 1.0, "tries": 1} for name, each in settings.UPSTREAMS.items()}
    # No threads besides the machine's own two: theirs would keep their connections.
    settings.WORK_THREADS = 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("neighbours", "quick")
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_each_beginning_of_a_story_comes_to_rest(control: RemoteSandbox, receiver: Receiver, chapter: str) -> None:
    REACHED.clear()
    story = Platform(control, receiver)
    story.first_order("card", chapter)
    story.everything_holds()
    story.callbacks(lost=0, seed=1, forged=True)
    story.two_at_once(0, "inbound", "attempt")
    story.everything_holds()

    story.teardown()

    assert REACHED[REACHES[chapter]] >= 1, REACHED


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("neighbours", "quick")
@pytest.mark.timeout(600 + 30 * WANTED)
def test_random_traffic_breaks_nothing(control: RemoteSandbox, receiver: Receiver) -> None:
    REACHED.clear()
    run_state_machine_as_test(lambda: Platform(control, receiver), settings=profile())
    assert REACHED["order", "pay"] >= 1


def profile() -> settings:
    return settings(
        max_examples=WANTED or EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=not WANTED,
        print_blob=True,
        # Shrinking a story that is told over HTTP takes minutes, and hides what came to light.
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.django_db
@pytest.mark.usefixtures("neighbours")
def test_the_oracle_can_see_what_is_wrong(control: RemoteSandbox, receiver: Receiver) -> None:
    order = pay(place(), control, receiver)
    drain()
    check_invariants(order)
    assert differences(control, [order.pk]) == {}
    attempt = Attempt.objects.get(order=order)
    LedgerEntry.objects.create(
        order=order,
        attempt=attempt,
        kind="charged",
        amount=5,
        currency="IDR",
        source_key="out of thin air",
        occurred_at=attempt.entered_at,
    )
    assert differences(control, [order.pk]) == {attempt.reference: ("paid", 50_005, 50_000)}
    sql(
        "UPDATE orders_history SET verb = 'confirm' WHERE order_id = %s AND machine = 'order' AND verb = 'pay'",
        order.pk,
    )
    with pytest.raises(AssertionError):
        check_invariants(order)


@pytest.mark.django_db
@pytest.mark.usefixtures("neighbours")
def test_the_oracle_misses_a_refund_that_is_nobodys_task(control: RemoteSandbox, receiver: Receiver) -> None:
    order = pay(place("card"), control, receiver)
    drain()
    cancel_order(order, actor="user:sari", reason="asked")
    order.refresh_from_db()
    check_invariants(order)
    sql("UPDATE orders_saga SET state = 'compensated' WHERE order_id = %s", order.pk)
    with pytest.raises(AssertionError, match="nobody gives it back"):
        check_invariants(order)
