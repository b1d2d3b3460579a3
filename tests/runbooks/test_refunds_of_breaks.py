"""A charge too many, from the customer's two payments to the money at the gateway that took the later one.

What is right is asked of the gateways' own books. A break is closed by a run over what was read afterwards, never by
the refund itself.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from opsconsole.sandbox.remote import RemoteSandbox
from orders.models import Attempt, Order, Posting, Refund
from orders.services import ledger, links, work
from orders.transitions import lock
from reconciliation import business_day
from reconciliation.models import Break
from reconciliation.services import ho_feed, loading
from reconciliation.services.feeds import feed_of, make_defaults
from reconciliation.services.runs import reconcile
from runbooks.models import Deed, Plan, Run
from runbooks.services import approving
from tests.orders.flow import deliver, drain, let_time_pass, place
from tests.reconciliation.books import feed
from tests.runbooks.planning import go, turn
from tests.runbooks.test_breaks import plan_for
from tests.sandbox_fixtures import Receiver, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("neighbours")]


@pytest.fixture(autouse=True)
def _alone(settings: Any) -> None:
    """Without threads of their own, whose connections would outlive the test."""
    settings.WORK_THREADS = 1


def charged_twice(control: RemoteSandbox, receiver: Receiver, *, gateway: str = "xendit") -> Order:
    """An order declined at Midtrans that then went to `gateway`, and was paid at both tries."""
    order = place("card" if gateway == "xendit" else "gopay")
    control.pay(order.attempts.get().reference, outcome="fail")
    settle(receiver, lambda: not order.attempts.filter(state="open").exists())
    with transaction.atomic():
        links.add_attempt(lock(order), actor="user:sari", gateway_name=gateway)
    settle(receiver, lambda: order.attempts.filter(number=2, state="open").exists())
    for attempt in order.attempts.order_by("number"):
        control.pay(attempt.reference, force=True)
        paid_at = timezone.now()
        # Midtrans tells the time in whole seconds.
        wait_until(lambda: timezone.now().replace(microsecond=0) > paid_at)  # noqa: B023
    settle(receiver, lambda: ledger.balance(order) == 2 * order.amount)
    return Order.objects.get(pk=order.pk)


def settle(receiver: Receiver, look: Callable[[], bool]) -> None:
    """Until it is so: callbacks are delivered, the clock moves on, and what is due is done."""

    def moment() -> bool:
        deliver(receiver)
        let_time_pass()
        drain()
        return look()

    wait_until(moment, seconds=20)


def read_books(control: RemoteSandbox) -> None:
    """What the gateways report of today, what Head Office has booked, and a run over it."""
    make_defaults()
    today = business_day.of(timezone.now())
    for gateway in Attempt.objects.values_list("gateway", flat=True).distinct().order_by():
        load = loading.receive(
            [control.report(gateway, today)],
            feed=feed_of("gateway", gateway),
            name=f"{gateway}.csv",
            layout=gateway,
            actor="user:budi",
            stated={"complete_up_to": business_day.begins(today + timedelta(days=1)).isoformat()},
        )
        loaded = loading.work(load.pk)
        assert loaded is not None
        assert loaded.state == "loaded", loaded.reason
    while ho_feed.pull(feed_of("ho", "ho").pk):
        pass
    feed("ho", complete_up_to=timezone.now() + timedelta(days=1))
    assert reconcile().state == "done"


def given_back(control: RemoteSandbox, order: Order) -> dict[str, list[int]]:
    """By gateway, each sum that went back by its own books."""
    found = {}
    for gateway in ("midtrans", "xendit", "nicepay"):
        told = [each for each in control.books(gateway)["effects"] if each["effect"] == "refunded"]
        mine = [each["amount"] for each in told if each["order_ref"] == order.public_id]
        found |= {gateway: mine} if mine else {}
    return found


@pytest.mark.parametrize(
    ("gateway", "type_"),
    [("xendit", "duplicate_charge_across"), ("midtrans", "duplicate_charge")],
    ids=["two-gateways", "one-gateway"],
)
def test_the_later_charge_goes_back_once_by_its_gateway_and_a_later_read_closes_the_break(
    control: RemoteSandbox, receiver: Receiver, gateway: str, type_: str
) -> None:
    order = charged_twice(control, receiver, gateway=gateway)
    read_books(control)
    found = Break.objects.get(type=type_, state="open")
    plan = plan_for([found], "refund_break@1")
    row = plan.rows.get()
    assert (row.neighbour, row.amount) == (gateway, order.amount)
    assert Attempt.objects.get(pk=row.params["attempt"]).number == 2
    carry_out(plan, receiver)
    again()
    assert given_back(control, order) == {gateway: [order.amount]}
    found.refresh_from_db()
    assert found.state == "open"
    settle(receiver, lambda: not Posting.objects.exclude(state="recorded").exists())
    read_books(control)
    found.refresh_from_db()
    assert (found.type, found.state) == (type_, "healed")
    assert ledger.balance(order) == order.amount


def test_a_refund_whose_answer_was_lost_is_asked_about_and_not_sent_again(
    control: RemoteSandbox, receiver: Receiver
) -> None:
    order = charged_twice(control, receiver)
    read_books(control)
    control.plan(order.public_id, {"on": "refund", "do": "reset_after", "neighbour": "xendit"})
    found = Break.objects.get(type="duplicate_charge_across", state="open")
    plan = plan_for([found], "refund_break@1")
    run = turn(approving.start(plan, go(plan, actor="user:budi")))
    work.drain("deed")
    read_books(control)
    found.refresh_from_db()
    assert (found.state, Refund.objects.get().state) == ("open", "unknown")
    assert (Deed.objects.get().status, turn(run).state) == ("running", "running")
    carry_out(plan, receiver)
    assert given_back(control, order) == {"xendit": [order.amount]}
    settle(receiver, lambda: not Posting.objects.exclude(state="recorded").exists())
    read_books(control)
    found.refresh_from_db()
    assert found.state == "healed"


def carry_out(plan: Plan, receiver: Receiver) -> None:
    """The gateway ends the refund in its own time; the run goes on by looking."""
    if not Run.objects.filter(plan=plan).exists():
        approving.start(plan, go(plan, actor="user:budi"))

    def is_over() -> bool:
        Deed.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
        work.drain("deed")
        return turn(Run.objects.get(plan=plan)).state == "finished"

    settle(receiver, is_over)
    assert plan.rows.get().state == "accepted"


def again() -> None:
    """As if the worker had died after it acted, and another one had the deed."""
    Deed.objects.update(status="queued", due_at=timezone.now(), finished_at=None)
    work.drain("deed")
