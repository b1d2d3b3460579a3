"""A payment attempt at a gateway, with boring defaults."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from orders.clients.gateway import Gateway, Link, RefundAnswer, Status
from orders.clients.registry import gateway
from orders.resilience import Answered, Outcome

AMOUNT = 150_000


@dataclass
class Attempt:
    gateway: Gateway
    method: str = "qris"
    ref: str = "MRG-1-1"
    order_ref: str = "MRG-1"
    amount: int = AMOUNT
    token: str = ""

    def create(self, *, deadline: float | None = None) -> Outcome[Link]:
        return self.gateway.create_link(
            self.ref,
            amount=self.amount,
            currency="IDR",
            method=self.method,
            order_ref=self.order_ref,
            customer={"name": "Budi Santoso", "email": "budi@example.com", "phone": "+628111"},
            expires_at=datetime.now(UTC) + timedelta(minutes=30),
            deadline=deadline,
        )

    def open(self) -> "Attempt":
        """Create the link, for tests that are about what comes after."""
        outcome = self.create()
        assert isinstance(outcome, Answered), outcome
        self.token = outcome.data.reference
        return self

    @property
    def named(self) -> dict[str, Any]:
        return {"gateway_ref": self.token, "amount": self.amount, "method": self.method}

    def ask(self, **given: Any) -> Outcome[Status]:
        return self.gateway.ask_status(self.ref, **self.named, **given)

    def status(self, **given: Any) -> Status:
        outcome = self.ask(**given)
        assert isinstance(outcome, Answered), outcome
        return outcome.data

    def close(self, **given: Any) -> Outcome[Status]:
        return self.gateway.close(self.ref, **self.named, **given)

    def refund(self, amount: int, *, key: str = "RF-1", **given: Any) -> Outcome[RefundAnswer]:
        named = self.named | {"amount": amount, "charged": self.amount}
        return self.gateway.refund(self.ref, **named, reason="test", idempotency_key=key, **given)

    def ask_refund(self, amount: int, *, key: str = "RF-1", before: int = 0) -> RefundAnswer:
        named = self.named | {"amount": amount, "charged": self.amount}
        outcome = self.gateway.ask_refund(self.ref, **named, idempotency_key=key, refunded_before=before)
        assert isinstance(outcome, Answered), outcome
        return outcome.data


def attempt(name: str, **given: Any) -> Attempt:
    return Attempt(gateway(name), **given)
