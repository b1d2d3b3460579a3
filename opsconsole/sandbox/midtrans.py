"""Midtrans as its documentation describes it: Snap, core API v2, HTTP notifications.

Core API answers HTTP 200 with its verdict in `status_code`; Snap uses HTTP statuses and
`error_messages`. Sources: docs.midtrans.com (see orders/clients/midtrans.py).
"""

import base64
import hashlib
import hmac
import json
import re
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

from opsconsole.sandbox.books import Row, now
from opsconsole.sandbox.callbacks import RetryPolicy
from opsconsole.sandbox.http11 import Request, Response, answer
from opsconsole.sandbox.neighbour import Found, Refs, Route, Run, route
from opsconsole.sandbox.payments import (
    PAID,
    PaymentGateway,
    Refused,
    Registration,
    left,
    returned,
)
from opsconsole.sandbox.world import Fate, references

WIB = timezone(timedelta(hours=7))
ORDER_ID = re.compile(r"[A-Za-z0-9\-_~.]{1,50}", re.ASCII)
MINUTE = 60.0
CHANNELS = {
    "credit_card": "card",
    "gopay": "gopay",
    "other_qris": "qris",
    "bca_va": "va_bca",
    "bni_va": "va_bni",
    "permata_va": "va_permata",
    "shopeepay": "shopeepay",
    "indomaret": "cstore",
}
PAYMENT_TYPES = {
    "card": "credit_card",
    "gopay": "gopay",
    "qris": "qris",
    "shopeepay": "shopeepay",
    "cstore": "cstore",
}
# transaction_status and status_code by our status; cards are captured before they settle.
WORDS = {
    "pending": ("pending", "201"),
    "paid": ("settlement", "200"),
    "settled": ("settlement", "200"),
    "failed": ("deny", "202"),
    "expired": ("expire", "407"),
    "cancelled": ("cancel", "200"),
    "reversed": ("deny", "202"),
}


def retries(status: int | None) -> int:
    """docs.midtrans.com/reference/best-practices-to-handle-notification."""
    if status is None:
        return 5
    if status in (400, 404):
        return 2
    return {500: 1, 503: 4}.get(status, 0 if 300 <= status < 400 else 5)


class Midtrans(PaymentGateway):
    name = "midtrans"
    refundable = frozenset({"card", "gopay", "qris", "shopeepay"})
    retry_policy = RetryPolicy(
        waits=tuple(minutes * MINUTE for minutes in (2, 10, 30, 90, 210)),
        timeout=15.0,
        tries_after=retries,
    )

    def vendor_routes(self) -> list[Route]:
        snap, core, known = "/snap/v1/transactions", "/v2/<id>", self._known
        table: list[tuple[str, str, str, Run, Refs]] = [
            ("POST", snap, "create", self._create, _named),
            ("POST", f"{snap}/<id>/cancel", "close", self._close_page, known),
            ("GET", f"{core}/status", "status", self._status, known),
            ("POST", f"{core}/cancel", "close", self._cancel, known),
            ("POST", f"{core}/expire", "close", self._expire, known),
            ("POST", f"{core}/refund", "refund", self._refund, known),
        ]
        return [
            route(method, path, operation, run=self._guard(run), refs=refs)
            for method, path, operation, run, refs in table
        ]

    def rejection(self, fate: Fate, *, operation: str) -> Response:
        if operation == "create":
            return answer({"error_messages": [fate.code or "rejected"]}, fate.status or 400)
        return _core(fate.code or "412", "rejected by the sandbox")

    def _known(self, request: Request, found: Found) -> list[str]:
        return self.refs_of(found["id"])

    def _guard(self, run: Run) -> Run:
        def guarded(request: Request, found: Found) -> Response:
            is_snap = request.path.startswith("/snap/")
            if not self._is_authorised(request):
                return _said("401", "Unknown Merchant server_key/id", status=401, is_snap=is_snap)
            try:
                return run(request, found)
            except Refused as refused:
                return _said(refused.code, refused.message, status=refused.status, is_snap=is_snap)

        return guarded

    def _is_authorised(self, request: Request) -> bool:
        key = self.world.secrets.gateways[self.name]["server_key"]
        expected = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
        given = request.headers.get("authorization", "")
        return hmac.compare_digest(expected.encode(), given.encode())

    def _create(self, request: Request, found: Found) -> Response:
        wanted = _registration(request.json())
        token = wanted.gateway_ref
        row = self.payments.get(wanted.merchant_ref)
        if row is not None and row["status"] not in ("created", "expired", "cancelled"):
            raise Refused("400", "transaction_details.order_id sudah digunakan")
        if row is None:
            self.register(wanted, key=wanted.merchant_ref)
        else:
            self._another_token(row, wanted)
        return answer({"token": token, "redirect_url": self.page_url(token)}, 201)

    def _another_token(self, row: Row, wanted: Registration) -> None:
        """A new page for an order that nobody has paid; it is still charged once at most."""
        row["tokens"].append(wanted.gateway_ref)
        row.update(
            gateway_ref=wanted.gateway_ref,
            amount=wanted.amount,
            method=wanted.method,
            expires_at=wanted.expires_at.isoformat(),
            status="created",
            closed=None,
        )
        self.save(row)
        self.index.setdefault(wanted.gateway_ref, []).append(row["key"])
        self.expire_in_time(row)

    def change(self, row: Row, *, status: str, **facts: Any) -> Row:
        """A page that ends before a method is picked leaves no transaction and tells nobody; money that comes all
        the same makes one."""
        if row["status"] == "created" and status == "expired":
            facts["closed"] = "page"
        if status == "paid":
            facts["closed"] = None
        return super().change(row, status=status, **facts)

    def _close_page(self, request: Request, found: Found) -> Response:
        row = self.find(found["id"])
        if row is None:
            raise Refused("404", "token not found", status=404)
        if row["status"] == "cancelled":
            raise Refused("400", "token already canceled")
        if row["status"] != "created":
            raise Refused("400", "Transaction is on progress")
        row.update(status="cancelled", closed="page")
        self.save(row)
        return answer({"canceled_at": now().isoformat()})

    def _transaction(self, found: Found) -> Row:
        """A transaction exists only once the customer has picked a method."""
        row = self.find(found["id"])
        if row is None or row["status"] == "created" or row.get("closed") == "page":
            raise Refused("404", "Transaction doesn't exist.", status=404)
        return row

    def _status(self, request: Request, found: Found) -> Response:
        row = self._transaction(found)
        return answer(self.described(row))

    def _cancel(self, request: Request, found: Found) -> Response:
        row = self._transaction(found)
        is_captured_card = row["method"] == "card" and row["status"] == "paid"
        if row["status"] != "pending" and not is_captured_card:
            raise Refused("412", "Merchant cannot modify the status of the transaction")
        if is_captured_card:
            self.give_back(row, amount=left(row), key="void", reason="cancel", status="succeeded")
        self.change(row, status="cancelled")
        return answer(self.described(row) | {"status_message": "Success, transaction is canceled"})

    def _expire(self, request: Request, found: Found) -> Response:
        row = self._transaction(found)
        if row["status"] != "pending":
            raise Refused("412", "Merchant cannot modify the status of the transaction")
        self.change(row, status="expired")
        return answer(self.described(row) | {"status_message": "Success, transaction has expired"})

    def _refund(self, request: Request, found: Found) -> Response:
        row = self._transaction(found)
        wanted = request.json()
        key = str(wanted.get("refund_key") or uuid.uuid4())
        known = next((each for each in row["refunds"] if each["key"] == key), None)
        if known is not None:
            return self._refund_answer(row, known)
        amount = int(wanted.get("amount") or left(row))
        if row["status"] not in PAID or row["method"] not in self.refundable or amount < 1:
            raise Refused("412", "Transaction status cannot be updated.")
        if amount > left(row):
            raise Refused("413", "Refund amount exceeds the transaction amount")
        if self.refund_failing(row):
            raise Refused("414", "Refund request is rejected due to merchant insufficient funds")
        reason = str(wanted.get("reason", ""))
        refund = self.give_back(row, amount=amount, key=key, reason=reason, status="succeeded")
        self.notify(row)
        return self._refund_answer(row, refund)

    def _refund_answer(self, row: Row, refund: Row) -> Response:
        told = {
            "status_message": "Success, refund request is approved",
            "refund_chargeback_id": row["refunds"].index(refund) + 1,
            "refund_amount": _money(refund["amount"]),
            "refund_key": refund["key"],
        }
        return answer(self.described(row) | told | {"status_code": "200"})

    def described(self, row: Row) -> dict[str, Any]:
        """A transaction in Midtrans' words, signature included."""
        status, code = _words(row)
        charged = row["paid_amount"] if row["paid_amount"] is not None else row["amount"]
        gross = _money(charged)
        known = {
            "status_code": code,
            "status_message": "midtrans payment notification",
            "transaction_id": row["transaction_id"],
            "order_id": row["merchant_ref"],
            "merchant_id": self.world.secrets.gateways[self.name]["merchant_id"],
            "gross_amount": gross,
            "currency": row["paid_currency"] or row["currency"],
            "payment_type": PAYMENT_TYPES.get(row["method"], "bank_transfer"),
            "transaction_status": row["code"] or status,
            "fraud_status": "deny" if status == "deny" and row["method"] == "card" else "accept",
            # A card's transaction begins as it is charged; a virtual account's as its number is made.
            "transaction_time": _local((row["method"] == "card" and row["paid_at"]) or row["created_at"]),
            "signature_key": self._signature(row["merchant_ref"] + code + gross),
        }
        if row["status"] in ("settled", "reversed") or (row["status"] == "paid" and status != "capture"):
            known["settlement_time"] = _local(row["settled_at"] or row["paid_at"])
        return known | self._refunds(row)

    def _refunds(self, row: Row) -> dict[str, Any]:
        if not row["refunds"]:
            return {}
        return {
            "refund_amount": _money(returned(row)),
            "refunds": [
                {
                    "refund_chargeback_id": number,
                    "refund_amount": _money(each["amount"]),
                    "created_at": _local(each["at"]),
                    "reason": each["reason"],
                    "refund_key": each["key"],
                    "refund_method": "online",
                }
                for number, each in enumerate(row["refunds"], start=1)
            ],
        }

    def _signature(self, signed: str) -> str:
        key = self.world.secrets.gateways[self.name]["server_key"]
        return hashlib.sha512((signed + key).encode()).hexdigest()

    def notification(self, payment: Row) -> tuple[bytes, dict[str, str]] | None:
        if payment["status"] == "created" or payment.get("closed") == "page":
            return None
        body = json.dumps(self.described(payment)).encode()
        return body, {"content-type": "application/json", "user-agent": "Veritrans"}


def _named(request: Request, found: Found) -> list[str]:
    body = request.json()
    details, customer = body.get("transaction_details"), body.get("customer_details")
    order_id = details.get("order_id") if isinstance(details, dict) else None
    known = customer if isinstance(customer, dict) else {}
    return references(body.get("custom_field1"), order_id, known.get("email"), known.get("phone"))


def _registration(body: dict[str, Any]) -> Registration:
    details = body.get("transaction_details") or {}
    order_id, gross = str(details.get("order_id", "")), details.get("gross_amount")
    if ORDER_ID.fullmatch(order_id) is None:
        raise Refused("400", "transaction_details.order_id is not valid")
    if not isinstance(gross, int) or isinstance(gross, bool) or gross < 1:
        raise Refused("400", "transaction_details.gross_amount is not valid")
    channels = body.get("enabled_payments") or ["credit_card"]
    if channels[0] not in CHANNELS:
        raise Refused("402", "no access for this payment type", status=402)
    customer = body.get("customer_details") or {}
    names = {"name": "first_name", "email": "email", "phone": "phone"}
    return Registration(
        merchant_ref=order_id,
        gateway_ref=str(uuid.uuid4()),
        order_ref=str(body.get("custom_field1", "")),
        method=CHANNELS[channels[0]],
        amount=gross,
        currency="IDR",
        expires_at=_expires_at(body),
        customer={ours: str(customer.get(theirs, "")) for ours, theirs in names.items()},
    )


def _expires_at(body: dict[str, Any]) -> datetime:
    expiry = body.get("page_expiry") or body.get("expiry") or {"duration": 24 * 60}
    unit = {"minute": 60, "hour": 3600, "day": 86400}
    seconds = unit.get(str(expiry.get("unit", "minutes")).rstrip("s"), 60)
    return now() + timedelta(seconds=float(expiry["duration"]) * seconds)


def _words(row: Row) -> tuple[str, str]:
    status, code = WORDS.get(row["status"], ("pending", "201"))
    if row["status"] == "paid" and row["method"] == "card":
        status = "capture"
    if row["status"] in PAID and row["refunds"]:
        charged = row["paid_amount"] or 0
        status = "refund" if returned(row) >= charged else "partial_refund"
    return status, code


def _money(amount: int) -> str:
    return f"{amount}.00"


def _local(instant: str | None) -> str:
    moment = now() if instant is None else datetime.fromisoformat(instant)
    return moment.astimezone(WIB).strftime("%Y-%m-%d %H:%M:%S")


def _core(code: str, message: str) -> Response:
    return answer({"status_code": code, "status_message": message, "id": str(uuid.uuid4())})


def _said(code: str, message: str, *, status: int, is_snap: bool) -> Response:
    if is_snap:
        return answer({"error_messages": [message]}, status)
    if status == 401:
        return answer({"status_code": code, "status_message": message}, 401)
    return _core(code, message)
