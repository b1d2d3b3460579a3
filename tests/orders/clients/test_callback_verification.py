"""Signatures and claims: genuine messages, forged ones, and rubbish of every kind."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from opsconsole import upstreams
from orders.clients import codes, partners, tpg
from orders.clients.gateway import BadSignature, Claim, Unparseable
from orders.clients.registry import gateway
from orders.clients.trip_events import TripEvent, signature
from tests.orders.clients.attempts import AMOUNT, attempt
from tests.sandbox_fixtures import wait_until

GATEWAYS = pytest.mark.parametrize("name", codes.GATEWAYS)


@pytest.fixture(autouse=True)
def _credentials(settings):
    settings.GATEWAYS, settings.TPG, settings.PARTNERS = upstreams.GATEWAYS, upstreams.TPG, upstreams.PARTNERS


@pytest.fixture
def genuine(neighbours, control, receiver) -> Any:
    """Pay at a gateway; the callback that it sends."""

    def made(name: str) -> Any:
        one = attempt(name).open()
        control.pay(one.ref)
        return one, wait_until(lambda: receiver.got and receiver.got[-1])

    return made


@GATEWAYS
def test_a_genuine_callback_verifies_and_says_what_was_paid(genuine, name):
    one, received = genuine(name)
    claim = one.gateway.verify_callback(received.body, headers=received.headers)
    assert isinstance(claim, Claim), claim
    assert (claim.gateway, claim.merchant_ref, claim.amount, claim.currency) == (name, one.ref, AMOUNT, "IDR")
    assert codes.attempt_state(name, method=one.method, code=claim.code) == "paid"
    assert claim.merchant == one.status().merchant
    assert abs((claim.occurred_at - datetime.now(UTC)).total_seconds()) < 5
    assert one.gateway.parse_claim(received.body) == claim


@GATEWAYS
def test_a_forged_callback_verifies_too_but_asking_says_otherwise(genuine, control, receiver, name):
    one, _ = genuine(name)
    control.forge(one.ref)
    lie = wait_until(lambda: len(receiver.got) == 2 and receiver.got[1])
    claim = one.gateway.verify_callback(lie.body, headers=lie.headers)
    assert isinstance(claim, Claim)
    assert codes.attempt_state(name, method="va_bca", code=claim.code) in ("expired", "reversed")
    assert one.status().state == "paid"


@GATEWAYS
def test_a_forged_payment_of_an_unpaid_attempt_verifies_but_moves_nothing(neighbours, control, receiver, name):
    one = attempt(name).open()
    control.forge(one.ref)
    lie = wait_until(lambda: receiver.got and receiver.got[0])
    claim = one.gateway.verify_callback(lie.body, headers=lie.headers)
    assert codes.attempt_state(name, method=one.method, code=claim.code) == "paid"
    assert one.status().state == "open"


@pytest.mark.parametrize("field", ["order_id", "status_code", "gross_amount", "signature_key"])
def test_midtrans_covers_these_fields(genuine, field):
    one, received = genuine("midtrans")
    changed = json.loads(received.body) | {field: "202"}
    assert isinstance(one.gateway.verify_callback(json.dumps(changed).encode(), headers={}), BadSignature)


def test_midtrans_signs_the_amount_as_it_is_written(settings):
    key = settings.GATEWAYS["midtrans"]["server_key"]
    data = {"order_id": "A", "status_code": "200", "gross_amount": "10000", "transaction_status": "expire"}
    data["signature_key"] = hashlib.sha512(f"A20010000{key}".encode()).hexdigest()
    claim = gateway("midtrans").verify_callback(json.dumps(data).encode(), headers={})
    assert (claim.amount, claim.occurred_at) == (10_000, None)


@pytest.mark.parametrize("field", ["tXid", "amt", "merchantToken"])
def test_nicepay_covers_these_fields(genuine, field):
    one, received = genuine("nicepay")
    changed = dict(parse_qsl(received.body.decode())) | {field: "1"}
    assert isinstance(one.gateway.verify_callback(urlencode(changed).encode(), headers={}), BadSignature)


def test_nicepay_does_not_cover_the_reference(genuine):
    one, received = genuine("nicepay")
    changed = dict(parse_qsl(received.body.decode())) | {"referenceNo": "another"}
    claim = one.gateway.verify_callback(urlencode(changed).encode(), headers={})
    assert claim.merchant_ref == "another"


def test_nicepay_leaves_fields_empty_by_the_word_null_and_writes_long_dates(genuine):
    one, received = genuine("nicepay")
    changed = dict(parse_qsl(received.body.decode())) | {"currency": "null", "transDt": "202212141"}
    claim = one.gateway.verify_callback(urlencode(changed).encode(), headers={})
    assert (claim.currency, claim.occurred_at) == ("IDR", None)


@pytest.mark.parametrize("token", ["", "wrong", "\xff\xfe", "é"])
def test_xendit_wants_its_token(genuine, token):
    one, received = genuine("xendit")
    headers = {"X-Callback-Token": token}
    assert isinstance(one.gateway.verify_callback(received.body, headers=headers), BadSignature)


def test_xendit_looks_at_the_token_before_the_body():
    assert isinstance(gateway("xendit").verify_callback(b"\xff", headers={}), BadSignature)


def test_a_xendit_refund_callback_names_the_refund(neighbours, control, receiver):
    one = attempt("xendit").open()
    control.pay(one.ref)
    one.refund(50_000, key="RF-7")
    told = wait_until(lambda: next((each for each in receiver.got if b"refund.succeeded" in each.body), None))
    claim = one.gateway.verify_callback(told.body, headers=told.headers)
    assert (claim.kind, claim.refund_key, claim.code, claim.amount) == ("refund", "RF-7", "SUCCEEDED", 50_000)
    assert (claim.merchant_ref, claim.gateway_ref) == (one.ref, one.token)


# Rubbish. Rightly signed where a signature is possible, so that it reaches the reading of fields.


def midtrans_body(data: dict[str, Any]) -> bytes:
    key = upstreams.GATEWAYS["midtrans"]["server_key"]
    whole = "".join(str(data.get(name)) for name in ("order_id", "status_code", "gross_amount"))
    digest = hashlib.sha512((whole + key).encode("utf-8", "replace")).hexdigest()
    return json.dumps({"signature_key": digest} | data).encode()


def nicepay_body(data: dict[str, str]) -> bytes:
    keys = upstreams.GATEWAYS["nicepay"]
    whole = keys["imid"] + data.get("tXid", "") + data.get("amt", "") + keys["merchant_key"]
    digest = hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()
    return urlencode({"merchantToken": digest} | data, errors="replace").encode()


def xendit_headers() -> dict[str, str]:
    return {"x-callback-token": upstreams.GATEWAYS["xendit"]["callback_token"]}


MIDTRANS = {
    "order_id": "A",
    "status_code": "200",
    "gross_amount": "10000.00",
    "transaction_status": "settlement",
    "fraud_status": "accept",
    "transaction_id": "t",
    "merchant_id": "m",
    "currency": "IDR",
    "transaction_time": "2026-01-01 00:00:00",
    "settlement_time": "2026-01-01 00:00:00",
}
XENDIT = {
    "id": "i",
    "external_id": "A",
    "status": "PAID",
    "amount": 10000,
    "paid_amount": 10000,
    "currency": "IDR",
    "user_id": "u",
    "paid_at": "2026-01-01T00:00:00.000Z",
    "event": "refund.succeeded",
    "data": {"invoice_id": "i", "status": "SUCCEEDED", "amount": 1, "metadata": {"external_id": "A"}},
}
NICEPAY = {"tXid": "t", "referenceNo": "A", "amt": "10000", "status": "0", "transDt": "20260101", "transTm": "000000"}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(10**400) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
VERDICTS = (Claim, BadSignature, Unparseable)
# The first text drawn in a process loads the tables of Unicode, which takes a second.
patient = hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def mutated(base: dict[str, Any], values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    changed = st.dictionaries(st.sampled_from(sorted(base)), values, max_size=4)
    return st.tuples(changed, st.sets(st.sampled_from(sorted(base)), max_size=3)).map(
        lambda both: {k: v for k, v in (base | both[0]).items() if k not in both[1]}
    )


@GATEWAYS
@patient
@given(raw=st.binary(max_size=300))
def test_bytes_of_any_kind_get_a_verdict(name, raw):
    for headers in ({}, xendit_headers()):
        assert isinstance(gateway(name).verify_callback(raw, headers=headers), VERDICTS)
    assert isinstance(gateway(name).parse_claim(raw), Claim | Unparseable)


@GATEWAYS
@patient
@given(value=json_values)
def test_json_of_any_kind_gets_a_verdict(name, value):
    raw = json.dumps(value).encode()
    assert isinstance(gateway(name).verify_callback(raw, headers=xendit_headers()), VERDICTS)


@patient
@given(data=mutated(MIDTRANS, json_values))
def test_a_signed_midtrans_message_of_wrong_types_gets_a_verdict(data):
    verdict = gateway("midtrans").verify_callback(midtrans_body(data), headers={})
    assert isinstance(verdict, VERDICTS)
    if isinstance(verdict, Claim):
        assert isinstance(verdict.amount, int)


@patient
@given(data=mutated(XENDIT, json_values))
def test_a_xendit_message_of_wrong_types_gets_a_verdict(data):
    verdict = gateway("xendit").verify_callback(json.dumps(data).encode(), headers=xendit_headers())
    assert isinstance(verdict, Claim | Unparseable)


@patient
@given(data=mutated(NICEPAY, st.text()))
def test_a_signed_nicepay_message_of_wrong_values_gets_a_verdict(data):
    verdict = gateway("nicepay").verify_callback(nicepay_body(data), headers={})
    assert isinstance(verdict, VERDICTS)


@pytest.mark.parametrize(
    ("_case", "raw"),
    [
        ("double keys", b'{"id":"i","id":"j","external_id":"A","status":"PAID","amount":1}'),
        ("huge integer", b'{"id":"i","external_id":"A","status":"PAID","amount":' + b"9" * 5000 + b"}"),
        ("huge exponent", b'{"id":"i","external_id":"A","status":"PAID","amount":1e999}'),
        ("not a number", b'{"id":"i","external_id":"A","status":"PAID","amount":NaN}'),
        ("half a rupiah", b'{"id":"i","external_id":"A","status":"PAID","amount":1.5}'),
        ("a true amount", b'{"id":"i","external_id":"A","status":"PAID","amount":true}'),
        ("other digits", '{"id":"i","external_id":"A","status":"PAID","amount":"١٢"}'.encode()),
        ("nested deep", b"[" * 50_000),
        ("nested deep in a field", b'{"id":' + b"[" * 20_000 + b"]" * 20_000 + b"}"),
        ("null byte", b'{"id":"i\\u0000","external_id":"A","status":"PAID","amount":1}'),
        ("half a surrogate", b'{"id":"\\ud800","external_id":"A","status":"PAID","amount":1}'),
        ("too large", b'{"id":"' + b"x" * 70_000 + b'"}'),
        ("a list", b"[]"),
        ("nothing", b""),
        ("another encoding", '{"id":"i"}'.encode("utf-16")),
    ],
)
def test_a_message_that_cannot_be_understood_is_kept_apart(_case, raw):
    assert isinstance(gateway("xendit").verify_callback(raw, headers=xendit_headers()), Unparseable)


@pytest.mark.parametrize(
    "raw", [b"tXid=a&tXid=b&amt=1", b"tXid=%ff&amt=1", b"tXid", "tXid=é&amt=1".encode(), b"&" * 500]
)
def test_a_form_that_cannot_be_understood_is_kept_apart(raw):
    assert isinstance(gateway("nicepay").verify_callback(raw, headers={}), Unparseable)


# Trip events.

EVENT = {
    "event_id": "e-1",
    "booking_id": "TPG-1",
    "order_ref": "MRG-1",
    "item": "i1",
    "event": "completed",
    "at": "2026-01-12T08:00:00+07:00",
    "vehicle": "B 1234 MRG",
    "driver": "Budi",
}


def signed_event(data: Any, *, secret: str) -> tuple[bytes, dict[str, str]]:
    raw = json.dumps(data).encode()
    return raw, {"X-Tpg-Signature": signature(raw, secret=secret)}


def test_a_trip_event_is_a_fact():
    raw, headers = signed_event(EVENT, secret=upstreams.TPG["callback_secret"])
    event = tpg.verify_event(raw, headers=headers)
    assert event == TripEvent(
        "tpg", "e-1", "TPG-1", "MRG-1", "i1", "completed", datetime(2026, 1, 12, 1, tzinfo=UTC), "B 1234 MRG", "Budi"
    )


def test_a_changed_trip_event_is_not_believed():
    raw, headers = signed_event(EVENT, secret=upstreams.TPG["callback_secret"])
    assert isinstance(tpg.verify_event(raw + b" ", headers=headers), BadSignature)


def test_partners_have_secrets_of_their_own():
    raw, headers = signed_event(EVENT, secret=upstreams.PARTNERS["rent"]["callback_secret"])
    assert partners.verify_event("rent", raw=raw, headers=headers).partner == "rent"
    assert isinstance(partners.verify_event("shuttle", raw=raw, headers=headers), BadSignature)
    assert isinstance(partners.verify_event("nobody", raw=raw, headers=headers), BadSignature)


@patient
@given(data=mutated(EVENT, json_values))
def test_a_signed_trip_event_of_wrong_types_gets_a_verdict(data):
    raw, headers = signed_event(data, secret=upstreams.TPG["callback_secret"])
    assert isinstance(tpg.verify_event(raw, headers=headers), TripEvent | Unparseable)


@pytest.mark.parametrize("change", [{"event": "exploded"}, {"at": "2026-01-12T08:00:00"}, {"at": 5}, {"event_id": ""}])
def test_a_trip_event_that_cannot_be_understood_is_kept_apart(change):
    raw, headers = signed_event(EVENT | change, secret=upstreams.TPG["callback_secret"])
    assert isinstance(tpg.verify_event(raw, headers=headers), Unparseable)
