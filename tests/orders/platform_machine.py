"""A platform under random traffic: customers, gateways, partners, staff, workers, faults and time.

Hypothesis chooses what happens next; the neighbours are the sandbox over real HTTP, whose books are
the oracle. Whatever happened, the rules of `check_invariants` hold after every step, and once the
faults stop everything comes to rest with our ledger equal to the gateways' own books.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from django.test import Client
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from opsconsole.sandbox.remote import RemoteSandbox, SandboxSaidNo
from orders.errors import IllegalEdge, Refusal, StaleState
from orders.models import Attempt, History, InboundEvent, Order
from orders.services import expiry, refunds, work
from orders.services.placing import cancel_order
from orders.states import OrderVerb
from orders.transitions import lock, move
from tests.orders.flow import KINDS, let_time_pass, past, place
from tests.orders.oracle import check_invariants, differences
from tests.sandbox_fixtures import Received, Receiver, wait_until

METHODS = ("gopay", "ovo", "va_bca", "card")
GATEWAYS = ("midtrans", "xendit", "nicepay")
PARTNERS = ("tpg", "delivery")
# Quick to find out: refused connections, errors before and after the effect, answers that never come whole.
FAULTS: tuple[dict[str, Any], ...] = (
    {"down": True},
    {"error_rate": 1.0},
    {"error_after_rate": 1.0},
    {"reset_after_rate": 1.0},
    {"reject": 1.0},
)
MOST_ORDERS = 2
# Where the first order of an example stands when the rest begins.
CHAPTERS = ("placed", "paid, and nobody was told", "booked", "driven", "taken back", "called off")
# How often each verb of each machine was reached, over all examples: a test that never pays proves nothing.
REACHED: Counter[tuple[str, str]] = Counter()
# What people do to an order, and what workers do.
PEOPLE = ("cancel", "cancel by customer", "refund", "window closes")
ACTS = (*KINDS, "cancel", "refund", "refund", "window closes")
which = st.integers(0, MOST_ORDERS - 1)


class Platform(RuleBasedStateMachine):
    """One example: up to two orders and everything that may happen to them."""

    def __init__(self, control: RemoteSandbox, receiver: Receiver) -> None:
        super().__init__()
        self.control, self.receiver = control, receiver
        self.orders: list[int] = []
        self.messages: list[Received] = []
        self.odd: dict[str, set[str]] = {}
        empty_tables()
        control.no_faults()
        control.no_plans()
        control.no_books()
        # Trips do not end by themselves within an example.
        control.speed(60)
        receiver.got.clear()

    # Few rules with many choices: Hypothesis picks among rules evenly, and most of what matters begins with money.

    @initialize(method=st.sampled_from(METHODS), chapter=st.sampled_from(CHAPTERS))
    def first_order(self, method: str, chapter: str) -> None:
        """Not every story begins at the beginning."""
        self.orders.append(place(method).pk)
        if chapter != "placed":
            self.at_the_gateway(0, -1, "pay", told=chapter != "paid, and nobody was told")
        if chapter == "driven":
            self.on_the_road(0, "completed")
        if chapter == "taken back":
            self.at_the_gateway(0, -1, "reverse", told=True)
        if chapter == "called off":
            self.one_person(0, "cancel")
            self.workers(list(KINDS))

    @precondition(lambda self: len(self.orders) < MOST_ORDERS)
    @rule(method=st.sampled_from(METHODS), services=st.sampled_from((("delivery",), ("taxi", "delivery"))))
    def another_order(self, method: str, services: tuple[str, ...]) -> None:
        self.orders.append(place(method, services=services).pk)

    @rule(
        number=which,
        attempt=st.sampled_from((-1, -1, -1, 0, -2)),
        outcome=st.sampled_from(("pay", "pay", "pay", "pay late", "pay 1", "fail", "expire", "reverse")),
        told=st.booleans(),
    )
    def at_the_gateway(self, number: int, attempt: int, outcome: str, *, told: bool) -> None:
        """The customer uses an attempt, old or new; perhaps everybody hears of it at once."""
        attempts = list(self.order(number).attempts.order_by("number"))
        reference = attempts[max(attempt, -len(attempts))].reference
        # Money that does not fit is not booked back by itself: a person closes it. What a bank took back, nobody
        # pays again under the same reference.
        if reference in self.odd.get("pay 1" if outcome == "reverse" else "reverse", ()):
            return
        if outcome == "reverse" and not self.may_be_taken_back(reference):
            return
        self.odd.setdefault(outcome, set()).add(reference)
        given = {"pay late": {"force": True}, "pay 1": {"amount": 1}}.get(outcome, {})
        with suppress(SandboxSaidNo):
            self.control.pay(reference, outcome=outcome.split(maxsplit=1)[0], **given)
        if told:
            self.callbacks(lost=0, seed=0, forged=False)
            self.workers(list(KINDS))

    def may_be_taken_back(self, reference: str) -> bool:
        """Xendit tells of it in its settlement report only; and what was refunded before is a true loss."""
        attempt = Attempt.objects.get(reference=reference)
        return attempt.gateway != "xendit" and not attempt.refunds.exists()

    @rule(number=which, event=st.sampled_from(("picked_up", "completed", "completed", "cancelled_by_driver")))
    def on_the_road(self, number: int, event: str) -> None:
        for step in self.order(number).sagas.values_list("steps__key", flat=True):
            with suppress(SandboxSaidNo):
                self.control.trip(step, event=event)

    @rule(neighbour=st.sampled_from((*GATEWAYS, *PARTNERS, "ho")), fault=st.sampled_from(FAULTS))
    def fault(self, neighbour: str, fault: dict[str, Any]) -> None:
        """One neighbour at a time has one fault; the ones before are healed."""
        self.control.no_faults()
        self.control.faults(neighbour, **fault)

    @rule(lost=st.sampled_from((0, 0, 0.5)), seed=st.integers(0, 3), forged=st.booleans())
    def callbacks(self, lost: float, seed: int, *, forged: bool) -> None:
        """What came since, shuffled with some of what came before; a part of it is lost."""
        if forged:
            self.forge()
        chance = random.Random(seed)
        fresh = self.collect()
        known = [message for message in self.messages if chance.random() < 0.3]
        told = [message for message in fresh if chance.random() >= lost]
        self.messages += fresh
        for message in chance.sample([*known, *told], len(known) + len(told)):
            deliver(message)

    def forge(self) -> None:
        for reference in Attempt.objects.filter(order__in=self.orders).values_list("reference", flat=True):
            with suppress(SandboxSaidNo):
                self.control.forge(reference)

    @rule(kinds=st.permutations(KINDS))
    def workers(self, kinds: list[str]) -> None:
        for kind in kinds:
            work.drain(kind)

    @rule(number=which, one=st.sampled_from(ACTS), other=st.sampled_from(ACTS))
    def two_at_once(self, number: int, one: str, other: str) -> None:
        """Two workers, two people, or one of each, on connections of their own."""
        order = self.order(number)
        together(lambda: act(order, one), lambda: act(order, other))

    @rule(number=which, what=st.sampled_from((*PEOPLE, *PEOPLE, "stale", *OrderVerb)))
    def one_person(self, number: int, what: str) -> None:
        order = self.order(number)
        if what == "stale":
            self.looked_too_long_ago(order)
        elif what in PEOPLE:
            with suppress(Refusal):
                act(order, what)
        elif order.machine.target(order.state, what) is None:
            self.impossible(order, what)

    def impossible(self, order: Order, verb: str) -> None:
        """What the table does not have is refused and leaves no trace."""
        with pytest.raises(IllegalEdge), transaction.atomic():
            move(order, verb, actor="user:mischief")
        assert Order.objects.get(pk=order.pk).version == order.version

    def looked_too_long_ago(self, order: Order) -> None:
        order.version -= 1
        for verb in order.machine.verbs_from(order.state):
            with pytest.raises(StaleState), transaction.atomic():
                move(order, verb, actor="user:slow")

    @rule()
    def time_passes(self) -> None:
        let_time_pass()
        for kind in KINDS:
            work.drain(kind)

    @invariant()
    def everything_holds(self) -> None:
        for order in Order.objects.filter(pk__in=self.orders):
            check_invariants(order)

    def teardown(self) -> None:
        """The faults stop: within bounded work everything comes to rest, and the books agree."""
        self.control.no_faults()
        self.messages += self.collect()
        for message in self.messages:
            deliver(message)
        for seen in History.objects.values_list("machine", "verb"):
            REACHED[seen] += 1
        if self.orders:
            with suppress(AssertionError):
                wait_until(self._is_at_rest, seconds=60)
            wrong = differences(self.control, self.orders)
            assert not wrong, wrong
            assert not unjudged().exists()
            self.everything_holds()

    def _is_at_rest(self) -> bool:
        let_time_pass()
        for kind in KINDS:
            work.drain(kind)
        return not unjudged().exists() and not differences(self.control, self.orders)

    def order(self, number: int) -> Order:
        return Order.objects.get(pk=self.orders[number % len(self.orders)])

    def collect(self) -> list[Received]:
        """What the neighbours have told us, once nothing is on its way any more."""
        wait_until(lambda: not self.control.stats()["callbacks_pending"])
        fresh, self.receiver.got[:] = list(self.receiver.got), []
        return fresh


def unjudged() -> QuerySet[InboundEvent]:
    """Messages of gateways that wait for a verdict."""
    return InboundEvent.objects.filter(state="stored", attempt__isnull=False)


def deliver(message: Received) -> None:
    """Hand a callback to the application, as HTTP would."""
    dropped = ("content-length", "host", "content-type", "connection")
    headers = {name: value for name, value in message.headers.items() if name not in dropped}
    kind = message.headers["content-type"]
    answer = Client().post(message.path, message.body, content_type=kind, headers=headers)
    assert answer.status_code == 200, answer.content


def act(order: Order, what: str) -> None:
    """What a worker or a person does, by its name. Raises a Refusal."""
    if what in KINDS:
        work.drain(what)
    elif what == "refund":
        ask_refund(order)
    elif what == "window closes":
        Order.objects.filter(pk=order.pk).update(expires_at=past())
        order.attempts.update(expires_at=past())
        expiry.expire_orders()
    else:
        cancel_order(order, actor="user:sari", reason="asked", by_customer=what.endswith("customer"))


def ask_refund(order: Order) -> None:
    """Twenty thousand of each paid attempt, once for one cause whoever asks how often."""
    with transaction.atomic():
        order = lock(order)
        paid: Iterable[Attempt] = order.attempts.filter(state="paid").order_by("number")
        for attempt in paid:
            refunds.request(attempt, amount=20_000, cause="goodwill", actor="user:sari", reason="asked")


def together(*acts: Callable[[], Any]) -> None:
    """Do these at the same moment, each on a connection of its own. Refusals are answers, too."""
    barrier, problems = threading.Barrier(len(acts)), []

    def run(act: Callable[[], Any]) -> None:
        try:
            barrier.wait(10)
            with suppress(Refusal):
                act()
        except Exception as problem:  # noqa: BLE001 - raised below, in the thread of the test
            problems.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timedelta(seconds=60).total_seconds())
    if problems:
        raise problems[0]


def empty_tables() -> None:
    """Everything but the edges, past the guards: examples begin with nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'orders_%'")
        tables = ", ".join(sorted({name for (name,) in cursor.fetchall()} - {"orders_edge"}))
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
        cursor.execute("SET session_replication_role = origin")
