"""The meaning of every code, written out a second time by hand from the vendors' tables."""

from itertools import product

import pytest

from orders.clients import codes, registry
from orders.clients.codes import ATTEMPT_STATE, attempt_state
from orders.services import judgement, routing
from orders.states import AttemptState

MIDTRANS = {
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
MIDTRANS_CARD = MIDTRANS | {
    "authorize": "open",
    "capture/accept/200": "paid",
    "capture/challenge/201": "open",
    "capture/deny/202": "declined",
}
XENDIT = {"PENDING": "open", "PAID": "paid", "SETTLED": "paid", "EXPIRED": "expired"}
ACCOUNT = {"0": "paid", "1": "reversed", "3": "open", "4": "expired"}
STORE = {"0": "paid", "3": "open", "4": "expired", "5": "open"}
CARD = {"0": "paid", "1": "paid", "2": "paid", "8": "declined", "9": "open"}
WALLET = {
    "0": "paid",
    "1": "paid",
    "2": "paid",
    "3": "open",
    "4": "open",
    "5": "expired",
    "8": "declined",
    "9": "open",
}
QRIS = {"0": "paid", "2": "paid", "3": "open", "4": "open", "5": "expired", "6": "declined"}
EXPECTED: dict[tuple[str, str], dict[str, str]] = {
    ("midtrans", "card"): MIDTRANS_CARD,
    **{
        ("midtrans", method): MIDTRANS
        for method in ("gopay", "qris", "va_bca", "va_bni", "va_permata", "shopeepay", "cstore")
    },
    **{
        ("xendit", method): XENDIT
        for method in ("card", "qris", "va_bca", "va_bni", "va_permata", "ovo", "shopeepay", "cstore")
    },
    **{("nicepay", method): ACCOUNT for method in ("va_bca", "va_bni", "va_permata")},
    ("nicepay", "cstore"): STORE,
    ("nicepay", "card"): CARD,
    ("nicepay", "ovo"): WALLET,
    ("nicepay", "shopeepay"): WALLET,
    ("nicepay", "qris"): QRIS,
}
EVERY_CODE = sorted({code for row in EXPECTED.values() for code in row} | {"", "7", "paid", "settlement"})
EVERY_KEY = list(product(codes.GATEWAYS, codes.METHODS, EVERY_CODE))


def test_every_gateway_method_and_code_means_what_the_vendor_says():
    expected = {key: EXPECTED.get(key[:2], {}).get(key[2]) for key in EVERY_KEY}
    assert len(expected) > 800
    assert {key: attempt_state(key[0], method=key[1], code=key[2]) for key in EVERY_KEY} == expected


def test_the_table_has_nothing_that_is_not_expected():
    assert {key[:2] for key in ATTEMPT_STATE} == set(EXPECTED)
    assert len(ATTEMPT_STATE) == sum(len(row) for row in EXPECTED.values())


def test_the_table_speaks_of_states_that_exist():
    assert set(ATTEMPT_STATE.values()) <= set(AttemptState.values)


def test_four_is_expired_for_an_account_and_processing_for_a_wallet():
    assert attempt_state("nicepay", method="va_bca", code="4") == "expired"
    assert attempt_state("nicepay", method="ovo", code="4") == "open"


@pytest.mark.parametrize(
    ("fraud", "status_code", "state"),
    [("accept", "200", "paid"), ("challenge", "201", None), ("accept", "201", None), ("", "200", None)],
)
def test_a_midtrans_settlement_is_paid_only_with_all_three_parts(fraud, status_code, state):
    code = codes.midtrans_code("settlement", fraud=fraud, status_code=status_code)
    assert attempt_state("midtrans", method="gopay", code=code) == state


@pytest.mark.parametrize(
    ("gateway", "state", "meaning"),
    [
        ("midtrans", "declined", "reversed"),
        ("midtrans", "cancelled", "reversed"),
        ("midtrans", "paid", "paid"),
        ("midtrans", None, None),
        ("xendit", "expired", "expired"),
    ],
)
def test_a_denial_after_the_money_is_a_reversal(gateway, state, meaning):
    assert codes.after_payment(state, gateway=gateway) == meaning


def test_what_can_be_refunded_is_also_offered():
    for gateway in codes.GATEWAYS:
        assert codes.REFUNDABLE[gateway] <= codes.OFFERED[gateway]


def test_whoever_names_the_gateways_names_the_same():
    assert set(registry.GATEWAYS) == set(codes.GATEWAYS) == set(routing.PRIORITY) == set(judgement.MERCHANT_KEY)
