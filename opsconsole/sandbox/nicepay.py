"""Nicepay v2 as its documentation describes it: checkout registration, inquiry, cancel, push.

Everything answers HTTP 200 with `resultCd`. No idempotency anywhere: a cancel that is repeated
pays back again as long as money is left. Sources: see orders/clients/nicepay.py.
"""

import hashlib
import hmac
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode

from opsconsole.sandbox.books import Row, now
from opsconsole.sandbox.callbacks import RetryPolicy
from opsconsole.sandbox.http11 import Request, Response, answer, page, see_other
from opsconsole.sandbox.neighbour import Found, Route, route
from opsconsole.sandbox.pay_page import pay_page
from opsconsole.sandbox.payments import (
    PAID,
    UNPAID,
    PaymentGateway,
    Refused,
    Registration,
    left,
    returned,
)
from opsconsole.sandbox.world import Fate, references

WIB = timezone(timedelta(hours=7))
MINUTE = 60.0
BANKS = {"CENA": "va_bca", "BNIN": "va_bni", "BBBA": "va_permata"}
WALLETS = {"OVOE": "ovo", "ESHP": "shopeepay"}
FAMILIES = {"01": "card", "02": "va", "03": "cvs", "05": "wallet", "08": "qris"}
# Status numbers by family; docs.nicepay.co.id/en/nicepay-code-non-snap-payment-status-code.
NUMBERS = {
    "card": {
        "created": 9,
        "pending": 9,
        "paid": 0,
        "failed": 8,
        "expired": 8,
        "reversed": 1,
    },
    "va": {
        "created": 3,
        "pending": 3,
        "paid": 0,
        "failed": 3,
        "expired": 4,
        "reversed": 1,
    },
    "cvs": {
        "created": 3,
        "pending": 3,
        "paid": 0,
        "failed": 3,
        "expired": 4,
        "reversed": 0,
    },
    "wallet": {
        "created": 9,
        "pending": 4,
        "paid": 0,
        "failed": 8,
        "expired": 5,
        "reversed": 1,
    },
    "qris": {
        "created": 3,
        "pending": 4,
        "paid": 0,
        "failed": 6,
        "expired": 5,
        "reversed": 2,
    },
}


class Nicepay(PaymentGateway):
    name = "nicepay"
    refundable = frozenset({"card", "ovo", "shopeepay", "qris"})
    # The stored documentation names no schedule; this one is ours.
    retry_policy = RetryPolicy(
        waits=tuple(minutes * MINUTE for minutes in (1, 5, 15, 30, 60)),
        timeout=15.0,
        tries_after=lambda status: 5,
    )

    def vendor_routes(self) -> list[Route]:
        guard, shop = self._guard, "/nicepay/redirect/v2"
        return [
            route(
                "POST",
                f"{shop}/registration",
                "create",
                run=guard(self._create),
                refs=_named,
            ),
            route("GET", f"{shop}/payment", "page", run=self._show, is_call=False),
            route("POST", f"{shop}/payment", "page", run=self._use, is_call=False),
            route(
                "POST",
                "/nicepay/direct/v2/inquiry",
                "status",
                run=guard(self._inquiry),
                refs=self._known,
            ),
            route(
                "POST",
                "/nicepay/direct/v2/cancel",
                "refund",
                run=guard(self._cancel),
                refs=self._known,
            ),
        ]

    def operation(self, route: Route, request: Request) -> str:
        """Cancel closes what is unpaid and refunds what is paid."""
        if route.operation != "refund":
            return route.operation
        row = self.find(str(request.json().get("tXid")))
        return "close" if row is not None and row["status"] in UNPAID else "refund"

    def rejection(self, fate: Fate, *, operation: str) -> Response:
        return _result(fate.code or "9502", "Transaction not allowed")

    def _known(self, request: Request, found: Found) -> list[str]:
        return self.refs_of(str(request.json().get("tXid")))

    def _guard(self, run: Callable[[Request, Found], Response]) -> Callable[[Request, Found], Response]:
        def guarded(request: Request, found: Found) -> Response:
            try:
                self._check_token(request)
                return run(request, found)
            except Refused as refused:
                return _result(refused.code, refused.message)

        return guarded

    def _check_token(self, request: Request) -> None:
        body = request.json()
        signs = "tXid" if request.path.endswith("/cancel") else "referenceNo"
        keys = self.world.secrets.gateways[self.name]
        whole = "".join(str(body.get(name, "")) for name in ("timeStamp", "iMid", signs, "amt"))
        expected = hashlib.sha256((whole + keys["merchant_key"]).encode()).hexdigest()
        given = str(body.get("merchantToken", ""))
        if not hmac.compare_digest(expected.encode(), given.encode()):
            raise Refused("9010", "Invalid Merchant Token.")
        if body.get("iMid") != keys["imid"]:
            raise Refused("9011", "Invalid MID, merchant is not registered.")

    def _create(self, request: Request, found: Found) -> Response:
        body = request.json()
        imid = self.world.secrets.gateways[self.name]["imid"]
        wanted = _registration(body, imid=imid, serial=len(self.payments))
        if wanted.merchant_ref in self.payments:
            raise Refused("9009", "Reference Number already exist.")
        row = self.register(wanted, key=wanted.merchant_ref)
        row["pay_method"] = body["payMethod"]
        self.save(row)
        told = {
            "tXid": wanted.gateway_ref,
            "referenceNo": wanted.merchant_ref,
            "payMethod": body["payMethod"],
            "amt": str(wanted.amount),
            "transDt": _date(row["created_at"]),
            "transTm": _time(row["created_at"]),
            "paymentURL": f"{self.world.urls[self.name]}/nicepay/redirect/v2/payment",
        }
        return _result("0000", "SUCCESS", **told)

    def _payment(self, body: dict[str, Any]) -> Row:
        row = self.find(str(body.get("tXid")))
        if row is None or str(body.get("tXid")) not in row["tokens"]:
            raise Refused("8004", "The tXid error during inquiry.")
        return row

    def _inquiry(self, request: Request, found: Found) -> Response:
        row = self._payment(request.json())
        if request.json().get("referenceNo") != row["merchant_ref"]:
            raise Refused("8002", "Order inquiry error.")
        return _result("0000", row["status"], **self.described(row))

    def _cancel(self, request: Request, found: Found) -> Response:
        body = request.json()
        row = self._payment(body)
        if row["status"] in UNPAID:
            self.change(row, status="cancelled")
        else:
            self._pay_back(row, body)
        told = {
            "tXid": row["gateway_ref"],
            "referenceNo": row["merchant_ref"],
            "transDt": _date(now().isoformat()),
            "transTm": _time(now().isoformat()),
            "amt": str(body.get("amt")),
        }
        return _result("0000", "SUCCESS", **told)

    def _pay_back(self, row: Row, body: dict[str, Any]) -> None:
        digits = str(body.get("amt", ""))
        amount = int(digits) if digits.isdigit() else 0
        if row["status"] not in PAID or row["method"] not in self.refundable:
            raise Refused("9502", "Transaction not allowed")
        is_whole = str(body.get("cancelType")) == "1"
        if not 0 < amount <= left(row) or (is_whole and amount != row["paid_amount"]):
            raise Refused("9502", "Cancel amount not allowed")
        if self.refund_failing(row):
            raise Refused("9502", "Insufficient merchant balance")
        reason = str(body.get("cancelMsg", ""))
        self.give_back(row, amount=amount, key=uuid.uuid4().hex, reason=reason, status="succeeded")

    def described(self, row: Row) -> dict[str, Any]:
        paid_at = row["paid_at"]
        return {
            "tXid": row["gateway_ref"],
            "iMid": self.world.secrets.gateways[self.name]["imid"],
            "referenceNo": row["merchant_ref"],
            "payMethod": row["pay_method"],
            "amt": str(_amount(row)),
            "cancelAmt": str(returned(row)) if row["refunds"] else None,
            "currency": row["paid_currency"] or row["currency"],
            "reqDt": _date(row["created_at"]),
            "reqTm": _time(row["created_at"]),
            "transDt": _date(paid_at) if paid_at else None,
            "transTm": _time(paid_at) if paid_at else None,
            "status": _number(row),
        }

    def notification(self, payment: Row) -> tuple[bytes, dict[str, str]] | None:
        """A push comes for a deposit and for a reversal; an expiry is silent."""
        if payment["status"] not in (*PAID, "reversed"):
            return None
        keys = self.world.secrets.gateways[self.name]
        amount = str(_amount(payment))
        whole = keys["imid"] + payment["gateway_ref"] + amount + keys["merchant_key"]
        at = payment["paid_at"] or now().isoformat()
        fields = {
            "tXid": payment["gateway_ref"],
            "merchantToken": hashlib.sha256(whole.encode()).hexdigest(),
            "referenceNo": payment["merchant_ref"],
            "payMethod": payment["pay_method"],
            "amt": amount,
            "transDt": _date(at),
            "transTm": _time(at),
            "currency": "IDR" if payment["paid_currency"] in (None, "IDR") else "",
            "goodsNm": payment["order_ref"],
            "billingNm": payment["customer"].get("name", ""),
            "matchCl": "1" if payment["paid_amount"] in (None, payment["amount"]) else "0",
            "status": payment["code"] or ("1" if payment["status"] == "reversed" else "0"),
            "instmntMon": "null",
        }
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "user-agent": "Jakarta Commons-HttpClient/3.1",
        }
        return urlencode(fields).encode(), headers

    def flipped(self, row: Row) -> Row:
        """The opposite of a payment is a reversal here, as an expiry is never pushed."""
        return row | {"status": "reversed"} if row["status"] in PAID else super().flipped(row)

    def _show(self, request: Request, found: Found) -> Response:
        row = self.find(request.query.get("tXid", ""))
        return page("<h1>404</h1>", 404) if row is None else page(pay_page(row, gateway=self.name))

    def _use(self, request: Request, found: Found) -> Response:
        reference = request.query.get("tXid", "")
        row = self.find(reference)
        if row is None:
            return page("<h1>404</h1>", 404)
        self.try_act(row, outcome=request.form().get("outcome", ""))
        return see_other(f"{request.path}?tXid={reference}")


def _named(request: Request, found: Found) -> list[str]:
    body = request.json()
    return references(
        body.get("goodsNm"),
        body.get("referenceNo"),
        body.get("billingEmail"),
        body.get("billingPhone"),
    )


def _registration(body: dict[str, Any], *, imid: str, serial: int) -> Registration:
    digits, reference = str(body.get("amt", "")), str(body.get("referenceNo", ""))
    if not digits.isdigit() or int(digits) < 1:
        raise Refused("9008", "Invalid Request Amount.")
    if not 0 < len(reference) <= 40:
        raise Refused("9014", "Undefined: Reference Number.")
    if not body.get("billingNm") or not body.get("goodsNm"):
        raise Refused("9016", "Undefined: Buyer Name.")
    method = str(body.get("payMethod"))
    stamp = now().astimezone(WIB).strftime("%Y%m%d%H%M")
    return Registration(
        merchant_ref=reference,
        gateway_ref=f"{imid}{method}{stamp}{serial % 10**6:06d}",
        order_ref=str(body["goodsNm"]),
        method=_method(body),
        amount=int(digits),
        currency=str(body.get("currency")),
        expires_at=_expires_at(body),
        customer={
            "name": str(body["billingNm"]),
            "email": str(body.get("billingEmail", "")),
            "phone": str(body.get("billingPhone", "")),
        },
    )


def _method(body: dict[str, Any]) -> str:
    family = FAMILIES.get(str(body.get("payMethod")))
    if family == "va" and body.get("bankCd") in BANKS:
        return BANKS[body["bankCd"]]
    if family == "wallet" and body.get("mitraCd") in WALLETS:
        return WALLETS[body["mitraCd"]]
    if family in ("card", "qris"):
        return family
    if family == "cvs":
        return "cstore"
    raise Refused("9012", "This method is currently not activated.")


def _expires_at(body: dict[str, Any]) -> datetime:
    for prefix in ("vacctValid", "payValid", "paymentExp"):
        stamp = f"{body.get(prefix + 'Dt', '')}{body.get(prefix + 'Tm', '')}"
        if len(stamp) == 14 and stamp.isdigit():
            return datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=WIB)
    return now() + timedelta(hours=1)


def _amount(row: Row) -> int:
    return int(row["amount"] if row["paid_amount"] is None else row["paid_amount"])


def _number(row: Row) -> str:
    """The status number, which means different things for different families."""
    if row["code"]:
        return str(row["code"])
    family = FAMILIES[row["pay_method"]]
    if row["status"] in PAID and row["refunds"] and left(row) == 0:
        return "2"
    status = {"settled": "paid", "cancelled": "expired"}.get(row["status"], row["status"])
    return str(NUMBERS[family][str(status)])


def _date(instant: str) -> str:
    return datetime.fromisoformat(instant).astimezone(WIB).strftime("%Y%m%d")


def _time(instant: str) -> str:
    return datetime.fromisoformat(instant).astimezone(WIB).strftime("%H%M%S")


def _result(code: str, message: str, **told: Any) -> Response:
    return answer({"resultCd": code, "resultMsg": message, **told})
