"""The checkout saga (goods): reserve inventory, take the payment, create the order, clear the cart.

Driven by events (ADR 0041). A step is born as a command: its birth is an event like every change of a state, goes
through the outbox and the broker, and comes back to `on_event` exactly once by its event id; only then may a worker
do it. Its end is the answer, comes back the same way, and makes the next step. The rows are judged, not the event
alone: an event that comes late or twice finds that its step has moved on. What a broker loses is found by the
consumer's comparison, and the clock of the saga turns it back after five minutes whatever is lost.

Undone is what ran, in reverse: the order is void, the money goes back, the stock is released.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from orders.bells import ring
from orders.clients import inventory
from orders.context import act_as
from orders.events import Event
from orders.models import Cart, Order, Saga, Step
from orders.resilience.outcome import Answered, Outcome, Refused, Unknown, parsed
from orders.services import links, placing, posting, refunds, sagas
from orders.services.cart_content import CartPromo
from orders.services.routing import route
from orders.states import OrderState, OrderVerb, SagaState, StepState, StepVerb
from orders.transitions import lock, move

KIND: Final = "checkout"
GOODS: Final = "goods"
NOT_KNOWN: Final = 404
NOTHING_TO_PAY: Final = "nothing to pay"  # in the place of an attempt's reference
_ANSWERS: Final = (("step", "finish"), ("order", "pay"))
_COMMANDS: Final = (("step", "create"), ("step", "retry"))
WANTS: Final = frozenset((*_ANSWERS, *_COMMANDS))


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of step: who does it, how it is done, asked about and undone."""

    name: str
    partner: str
    send: Callable[[Step], Outcome[str]]
    ask: Callable[[Step], Outcome[str | None]]
    undo: Callable[[Step], Outcome[None]]


def start(order: Order) -> Saga:
    """Owe the order its checkout: the first command goes out with this transaction. Lock: order."""
    now = timezone.now()
    act_as("worker")
    saga = Saga.objects.create(
        order=order, kind=KIND, state=SagaState.RUNNING, deadline_at=now + sagas.LIMIT, due_at=now + sagas.LIMIT
    )
    _command(saga, 1)
    return saga


def _command(saga: Saga, number: int) -> None:
    act_as("worker")
    Step.objects.create(
        saga=saga,
        order=saga.order,
        number=number,
        name=STEPS[number - 1].name,
        partner=STEPS[number - 1].partner,
        state=StepState.PENDING,
        key=f"{saga.order.public_id}-c{saga.pk}-{number}",
    )


def on_event(event: Event) -> None:
    """One command or answer, once by its event id: runs in the transaction of its receipt."""
    order = Order.objects.filter(public_id=event.order_id, service=GOODS).first()
    saga = Saga.objects.filter(order=order, kind=KIND, state=SagaState.RUNNING).first() if order else None
    if order is None or saga is None:
        return
    order, saga = lock(order), lock(saga)
    steps = list(saga.steps.select_for_update(no_key=True).order_by("number"))
    if event.kind in _COMMANDS:
        _release(saga, [step for step in steps if step.pk == event.subject and step.state == StepState.PENDING])
        return
    _paid(order, steps)
    if saga.state == SagaState.RUNNING and steps[-1].state == StepState.DONE:
        _go_on(saga, steps)


def _release(saga: Saga, steps: Sequence[Step]) -> None:
    """A worker may do it now: from here on the step has a time."""
    for step in steps:
        Step.objects.filter(pk=step.pk).update(due_at=timezone.now())
        _look_now(saga)


def _paid(order: Order, steps: Sequence[Step]) -> None:
    """The payment is its own machine; that the order is paid is the answer to its step."""
    for step in steps:
        waits = step.name == PAY.name and step.state in (StepState.SENT, StepState.UNKNOWN)
        if waits and order.state == OrderState.PAID and order.owning_attempt is not None:
            reference = order.owning_attempt.reference
            move(step, StepVerb.FINISH, actor="consumer:checkout", partner_reference=reference, due_at=None)


def _go_on(saga: Saga, steps: Sequence[Step]) -> None:
    """The next command, unless it is out already; after the last, the end."""
    if len(steps) < len(STEPS):
        _command(saga, len(steps) + 1)
    else:
        _look_now(saga)


def _look_now(saga: Saga) -> None:
    Saga.objects.filter(pk=saga.pk).update(due_at=timezone.now())
    ring("saga")


class Checkout:
    kind = KIND

    def send(self, step: Step) -> Outcome[str]:
        return _kind(step).send(step)

    def ask(self, step: Step) -> Outcome[str | None]:
        return _kind(step).ask(step)

    def undo(self, step: Step) -> Outcome[None]:
        return _kind(step).undo(step)

    def begin(self, order: Order) -> bool:
        return order.state in (
            OrderState.CREATED,
            OrderState.AWAITING_PAYMENT,
            OrderState.PAID,
            OrderState.BOOKING,
        )

    def is_waiting(self, step: Step) -> bool:
        """For its command to come back from the broker."""
        return step.due_at is None

    def is_complete(self, steps: Sequence[Step]) -> bool:
        return len(steps) == len(STEPS)

    def wait(self, order: Order, step: Step, reason: str) -> bool:
        return False

    def waiting(self, order: Order) -> bool:
        """No queue of its own: the saga's clock goes on."""
        return False

    def succeeded(self, order: Order, saga: Saga) -> None:
        move(order, OrderVerb.CONFIRM, actor="worker")
        move(order, OrderVerb.COMPLETE, actor="worker")
        posting.owe_payment(order)

    def compensated(self, order: Order, saga: Saga) -> None:
        """Whatever money is still held goes back: it may have come while the rest was undone."""
        placing.close_attempts(order)
        if order.machine.target(order.state, OrderVerb.FAIL):
            move(order, OrderVerb.FAIL, actor="worker", reason=saga.failure)
        elif order.machine.target(order.state, OrderVerb.CANCEL):
            move(order, OrderVerb.CANCEL, actor="worker", reason=saga.failure)
        _give_back(order, saga)


def _give_back(order: Order, saga: Saga) -> None:
    actor = saga.undone_for or "policy:compensation"
    refunds.refund_all(order, cause=f"saga:{saga.pk}", actor=actor, reason=saga.failure)


def _reserve(step: Step) -> Outcome[str]:
    lines = [
        {"sku": item.details["sku"], "quantity": item.details["quantity"]}
        for item in step.order.items.order_by("number")
    ]
    outcome = inventory.reserve(step.order.public_id, lines=lines, idempotency_key=step.key)
    return parsed(outcome, by=lambda found: found.reservation_id)


def _ask_reservation(step: Step) -> Outcome[str | None]:
    outcome = inventory.ask_reservation(step.key)
    return parsed(outcome, by=lambda found: found.reservation_id if found and found.state == "reserved" else None)


def _release_stock(step: Step) -> Outcome[None]:
    outcome = inventory.release(step.key)
    if isinstance(outcome, Refused) and outcome.status == NOT_KNOWN:
        return Answered(outcome.status, None)
    return parsed(outcome, by=lambda _found: None)


@transaction.atomic
def _ask_to_pay(step: Step) -> Outcome[str]:
    """Have a link made, once; the janitor of attempts does it. The customer's money is the answer."""
    order = lock(step.order)
    if not order.amount:
        if order.state == OrderState.CREATED:
            placing.count_as_paid(order)
        return Answered(200, NOTHING_TO_PAY)
    if not order.attempts.exists():
        links.add_attempt(order, actor="worker", due_at=timezone.now())
        ring("attempt")
    return Unknown("the customer has not paid yet")


def _ask_paid(step: Step) -> Outcome[str | None]:
    order = Order.objects.select_related("owning_attempt").get(pk=step.order_id)
    if order.state == OrderState.PAID and order.owning_attempt is not None:
        return Answered(200, order.owning_attempt.reference)
    if order.state == OrderState.PAID and not order.amount:
        return Answered(200, NOTHING_TO_PAY)
    if not order.attempts.exists():
        return Answered(404, None)  # a worker died before it asked for a link: ask again
    return Unknown("the customer has not paid yet")


@transaction.atomic
def _pay_back(step: Step) -> Outcome[None]:
    """The refund is a machine of its own, with tries and a queue of its own; the debt is what is owed here."""
    order, saga = lock(step.order), step.saga
    placing.close_attempts(order)
    _give_back(order, saga)
    return Answered(200, None)


@transaction.atomic
def _create_order(step: Step) -> Outcome[str]:
    order = lock(step.order)
    if order.state == OrderState.PAID:
        move(order, OrderVerb.BOOK, actor="worker")
    if order.state != OrderState.BOOKING:
        return Refused(409, "not_paid", f"the order is {order.state}")
    return Answered(200, order.public_id)


def _ask_order(step: Step) -> Outcome[str | None]:
    order = Order.objects.get(pk=step.order_id)
    return Answered(200, order.public_id if order.state == OrderState.BOOKING else None)


@transaction.atomic
def _void_order(step: Step) -> Outcome[None]:
    order = lock(step.order)
    if order.state == OrderState.BOOKING:
        move(order, OrderVerb.FAIL, actor="worker", reason=step.saga.failure)
    return Answered(200, None)


@transaction.atomic
def _clear_cart(step: Step) -> Outcome[str]:
    """The cart that became the order is emptied; one that is gone is as empty."""
    for cart in Cart.objects.select_for_update(no_key=True).filter(order=step.order):
        body = {**cart.body, "items": [], "promo": asdict(CartPromo())}
        Cart.objects.filter(pk=cart.pk).update(body=body, revision=F("revision") + 1, expires_at=timezone.now())
    return Answered(200, "cleared")


def _ask_cart(step: Step) -> Outcome[str | None]:
    is_full = any(cart.body.get("items") for cart in Cart.objects.filter(order=step.order))
    return Answered(200, None if is_full else "cleared")


def _nothing(step: Step) -> Outcome[None]:
    """A cart that was emptied stays so: what was in it is on the order."""
    return Answered(200, None)


PAY: Final = Kind("take payment", "upg", _ask_to_pay, _ask_paid, _pay_back)
STEPS: Final = (
    Kind("reserve inventory", inventory.NAME, _reserve, _ask_reservation, _release_stock),
    PAY,
    Kind("create order", "orders", _create_order, _ask_order, _void_order),
    Kind("clear cart", "carts", _clear_cart, _ask_cart, _nothing),
)
_BY_NAME: Final[Mapping[str, Kind]] = MappingProxyType({each.name: each for each in STEPS})
CHECKOUT: Final = Checkout()


def _kind(step: Step) -> Kind:
    return _BY_NAME[step.name]


def place(
    *,
    channel: str,
    customer: placing.Customer,
    items: Sequence[placing.NewItem],
    method: str,
    city: str = "",
    promo_code: str = "",
    discount: int = 0,
    notes: Mapping[str, Any] | None = None,
    cart: Cart | None = None,
) -> Order:
    """Place an order of goods and owe it its checkout. Raises a Refusal where nothing can be placed.

    An item's details have its `sku` and `quantity`; `cart` is marked as ordered in the same transaction.
    """
    route(method)
    return placing.insert_order(
        channel=channel,
        customer=customer,
        items=items,
        discount=discount,
        cart=cart,
        fields={"method": method, "city": city, "promo_code": promo_code, "notes": dict(notes or {})},
        begin=start,
    )
