"""Midtrans: Snap for the payment page, core API v2 for status, cancel, expire and refund.

Our `merchant_ref` is their `order_id`; our `gateway_ref` is the Snap token, because a
`transaction_id` exists only after the customer has picked a method.
Sources: docs.midtrans.com reference of Snap (request body, cancel a Snap session), get-status,
cancel-transaction, refund-transaction, code-4xx, receiving-notifications. Read 2026-11.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from django.conf import settings

from orders.clients import codes, wire
from orders.clients.gateway import (
    BadSignature,
    Claim,
    Link,
    RefundAnswer,
    Status,
    Unparseable,
    Verdict,
)
from orders.resilience import Answered, Outcome, Refused, call
from orders.resilience.outcome import parsed

SNAP_CHANNELS = {
    "card": "credit_card",
    "gopay": "gopay",
    "qris": "other_qris",
    "va_bca": "bca_va",
    "va_bni": "bni_va",
    "va_permata": "permata_va",
    "shopeepay": "shopeepay",
    "cstore": "indomaret",
}
NOT_FOUND = "404"
# An expired transaction is answered with its own code, which is no failure of the question.
SUCCESSES = ("200", "201", "202", "407")


class Midtrans:
    name = codes.MIDTRANS
    # An order_id is charged at most once, so a second Snap token for it is not a second payment.
    link_is_repeatable = True
    refund_is_repeatable = True

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
        body = {
            "transaction_details": {
                "order_id": attempt_ref,
                "gross_amount": wire.plain_amount(amount, currency=currency),
            },
            "customer_details": _customer(customer),
            "enabled_payments": [SNAP_CHANNELS[method]],
            "expiry": _expiry(expires_at),
            "page_expiry": {"duration": _minutes(expires_at), "unit": "minutes"},
            "custom_field1": order_ref,
        }
        outcome = _call("POST", "/snap/v1/transactions", json=body, deadline=deadline)
        return parsed(outcome, by=lambda data: Link(data["token"], data["redirect_url"], expires_at))

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
        outcome = _call("GET", f"/v2/{quote(merchant_ref)}/status", deadline=deadline)
        if isinstance(outcome, Refused) and outcome.code == NOT_FOUND:
            return Answered(outcome.status, _untouched(merchant_ref, gateway_ref=gateway_ref))
        return parsed(
            outcome,
            by=lambda data: _status(data, method=method, token=gateway_ref, paid=paid_before),
        )

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
        """Close the Snap page; when the customer is already past it, cancel the transaction."""
        if gateway_ref:
            closed = self._close_page(merchant_ref, token=gateway_ref, deadline=deadline)
            if not isinstance(closed, Refused):
                return closed
        outcome = _call("POST", f"/v2/{quote(merchant_ref)}/cancel", deadline=deadline)
        return parsed(outcome, by=lambda data: _status(data, method=method, token=gateway_ref, paid=False))

    def _close_page(self, merchant_ref: str, *, token: str, deadline: float | None) -> Outcome[Status]:
        path = f"/snap/v1/transactions/{quote(token)}/cancel"
        outcome = _call("POST", path, deadline=deadline)
        closed = Status("cancelled", "cancel", merchant_ref=merchant_ref, gateway_ref=token)
        if isinstance(outcome, Refused) and "already canceled" in outcome.message:
            return Answered(outcome.status, closed)
        return parsed(outcome, by=lambda data: closed)

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
        body = {
            "refund_key": idempotency_key,
            "amount": wire.plain_amount(amount, currency=currency),
            "reason": reason,
        }
        outcome = _call(
            "POST",
            f"/v2/{quote(merchant_ref)}/refund",
            json=body,
            deadline=deadline,
            idempotent=True,
        )
        return parsed(outcome, by=lambda data: _refunded(data, key=idempotency_key))

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
        outcome = _call("GET", f"/v2/{quote(merchant_ref)}/status", deadline=deadline)
        return parsed(outcome, by=lambda data: _listed_refund(data, key=idempotency_key))

    def verify_callback(self, raw: bytes, *, headers: Mapping[str, str]) -> Verdict:
        """hex SHA-512 of order_id + status_code + gross_amount (as written) + server key."""
        try:
            data = wire.strict_json(raw)
            signed = "".join(
                wire.text(data.get(name), name=name) for name in ("order_id", "status_code", "gross_amount")
            )
        except wire.Unreadable as error:
            return Unparseable(str(error))
        expected = hashlib.sha512((signed + _credential("server_key")).encode()).hexdigest()
        given = data.get("signature_key")
        given_bytes = given.encode("utf-8", "replace") if isinstance(given, str) else b""
        if not hmac.compare_digest(expected.encode(), given_bytes):
            return BadSignature("signature_key does not fit")
        return _readable(data)

    def parse_claim(self, raw: bytes) -> Claim | Unparseable:
        try:
            return _readable(wire.strict_json(raw))
        except wire.Unreadable as error:
            return Unparseable(str(error))


def _credential(name: str) -> str:
    return str(settings.GATEWAYS[codes.MIDTRANS][name])


def _call(
    method: str,
    path: str,
    *,
    json: Any = None,
    deadline: float | None,
    idempotent: bool = False,
) -> Outcome[Any]:
    """Core API puts its verdict into `status_code` of the body, whatever the HTTP status is."""
    secret = base64.b64encode(f"{_credential('server_key')}:".encode()).decode()
    outcome = call(
        codes.MIDTRANS,
        method,
        path,
        json=json,
        headers={"authorization": f"Basic {secret}"},
        deadline=deadline,
        idempotent=idempotent,
    )
    if isinstance(outcome, Refused):
        return _snap_refusal(outcome)
    if not isinstance(outcome, Answered) or not isinstance(outcome.data, dict):
        return outcome
    said = str(outcome.data.get("status_code", "200"))
    if said in SUCCESSES:
        return outcome
    message = str(outcome.data.get("status_message", ""))
    return Refused(outcome.status, said, message, outcome.data)


def _snap_refusal(refused: Refused) -> Refused:
    """Snap words a refusal as `{"error_messages": [...]}`."""
    messages = refused.data.get("error_messages") if isinstance(refused.data, dict) else None
    if not isinstance(messages, list):
        return refused
    return Refused(refused.status, refused.code, "; ".join(map(str, messages)), refused.data)


def _customer(customer: Mapping[str, Any]) -> dict[str, str]:
    names = {"first_name": "name", "email": "email", "phone": "phone"}
    return {theirs: str(customer[ours]) for theirs, ours in names.items() if customer.get(ours)}


def _minutes(expires_at: datetime) -> int:
    return max(1, round((expires_at - datetime.now(UTC)).total_seconds() / 60))


def _expiry(expires_at: datetime) -> dict[str, Any]:
    start = datetime.now(wire.WIB).strftime("%Y-%m-%d %H:%M:%S +0700")
    return {"start_time": start, "unit": "minutes", "duration": _minutes(expires_at)}


def _untouched(merchant_ref: str, *, gateway_ref: str) -> Status:
    """The customer has not picked a method; whether a page exists, this question cannot tell."""
    return Status("open", NOT_FOUND, merchant_ref=merchant_ref, gateway_ref=gateway_ref)


def _status(data: Mapping[str, Any], *, method: str, token: str, paid: bool) -> Status:
    code = codes.midtrans_code(
        data["transaction_status"],
        fraud=str(data.get("fraud_status") or ""),
        status_code=str(data.get("status_code") or ""),
    )
    state = codes.attempt_state(codes.MIDTRANS, method=method, code=code)
    settled = wire.wib_instant(data.get("settlement_time"))
    if paid or settled is not None:
        state = codes.after_payment(state, gateway=codes.MIDTRANS)
    currency = data.get("currency") or "IDR"
    return Status(
        state=state,
        code=code,
        amount=wire.minor_units(data["gross_amount"], currency=currency),
        currency=currency,
        merchant=data.get("merchant_id"),
        merchant_ref=data["order_id"],
        gateway_ref=token,
        paid_at=_paid_at(data, state=state, settled=settled),
        refunds=_refunds(data, currency=currency),
    )


def _paid_at(data: Mapping[str, Any], *, state: str | None, settled: datetime | None) -> datetime | None:
    """A card is charged as its transaction is made, and settles later; all else is paid as it settles."""
    if state not in ("paid", "reversed"):
        return None
    made = wire.wib_instant(data.get("transaction_time"))
    return (made or settled) if data.get("payment_type") == "credit_card" else (settled or made)


def _refunds(data: Mapping[str, Any], *, currency: str) -> tuple[RefundAnswer, ...]:
    return tuple(
        RefundAnswer(
            state="succeeded",
            reference=str(each.get("refund_key", "")),
            amount=wire.minor_units(each["refund_amount"], currency=currency),
        )
        for each in data.get("refunds") or ()
    )


def _refunded(data: Mapping[str, Any], *, key: str) -> RefundAnswer:
    amount = wire.minor_units(data["refund_amount"], currency=data.get("currency") or "IDR")
    return RefundAnswer("succeeded", data.get("refund_key") or key, amount, data["status_code"])


def _listed_refund(data: Mapping[str, Any], *, key: str) -> RefundAnswer:
    refunds = _refunds(data, currency=data.get("currency") or "IDR")
    return next((each for each in refunds if each.reference == key), RefundAnswer("absent", "", 0))


def _readable(data: Mapping[str, Any]) -> Claim | Unparseable:
    try:
        return _claim(data)
    except wire.Unreadable as error:
        return Unparseable(str(error))


def _claim(data: Mapping[str, Any]) -> Claim:
    currency = wire.optional_text(data.get("currency"), name="currency") or "IDR"
    code = codes.midtrans_code(
        wire.text(data.get("transaction_status"), name="transaction_status"),
        fraud=wire.optional_text(data.get("fraud_status"), name="fraud_status"),
        status_code=wire.text(data.get("status_code"), name="status_code"),
    )
    return Claim(
        gateway=codes.MIDTRANS,
        merchant_ref=wire.text(data.get("order_id"), name="order_id"),
        gateway_ref=wire.optional_text(data.get("transaction_id"), name="transaction_id"),
        code=code,
        amount=wire.minor_units(data.get("gross_amount"), currency=currency),
        currency=currency,
        merchant=wire.optional_text(data.get("merchant_id"), name="merchant_id") or None,
        occurred_at=wire.wib_instant(data.get("settlement_time") or data.get("transaction_time")),
    )
