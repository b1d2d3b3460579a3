"""Orders, as channels see them."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from opsconsole.api.schemas.carts import KnownCustomer
from opsconsole.api.schemas.common import Amount, Given, Identifier, Instant, Told, text
from orders.models import Attempt, Item, LedgerEntry, Order, Refund
from orders.states import AttemptState, OrderState, Service

Method = Literal["card", "gopay", "qris", "va_bca", "va_bni", "va_permata", "ovo", "shopeepay", "cstore"]
UUID_PATTERN = r"^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$"
PAYABLE = (OrderState.CREATED, OrderState.AWAITING_PAYMENT)


class NewOrder(Given):
    """`revision` is the cart as the customer saw it; given, another one is refused."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "cart_id": "0b8f6e0e-6f0c-4a53-9a51-6f4b6e3b9c11",
                    "method": "gopay",
                    "revision": 3,
                }
            ]
        }
    )

    cart_id: Annotated[str, Field(pattern=UUID_PATTERN, json_schema_extra={"format": "uuid"})]
    method: Method
    revision: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None

    @property
    def cart(self) -> UUID:
        return UUID(self.cart_id)


class Cancellation(Given):
    reason: Annotated[str, text(200), Field(examples=["The customer changed plans"])]


class LinkWish(Given):
    """Another `method` is possible once the present link has ended."""

    method: Method | None = None


class Filters(BaseModel):
    """`placed_from` is included, `placed_to` is not; `cursor` comes from the answer before."""

    model_config = ConfigDict(extra="forbid")

    customer: Identifier | None = Field(None, description="The channel's id of the customer.")
    service: Literal["taxi", "rent", "delivery", "shuttle", "goods"] | None = None
    placed_from: Instant | None = Field(None, description="Placed at or after this time.")
    placed_to: Instant | None = Field(None, description="Placed before this time.")
    cursor: str | None = Field(
        None, max_length=200, pattern=r"^[A-Za-z0-9_-]+$", description="`next_cursor` of the page before."
    )
    limit: int = Field(25, ge=1, le=100)


class PaymentStatus(StrEnum):
    """What the customer has to know of the payment."""

    LINK_PENDING = "link_pending"
    LINK_OPEN = "link_open"
    PAID = "paid"
    REFUNDED = "refunded"
    NONE = "none"


class Payment(Told):
    """`link` is there while `status` is `link_open`. While `link_pending`, ask again soon. `none`: nothing was paid
    and nothing is to be paid, because the order is closed or a promo covers the whole price."""

    status: PaymentStatus
    method: str
    link: str | None
    link_expires_at: AwareDatetime | None
    paid: Amount
    refunded: Amount
    refunds_pending: int

    @classmethod
    def of(cls, order: Order) -> Self:
        charged, returned = _sums(order.ledger.all())
        link = _open_link(order)
        return cls(
            status=_status(order, charged=charged, returned=returned, link=link),
            method=order.method,
            link=link.link_url if link else None,
            link_expires_at=link.expires_at if link else None,
            paid=Amount(amount=charged, currency=order.currency),
            refunded=Amount(amount=returned, currency=order.currency),
            refunds_pending=sum(_pends(refund) for refund in order.refunds.all()),
        )


def _sums(ledger: Iterable[LedgerEntry]) -> tuple[int, int]:
    amounts = [entry.amount for entry in ledger]
    return sum(a for a in amounts if a > 0), -sum(a for a in amounts if a < 0)


def _open_link(order: Order) -> Attempt | None:
    if order.state not in PAYABLE:
        return None
    links = [each for each in order.attempts.all() if each.state == AttemptState.OPEN]
    return links[-1] if links else None


def _status(order: Order, *, charged: int, returned: int, link: Attempt | None) -> PaymentStatus:
    if charged > returned:
        return PaymentStatus.PAID
    if link is not None:
        return PaymentStatus.LINK_OPEN
    if order.state in PAYABLE:
        return PaymentStatus.LINK_PENDING
    return PaymentStatus.REFUNDED if returned else PaymentStatus.NONE


def _pends(refund: Refund) -> bool:
    return refund.state not in ("succeeded", "rejected")


class ItemInOrder(Told):
    number: int
    service: Service
    details: dict[str, Any]
    price: Amount

    @classmethod
    def of(cls, item: Item, *, currency: str) -> Self:
        return cls(
            number=item.number,
            service=Service(item.service),
            details=item.details,
            price=Amount(amount=item.amount, currency=currency),
        )


class OrderInList(Told):
    """`since` is when the state was entered; `location` is where the whole order is."""

    id: str = Field(examples=["MRG-48175"])
    state: OrderState
    since: AwareDatetime
    service: Service
    city: str
    customer_id: str
    total: Amount
    placed_at: AwareDatetime
    location: str

    @classmethod
    def of(cls, order: Order, *, location: str) -> Self:
        return cls(**_head(order, location=location))


class OrderPage(Told):
    """Newest first. `next_cursor` is null on the last page."""

    orders: list[OrderInList]
    next_cursor: str | None


class OrderDetail(OrderInList):
    """`notes` says what the customer was told: prices not asked live, a promo that was skipped."""

    version: int
    customer: KnownCustomer
    promo_code: str
    items: list[ItemInOrder]
    payment: Payment
    promised_by: AwareDatetime | None
    expires_at: AwareDatetime | None
    notes: dict[str, Any]

    @classmethod
    def of(cls, order: Order, *, location: str) -> Self:
        return cls(
            **_head(order, location=location),
            version=order.version,
            customer=KnownCustomer(
                id=order.customer_id,
                name=order.customer_name,
                phone=order.customer_phone,
                email=order.customer_email,
            ),
            promo_code=order.promo_code,
            items=[ItemInOrder.of(item, currency=order.currency) for item in order.items.all()],
            payment=Payment.of(order),
            promised_by=order.promised_by,
            expires_at=order.expires_at,
            notes=order.notes,
        )


def _head(order: Order, *, location: str) -> dict[str, Any]:
    return {
        "id": order.public_id,
        "state": OrderState(order.state),
        "since": order.entered_at,
        "service": Service(order.service),
        "city": order.city,
        "customer_id": order.customer_id,
        "total": Amount(amount=order.amount, currency=order.currency),
        "placed_at": order.placed_at,
        "location": location,
    }
