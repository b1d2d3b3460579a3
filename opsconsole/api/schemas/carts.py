"""Carts, as channels see them."""

from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, JsonValue

from opsconsole.api.schemas.common import (
    Amount,
    City,
    Email,
    Given,
    Identifier,
    Name,
    Phone,
    PromoCode,
    Told,
)
from orders.services.cart_content import (
    CartCustomer,
    CartItem,
    Content,
    Pricing,
    PromoStatus,
)
from orders.services.carts import SeenCart

SARI: dict[str, JsonValue] = {"id": "C-10293", "name": "Sari Dewi", "phone": "+6281234567890"}


class Customer(Given):
    """`id` is the channel's own name for the person."""

    model_config = ConfigDict(json_schema_extra={"examples": [SARI]})

    id: Identifier = Field(examples=["C-10293"])
    name: Name = Field(examples=["Sari Dewi"])
    phone: Phone
    email: Email | None = None

    def as_kept(self) -> CartCustomer:
        return CartCustomer(self.id, self.name, self.phone, self.email or "")


class NewCart(Given):
    """The customer may come later; an order needs one."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"city": "Jakarta", "customer": SARI}]})

    city: City
    customer: Customer | None = None


class PromoChoice(Given):
    code: PromoCode


class KnownCustomer(Told):
    id: str
    name: str
    phone: str
    email: str


class ItemInCart(Told):
    """`pricing`: `live` (just asked), `last_known` (what it cost last) or `price_later`."""

    id: str
    service: str
    details: dict[str, Any]
    price: Amount | None
    pricing: Pricing

    @classmethod
    def of(cls, item: CartItem, *, currency: str) -> Self:
        price = None if item.amount is None else Amount(amount=item.amount, currency=currency)
        return cls(
            id=item.id,
            service=item.service,
            details=dict(item.details),
            price=price,
            pricing=Pricing(item.pricing),
        )


class PromoInCart(Told):
    """`status`: `none`, `applied`, `refused` (see `reason`) or `skipped` (could not be asked)."""

    code: str
    status: PromoStatus
    discount: Amount
    reason: str


class Cart(Told):
    """`order_id` is set once the cart was ordered; then nothing of it changes any more."""

    id: UUID
    revision: Annotated[int, Field(examples=[3])]
    expires_at: AwareDatetime
    city: str
    customer: KnownCustomer | None
    items: list[ItemInCart]
    pricing: Pricing = Field(description="The least certain of the items' own.")
    subtotal: Amount
    promo: PromoInCart
    total: Amount
    order_id: str | None

    @classmethod
    def of(cls, seen: SeenCart) -> Self:
        now = seen.content
        return cls(
            id=seen.id,
            revision=seen.revision,
            expires_at=seen.expires_at,
            city=now.city,
            customer=_customer(now.customer),
            items=[ItemInCart.of(item, currency=now.currency) for item in now.items],
            pricing=_pricing(now),
            subtotal=Amount(amount=now.subtotal, currency=now.currency),
            promo=_promo(now),
            total=Amount(amount=now.total, currency=now.currency),
            order_id=seen.order_id or None,
        )


def _customer(kept: CartCustomer) -> KnownCustomer | None:
    if not kept.id:
        return None
    return KnownCustomer(id=kept.id, name=kept.name, phone=kept.phone, email=kept.email)


def _pricing(now: Content) -> Pricing:
    found = {item.pricing for item in now.items}
    for each in (Pricing.PRICE_LATER, Pricing.LAST_KNOWN):
        if each in found:
            return each
    return Pricing.LIVE


def _promo(now: Content) -> PromoInCart:
    return PromoInCart(
        code=now.promo.code,
        status=PromoStatus(now.promo.status),
        discount=Amount(amount=now.promo.discount, currency=now.currency),
        reason=now.promo.reason,
    )
