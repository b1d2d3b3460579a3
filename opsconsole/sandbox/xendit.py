"""Xendit as its documentation describes it: invoices v2, refunds, callbacks with a fixed token.

Sources: see orders/clients/xendit.py. An `external_id` may occur on several invoices.
"""

import base64
import hmac
import json
import uuid
from datetime import datetime, timedelta
from typing import Any

from opsconsole.sandbox.books import Row, now
from opsconsole.sandbox.callbacks import Message, RetryPolicy
from opsconsole.sandbox.http11 import Request, Response, answer
from opsconsole.sandbox.neighbour import Found, Refs, Route, Run, no_references, route
from opsconsole.sandbox.payments import (
    PAID,
    UNPAID,
    PaymentGateway,
    Refused,
    Registration,
    left,
)
from opsconsole.sandbox.world import Fate, references

HOUR = 3600.0
# A refund is carried out so many simulated seconds after it was accepted.
REFUND_SECONDS = 5.0
CHANNELS = {
    "CREDIT_CARD": ("card", "CREDIT_CARD"),
    "QRIS": ("qris", "QR_CODE"),
    "BCA": ("va_bca", "BANK_TRANSFER"),
    "BNI": ("va_bni", "BANK_TRANSFER"),
    "PERMATA": ("va_permata", "BANK_TRANSFER"),
    "OVO": ("ovo", "EWALLET"),
    "SHOPEEPAY": ("shopeepay", "EWALLET"),
    "ALFAMART": ("cstore", "RETAIL_OUTLET"),
}
BY_METHOD = {method: (channel, kind) for channel, (method, kind) in CHANNELS.items()}
# An invoice does not fail: a declined try leaves it open.
WORDS = {
    "created": "PENDING",
    "pending": "PENDING",
    "failed": "PENDING",
    "paid": "PAID",
    "settled": "SETTLED",
    "reversed": "SETTLED",
    "expired": "EXPIRED",
    "cancelled": "EXPIRED",
}


class Xendit(PaymentGateway):
    name = "xendit"
    refundable = frozenset({"card", "qris", "ovo", "shopeepay"})
    # help.xendit.co 360037748532: six retries over 24 hours, 30 s for an answer.
    retry_policy = RetryPolicy(
        waits=tuple(hours * HOUR for hours in (0.25, 0.75, 2, 3, 6, 12)),
        timeout=30.0,
        tries_after=lambda status: 6,
    )

    def vendor_routes(self) -> list[Route]:
        invoices, known, asked = "/v2/invoices", self._known, self._asked
        table: list[tuple[str, str, str, Run, Refs]] = [
            ("POST", f"{invoices}/?", "create", self._create, _named),
            ("GET", f"{invoices}/?", "status", self._list, asked),
            ("GET", f"{invoices}/<id>", "status", self._status, known),
            ("POST", "/invoices/<id>/expire!", "close", self._expire, known),
            ("POST", "/refunds", "refund", self._refund, self._refunded),
            ("GET", "/refunds", "ask_refund", self._refunds, asked),
            ("GET", "/refunds/<id>", "ask_refund", self._one_refund, no_references),
        ]
        return [
            route(method, path, operation, run=self._guard(run), refs=refs)
            for method, path, operation, run, refs in table
        ]

    def rejection(self, fate: Fate, *, operation: str) -> Response:
        code = fate.code or "API_VALIDATION_ERROR"
        return _error(code, "rejected by the sandbox", status=fate.status or 400)

    def _known(self, request: Request, found: Found) -> list[str]:
        return self.refs_of(found["id"])

    def _asked(self, request: Request, found: Found) -> list[str]:
        query = request.query
        return self.refs_of(query.get("external_id") or query.get("invoice_id") or "")

    def _refunded(self, request: Request, found: Found) -> list[str]:
        return self.refs_of(str(request.json().get("invoice_id")))

    def _guard(self, run: Run) -> Run:
        def guarded(request: Request, found: Found) -> Response:
            key = self.world.secrets.gateways[self.name]["secret_key"]
            expected = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
            given = request.headers.get("authorization", "")
            if not hmac.compare_digest(expected.encode(), given.encode()):
                return _error("INVALID_API_KEY", "API key is not authorized", status=401)
            try:
                return run(request, found)
            except Refused as refused:
                return _error(refused.code, refused.message, status=refused.status)

        return guarded

    def _invoice(self, reference: str) -> Row:
        row = self.find(reference)
        if row is None:
            raise Refused("INVOICE_NOT_FOUND_ERROR", "Could not find invoice", status=404)
        return row

    def _create(self, request: Request, found: Found) -> Response:
        wanted = _registration(request.json())
        return answer(self.described(self.register(wanted, key=wanted.gateway_ref)))

    def _list(self, request: Request, found: Found) -> Response:
        keys = self.index.get(request.query.get("external_id", ""), [])
        return answer([self.described(self.payments[key]) for key in reversed(keys)])

    def _status(self, request: Request, found: Found) -> Response:
        return answer(self.described(self._invoice(found["id"])))

    def _expire(self, request: Request, found: Found) -> Response:
        row = self._invoice(found["id"])
        if row["status"] in PAID:
            raise Refused("INVALID_INVOICE_STATUS_ERROR", "The invoice is already paid")
        if row["status"] in (*UNPAID, "failed"):
            self.change(row, status="expired")
        return answer(self.described(row))

    def _refund(self, request: Request, found: Found) -> Response:
        wanted = request.json()
        row = self._invoice(str(wanted.get("invoice_id")))
        key = request.headers.get("idempotency-key") or str(uuid.uuid4())
        digest = json.dumps(wanted, sort_keys=True)
        known = next((each for each in row["refunds"] if each["key"] == key), None)
        if known is not None and known["digest"] != digest:
            raise Refused("IDEMPOTENCY_ERROR", "same key, other request", status=409)
        if known is None:
            known = self._new_refund(row, wanted, key=key, digest=digest)
        return answer(self._described_refund(row, known))

    def _new_refund(self, row: Row, wanted: dict[str, Any], *, key: str, digest: str) -> Row:
        amount = wanted.get("amount", left(row))
        if row["status"] not in PAID:
            raise Refused("INELIGIBLE_TRANSACTION", "not a successful payment", status=403)
        if row["method"] not in self.refundable:
            raise Refused("REFUND_NOT_SUPPORTED", "the channel does not refund")
        if not isinstance(amount, int) or not 0 < amount <= left(row):
            raise Refused("MAXIMUM_REFUND_AMOUNT_REACHED", "more than is left")
        metadata = wanted.get("metadata") or {}
        refund = self.give_back(
            row,
            amount=amount,
            key=key,
            reason=str(metadata.get("reason", "")),
            status="pending",
        )
        refund.update(digest=digest, reference_id=wanted.get("reference_id"))
        self.save(row)
        self.world.after(REFUND_SECONDS, lambda: self._end_refund(row["key"], key))
        return refund

    def resume(self) -> None:
        super().resume()
        for row in self.payments.values():
            for refund in row["refunds"]:
                if refund["status"] == "pending":
                    self._end_later(row["key"], refund["key"])

    def _end_later(self, invoice: str, key: str) -> None:
        self.world.after(REFUND_SECONDS, lambda: self._end_refund(invoice, key))

    def _end_refund(self, invoice: str, key: str) -> None:
        row = self.payments.get(invoice)
        refund = next((each for each in row["refunds"] if each["key"] == key), None) if row else None
        if row is None or refund is None or refund["status"] != "pending":
            return
        if self.refund_failing(row):
            refund.update(status="failed", code="INSUFFICIENT_BALANCE")
            self.save(row)
        else:
            self.refund_done(row, refund)
        self._notify_refund(row, refund)

    def _notify_refund(self, row: Row, refund: Row) -> None:
        told = self._described_refund(row, refund)
        event = "refund.succeeded" if refund["status"] == "succeeded" else "refund.failed"
        body = json.dumps({"event": event, "created": told["updated"], "data": told}).encode()
        message = Message(self.callback_path(), body, self._headers(), row["refs"])
        self.callbacks.send(self.name, message)

    def _refunds(self, request: Request, found: Found) -> Response:
        row = self._invoice(request.query.get("invoice_id", ""))
        told = [self._described_refund(row, each) for each in row["refunds"]]
        return answer({"data": told, "has_more": False})

    def _one_refund(self, request: Request, found: Found) -> Response:
        for row in self.payments.values():
            for each in row["refunds"]:
                if found["id"] == f"rfd-{each['reference']}":
                    return answer(self._described_refund(row, each))
        raise Refused("DATA_NOT_FOUND", "no such refund", status=404)

    def _described_refund(self, row: Row, refund: Row) -> dict[str, Any]:
        return {
            "id": f"rfd-{refund['reference']}",
            "invoice_id": row["gateway_ref"],
            "reference_id": refund.get("reference_id"),
            "amount": refund["amount"],
            "currency": row["paid_currency"] or row["currency"],
            "status": refund["status"].upper(),
            "reason": "OTHERS",
            "failure_code": refund["code"] or None,
            "metadata": {
                "reason": refund["reason"],
                "external_id": row["merchant_ref"],
            },
            "created": _instant(refund["at"]),
            "updated": _instant(now().isoformat()),
        }

    def described(self, row: Row) -> dict[str, Any]:
        channel, kind = BY_METHOD[row["method"]]
        known = {
            "id": row["gateway_ref"],
            "external_id": row["merchant_ref"],
            "user_id": self.world.secrets.gateways[self.name].get("user_id", "5f00000000000000aa"),
            "status": row["code"] or WORDS[row["status"]],
            "merchant_name": "MRG",
            "amount": row["amount"],
            "currency": row["paid_currency"] or row["currency"],
            "description": row["order_ref"],
            "invoice_url": self.page_url(row["gateway_ref"]),
            "expiry_date": _instant(row["expires_at"]),
            "created": _instant(row["created_at"]),
            "updated": _instant(now().isoformat()),
            "payer_email": row["customer"].get("email", ""),
        }
        if row["status"] in PAID or row["paid_at"]:
            known |= {
                "paid_at": _instant(row["paid_at"]),
                "paid_amount": row["paid_amount"],
                "payment_method": kind,
                "payment_channel": channel,
                "payment_id": f"py-{row['transaction_id']}",
            }
        return known

    def _headers(self) -> dict[str, str]:
        token = self.world.secrets.gateways[self.name]["callback_token"]
        return {"content-type": "application/json", "x-callback-token": token}

    def notification(self, payment: Row) -> tuple[bytes, dict[str, str]] | None:
        if WORDS[payment["status"]] == "PENDING":
            return None
        return json.dumps(self.described(payment)).encode(), self._headers()


def _named(request: Request, found: Found) -> list[str]:
    body = request.json()
    customer, metadata = body.get("customer"), body.get("metadata")
    known = customer if isinstance(customer, dict) else {}
    order_ref = metadata.get("order_ref") if isinstance(metadata, dict) else None
    return references(
        order_ref,
        body.get("external_id"),
        known.get("email"),
        known.get("mobile_number"),
    )


def _registration(body: dict[str, Any]) -> Registration:
    amount, external_id = body.get("amount"), body.get("external_id")
    if not isinstance(amount, int) or isinstance(amount, bool) or amount < 1:
        raise Refused("API_VALIDATION_ERROR", "amount is not valid")
    if not isinstance(external_id, str) or not external_id:
        raise Refused("API_VALIDATION_ERROR", "external_id is required")
    channels = body.get("payment_methods") or ["CREDIT_CARD"]
    if channels[0] not in CHANNELS:
        raise Refused("UNAVAILABLE_PAYMENT_METHOD_ERROR", "channel is not activated")
    customer, metadata = body.get("customer") or {}, body.get("metadata") or {}
    names = {"name": "given_names", "email": "email", "phone": "mobile_number"}
    return Registration(
        merchant_ref=external_id,
        gateway_ref=uuid.uuid4().hex[:24],
        order_ref=str(metadata.get("order_ref", "")),
        method=CHANNELS[channels[0]][0],
        amount=amount,
        currency=str(body.get("currency", "IDR")),
        expires_at=now() + timedelta(seconds=float(body.get("invoice_duration", 86400))),
        customer={ours: str(customer.get(theirs, "")) for ours, theirs in names.items()},
    )


def _instant(instant: str) -> str:
    moment = datetime.fromisoformat(instant)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _error(code: str, message: str, *, status: int) -> Response:
    return answer({"error_code": code, "message": message}, status)
