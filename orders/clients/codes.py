"""What a gateway's status code means for a payment attempt, keyed by gateway, method and code.

The method belongs to the key because Nicepay's numbers depend on it: 4 is "expired" for a virtual
account and a convenience store, but "processing" for a wallet and QRIS. A code that is not in the
table means nothing to us: the caller makes the attempt `mismatch` and shows the raw code.

Sources (read 2026-11, stored copies):
- Midtrans: docs.midtrans.com/docs/transaction-status-cycle and /reference/code-statuses. Paid only
  when status_code is 200, fraud_status is accept and transaction_status is capture (cards) or
  settlement; so these two codes carry all three parts here (`settlement/accept/200`). A status
  inquiry answers 404 until the customer picks a method on the Snap page: still open. `deny` after
  a settlement (Permata VA, Indomaret, 1-5 minutes later) is a reversal, see `after_payment`.
- Xendit invoices: PENDING, PAID, SETTLED, EXPIRED; PAID and SETTLED are the same money fact
  (xendit-php docs/Invoice/InvoiceStatus.md).
- Nicepay: docs.nicepay.co.id/en/nicepay-code-non-snap-payment-status-code.

A refunded or voided payment stays `paid` here: the refunds are listed beside it and their sum is
compared with what we asked for.
"""

from collections.abc import Iterator
from types import MappingProxyType

MIDTRANS, XENDIT, NICEPAY = "midtrans", "xendit", "nicepay"
GATEWAYS = (MIDTRANS, XENDIT, NICEPAY)

CARDS = ("card",)
ACCOUNTS = ("va_bca", "va_bni", "va_permata")
WALLETS = ("gopay", "ovo", "shopeepay")
QR = ("qris",)
STORES = ("cstore",)
METHODS = CARDS + WALLETS + QR + ACCOUNTS + STORES

# What each gateway can charge. GoPay is Midtrans' own; Midtrans has no OVO on its Snap page.
OFFERED: MappingProxyType[str, frozenset[str]] = MappingProxyType(
    {
        MIDTRANS: frozenset(METHODS) - {"ovo"},
        XENDIT: frozenset(METHODS) - {"gopay"},
        NICEPAY: frozenset(METHODS) - {"gopay"},
    }
)

# What each gateway can refund by API; the others need a transfer by hand.
# docs.midtrans.com/reference-link/refund-transaction; Nicepay cancels VA and CVS only unpaid.
REFUNDABLE: MappingProxyType[str, frozenset[str]] = MappingProxyType(
    {
        MIDTRANS: frozenset(CARDS + WALLETS + QR) & OFFERED[MIDTRANS],
        XENDIT: frozenset(CARDS + WALLETS + QR) & OFFERED[XENDIT],
        NICEPAY: frozenset(CARDS + WALLETS + QR) & OFFERED[NICEPAY],
    }
)

_MIDTRANS_ALL = {
    "404": "open",
    "pending": "open",
    "settlement/accept/200": "paid",
    "refund": "paid",
    "partial_refund": "paid",
    "deny": "declined",
    "failure": "declined",
    "cancel": "cancelled",
    "expire": "expired",
    "chargeback": "reversed",
}
_MIDTRANS_CARD = {
    "authorize": "open",
    "capture/accept/200": "paid",
    "capture/challenge/201": "open",
    "capture/deny/202": "declined",
}
_XENDIT_ALL = {
    "PENDING": "open",
    "PAID": "paid",
    "SETTLED": "paid",
    "EXPIRED": "expired",
}
_NICEPAY = {
    CARDS: {"0": "paid", "1": "paid", "2": "paid", "8": "declined", "9": "open"},
    ACCOUNTS: {"0": "paid", "1": "reversed", "3": "open", "4": "expired"},
    STORES: {"0": "paid", "3": "open", "4": "expired", "5": "open"},
    WALLETS: {
        "0": "paid",
        "1": "paid",
        "2": "paid",
        "3": "open",
        "4": "open",
        "5": "expired",
        "8": "declined",
        "9": "open",
    },
    QR: {
        "0": "paid",
        "2": "paid",
        "3": "open",
        "4": "open",
        "5": "expired",
        "6": "declined",
    },
}


def _rows() -> Iterator[tuple[tuple[str, str, str], str]]:
    for method in OFFERED[MIDTRANS]:
        codes = _MIDTRANS_ALL | (_MIDTRANS_CARD if method in CARDS else {})
        yield from (((MIDTRANS, method, code), state) for code, state in codes.items())
    for method in OFFERED[XENDIT]:
        yield from (((XENDIT, method, code), state) for code, state in _XENDIT_ALL.items())
    for methods, codes in _NICEPAY.items():
        for method in OFFERED[NICEPAY].intersection(methods):
            yield from (((NICEPAY, method, code), state) for code, state in codes.items())


ATTEMPT_STATE: MappingProxyType[tuple[str, str, str], str] = MappingProxyType(dict(_rows()))


def attempt_state(gateway: str, *, method: str, code: str) -> str | None:
    """Our attempt state for a code, or None when nobody told us what it means."""
    return ATTEMPT_STATE.get((gateway, method, code))


def after_payment(state: str | None, *, gateway: str) -> str | None:
    """The meaning of a later state on a payment that had succeeded: money that goes back."""
    if gateway == MIDTRANS and state in ("declined", "cancelled"):
        return "reversed"
    return state


def midtrans_code(status: str, *, fraud: str, status_code: str) -> str:
    """The code of a Midtrans transaction; the two that mean money carry all that proves it."""
    if status in ("capture", "settlement"):
        return f"{status}/{fraud or '-'}/{status_code or '-'}"
    return status
