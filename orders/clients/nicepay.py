"""Nicepay v2: checkout registration for the payment page, direct v2 inquiry and cancel.

Our `merchant_ref` is their `referenceNo`, our `gateway_ref` their `tXid`. There is no idempotency
key anywhere: a second registration of a reference is refused (9009), a second cancel pays back
again if money is left. So nothing here is repeated.
Sources: docs.nicepay.co.id v2 pages: registration-api-checkout, status-inquiry-api-*,
cancel-api-*, notification-api-*, error-code, payment-status-code. Read 2026-11.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

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
from orders.resilience import Answered, Outcome, Refused, Unknown, call
from orders.resilience.outcome import parsed

PAY_METHODS = {
    "card": "01",
    "va_bca": "02",
    "va_bni": "02",
    "va_permata": "02",
    "cstore": "03",
    "ovo": "05",
    "shopeepay": "05",
    "qris": "08",
}
BANKS = {"va_bca": "CENA", "va_bni": "BNIN", "va_permata": "BBBA"}
PROVIDERS = {"ovo": "OVOE", "shopeepay": "ESHP", "qris": "QSHP", "cstore": "ALMA"}
SUCCESS = "0000"
# Nicepay's own troubles with its network and servers; what happened behind them is not known.
TROUBLES = frozenset({"1001", "1002", "1003", "1004", "9002", "9507"})
FULL, PARTIAL = "1", "2"
# Nicepay settles in rupiah only and often leaves the field empty.
CURRENCY = "IDR"


class Nicepay:
    name = codes.NICEPAY
    link_is_repeatable = False
    refund_is_repeatable = False

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
        if currency != CURRENCY:
            return Refused(400, "9013", "Nicepay takes rupiah only", None)
        body = {
            **_signed(attempt_ref, amount=amount),
            "referenceNo": attempt_ref,
            "currency": currency,
            **_method_fields(method, expires_at=expires_at),
            **_buyer(customer),
            "goodsNm": order_ref,
            "description": order_ref,
            "dbProcessUrl": f"{_public_url()}/callbacks/nicepay",
            "callBackUrl": f"{_public_url()}/",
            "cartData": "{}",
        }
        outcome = _call("/nicepay/redirect/v2/registration", json=body, deadline=deadline)
        return parsed(outcome, by=lambda data: _link(data, expires_at=expires_at))

    def ask_status(
        self,
        merchant_ref: str,
        *,
        gateway_ref: str,
        amount: int,
        method: str,
        currency: str = CURRENCY,
        paid_before: bool = False,
        deadline: float | None = None,
    ) -> Outcome[Status]:
        """Nicepay finds a payment by its tXid only.

        Without a tXid the answer to the registration was lost, so nobody has the address of the
        payment page and nothing can be paid by it: `not_started`. Should money come all the same,
        the callback carries the tXid.
        """
        if not gateway_ref:
            return Answered(200, Status("not_started", "", merchant_ref=merchant_ref))
        body = {
            **_signed(merchant_ref, amount=amount),
            "tXid": gateway_ref,
            "referenceNo": merchant_ref,
        }
        outcome = _call("/nicepay/direct/v2/inquiry", json=body, deadline=deadline, reads=True)
        return parsed(outcome, by=lambda data: _status(data, method=method))

    def close(
        self,
        merchant_ref: str,
        *,
        gateway_ref: str,
        amount: int,
        method: str,
        currency: str = CURRENCY,
        deadline: float | None = None,
    ) -> Outcome[Status]:
        """Cancel what is unpaid. Cancelling a *paid* payment is a refund, so it is asked first.

        A customer who pays between the question and the cancel is paid back at once by Nicepay
        (not for VA and CVS, where it refuses): a later status shows the money and the refund.
        """
        asked = self.ask_status(merchant_ref, gateway_ref=gateway_ref, amount=amount, method=method, deadline=deadline)
        if not isinstance(asked, Answered) or asked.data.state != "open":
            return _not_open(asked)
        outcome = _cancel(gateway_ref, amount=amount, method=method, reason="close", kind=FULL, deadline=deadline)
        closed = Status("cancelled", "cancel", merchant_ref=merchant_ref, gateway_ref=gateway_ref)
        return parsed(outcome, by=lambda data: closed)

    def refund(
        self,
        merchant_ref: str,
        *,
        gateway_ref: str,
        amount: int,
        reason: str,
        idempotency_key: str,
        currency: str = CURRENCY,
        method: str = "",
        charged: int | None = None,
        deadline: float | None = None,
    ) -> Outcome[RefundAnswer]:
        """Never repeated: without a key a second call is a second refund."""
        outcome = _cancel(
            gateway_ref,
            amount=amount,
            method=method,
            reason=reason,
            kind=FULL if charged in (None, amount) else PARTIAL,
            deadline=deadline,
        )
        return parsed(outcome, by=lambda data: RefundAnswer("succeeded", data["tXid"], amount, SUCCESS))

    def ask_refund(
        self,
        merchant_ref: str,
        *,
        gateway_ref: str,
        amount: int,
        idempotency_key: str,
        currency: str = CURRENCY,
        method: str = "",
        charged: int | None = None,
        refunded_before: int = 0,
        deadline: float | None = None,
    ) -> Outcome[RefundAnswer]:
        """Only the sum of all refunds is told, so a refund is found by what the sum has grown."""
        asked = self.ask_status(
            merchant_ref,
            gateway_ref=gateway_ref,
            amount=amount if charged is None else charged,
            method=method,
            deadline=deadline,
        )
        return parsed(asked, by=lambda status: _grown(status, by_amount=amount, before=refunded_before))

    def verify_callback(self, raw: bytes, *, headers: Mapping[str, str]) -> Verdict:
        """hex SHA-256 of iMid + tXid + amt + merchantKey; neither status nor reference covered."""
        try:
            data = wire.strict_form(raw)
            signed = "".join(wire.text(data.get(name), name=name) for name in ("tXid", "amt"))
        except wire.Unreadable as error:
            return Unparseable(str(error))
        whole = _credential("imid") + signed + _credential("merchant_key")
        expected = hashlib.sha256(whole.encode()).hexdigest()
        given = data.get("merchantToken", "").encode("utf-8", "replace")
        if not hmac.compare_digest(expected.encode(), given):
            return BadSignature("merchantToken does not fit")
        return self.parse_claim(raw)

    def parse_claim(self, raw: bytes) -> Claim | Unparseable:
        try:
            return _claim(wire.strict_form(raw))
        except wire.Unreadable as error:
            return Unparseable(str(error))


def _credential(name: str) -> str:
    return str(settings.GATEWAYS[codes.NICEPAY][name])


def _public_url() -> str:
    return str(getattr(settings, "PUBLIC_URL", "http://127.0.0.1:8000"))


def _signed(reference: str, *, amount: int) -> dict[str, str]:
    """timeStamp, iMid, amt and the token over them; `reference` is referenceNo, for cancel tXid."""
    stamp = datetime.now(wire.WIB).strftime("%Y%m%d%H%M%S")
    whole = stamp + _credential("imid") + reference + str(amount) + _credential("merchant_key")
    return {
        "timeStamp": stamp,
        "iMid": _credential("imid"),
        "amt": str(amount),
        "merchantToken": hashlib.sha256(whole.encode()).hexdigest(),
    }


def _call(path: str, *, json: Mapping[str, str], deadline: float | None, reads: bool = False) -> Outcome[Any]:
    """Nicepay answers 200 with the verdict in `resultCd`."""
    outcome = call(codes.NICEPAY, "POST", path, json=json, deadline=deadline, reads=reads, idempotent=reads)
    if not isinstance(outcome, Answered):
        return outcome
    if not isinstance(outcome.data, dict) or "resultCd" not in outcome.data:
        return Unknown("answer has no resultCd")
    said = str(outcome.data["resultCd"])
    message = str(outcome.data.get("resultMsg", ""))
    if said in TROUBLES:
        return Unknown(f"{said} {message}")
    return outcome if said == SUCCESS else Refused(outcome.status, said, message, outcome.data)


def _cancel(
    gateway_ref: str,
    *,
    amount: int,
    method: str,
    reason: str,
    kind: str,
    deadline: float | None,
) -> Outcome[Any]:
    body = {
        **_signed(gateway_ref, amount=amount),
        "tXid": gateway_ref,
        "payMethod": PAY_METHODS[method],
        "cancelType": kind,
        "cancelMsg": reason[:255],
    }
    return _call("/nicepay/direct/v2/cancel", json=body, deadline=deadline)


def _not_open(asked: Outcome[Status]) -> Outcome[Status]:
    if not isinstance(asked, Answered):
        return asked
    if asked.data.state in ("expired", "cancelled", "declined", "not_started"):
        return asked
    return Refused(asked.status, asked.data.code, "not open any more, ask again", asked.data)


def _method_fields(method: str, *, expires_at: datetime) -> dict[str, str]:
    local = expires_at.astimezone(wire.WIB)
    fields = {"payMethod": PAY_METHODS[method]}
    if method in BANKS:
        fields["bankCd"] = BANKS[method]
    if method in PROVIDERS:
        fields["mitraCd"] = PROVIDERS[method]
    prefix = {"02": "vacct", "03": "payValid", "08": "paymentExp"}.get(fields["payMethod"])
    if prefix == "vacct":
        fields["vacctValidDt"] = local.strftime("%Y%m%d")
        fields["vacctValidTm"] = local.strftime("%H%M%S")
    elif prefix is not None:
        fields[f"{prefix}Dt"] = local.strftime("%Y%m%d")
        fields[f"{prefix}Tm"] = local.strftime("%H%M%S")
    return fields


def _buyer(customer: Mapping[str, Any]) -> dict[str, str]:
    """Nicepay demands an address; ours are rides, so the head office's stands in."""
    return {
        "billingNm": str(customer.get("name") or "MRG customer"),
        "billingPhone": str(customer.get("phone") or "02100000000"),
        "billingEmail": str(customer.get("email") or "customer@example.invalid"),
        "billingCity": "Jakarta Selatan",
        "billingState": "DKI Jakarta",
        "billingPostCd": "12790",
        "billingCountry": "Indonesia",
    }


def _link(data: Mapping[str, Any], *, expires_at: datetime) -> Link:
    reference = wire.text(data["tXid"], name="tXid")
    return Link(reference, f"{data['paymentURL']}?tXid={reference}", expires_at)


def _status(data: Mapping[str, Any], *, method: str) -> Status:
    code = str(data["status"])
    state = codes.attempt_state(codes.NICEPAY, method=method, code=code)
    refunded = wire.minor_units(_blank_as_zero(data.get("cancelAmt")), currency=CURRENCY)
    paid_at = wire.compact_wib_instant(data.get("transDt"), data.get("transTm"))
    return Status(
        state=state,
        code=code,
        amount=wire.minor_units(data["amt"], currency=CURRENCY),
        currency=data.get("currency") or CURRENCY,
        merchant=data.get("iMid"),
        merchant_ref=data["referenceNo"],
        gateway_ref=data["tXid"],
        paid_at=paid_at if state in ("paid", "reversed") else None,
        refunds=(RefundAnswer("succeeded", data["tXid"], refunded, code),) if refunded else (),
    )


def _blank_as_zero(value: Any) -> Any:
    return "0" if value in (None, "", "null") else value


def _grown(status: Status, *, by_amount: int, before: int) -> RefundAnswer:
    if status.refunded >= before + by_amount:
        return RefundAnswer("succeeded", status.gateway_ref, by_amount, status.code)
    return RefundAnswer("absent", "", 0, status.code)


def _claim(data: Mapping[str, str]) -> Claim:
    return Claim(
        gateway=codes.NICEPAY,
        merchant_ref=wire.text(data.get("referenceNo"), name="referenceNo"),
        gateway_ref=wire.text(data.get("tXid"), name="tXid"),
        code=wire.text(data.get("status"), name="status"),
        amount=wire.minor_units(data.get("amt"), currency=CURRENCY),
        currency=wire.optional_text(data.get("currency"), name="currency") or CURRENCY,
        # Not in the message; the signature proves it, because our iMid is part of what is signed.
        merchant=_credential("imid"),
        occurred_at=wire.compact_wib_instant(data.get("transDt"), data.get("transTm")),
    )
