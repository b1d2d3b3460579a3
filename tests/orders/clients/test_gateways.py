"""What every gateway does for us, spoken over real HTTP in its own format."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from opsconsole.sandbox.remote import SandboxSaidNo
from orders.clients import codes
from orders.resilience import Answered, Refused
from tests.orders.clients.attempts import AMOUNT, attempt
from tests.sandbox_fixtures import effects, wait_until

pytestmark = pytest.mark.usefixtures("neighbours")
GATEWAYS = pytest.mark.parametrize("name", codes.GATEWAYS)
PAIRS = [(name, method) for name in codes.GATEWAYS for method in sorted(codes.OFFERED[name])]


@pytest.mark.parametrize(("name", "method"), PAIRS)
def test_every_method_goes_from_link_to_money(control, name, method):
    one = attempt(name, method=method).open()
    assert one.status().state == "open"
    control.pay(one.ref)
    status = one.status()
    assert (status.state, status.amount, status.currency) == ("paid", AMOUNT, "IDR")
    assert status.merchant_ref == one.ref
    assert status.gateway_ref == one.token
    assert status.merchant
    assert status.refunds == ()
    assert abs(status.paid_at - datetime.now(UTC)) < timedelta(seconds=5)


@GATEWAYS
def test_a_link_leads_to_a_page_where_a_customer_can_pay(name):
    one = attempt(name)
    link = one.create().data
    one.token = link.reference
    page = httpx.get(link.url)
    assert page.status_code == 200
    assert one.ref in page.text
    assert "150.000" in page.text
    httpx.post(link.url, data={"outcome": "pay"})
    assert one.status().state == "paid"
    assert 'value="pay"' not in httpx.get(link.url).text


@GATEWAYS
def test_money_that_comes_after_an_untouched_page_ended_is_known_and_told(name, control, receiver):
    one = attempt(name, method="va_bca").open()
    control.pay(one.ref, outcome="expire")
    control.pay(one.ref, force=True)
    status = one.status()
    assert (status.state, status.amount) == ("paid", AMOUNT)
    assert effects(control, name) == ["charged"]
    wait_until(lambda: any(one.ref.encode() in each.body for each in receiver.got))


@GATEWAYS
def test_a_link_ends_when_it_was_told_to(name):
    link = attempt(name, method="va_bca").create().data
    left = link.expires_at - datetime.now(UTC)
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)


@pytest.mark.parametrize(
    ("name", "method", "state"),
    [
        ("midtrans", "card", "declined"),
        ("midtrans", "va_bca", "declined"),
        ("xendit", "qris", "open"),
        ("nicepay", "ovo", "declined"),
        ("nicepay", "qris", "declined"),
        ("nicepay", "va_bca", "open"),
    ],
)
def test_a_failed_try_is_what_the_gateway_makes_of_it(control, name, method, state):
    one = attempt(name, method=method).open()
    control.pay(one.ref, outcome="fail")
    assert one.status().state == state


@pytest.mark.parametrize(
    ("name", "method"),
    [("xendit", "qris"), ("nicepay", "va_bni"), ("nicepay", "cstore"), ("nicepay", "ovo"), ("nicepay", "qris")],
)
def test_an_expired_page_reads_as_expired(control, name, method):
    one = attempt(name, method=method).open()
    control.pay(one.ref, outcome="expire")
    assert one.status().state == "expired"


def test_midtrans_knows_an_expiry_only_after_a_method_was_picked(control):
    picked, untouched = attempt("midtrans", ref="A").open(), attempt("midtrans", ref="B").open()
    control.pay(picked.ref, outcome="pick")
    assert picked.status().code == "pending"
    for each in (picked, untouched):
        control.pay(each.ref, outcome="expire")
    assert picked.status().state == "expired"
    assert (untouched.status().state, untouched.status().code) == ("open", "404")


def test_xendit_paid_and_settled_are_the_same_fact(control):
    one = attempt("xendit").open()
    control.pay(one.ref)
    paid = one.status()
    control.pay(one.ref, outcome="settle")
    settled = one.status()
    assert (paid.code, settled.code) == ("PAID", "SETTLED")
    assert (paid.state, paid.amount, paid.paid_at) == (settled.state, settled.amount, settled.paid_at)


def test_midtrans_money_came_when_it_was_paid_however_late_it_settles(control):
    card, account = (
        attempt("midtrans", method="card", ref="A").open(),
        attempt("midtrans", method="va_bca", ref="B").open(),
    )
    opened = datetime.now(UTC)
    _next_second(opened)
    for each in (card, account):
        control.pay(each.ref)
    paid = [each.status().paid_at for each in (card, account)]
    assert min(paid) > opened
    _next_second(datetime.now(UTC))
    control.pay(card.ref, outcome="settle")
    assert (card.status().code, card.status().paid_at) == ("settlement/accept/200", paid[0])


def _next_second(after: datetime) -> None:
    """Midtrans tells the time in whole seconds."""
    wait_until(lambda: datetime.now(UTC).replace(microsecond=0) > after)


@pytest.mark.parametrize(("name", "method"), [("midtrans", "va_permata"), ("nicepay", "va_bca")])
def test_money_that_goes_back_to_the_bank_reads_as_reversed(control, name, method):
    one = attempt(name, method=method).open()
    control.pay(one.ref)
    control.pay(one.ref, outcome="reverse")
    assert one.status().state == "reversed"


def test_a_denial_without_settlement_time_is_reversed_for_who_saw_it_paid(control):
    one = attempt("midtrans", method="gopay").open()
    control.pay(one.ref, outcome="fail")
    assert one.status().state == "declined"
    assert one.status(paid_before=True).state == "reversed"


@GATEWAYS
def test_another_amount_is_told_as_it_is(control, name):
    one = attempt(name).open()
    control.pay(one.ref, amount=AMOUNT - 1)
    assert one.status().amount == AMOUNT - 1


@GATEWAYS
def test_another_currency_is_told_as_it_is(control, name):
    one = attempt(name).open()
    control.pay(one.ref, currency="JPY")
    assert one.status().currency == "JPY"


@pytest.mark.parametrize(("name", "code"), [("midtrans", "held"), ("xendit", "ON_HOLD"), ("nicepay", "77")])
def test_a_code_that_nobody_knows_has_no_state(control, name, code):
    one = attempt(name).open()
    control.plan(one.order_ref, {"on": "pay", "do": "code", "code": code})
    control.pay(one.ref)
    assert (one.status().state, one.status().code) == (None, code)


@GATEWAYS
def test_a_closed_attempt_cannot_be_paid(control, name):
    one = attempt(name).open()
    closed = one.close()
    assert closed.data.state in ("cancelled", "expired")
    with pytest.raises(SandboxSaidNo, match="409"):
        control.pay(one.ref)
    assert effects(control, name) == []


@GATEWAYS
def test_closing_again_says_the_same(name):
    one = attempt(name).open()
    first, second = one.close(), one.close()
    assert isinstance(second, Answered)
    assert second.data.state in (first.data.state, "expired")


@GATEWAYS
def test_closing_what_is_paid_is_refused_and_takes_nothing_back(control, name):
    one = attempt(name).open()
    control.pay(one.ref)
    assert isinstance(one.close(), Refused)
    assert one.status().state == "paid"
    assert effects(control, name) == ["charged"]


def test_midtrans_cancels_the_transaction_when_the_page_is_already_in_use(control):
    one = attempt("midtrans", method="va_bca").open()
    control.pay(one.ref, outcome="pick")
    assert one.close().data.state == "cancelled"
    assert one.status().state == "cancelled"


def test_xendit_closes_by_our_reference_when_theirs_was_lost(control):
    one = attempt("xendit").open()
    one.token = ""
    assert one.close().data.state == "expired"
    assert attempt("xendit", ref="never-made").close().data.state == "not_started"


REFUNDABLE = [(name, method) for name in codes.GATEWAYS for method in sorted(codes.REFUNDABLE[name])]


@pytest.mark.parametrize(("name", "method"), REFUNDABLE)
def test_money_goes_back_in_parts_and_in_whole(control, name, method):
    one = attempt(name, method=method).open()
    control.pay(one.ref)
    assert isinstance(one.refund(50_000, key="RF-1"), Answered)
    wait_until(lambda: one.ask_refund(50_000, key="RF-1").state == "succeeded")
    assert isinstance(one.refund(100_000, key="RF-2"), Answered)
    wait_until(lambda: one.ask_refund(100_000, key="RF-2", before=50_000).state == "succeeded")
    if name != "xendit":  # an invoice does not list its refunds
        assert one.status().refunded == AMOUNT
    assert one.status().state == "paid"
    assert effects(control, name) == ["charged", "refunded", "refunded"]


NOT_REFUNDABLE = [
    (name, method) for name in codes.GATEWAYS for method in sorted(codes.OFFERED[name] - codes.REFUNDABLE[name])
]


@pytest.mark.parametrize(("name", "method"), NOT_REFUNDABLE)
def test_a_channel_without_refunds_refuses(control, name, method):
    one = attempt(name, method=method).open()
    control.pay(one.ref)
    assert isinstance(one.refund(AMOUNT), Refused)
    assert effects(control, name) == ["charged"]


@GATEWAYS
def test_more_than_was_paid_never_goes_back(control, name):
    one = attempt(name).open()
    control.pay(one.ref)
    one.refund(100_000, key="RF-1")
    wait_until(lambda: one.ask_refund(100_000, key="RF-1").state == "succeeded")
    assert isinstance(one.refund(50_001, key="RF-2"), Refused)
    assert effects(control, name) == ["charged", "refunded"]


@pytest.mark.parametrize("name", ["midtrans", "xendit"])
def test_the_same_key_pays_back_once(control, name):
    one = attempt(name).open()
    control.pay(one.ref)
    for _ in range(3):
        one.refund(50_000, key="RF-1")
    wait_until(lambda: one.ask_refund(50_000, key="RF-1").state == "succeeded")
    assert effects(control, name) == ["charged", "refunded"]


def test_nicepay_pays_back_as_often_as_it_is_asked(control):
    """Why its refunds are never repeated: it has no key."""
    one = attempt("nicepay").open()
    assert one.gateway.refund_is_repeatable is False
    control.pay(one.ref)
    one.refund(50_000)
    one.refund(50_000)
    assert effects(control, "nicepay") == ["charged", "refunded", "refunded"]
    assert one.status().refunded == 100_000


@GATEWAYS
def test_a_refund_that_was_never_asked_for_is_absent(control, name):
    one = attempt(name).open()
    control.pay(one.ref)
    assert one.ask_refund(50_000, key="RF-9").state == "absent"


def test_a_refund_can_fail_after_it_was_accepted(control):
    one = attempt("xendit").open()
    control.plan(one.order_ref, {"on": "refund", "do": "fail"})
    control.pay(one.ref)
    assert one.refund(50_000).data.state == "pending"
    wait_until(lambda: one.ask_refund(50_000).state == "failed")
    assert one.ask_refund(50_000).code == "INSUFFICIENT_BALANCE"
    assert effects(control, "xendit") == ["charged"]


@pytest.mark.parametrize("name", ["midtrans", "nicepay"])
def test_a_refund_can_be_refused_for_want_of_money(control, name):
    one = attempt(name).open()
    control.plan(one.order_ref, {"on": "refund", "do": "fail"})
    control.pay(one.ref)
    assert isinstance(one.refund(50_000), Refused)
    assert effects(control, name) == ["charged"]


def test_midtrans_gives_a_second_page_for_an_order_that_is_charged_once(control):
    one = attempt("midtrans").open()
    first = one.token
    second = one.open().token
    assert first != second
    control.pay(second)
    with pytest.raises(SandboxSaidNo, match="409"):
        control.pay(first)
    assert one.create().code == "400"
    assert effects(control, "midtrans") == ["charged"]


def test_nicepay_refuses_a_reference_that_it_has_seen():
    one = attempt("nicepay").open()
    assert one.create().code == "9009"


def test_nicepay_takes_rupiah_only(control):
    refused = attempt("nicepay").gateway.create_link(
        "A", amount=100, currency="USD", method="qris", order_ref="O", customer={}, expires_at=datetime.now(UTC)
    )
    assert isinstance(refused, Refused)
    assert control.books("nicepay")["payments"] == []


@pytest.mark.parametrize(("name", "secret"), [("midtrans", "server_key"), ("xendit", "secret_key")])
def test_a_wrong_key_is_refused(settings, name, secret):
    settings.GATEWAYS = settings.GATEWAYS | {name: settings.GATEWAYS[name] | {secret: "wrong"}}
    assert attempt(name).create().status == 401


def test_a_wrong_nicepay_key_is_refused(settings):
    settings.GATEWAYS = settings.GATEWAYS | {"nicepay": settings.GATEWAYS["nicepay"] | {"merchant_key": "wrong"}}
    assert attempt("nicepay").create().code == "9010"
