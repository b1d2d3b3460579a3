"""Promo Gateway: is a code good, and for how much. It only answers; it reserves nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orders.resilience import Outcome, call
from orders.resilience.outcome import parsed

NAME = "promo"


@dataclass(frozen=True, slots=True)
class Promo:
    """`discount` in minor units; `reason` says why a code is not good."""

    valid: bool
    discount: int
    reason: str


def validate(code: str, *, amount: int, currency: str, service: str, deadline: float | None = None) -> Outcome[Promo]:
    outcome = call(
        NAME,
        "POST",
        "/v1/promos/validate",
        json={"code": code, "amount": amount, "currency": currency, "service": service},
        deadline=deadline,
        reads=True,
    )
    return parsed(outcome, by=_promo)


def _promo(data: Mapping[str, Any]) -> Promo:
    return Promo(bool(data["valid"]), int(data["discount"]), str(data.get("reason") or ""))
