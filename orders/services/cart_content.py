"""What is in a cart: frozen values, with the JSON that PostgreSQL and Redis hold.

Amounts are minor units of the cart's currency.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

CURRENCY = "IDR"
MOST_ITEMS = 20


class Pricing(StrEnum):
    """Where the price of an item comes from (domain, section 3: the cart works without prices)."""

    LIVE = "live"
    LAST_KNOWN = "last_known"
    PRICE_LATER = "price_later"


class PromoStatus(StrEnum):
    NONE = "none"
    APPLIED = "applied"
    REFUSED = "refused"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class CartItem:
    """`amount` is None while nobody knows the price; `fare` names what costs the same."""

    id: str
    service: str
    details: Mapping[str, Any]
    fare: str
    amount: int | None
    pricing: str


@dataclass(frozen=True, slots=True)
class CartCustomer:
    id: str = ""
    name: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class CartPromo:
    code: str = ""
    status: str = PromoStatus.NONE
    discount: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    city: str
    customer: CartCustomer = field(default_factory=CartCustomer)
    items: tuple[CartItem, ...] = ()
    promo: CartPromo = field(default_factory=CartPromo)
    currency: str = CURRENCY

    @property
    def subtotal(self) -> int:
        """The sum of the prices that are known."""
        return sum(item.amount or 0 for item in self.items)

    @property
    def total(self) -> int:
        return max(0, self.subtotal - self.promo.discount)

    @property
    def priced(self) -> bool:
        """Whether every item has a price."""
        return all(item.amount is not None for item in self.items)

    def with_item(self, item: CartItem) -> "Content":
        return replace(self, items=(*self.items, item))

    def without_item(self, item_id: str) -> "Content":
        return replace(self, items=tuple(item for item in self.items if item.id != item_id))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def content(body: Mapping[str, Any]) -> Content:
    """The reverse of `as_json`."""
    return Content(
        city=body["city"],
        customer=CartCustomer(**body["customer"]),
        items=tuple(CartItem(**item) for item in body["items"]),
        promo=CartPromo(**body["promo"]),
        currency=body["currency"],
    )
