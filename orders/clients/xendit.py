"""Xendit: invoices v2 for the payment page, refunds for money back.

Our `merchant_ref` is their `external_id`, our `gateway_ref` their invoice `id`. An external_id is
not unique at Xendit and invoices take no idempotency key: a lost answer is resolved by listing.
Sources: xendit-php and xendit-python docs (InvoiceApi, CreateInvoiceRequest, InvoiceCallback,
RefundApi, CreateRefund), docs.xendit.co refund and webhook pages. Read 2026-11.
"""

import base64
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings

from orders.clients import codes, wire
from orders.clients.gateway import (
    BadSignature,
    Claim,
    Link,
    RefundAnswer,
    RefundState,
    Status,
    Unparseable,
    Verdict,
)
from orders.resilience import Answered, Outcome, call
from orders.resilience.outcome import parsed

CHANNELS = {
    "card": "CREDIT_CARD",
    "qris": "QRIS",
    "va_bca": "BCA",
    "va_bni": "BNI",
    "va_permata": "PERMATA",
    "ovo": "OVO",
    "shopeepay": "SHOPEEPAY",
    "cstore": "ALFAMART",
}
REFUND_STATES: Mapping[str, RefundState] = {
    "SUCCEEDED": "succeeded",
    "PENDING": "pending",
    "FAILED": "failed",
    "CANCELLED": "failed",
}


class Xendit:
    name = codes.XENDIT
    link_is_repeatable = False
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
            "external_id": attempt_ref,
            "amount": wire.plain_amount(amount, currency=currency),
            "currency": currency,
            "description": order_ref,
            "invoice_duration": max(1, round((expires_at - datetime.now(UTC)).total_seconds())),
            "payment_methods": [CHANNELS[method]],
            "customer": _customer(customer),
            "metadata": {"order_ref": order_ref},
        }
        return parsed(_call("POST", "/v2/invoices", json=body, deadline=deadline), by=_link)

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
        """By invoice id, or by our reference when the answer to the creation was lost.

        An empty list for our reference means that no page exists now: `not_started`.
        """
        if gateway_ref:
            outcome = _call("GET", f"/v2/invoices/{quote(gateway_ref)}", deadline=deadline)
        else:
            query = urlencode({"external_id": merchant_ref})
            outcome = _call("GET", f"/v2/invoices?{query}", deadline=deadline)
        return parsed(outcome, by=lambda data: _found(data, ref=merchant_ref, method=method))

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
        found = gateway_ref
        if not found:
            asked = self.ask_status(merchant_ref, gateway_ref="", amount=amount, method=method, deadline=deadline)
            if not isinstance(asked, Answered) or not asked.data.gateway_ref:
                return asked
            found = asked.data.gateway_ref
        outcome = _call("POST", f"/invoices/{quote(found)}/expire!", deadline=deadline)
        return parsed(outcome, by=lambda data: _status(data, method=method))

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
            "invoice_id": gateway_ref,
            "reference_id": idempotency_key,
            "amount": wire.plain_amount(amount, currency=currency),
            "currency": currency,
            "reason": "OTHERS",
            "metadata": {"reason": reason, "external_id": merchant_ref},
        }
        outcome = _call(
            "POST",
            "/refunds",
            json=body,
            deadline=deadline,
            headers={"idempotency-key": idempotency_key},
            idempotent=True,
        )
        return parsed(outcome, by=_refund)

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
        query = urlencode({"invoice_id": gateway_ref, "limit": 100})
        outcome = _call("GET", f"/refunds?{query}", deadline=deadline)
        return parsed(outcome, by=lambda data: _listed_refund(data, key=idempotency_key))

    def verify_callback(self, raw: bytes, *, headers: Mapping[str, str]) -> Verdict:
        """A fixed token in a header: it proves the sender and covers nothing of the body."""
        given = wire.header(headers, "x-callback-token").encode("utf-8", "replace")
        expected = str(settings.GATEWAYS[codes.XENDIT]["callback_token"]).encode()
        if not hmac.compare_digest(expected, given):
            return BadSignature("x-callback-token does not fit")
        return self.parse_claim(raw)

    def parse_claim(self, raw: bytes) -> Claim | Unparseable:
        try:
            return _claim(wire.strict_json(raw))
        except wire.Unreadable as error:
            return Unparseable(str(error))


def _call(
    method: str,
    path: str,
    *,
    json: Any = None,
    headers: Mapping[str, str] | None = None,
    deadline: float | None,
    idempotent: bool = False,
) -> Outcome[Any]:
    secret = base64.b64encode(f"{settings.GATEWAYS[codes.XENDIT]['secret_key']}:".encode())
    return call(
        codes.XENDIT,
        method,
        path,
        json=json,
        headers={"authorization": f"Basic {secret.decode()}", **(headers or {})},
        deadline=deadline,
        idempotent=idempotent,
    )


def _customer(customer: Mapping[str, Any]) -> dict[str, str]:
    names = {"given_names": "name", "email": "email", "mobile_number": "phone"}
    return {theirs: str(customer[ours]) for theirs, ours in names.items() if customer.get(ours)}


def _link(data: Mapping[str, Any]) -> Link:
    expires_at = wire.iso_instant(data["expiry_date"])
    if expires_at is None:
        raise wire.Unreadable("expiry_date")
    return Link(wire.text(data["id"], name="id"), data["invoice_url"], expires_at)


def _found(data: Any, *, ref: str, method: str) -> Status:
    if isinstance(data, dict):
        return _status(data, method=method)
    if not data:
        return Status("not_started", "", merchant_ref=ref)
    # Several invoices under one reference: the one with money counts before the others.
    statuses = [_status(each, method=method) for each in data]
    return next((each for each in statuses if each.state == "paid"), statuses[0])


def _status(data: Mapping[str, Any], *, method: str) -> Status:
    currency = data.get("currency") or "IDR"
    code = str(data["status"])
    state = codes.attempt_state(codes.XENDIT, method=method, code=code)
    paid_amount = data.get("paid_amount") if state == "paid" else None
    return Status(
        state=state,
        code=code,
        amount=wire.minor_units(data["amount"] if paid_amount is None else paid_amount, currency=currency),
        currency=currency,
        merchant=data.get("user_id"),
        merchant_ref=data["external_id"],
        gateway_ref=data["id"],
        paid_at=wire.iso_instant(data.get("paid_at")),
        link=_link(data),
    )


def _refund(data: Mapping[str, Any]) -> RefundAnswer:
    """A status we do not know is not yet an end: it stays pending and is asked again."""
    return RefundAnswer(
        state=REFUND_STATES.get(data["status"], "pending"),
        reference=data["id"],
        amount=wire.minor_units(data["amount"], currency=data.get("currency") or "IDR"),
        code=data.get("failure_code") or data["status"],
    )


def _listed_refund(data: Mapping[str, Any], *, key: str) -> RefundAnswer:
    for each in data["data"]:
        if each.get("reference_id") == key:
            return _refund(each)
    return RefundAnswer("absent", "", 0)


def _claim(data: Mapping[str, Any]) -> Claim:
    inner = data.get("data")
    if str(data.get("event")).startswith("refund.") and isinstance(inner, dict):
        return _refund_claim(inner)
    return _payment_claim(data)


def _refund_claim(data: Mapping[str, Any]) -> Claim:
    metadata = data.get("metadata")
    external_id = metadata.get("external_id") if isinstance(metadata, dict) else None
    currency = wire.optional_text(data.get("currency"), name="currency") or "IDR"
    return Claim(
        gateway=codes.XENDIT,
        merchant_ref=wire.optional_text(external_id, name="external_id"),
        gateway_ref=wire.text(data.get("invoice_id"), name="invoice_id"),
        code=wire.text(data.get("status"), name="status"),
        amount=wire.minor_units(data.get("amount"), currency=currency),
        currency=currency,
        merchant=None,
        occurred_at=wire.iso_instant(data.get("updated")),
        kind="refund",
        refund_key=wire.optional_text(data.get("reference_id"), name="reference_id"),
    )


def _payment_claim(data: Mapping[str, Any]) -> Claim:
    currency = wire.optional_text(data.get("currency"), name="currency") or "IDR"
    paid_amount = data.get("paid_amount")
    amount = data.get("amount") if paid_amount is None else paid_amount
    return Claim(
        gateway=codes.XENDIT,
        merchant_ref=wire.text(data.get("external_id"), name="external_id"),
        gateway_ref=wire.text(data.get("id"), name="id"),
        code=wire.text(data.get("status"), name="status"),
        amount=wire.minor_units(amount, currency=currency),
        currency=currency,
        merchant=wire.optional_text(data.get("user_id"), name="user_id") or None,
        occurred_at=wire.iso_instant(data.get("paid_at") or data.get("updated")),
    )
