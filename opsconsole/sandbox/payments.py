"""What the three gateways have in common: a payment, the customer who pays it, money back.

Statuses of a payment here: created (page shown to nobody yet), pending (customer picked a method),
paid, settled, failed, expired, cancelled, reversed. Each gateway words them its own way.
"""

import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opsconsole.sandbox.books import Row, now
from opsconsole.sandbox.callbacks import Message
from opsconsole.sandbox.http11 import Request, Response, page, see_other
from opsconsole.sandbox.neighbour import Found, Neighbour, Route, route
from opsconsole.sandbox.pay_page import pay_page
from opsconsole.sandbox.plans import Behaviour
from opsconsole.sandbox.world import references

UNPAID = ("created", "pending")
PAID = ("paid", "settled")


class Refused(Exception):
    """The gateway says no, in its own code."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


@dataclass(frozen=True, slots=True)
class Registration:
    """What a merchant asks a page for."""

    merchant_ref: str
    gateway_ref: str
    order_ref: str
    method: str
    amount: int
    currency: str
    expires_at: datetime
    customer: dict[str, str]


class PaymentGateway(Neighbour):
    # Methods whose money can go back by API.
    refundable: frozenset[str]

    def make_routes(self) -> list[Route]:
        self.index: dict[str, list[str]] = {}
        for key, row in self.payments.items():
            self._indexed(key, row)
        pages = [
            route("GET", "/pay/<key>", "page", run=self._show_page, is_call=False),
            route("POST", "/pay/<key>", "page", run=self._use_page, is_call=False),
        ]
        return pages + self.vendor_routes()

    def vendor_routes(self) -> list[Route]:
        raise NotImplementedError

    def notification(self, payment: Row) -> tuple[bytes, dict[str, str]] | None:
        """Body and headers of the callback for the payment as it is, None if none is sent."""
        raise NotImplementedError

    def callback_path(self) -> str:
        return f"/callbacks/{self.name}"

    @property
    def payments(self) -> dict[str, Row]:
        return self.world.books.rows(self.name, "payments")

    def find(self, reference: str) -> Row | None:
        """A payment by any of its references; of several the one with money, else the newest."""
        keys = self.index.get(reference, [])
        found = [self.payments[key] for key in keys]
        return next(
            (row for row in found if row["status"] in PAID),
            found[-1] if found else None,
        )

    def refs_of(self, reference: str) -> list[str]:
        payment = self.find(reference)
        return [reference] if payment is None else payment["refs"]

    def register(self, wanted: Registration, *, key: str) -> Row:
        row = _new_payment(wanted, key=key)
        self.save(row)
        self._indexed(key, row)
        self.expire_in_time(row)
        return row

    def save(self, row: Row) -> Row:
        return self.world.books.put(self.name, "payments", row["key"], row)

    def resume(self) -> None:
        for row in self.payments.values():
            if row["status"] in UNPAID:
                self.expire_in_time(row)

    def _indexed(self, key: str, row: Row) -> None:
        for reference in {*row["refs"], *row["tokens"], row["transaction_id"]}:
            self.index.setdefault(reference, []).append(key)

    def expire_in_time(self, row: Row) -> None:
        left = (datetime.fromisoformat(row["expires_at"]) - now()).total_seconds()
        self.world.later(left, lambda: self._expire_now(row["key"]))

    def _expire_now(self, key: str) -> None:
        row = self.payments.get(key)
        if row is None or row["status"] not in UNPAID:
            return
        if datetime.fromisoformat(row["expires_at"]) <= now():
            self.change(row, status="expired")

    def change(self, row: Row, *, status: str, **facts: Any) -> Row:
        """Write a new status and tell the merchant, as far as this gateway tells such things."""
        row.update(facts, status=status)
        self.save(row)
        self.notify(row)
        return row

    def notify(self, row: Row) -> None:
        message = self.message(row)
        if message is not None:
            self.callbacks.send(self.name, message)

    def message(self, row: Row) -> Message | None:
        made = self.notification(row)
        if made is None:
            return None
        forged = self.notification(self.flipped(row))
        return Message(
            path=self.callback_path(),
            body=made[0],
            headers=made[1],
            refs=row["refs"],
            forged=forged[0] if forged else None,
        )

    def flipped(self, row: Row) -> Row:
        """The same payment with the opposite news."""
        if row["status"] in PAID:
            return row | {"status": "expired", "code": None}
        amounts = {"paid_amount": row["amount"], "paid_currency": row["currency"]}
        return row | {"status": "paid", "code": None, "paid_at": now().isoformat()} | amounts

    def forge(self, row: Row) -> None:
        """Send the merchant a lie about this payment, rightly signed, whatever the truth is."""
        lie = self.notification(self.flipped(row))
        if lie is not None:
            message = Message(self.callback_path(), lie[0], lie[1], row["refs"], forged=lie[0])
            self.callbacks.forge(self.name, message)

    # The customer.

    def act(
        self,
        row: Row,
        *,
        outcome: str,
        amount: int | None = None,
        currency: str | None = None,
        force: bool = False,
    ) -> Row:
        """What a customer (or their bank) does. Raises Refused when the page would not let them.

        Outcomes: pay, fail, expire, pick (a method), settle, reverse. `force` pays a page that is
        closed, as money found later in a settlement does.
        """
        self._expire_now(row["key"])
        planned = self._plan(row, on="pay")
        if outcome == "pay" and planned is not None and planned.do in ("fail", "expire"):
            outcome = planned.do
        match outcome:
            case "pay":
                return self._paid(row, planned=planned, amount=amount, currency=currency, force=force)
            case "settle" | "reverse":
                return self._after_paid(row, outcome=outcome)
            case "pick" | "fail" | "expire":
                return self._unpaid(row, outcome=outcome)
        raise Refused("outcome", f"no such outcome: {outcome}")

    def _plan(self, row: Row, *, on: str) -> Behaviour | None:
        return self.world.plans.take(row["refs"], neighbour=self.name, on=on)

    def _paid(
        self,
        row: Row,
        *,
        planned: Behaviour | None,
        amount: int | None,
        currency: str | None,
        force: bool,
    ) -> Row:
        if row["status"] in PAID or (row["status"] not in UNPAID and not force):
            raise Refused("closed", f"this payment is {row['status']}", status=409)
        doing = planned or Behaviour(on="pay", do="pay")
        if doing.do == "amount":
            amount = doing.amount
        if doing.do == "currency":
            currency = doing.currency
        if doing.do == "reverse":
            self._reverse_later(row["key"], seconds=120.0 if doing.seconds is None else doing.seconds)
        money = {
            "paid_amount": row["amount"] if amount is None else amount,
            "paid_currency": currency or row["currency"],
        }
        code = doing.code if doing.do == "code" else None
        paid = self.change(row, status="paid", code=code, paid_at=now().isoformat(), **money)
        self._note("charged", row)
        return paid

    def _note(self, effect: str, row: Row) -> None:
        self.world.books.note(
            self.name,
            effect,
            merchant_ref=row["merchant_ref"],
            gateway_ref=row["gateway_ref"],
            order_ref=row["order_ref"],
            amount=row["paid_amount"],
            currency=row["paid_currency"],
        )

    def _reverse_later(self, key: str, *, seconds: float) -> None:
        def reverse() -> None:
            row = self.payments.get(key)
            if row is not None and row["status"] in PAID:
                self._after_paid(row, outcome="reverse")

        self.world.after(seconds, reverse)

    def _after_paid(self, row: Row, *, outcome: str) -> Row:
        if row["status"] not in PAID:
            raise Refused("not_paid", f"this payment is {row['status']}", status=409)
        if outcome == "settle":
            return self.change(row, status="settled", settled_at=now().isoformat())
        self._note("reversed", row)
        return self.change(row, status="reversed", settled_at=row["settled_at"] or row["paid_at"])

    def _unpaid(self, row: Row, *, outcome: str) -> Row:
        if row["status"] not in UNPAID:
            raise Refused("closed", f"this payment is {row['status']}", status=409)
        if outcome == "expire":
            return self.change(row, status="expired", expires_at=now().isoformat())
        return self.change(row, status={"pick": "pending", "fail": "failed"}[outcome])

    # Money back.

    def give_back(self, row: Row, *, amount: int, key: str, reason: str, status: str) -> Row:
        """Write a refund down, and the effect if money really went back."""
        refund: Row = {
            "key": key,
            "reference": str(uuid.uuid4()),
            "amount": amount,
            "status": status,
            "reason": reason,
            "code": "",
            "at": now().isoformat(),
        }
        row["refunds"].append(refund)
        self.save(row)
        if status == "succeeded":
            self.refund_done(row, refund)
        return refund

    def refund_done(self, row: Row, refund: Row) -> None:
        refund["status"] = "succeeded"
        self.save(row)
        self.world.books.note(
            self.name,
            "refunded",
            merchant_ref=row["merchant_ref"],
            order_ref=row["order_ref"],
            amount=refund["amount"],
            currency=row["paid_currency"],
            key=refund["key"],
        )

    def refund_failing(self, row: Row) -> bool:
        planned = self.world.plans.take(row["refs"], neighbour=self.name, on="refund", do=("fail",))
        rate = self.world.faults(self.name).refund_fails
        return planned is not None or self.world.hits(self.name, rate, "refund_fails", refs=row["refs"])

    # The page.

    def page_url(self, key: str) -> str:
        return f"{self.world.urls[self.name]}/pay/{key}"

    def _show_page(self, request: Request, found: Found) -> Response:
        row = self.find(found["key"])
        if row is None:
            return page("<h1>404</h1>", 404)
        return page(pay_page(row, gateway=self.name))

    def _use_page(self, request: Request, found: Found) -> Response:
        row = self.find(found["key"])
        if row is None:
            return page("<h1>404</h1>", 404)
        self.try_act(row, outcome=request.form().get("outcome", ""))
        return see_other(f"/pay/{found['key']}")

    def try_act(self, row: Row, *, outcome: str) -> None:
        """A click on the page; the page itself shows when it came too late."""
        with suppress(Refused):
            self.act(row, outcome=outcome)


def _new_payment(wanted: Registration, *, key: str) -> Row:
    customer = wanted.customer
    refs = (wanted.order_ref, wanted.merchant_ref, wanted.gateway_ref, customer.get("email"), customer.get("phone"))
    return {
        "key": key,
        "merchant_ref": wanted.merchant_ref,
        "gateway_ref": wanted.gateway_ref,
        "tokens": [wanted.gateway_ref],
        "transaction_id": str(uuid.uuid4()),
        "order_ref": wanted.order_ref,
        "method": wanted.method,
        "amount": wanted.amount,
        "currency": wanted.currency,
        "status": "created",
        "code": None,
        "paid_amount": None,
        "paid_currency": None,
        "created_at": now().isoformat(),
        "paid_at": None,
        "settled_at": None,
        "expires_at": wanted.expires_at.isoformat(),
        "customer": customer,
        "refs": references(*refs),
        "refunds": [],
    }


def returned(row: Row) -> int:
    """The sum of refunds that went or are going back."""
    return sum(each["amount"] for each in row["refunds"] if each["status"] != "failed")


def left(row: Row) -> int:
    return int(row["paid_amount"] or 0) - returned(row)
