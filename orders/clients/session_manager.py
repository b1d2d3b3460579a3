"""Session Manager: fleet search and prices of cart items."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orders.resilience import Outcome, call
from orders.resilience.outcome import parsed

NAME = "session_manager"


@dataclass(frozen=True, slots=True)
class Price:
    """`amount` in minor units."""

    amount: int
    currency: str
    quote_id: str


def price(service: str, *, details: Mapping[str, Any], deadline: float | None = None) -> Outcome[Price]:
    """A price has no effect at the other side, so it may be asked again."""
    outcome = call(
        NAME,
        "POST",
        "/v1/price",
        json={"service": service, "details": dict(details)},
        deadline=deadline,
        reads=True,
    )
    return parsed(outcome, by=_price)


def _price(data: Mapping[str, Any]) -> Price:
    amount = int(data["amount"])
    if amount < 0:
        raise ValueError("negative price")
    return Price(amount, data["currency"], data["quote_id"])
