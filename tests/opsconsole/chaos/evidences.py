"""Evidence of one order that went well, to be spoiled in one place."""

import hashlib
from typing import Any

from opsconsole.chaos.evidence import Acknowledged, Evidence

ORDER, REFERENCE, CUSTOMER = "MRG-1", "MRG-1-1", "C-1"
BODY = '{"order_id": "MRG-1-1"}'


def callback(**more: Any) -> dict[str, Any]:
    row = {"neighbour": "midtrans", "body": BODY, "answers": [503, 200], "refs": [ORDER], "forged": False}
    return {**row, "state": "delivered", **more}


def charged(amount: int = 50_000, reference: str = REFERENCE) -> dict[str, Any]:
    return {"effect": "charged", "merchant_ref": reference, "amount": amount}


def refunded(amount: int = 50_000) -> dict[str, Any]:
    return {"effect": "refunded", "merchant_ref": REFERENCE, "amount": amount}


def entry(amount: int = 50_000, kind: str = "payment") -> dict[str, Any]:
    reference = ORDER if kind == "payment" else f"{ORDER}-rf"
    return {"effect": "recorded", "entry_ref": reference, "order_ref": ORDER, "amount": amount, "kind": kind}


def booking(status: str = "completed", key: str = "MRG-1-s1-1") -> dict[str, Any]:
    return {"partner": "tpg", "order_ref": ORDER, "item_ref": "1", "status": status, "key": key}


def order(**more: Any) -> dict[str, Any]:
    return {"id": 1, "public_id": ORDER, "state": "completed", "amount": 50_000, "customer_id": CUSTOMER, **more}


def attempt(**more: Any) -> dict[str, Any]:
    row = {"id": 1, "order_id": 1, "reference": REFERENCE, "gateway": "midtrans", "state": "paid", "amount": 50_000}
    return {**row, **more}


def ledger(amount: int = 50_000, kind: str = "charged") -> dict[str, Any]:
    return {"order_id": 1, "attempt_id": 1, "kind": kind, "amount": amount}


def refund(**more: Any) -> dict[str, Any]:
    row = {"id": 1, "order_id": 1, "attempt_id": 1, "key": "rf-1", "cause": "goodwill", "amount": 50_000}
    return {**row, "state": "succeeded", **more}


def tables(**more: Any) -> dict[str, list[dict[str, Any]]]:
    digest = hashlib.sha256(BODY.encode()).hexdigest()
    inbound = {"id": 1, "order_id": 1, "attempt_id": 1, "source": "midtrans", "digest": digest, "state": "applied"}
    good = {
        "orders": [order()],
        "attempts": [attempt()],
        "ledger": [ledger()],
        "refunds": [],
        "sagas": [{"id": 1, "order_id": 1, "kind": "booking", "state": "succeeded"}],
        "steps": [],
        "dispatches": [],
        "postings": [{"id": 1, "order_id": 1, "kind": "payment", "state": "recorded"}],
        "inbound": [inbound],
        "actions": [],
    }
    return {**good, **more}


def evidence(**more: Any) -> Evidence:
    good: dict[str, Any] = {
        "acknowledged": [Acknowledged(ORDER, 50_000, CUSTOMER)],
        "effects": {"midtrans": [charged()], "ho": [entry()]},
        "bookings": [booking()],
        "callbacks": [callback()],
        "tables": tables(),
    }
    return Evidence(**{**good, **more})
