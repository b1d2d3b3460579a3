"""One story a bug: the shortest course of events that brings it to light. Run as a process of its own.

`python -m tests.planted.stories BOOKS STORY...` with the settings of `tests.planted`. The oracle looks
at the books and the tables afterwards.
"""

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django

SPEED = 3_000.0
PARTIAL = 20_000  # rupiah


@dataclass
class Stage:
    control: Any

    def place(self, method: str = "gopay", services: tuple[str, ...] = ("delivery",)) -> Any:
        from tests.orders.flow import place

        return place(method, services=services)

    def pay(self, order: Any) -> None:
        self.control.pay(order.attempts.get().reference)

    def wait(self, seen: Callable[[], Any]) -> None:
        from tests.waiting import eventually

        eventually(seen, within=60)

    def is_now(self, order: Any, *states: str) -> bool:
        order.refresh_from_db()
        return order.state in states

    def all_judged(self) -> bool:
        from orders.models import InboundEvent

        return InboundEvent.objects.exists() and not InboundEvent.objects.filter(state="stored").exists()

    def all_answered(self, gateway: str) -> bool:
        rows = self.control.books(gateway)["callbacks"]
        return bool(rows) and all(row["state"] != "pending" for row in rows)


def a_process_dies_after_its_answer(stage: Stage) -> None:
    order = stage.place()
    stage.pay(order)
    stage.wait(lambda: stage.all_answered("midtrans"))
    sys.stdout.flush()
    os._exit(0)


def somebody_claims_that_it_is_paid(stage: Stage) -> None:
    from orders.models import InboundEvent

    order = stage.place()
    stage.control.forge(order.attempts.get().reference)
    stage.wait(lambda: InboundEvent.objects.exclude(state="stored").filter(order=order).exists())
    order.refresh_from_db()
    if order.state != "awaiting_payment":
        stage.wait(lambda: stage.is_now(order, "active", "completed"))


def a_booking_answer_is_lost(stage: Stage) -> None:
    from orders.models import Saga, Step
    from tests.orders.flow import past

    order = stage.place()
    stage.control.plan(order.public_id, {"on": "book", "do": "reset_after", "neighbour": "delivery", "times": 3})
    stage.pay(order)
    stage.wait(lambda: Step.objects.filter(order=order, state__in=("unknown", "done")).exists())

    def later() -> bool:
        Step.objects.filter(order=order, state="unknown").update(sent_at=past())
        Saga.objects.filter(order=order, state="running").update(due_at=past())
        return stage.is_now(order, "active", "completed")

    stage.wait(later)


def two_workers_give_money_back(stage: Stage) -> None:
    from django.db import transaction

    from orders.models import Attempt
    from orders.services import refunds, work
    from orders.transitions import lock
    from tests.orders.flow import past

    for gateway in ("midtrans", "xendit"):
        stage.control.faults(gateway, reject=1.0, only=["create"])
    order = stage.place("card")
    last = order.attempts.filter(gateway="nicepay", state="open")
    stage.wait(last.exists)
    attempt = last.get()
    stage.control.pay(attempt.reference)
    stage.wait(lambda: Attempt.objects.get(pk=attempt.pk).state == "paid")
    stage.control.no_faults()
    stage.control.faults("nicepay", latency=0.8, only=["refund"])
    with transaction.atomic():
        lock(order)
        made = refunds.request(
            Attempt.objects.get(pk=attempt.pk), amount=PARTIAL, cause="goodwill", actor="user:sari", reason="a detour"
        )
    _while_one_sends(lambda: work.drain("refund"))

    def settled() -> bool:
        made.refresh_from_db()
        type(made).objects.filter(pk=made.pk, lease_until=None).update(due_at=past())
        return made.state in ("succeeded", "failed")

    stage.wait(settled)
    stage.control.no_faults()


def _while_one_sends(drain: Callable[[], Any]) -> None:
    """One worker is inside its call; another looks again and again. Two that look at the same moment would pass each
    other: a row that is being claimed is skipped.
    """
    from django.db import connection

    def once() -> None:
        try:
            drain()
        finally:
            connection.close()

    first = threading.Thread(target=once, name="first")
    first.start()
    while first.is_alive():
        drain()
        first.join(0.05)


def a_customer_cancels_what_has_ended(stage: Stage) -> None:
    from orders.errors import Refusal
    from orders.services.placing import cancel_order

    order = stage.place()
    refused = {"on": "book", "do": "reject", "neighbour": "delivery", "code": "no_courier", "status": 409}
    stage.control.plan(order.public_id, refused)
    stage.pay(order)
    stage.wait(lambda: stage.is_now(order, "failed"))
    with suppress(Refusal):
        cancel_order(order, actor="channel:app", reason="changed plans", by_customer=True)


def a_forged_message_comes_first(stage: Stage) -> None:
    order = stage.place()
    stage.control.forge(order.attempts.get().reference)
    stage.wait(stage.all_judged)
    stage.pay(order)
    stage.wait(lambda: stage.all_answered("midtrans"))
    # The next story may end the process: what was answered here is judged before.
    stage.wait(stage.all_judged)


STORIES: dict[str, tuple[Callable[[Stage], None], str]] = {
    "trust-the-body": (somebody_claims_that_it_is_paid, "booked unpaid"),
    "fresh-key-per-try": (a_booking_answer_is_lost, "booked twice"),
    "no-lease": (two_workers_give_money_back, "refunded twice"),
    "no-guard": (a_customer_cancels_what_has_ended, "illegal edge"),
    "poisoned-dedupe": (a_forged_message_comes_first, "callback lost"),
    # The last one, because its process dies of it.
    "acknowledge-before-commit": (a_process_dies_after_its_answer, "callback lost"),
}


def tell(books: Path, names: list[str]) -> None:
    from django.conf import settings

    from opsconsole.sandbox.remote import RemoteSandbox
    from opsconsole.scenarios.local import local_platform

    platform = local_platform(port_base=settings.SANDBOX_PORT, store=books, speed=SPEED)
    with platform as sandbox, RemoteSandbox(sandbox.control_url) as control:
        for name in names:
            STORIES[name][0](Stage(control))


if __name__ == "__main__":
    threading.current_thread().name = "story"
    django.setup()
    tell(Path(sys.argv[1]), sys.argv[2:])
