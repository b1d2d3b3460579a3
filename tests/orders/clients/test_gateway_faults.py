"""What a client knows after each fault of a gateway, and what asking then brings to light."""

import time

import pytest

from orders.clients import codes
from orders.resilience import Answered, Refused, Retryable, Unknown
from tests.orders.clients.attempts import AMOUNT, attempt
from tests.sandbox_fixtures import effects, wait_until

pytestmark = pytest.mark.usefixtures("neighbours")
GATEWAYS = pytest.mark.parametrize("name", codes.GATEWAYS)
LIMIT = 0.4


def plan(control, one, do, *, on="create", **given):
    control.plan(one.order_ref, {"on": on, "do": do, "times": 1, **given})


@GATEWAYS
def test_down_means_that_nothing_happened(control, name):
    control.faults(name, down=True)
    assert isinstance(attempt(name).create(), Retryable)
    control.faults(name, down=False)
    assert isinstance(attempt(name).create(), Answered)


@GATEWAYS
def test_down_breaks_connections_that_are_open(control, name):
    one = attempt(name).open()
    control.faults(name, down=True)
    assert isinstance(one.ask(), Retryable)


@GATEWAYS
@pytest.mark.parametrize("do", ["error", "timeout", "reset"])
def test_a_lost_request_is_unknown_and_left_nothing(control, name, do):
    one = attempt(name)
    plan(control, one, do)
    assert isinstance(one.create(deadline=LIMIT), Unknown)
    assert control.books(name)["payments"] == []


@GATEWAYS
@pytest.mark.parametrize("do", ["error_after", "timeout_after_success", "reset_after"])
def test_a_lost_answer_is_unknown_although_the_page_exists(control, name, do):
    one = attempt(name)
    plan(control, one, do)
    assert isinstance(one.create(deadline=LIMIT), Unknown)
    assert len(control.books(name)["payments"]) == 1


def test_midtrans_repeats_a_lost_creation_under_the_same_reference(control):
    one = attempt("midtrans")
    plan(control, one, "timeout_after_success")
    assert isinstance(one.create(deadline=LIMIT), Unknown)
    assert one.gateway.link_is_repeatable
    assert one.status().state == "open"
    assert isinstance(one.create(), Answered)
    assert len(control.books("midtrans")["payments"]) == 1


def test_xendit_finds_a_lost_creation_by_our_reference(control):
    one = attempt("xendit")
    assert one.status().state == "not_started"
    plan(control, one, "timeout_after_success")
    assert isinstance(one.create(deadline=LIMIT), Unknown)
    found = one.status()
    assert found.state == "open"
    assert found.link is not None
    control.pay(found.link.url)
    assert one.status().state == "paid"


def test_nicepay_cannot_find_a_lost_creation_and_nobody_can_pay_it(control):
    one = attempt("nicepay")
    plan(control, one, "timeout_after_success")
    assert isinstance(one.create(deadline=LIMIT), Unknown)
    assert one.status().state == "not_started"
    assert one.create().code == "9009"


@GATEWAYS
def test_an_effect_that_comes_late_is_found_by_asking(control, name):
    one = attempt(name)
    plan(control, one, "late_effect", seconds=LIMIT + 0.2)
    assert isinstance(one.create(deadline=LIMIT), Unknown)
    assert control.books(name)["payments"] == []
    wait_until(lambda: control.books(name)["payments"])


@GATEWAYS
def test_a_dripping_gateway_respects_the_deadline(control, name):
    one = attempt(name)
    plan(control, one, "drip", seconds=30)
    started = time.monotonic()
    assert isinstance(one.create(deadline=LIMIT), Unknown)
    assert time.monotonic() - started < LIMIT + 2


@GATEWAYS
def test_a_slow_gateway_is_unknown_to_who_cannot_wait_and_an_answer_to_who_can(control, name):
    control.faults(name, latency=0.5)
    assert isinstance(attempt(name, ref="A").create(deadline=0.2), Unknown)
    assert isinstance(attempt(name, ref="B").create(deadline=5), Answered)


@GATEWAYS
def test_a_slow_gateway_can_fail_as_well(control, name):
    control.faults(name, latency=0.3, error_rate=1)
    started = time.monotonic()
    assert isinstance(attempt(name).create(), Unknown)
    assert time.monotonic() - started > 0.3


@GATEWAYS
def test_closing_can_go_unanswered(control, name):
    one = attempt(name).open()
    plan(control, one, "timeout_after_success", on="close")
    assert isinstance(one.close(deadline=LIMIT), Unknown)
    assert one.close().data.state in ("cancelled", "expired")


@GATEWAYS
def test_a_refusal_is_in_the_words_of_the_gateway(control, name):
    one = attempt(name)
    plan(control, one, "reject", code="" if name == "midtrans" else "E1")
    refused = one.create()
    assert isinstance(refused, Refused)
    assert refused.code == {"midtrans": "400"}.get(name, "E1")
    assert control.books(name)["payments"] == []


@GATEWAYS
def test_a_question_survives_one_failure(control, name):
    one = attempt(name).open()
    plan(control, one, "error", on="status")
    assert one.status().state == "open"


@GATEWAYS
def test_a_question_that_gets_no_answer_changes_nothing(control, name):
    one = attempt(name).open()
    control.plan(one.order_ref, {"on": "status", "do": "timeout"})
    assert isinstance(one.ask(deadline=LIMIT), Retryable)


@GATEWAYS
def test_a_refund_whose_answer_was_lost_is_found_by_asking(control, name):
    one = attempt(name).open()
    control.pay(one.ref)
    control.plan(one.order_ref, {"on": "refund", "do": "timeout_after_success"})
    assert isinstance(one.refund(50_000, deadline=LIMIT), Unknown)
    wait_until(lambda: one.ask_refund(50_000).state == "succeeded")
    assert effects(control, name) == ["charged", "refunded"]


@pytest.mark.parametrize("name", ["midtrans", "xendit"])
def test_a_refund_with_a_key_is_repeated_within_the_call(control, name):
    one = attempt(name).open()
    control.pay(one.ref)
    plan(control, one, "error_after", on="refund")
    assert isinstance(one.refund(50_000), Answered)
    wait_until(lambda: one.ask_refund(50_000).state == "succeeded")
    assert effects(control, name) == ["charged", "refunded"]


def test_a_refund_without_a_key_is_never_repeated(control):
    one = attempt("nicepay").open()
    control.pay(one.ref)
    plan(control, one, "error_after", on="refund")
    assert isinstance(one.refund(50_000), Unknown)
    assert one.ask_refund(50_000).state == "succeeded"
    assert effects(control, "nicepay") == ["charged", "refunded"]


def test_nicepay_troubles_of_its_own_are_unknown(control):
    one = attempt("nicepay")
    plan(control, one, "reject", code="1004")
    assert isinstance(one.create(), Unknown)


@GATEWAYS
def test_a_short_payment_is_planned_for_one_order(control, name):
    one, other = attempt(name).open(), attempt(name, ref="MRG-2-1", order_ref="MRG-2").open()
    control.plan(one.order_ref, {"on": "pay", "do": "amount", "amount": 1_000})
    control.pay(one.order_ref)
    control.pay(other.order_ref)
    assert one.status().amount == 1_000
    assert other.status().amount == AMOUNT
