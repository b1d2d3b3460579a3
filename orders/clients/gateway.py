"""What every payment gateway can do for us, in our words.

References: `merchant_ref` is ours, one per payment attempt, never reused for another attempt, at
most 40 of A-Z a-z 0-9 - _ . ~ (Nicepay takes 40, Midtrans 50 of these);
`gateway_ref` is theirs, from the answer to `create_link` ("" when that answer never came).
Amounts are minor units. `deadline` is seconds from now for the whole verb; None = the setting.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, Protocol

from orders.resilience.outcome import Outcome

RefundState = Literal["succeeded", "pending", "failed", "absent"]
PENDING: Final = "pending"  # taken on: the gateway says later how it ended


@dataclass(frozen=True, slots=True)
class Link:
    """Where the customer pays. `reference` is the gateway's, needed for every later question."""

    reference: str
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RefundAnswer:
    """`absent`: the gateway knows nothing of it now; it may still be under way for a while."""

    state: RefundState
    reference: str
    amount: int
    code: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """What a gateway says of one payment.

    `state` is a payment-attempt state (open, paid, declined, not_started, expired, cancelled,
    reversed), or None when the raw `code` is unknown to us. `amount` and `currency` are what was
    charged or is asked for; None when the gateway knows no such payment yet.
    """

    state: str | None
    code: str
    amount: int | None = None
    currency: str | None = None
    merchant: str | None = None
    merchant_ref: str = ""
    gateway_ref: str = ""
    paid_at: datetime | None = None
    refunds: tuple[RefundAnswer, ...] = ()
    link: Link | None = None

    @property
    def refunded(self) -> int:
        """Minor units that went back or are going back."""
        return sum(each.amount for each in self.refunds if each.state in ("succeeded", "pending"))


@dataclass(frozen=True, slots=True)
class Claim:
    """What a callback says. A hint, whatever its signature: none of the three covers the status."""

    gateway: str
    merchant_ref: str
    gateway_ref: str
    code: str
    amount: int
    currency: str
    merchant: str | None
    occurred_at: datetime | None
    kind: Literal["payment", "refund"] = "payment"
    # Our own key of the refund that a refund callback speaks of.
    refund_key: str = ""


@dataclass(frozen=True, slots=True)
class BadSignature:
    """Not from the gateway: answer 401, count it, keep nothing of it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unparseable:
    """Cannot be understood: keep it in quarantine."""

    reason: str


Verdict = Claim | BadSignature | Unparseable


class Gateway(Protocol):
    name: str
    # A lost answer to create_link may be followed by the same call under the same reference,
    # without a second payable link for the customer.
    link_is_repeatable: bool
    # A refund may be repeated under its own key; otherwise only asking is safe.
    refund_is_repeatable: bool

    def create_link(
        self,
        attempt_ref: str,
        *,
        amount: int,
        currency: str,
        method: str,
        order_ref: str,
        customer: Mapping[str, Any],
        expires_at: datetime,
        idempotency_key: str = "",
        deadline: float | None = None,
    ) -> Outcome[Link]:
        """Ask for a payment page. `customer` may hold name, email, phone."""

    def ask_status(
        self,
        merchant_ref: str,
        *,
        gateway_ref: str,
        amount: int,
        method: str,
        currency: str = "IDR",
        paid_before: bool = False,
        deadline: float | None = None,
    ) -> Outcome[Status]:
        """Ask what became of an attempt. `paid_before`: we have seen it paid, so that a later
        denial reads as `reversed`. A reading: never Unknown, only Answered, Refused, Retryable."""

    def close(
        self,
        merchant_ref: str,
        *,
        gateway_ref: str,
        amount: int,
        method: str,
        currency: str = "IDR",
        deadline: float | None = None,
    ) -> Outcome[Status]:
        """Make an unpaid attempt unpayable. Refused when it is paid or being paid: ask."""

    def refund(
        self,
        merchant_ref: str,
        *,
        gateway_ref: str,
        amount: int,
        reason: str,
        idempotency_key: str,
        currency: str = "IDR",
        method: str = "",
        charged: int | None = None,
        deadline: float | None = None,
    ) -> Outcome[RefundAnswer]:
        """Give money back. `charged` is what the payment was, when only a part goes back."""

    def ask_refund(
        self,
        merchant_ref: str,
        *,
        gateway_ref: str,
        amount: int,
        idempotency_key: str,
        currency: str = "IDR",
        method: str = "",
        charged: int | None = None,
        refunded_before: int = 0,
        deadline: float | None = None,
    ) -> Outcome[RefundAnswer]:
        """Ask what became of a refund. `refunded_before`: the sum of earlier refunds of the same
        payment, for a gateway that lists only a total (Nicepay)."""

    def verify_callback(self, raw: bytes, *, headers: Mapping[str, str]) -> Verdict:
        """The vendor's recipe on the raw bytes. Never raises, whatever the bytes are."""

    def parse_claim(self, raw: bytes) -> Claim | Unparseable:
        """The claim without looking at the signature: for a message kept in quarantine."""
