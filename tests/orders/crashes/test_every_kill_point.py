"""A worker dies at every place between two things that touch the outside; nothing is lost, nothing happens twice.

The places are found while it runs (`kill_points`): before and after every commit, before and after every call. The
proof is in the sandbox's own books, and in the rules that hold for every order.
"""

import ast
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import redis
from django.conf import settings
from django.utils import timezone

from opsconsole.management.commands.consumer import Reception
from opsconsole.paths import PROJECT
from opsconsole.sandbox.remote import RemoteSandbox
from orders import bells
from orders.clients import broker, ho
from orders.consumers import CONSUMERS, queues
from orders.models import Attempt, Order, Posting, Refund, Saga, Step
from orders.resilience import Answered
from orders.services import checkout_saga, ledger, publishing, receiving, rounds, work
from orders.services.placing import Customer, NewItem, cancel_order
from orders.states import AttemptState, OrderState, PostingState, RefundState, SagaState
from runbooks.models import Deed
from tests.factories import make_attempt, make_order
from tests.orders.crashes.kill_points import FOLDER, met
from tests.orders.crashes.worker_environment import worker_environment
from tests.orders.crashes.workers import QUEUE
from tests.orders.flow import deliver, past
from tests.orders.oracle import check_invariants, differences
from tests.sandbox_fixtures import Receiver, wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.processes,
    pytest.mark.timeout(700),
]

WORKERS: Final = 4
GATEWAYS: Final = ("midtrans", "xendit", "nicepay")
# Calls that no order here leads to: readings for people and for carts, which have no effect; messages go out from
# another queue, and are told apart by the outbox.
NOT_HERE: Final = {
    "config_service.py:city_map",
    "config_service.py:flags",
    "ho.py:list_entries",
    "notification.py:ask",
    "notification.py:send",
    "promo.py:validate",
    "session_manager.py:price",
    "tpg.py:vacant_vehicles",
}


@pytest.fixture
def dying_workers(neighbours: dict[str, str], tmp_path: Path) -> Iterator[Path]:
    """Workers that die at each place once; the folder tells where they have."""
    environ = worker_environment(neighbours) | {
        FOLDER: str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "tests.orders.crashes.settings",
    }
    command = [sys.executable, "-m", "tests.orders.crashes.workers", str(WORKERS)]
    parent = subprocess.Popen(command, cwd=PROJECT, env=environ, start_new_session=True)
    yield tmp_path
    os.killpg(parent.pid, signal.SIGKILL)
    parent.wait(10)


def owed(gateway: str, *services: str) -> Order:
    """An order whose link a worker has to make at that gateway."""
    order = make_order(items=services, method="qris")
    make_attempt(order, gateway=gateway, due_at=past())
    return order


def goods() -> Order:
    """An order whose every step a worker has to do, when its command came back from the broker."""
    items = [NewItem("goods", 40_000, {"sku": "MUG-1", "quantity": 1})]
    return checkout_saga.place(channel="app", customer=Customer(id="C-1"), items=items, method="card")


@pytest.fixture
def events() -> Iterator[Callable[[], None]]:
    """One turn of relay and consumer, over the Redis of the test."""
    consumers = {"checkout": CONSUMERS["checkout"]}
    receiving.subscribe(consumers)
    reception, publisher = Reception(consumers), broker.open_publisher(queues(consumers))

    def turn() -> None:
        publishing.publish_batch(publisher)
        reception.turn()

    yield turn
    reception.close()
    publisher.close()
    client = redis.Redis.from_url(settings.REDIS_URL)
    for key in client.scan_iter(f"{settings.REDIS_PREFIX}events*"):
        client.delete(key)
    client.close()


def until(look: Any, receiver: Receiver, events: Callable[[], None], *, seconds: float = 200) -> Any:
    """Wait as the platform would: callbacks are delivered, events go round, the ticker rings for what is due."""

    def once() -> Any:
        deliver(receiver)
        events()
        rounds.sweep()
        return look()

    try:
        return wait_until(once, seconds=seconds, every=0.2)
    except AssertionError:
        raise AssertionError(f"not within {seconds} s: {unfinished()}") from None


def unfinished() -> list[str]:
    """What still waits for a worker, and where every order is."""
    models = (Attempt, Saga, Step, Refund, Posting)
    rows = [row for model in models for row in model.objects.filter(due_at__isnull=False)]
    waiting = [f"{row}: {row.state} try {row.tries} {row.last_error}" for row in rows]
    return waiting + [f"{order}: {order.state}" for order in Order.objects.all()]


def pay(control: RemoteSandbox, *orders: Order) -> None:
    for order in orders:
        control.pay(order.attempts.get(state=AttemptState.OPEN).reference)


def state_of(order: Order) -> str:
    return Order.objects.values_list("state", flat=True).get(pk=order.pk)


def are(orders: list[Order], state: str) -> bool:
    return all(state_of(order) == state for order in orders)


def test_a_worker_dies_at_every_place_and_each_effect_happens_once(
    control: RemoteSandbox,
    receiver: Receiver,
    dying_workers: Path,
    events: Callable[[], None],
    record_property: Callable[[str, object], None],
) -> None:
    def swept(look: Callable[[], Any], receiver: Receiver) -> None:
        until(look, receiver, events)

    driven = [owed(gateway, "taxi") for gateway in GATEWAYS]
    undone = [owed(gateway, "taxi", "delivery") for gateway in GATEWAYS]
    sold, returned = goods(), goods()
    control.plans({order.public_id: [{"on": "book", "do": "reject", "neighbour": "delivery"}] for order in undone})
    swept(lambda: are([*driven, *undone, sold, returned], OrderState.AWAITING_PAYMENT), receiver)
    # Nobody dies of making a link any more, so that each of these is at its own gateway.
    unpaid = [owed(gateway, "taxi") for gateway in GATEWAYS]
    swept(lambda: are(unpaid, OrderState.AWAITING_PAYMENT), receiver)
    everything = [*driven, *undone, *unpaid, sold, returned]

    control.speed(1)  # no trip ends before we say so
    pay(control, *driven, sold)
    for order in (*unpaid, returned):
        cancel_order(Order.objects.get(pk=order.pk), actor="user:sari", reason="customer called")
    swept(lambda: are(driven, OrderState.ACTIVE), receiver)
    # Nobody dies of booking a taxi any more: what dies before that call while another partner refuses books none.
    pay(control, *undone)
    for order in driven:
        control.trip(order.public_id, event="completed")
    repaired = repairs_at_ho(unpaid[0])
    swept(lambda: is_over([*driven, sold], undone, [*unpaid, returned]) and are_repaired(), receiver)

    places = met(dying_workers)
    assert_books_are_right(control, driven, undone, unpaid, repaired)
    assert_stock_is_right(control, sold, returned)
    for order in everything:
        check_invariants(order)
    assert_every_call_was_died_at(places)
    record_property("places", len(places))


def repairs_at_ho(order: Order) -> Counter[str]:
    """Two of Head Office's entries that finance has it take back, one of them to be booked anew. What its book of them
    has to hold in the end, by reference."""
    wrong = [_booked(order, name) for name in ("WRONG-1", "WRONG-2")]
    anew = {"entry_ref": "RIGHT-2", "amount": 20_000, "occurred_at": timezone.now().isoformat()}
    takes_back = [{"entry_id": wrong[1], "amount": 10_000}]
    ask_for(order, "reverse_break@1", {"entries": [wrong[0]]})
    ask_for(order, "correct_break@1", {"takes_back": takes_back, "posts": [anew]})
    return Counter(["WRONG-1", "WRONG-2", *(f"rv-{entry}" for entry in wrong), "RIGHT-2"])


def _booked(order: Order, name: str) -> str:
    posted = ho.post_entry(
        name,
        order_ref=order.public_id,
        amount=10_000,
        currency=order.currency,
        kind="payment",
        occurred_at=timezone.now(),
    )
    assert isinstance(posted, Answered), posted
    return posted.data.entry_id


def ask_for(order: Order, action: str, params: dict[str, Any]) -> None:
    """What a run of an approved plan leaves for a worker."""
    given = {"resource": "break:0", "order": order, "expected_version": 0, "due_at": timezone.now()}
    told = {"actor": "user:budi", "approver": "user:ratna", "reason": "wrong at Head Office"}
    Deed.objects.create(action=action, params=params, key=action, **given, **told)


def are_repaired() -> bool:
    """Head Office has done it; that its books show it is for the next reading of them (ADR 0069)."""
    return not Deed.objects.exclude(status__in=(Deed.Status.FIXED, Deed.Status.ACCEPTED)).exists()


def is_over(driven: list[Order], undone: list[Order], unpaid: list[Order]) -> bool:
    if not (are(driven, OrderState.COMPLETED) and are(undone, OrderState.FAILED) and are(unpaid, OrderState.CANCELLED)):
        return False
    if Attempt.objects.filter(state__in=(AttemptState.OPEN, AttemptState.UNKNOWN, AttemptState.REQUESTED)).exists():
        return False
    if Saga.objects.filter(state__in=(SagaState.RUNNING, SagaState.COMPENSATING)).exists():
        return False
    refunds = Refund.objects.filter(order__in=undone, state=RefundState.SUCCEEDED).count()
    recorded = Posting.objects.filter(state=PostingState.RECORDED).count()
    return refunds == len(undone) and recorded == Posting.objects.count() and not is_work_left()


def is_work_left() -> bool:
    return any(bells.QUEUES[kind] == QUEUE for kind in work.waiting())


def assert_books_are_right(
    control: RemoteSandbox,
    driven: list[Order],
    undone: list[Order],
    unpaid: list[Order],
    repaired: Counter[str],
) -> None:
    """What really happened outside, by the neighbours' own books."""
    assert Saga.objects.filter(kind="booking").count() == len(driven) + len(undone)
    keys = Counter(each["effect"] for each in control.books("tpg")["effects"])
    assert (keys["booked"], keys["cancelled"]) == (len(driven) + len(undone), len(undone))
    assert [each["effect"] for each in control.books("delivery")["effects"]] == []
    for gateway in GATEWAYS:
        told = Counter(
            (each["merchant_ref"].rsplit("-", 1)[0], each["effect"]) for each in control.books(gateway)["effects"]
        )
        ours = Order.objects.exclude(pk__in=[order.pk for order in unpaid])
        paid = [order for order in ours if order.attempts.filter(gateway=gateway, state="paid").exists()]
        back = [order for order in paid if order in undone]
        expected = {(order.public_id, "charged"): 1 for order in paid} | {
            (order.public_id, "refunded"): 1 for order in back
        }
        assert told == expected, gateway
    entries = Counter(each["entry_ref"] for each in control.books("ho")["entries"])
    assert entries == Counter(Posting.objects.values_list("reference", flat=True)) + repaired
    assert all(held == theirs for _state, held, theirs in differences(control, [order.pk for order in driven]).values())
    assert [ledger.balance(order) for order in (*driven, *undone, *unpaid)] == [50_000] * 3 + [0] * 6
    assert not Saga.objects.filter(state=SagaState.NEEDS_HAND).exists()
    assert Step.objects.filter(order__in=undone, partner="tpg", state="undone").count() == len(undone)


def assert_stock_is_right(control: RemoteSandbox, sold: Order, returned: Order) -> None:
    told = Counter((each["order_ref"], each["effect"]) for each in control.books("inventory")["effects"])
    expected = [(sold.public_id, "reserved"), (returned.public_id, "reserved"), (returned.public_id, "released")]
    assert told == dict.fromkeys(expected, 1)
    assert (ledger.balance(sold), ledger.balance(returned)) == (40_000, 0)
    states = dict(Saga.objects.filter(kind="checkout").values_list("order", "state"))
    assert states == {sold.pk: SagaState.SUCCEEDED, returned.pk: SagaState.COMPENSATED}


def assert_every_call_was_died_at(places: set[str]) -> None:
    """Also: a call that is new, or was moved, has to be met by an order above or named in NOT_HERE."""
    calls = {f"orders/clients/{name}" for name in outside_calls() - NOT_HERE}
    for side in ("before its call", "after its call"):
        died = {place.removesuffix(f" {side}") for place in places if place.endswith(side)}
        assert {place for place in died if not place.startswith("orders/clients/")} == set()
        assert calls - died == set(), side
    commits = {place.rsplit(" ", 3)[0] for place in places if place.endswith("its commit")}
    for side in ("before", "after"):
        assert {place for place in commits if f"{place} {side} its commit" not in places} == set(), side


def outside_calls() -> set[str]:
    """Every public function of a client that reaches the outside: `xendit.py:refund`."""
    found: set[str] = set()
    for path in sorted((PROJECT / "orders" / "clients").glob("*.py")):
        functions = {
            node.name: node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)
        }
        reaching = {"call"}
        while more := {name for name, node in functions.items() if name not in reaching and _calls(node, reaching)}:
            reaching |= more
        found |= {f"{path.name}:{name}" for name in reaching if not name.startswith("_") and name != "call"}
    return found


def _calls(function: ast.FunctionDef, names: set[str]) -> bool:
    """Whether it calls one of its own module's or class's functions of these names."""
    called = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    own = {each.id for each in called if isinstance(each, ast.Name)}
    methods = [each for each in called if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name)]
    return bool((own | {each.attr for each in methods if ast.unparse(each.value) == "self"}) & names)


def test_a_call_that_no_order_meets_is_missed() -> None:
    complete = {f"orders/clients/{name} {side} its call" for name in outside_calls() for side in ("before", "after")}
    assert_every_call_was_died_at(complete)
    with pytest.raises(AssertionError):
        assert_every_call_was_died_at(complete - {"orders/clients/xendit.py:refund after its call"})
