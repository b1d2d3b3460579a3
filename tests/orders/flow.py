"""Steps that the tests of the payment and booking flow share."""

from datetime import datetime, timedelta

from django.test import Client
from django.utils import timezone

from opsconsole.sandbox.remote import RemoteSandbox
from orders.models import Attempt, DispatchEntry, InboundEvent, Order, Posting, Refund, Saga, Step
from orders.services import work
from orders.services.placing import Customer, NewItem, place_order
from tests.sandbox_fixtures import Receiver, wait_until

KINDS = ("attempt", "inbound", "saga", "dispatch", "refund", "posting", "action", "notice")
PHONE = "+62811000111"


def place(method: str = "gopay", *, services: tuple[str, ...] = ("taxi",), amount: int = 50_000) -> Order:
    return place_order(
        channel="app",
        customer=Customer(id="C-1", name="Ani", phone=PHONE, email="ani@example.id"),
        items=[NewItem(service, amount, {"pickup": "A", "dropoff": "B"}) for service in services],
        method=method,
        city="Jakarta",
    )


def deliver(receiver: Receiver) -> int:
    """Hand what the sandbox sent to the callback views, as HTTP would. How many."""
    messages, receiver.got[:] = receiver.got[:], []
    for message in messages:
        dropped = ("content-length", "host", "content-type", "connection")
        headers = {name: value for name, value in message.headers.items() if name not in dropped}
        kind = message.headers["content-type"]
        answer = Client().post(message.path, message.body, content_type=kind, headers=headers)
        assert answer.status_code == 200, answer.content
    return len(messages)


def drain() -> int:
    """Do all work that is due now, of every kind, until there is none."""
    done, round_ = 0, 1
    while round_:
        round_ = sum(work.drain(kind) for kind in KINDS)
        done += round_
    return done


def let_time_pass(seconds: float = 3600) -> None:
    """Make everything that waits for the clock due, as if the time had passed.

    What is measured from `entered_at` or `sent_at` is moved as well; the state is not touched.
    """
    past = timezone.now() - timedelta(seconds=seconds)
    for model in (Attempt, Refund, Saga, Step, DispatchEntry, Posting, InboundEvent):
        model.objects.filter(due_at__isnull=False).update(due_at=past, lease_until=None)
    for model in (Attempt, Refund, Posting):
        model.objects.update(entered_at=past)
    Step.objects.filter(sent_at__isnull=False).update(sent_at=past)


def past(seconds: float = 3600) -> datetime:
    return timezone.now() - timedelta(seconds=seconds)


def pay(order: Order, control: RemoteSandbox, receiver: Receiver) -> Order:
    """The customer pays the owning attempt; its callback arrives and is judged."""
    attempt = order.attempts.order_by("number").last()
    assert attempt is not None
    control.pay(attempt.reference)
    wait_until(lambda: any(attempt.reference.encode() in each.body for each in receiver.got))
    deliver(receiver)
    work.drain("inbound")
    order.refresh_from_db()
    return order


def carry_on(order: Order, receiver: Receiver, *, until: str) -> Order:
    """Deliver and work until the order is in that state."""

    def arrived() -> bool:
        deliver(receiver)
        InboundEvent.objects.filter(state="stored").update(due_at=past())
        drain()
        order.refresh_from_db()
        return order.state == until

    wait_until(arrived, seconds=15)
    return order
