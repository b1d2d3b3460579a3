"""The gateways' settlement reports of a business day, from their own books, in their own formats.

Columns and words are those of the vendors' documentation (see docs/sandbox.md); fees are invented but the same in
every run. A day is Asia/Jakarta's, as the merchants' dashboards have it.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final

from opsconsole.sandbox.books import Row

WIB: Final = timezone(timedelta(hours=7))
MIDTRANS: Final = (
    *("Order ID", "Payment type", "Currency", "Amount", "Transaction ID", "Transaction status"),
    *("Transaction time", "Settlement time", "Mdr amount", "Refund amount"),
)
XENDIT: Final = (
    *("Product ID", "Transaction ID", "Transaction Type", "Line Type", "Payment Channel", "Reference", "Currency"),
    *("Amount", "Balance", "Debit or Credit", "Created Date ISO", "Time Zone"),
)
NICEPAY: Final = (
    *("tXid", "referenceNo", "amt", "currency", "transDt", "transTm", "payMethod", "status", "cancelAmt", "fee"),
)
_TYPES: Final = {"card": "credit_card", "va_bca": "bank_transfer", "va_bni": "bank_transfer", "va_permata": "permata"}
_FEE: Final = 70  # hundredths of a percent
_FIXED: Final = 4_000  # rupiah, Xendit's fee of a payment
_VAT: Final = 11  # percent of the fee


def report(gateway: str, payments: Iterable[Row], day: date) -> str:
    """The report as CSV text. KeyError for a gateway that has none."""
    header, rows_of = _REPORTS[gateway]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for payment in payments:
        writer.writerows(rows_of(payment, day))
    return text.getvalue()


def _midtrans(payment: Row, day: date) -> Iterator[tuple[Any, ...]]:
    """A row is a transaction with its last status; one that never got as far as a method is none."""
    at = _when(payment["paid_at"] or payment["created_at"])
    if at.date() != day or payment["status"] == "created":
        return
    paid, back = payment["paid_amount"] or payment["amount"], _gone_back(payment)
    yield (
        payment["merchant_ref"],
        _TYPES.get(payment["method"], payment["method"]),
        payment["paid_currency"] or payment["currency"],
        f"{paid}.00",
        payment["transaction_id"],
        _midtrans_status(payment, paid, back),
        _local(_when(payment["created_at"])),
        _local(at) if payment["paid_at"] else "",
        _share(paid) if payment["paid_at"] else "",
        back or "",
    )


def _midtrans_status(payment: Row, paid: int, back: int) -> str:
    if back:
        return "refund" if back >= paid else "partial_refund"
    words = {"paid": "settlement", "settled": "settlement", "failed": "deny", "expired": "expire"}
    return words.get(payment["status"], {"cancelled": "cancel", "reversed": "deny"}.get(payment["status"], "pending"))


def _xendit(payment: Row, day: date) -> Iterator[tuple[Any, ...]]:
    """One payment is three rows: the transaction, its fee, and the tax on it."""
    kind = "CREDIT_CARD_PAYMENT" if payment["method"] == "card" else "VA_PAYMENT"
    vat = _FIXED * _VAT // 100
    if payment["paid_at"] and _when(payment["paid_at"]).date() == day:
        for line, amount, way in (("TRANSACTION", payment["paid_amount"], "CREDIT"), ("FEE", _FIXED, "DEBIT")):
            yield _xendit_row(payment, kind, line, amount, way, payment["paid_at"])
        yield _xendit_row(payment, kind, "VAT", vat, "DEBIT", payment["paid_at"])
    if payment["status"] == "reversed" and _when(payment["settled_at"]).date() == day:
        amount = payment["paid_amount"]
        yield _xendit_row(payment, kind, "TRANSACTION_REVERSAL", amount, "DEBIT", payment["settled_at"])
    for refund in _refunds(payment):
        if _when(refund["at"]).date() == day:
            yield _xendit_row(payment, "EWALLET_REFUND", "TRANSACTION", refund["amount"], "DEBIT", refund["at"])


def _xendit_row(payment: Row, kind: str, line: str, amount: int, way: str, at: str) -> tuple[Any, ...]:
    return (
        payment["gateway_ref"],
        payment["transaction_id"],
        kind,
        line,
        payment["method"].removeprefix("va_").upper(),
        payment["merchant_ref"],
        payment["paid_currency"],
        amount,
        "",
        way,
        at,
        "UTC",
    )


def _nicepay(payment: Row, day: date) -> Iterator[tuple[Any, ...]]:
    at = _when(payment["paid_at"] or payment["created_at"])
    if at.date() != day or not payment["paid_at"]:
        return
    back = _gone_back(payment)
    status = "1" if payment["status"] == "reversed" else "2" if back else "0"
    paid = payment["paid_amount"]
    yield (
        payment["gateway_ref"],
        payment["merchant_ref"],
        paid,
        payment["paid_currency"],
        f"{at:%Y%m%d}",
        f"{at:%H%M%S}",
        payment.get("pay_method", "02"),
        status,
        back or "",
        _share(paid),
    )


def _refunds(payment: Row) -> list[Row]:
    return [each for each in payment["refunds"] if each["status"] == "succeeded"]


def _gone_back(payment: Row) -> int:
    return sum(each["amount"] for each in _refunds(payment))


def _share(amount: int) -> int:
    return amount * _FEE // 10_000


def _when(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(WIB)


def _local(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


_REPORTS: Final[Mapping[str, tuple[tuple[str, ...], Callable[[Row, date], Iterator[tuple[Any, ...]]]]]] = {
    "midtrans": (MIDTRANS, _midtrans),
    "xendit": (XENDIT, _xendit),
    "nicepay": (NICEPAY, _nicepay),
}
