"""Checkouts of goods, as channels see them."""

from enum import StrEnum
from typing import Self

from pydantic import AwareDatetime

from opsconsole.api.schemas.common import Told
from opsconsole.api.schemas.orders import OrderDetail
from orders.models import Saga, Step
from orders.states import SagaState, StepState


class CheckoutStep(StrEnum):
    """In this order. The customer pays while `take_payment` is under way."""

    RESERVE_INVENTORY = "reserve_inventory"
    TAKE_PAYMENT = "take_payment"
    CREATE_ORDER = "create_order"
    CLEAR_CART = "clear_cart"


class StepInCheckout(Told):
    name: CheckoutStep
    state: StepState
    since: AwareDatetime

    @classmethod
    def of(cls, step: Step) -> Self:
        name = CheckoutStep(step.name.replace(" ", "_"))
        return cls(name=name, state=StepState(step.state), since=step.entered_at)


class Checkout(Told):
    """`state` is `running` until all is done (`succeeded`), or undone (`compensated`): then nothing is owed by anybody,
    and `failure` says why. `needs_hand`: our staff looks into it. Steps appear as they are begun; the link to pay by
    is in `order.payment`. What is not done by `deadline_at` is undone, and the money goes back.
    """

    id: str
    state: SagaState
    failure: str
    deadline_at: AwareDatetime
    steps: list[StepInCheckout]
    order: OrderDetail

    @classmethod
    def of(cls, saga: Saga, *, order: OrderDetail) -> Self:
        return cls(
            id=order.id,
            state=SagaState(saga.state),
            failure=saga.failure,
            deadline_at=saga.deadline_at,
            steps=[StepInCheckout.of(step) for step in saga.steps.all()],
            order=order,
        )
