"""Prices, promos, configuration and notifications."""

import pytest

from orders.clients import config_service, notification, promo, session_manager
from orders.resilience import Answered, Refused, Retryable
from tests.sandbox_fixtures import effects, wait_until

pytestmark = pytest.mark.usefixtures("neighbours")


@pytest.mark.parametrize("service", ["taxi", "rent", "delivery", "shuttle"])
def test_a_price_is_a_sum_in_rupiah_and_the_same_for_the_same_trip(service):
    first = session_manager.price(service, details={"from": "Monas", "to": "Kota Tua"}).data
    assert first == session_manager.price(service, details={"to": "Kota Tua", "from": "Monas"}).data
    assert first.currency == "IDR"
    assert first.amount > 0
    assert first.amount % 500 == 0


def test_a_longer_trip_costs_more():
    near = session_manager.price("taxi", details={"distance_km": 2}).data
    far = session_manager.price("taxi", details={"distance_km": 20}).data
    assert near.amount < far.amount


def test_a_service_that_does_not_exist_has_no_price():
    assert session_manager.price("boat", details={}).code == "unknown_service"


@pytest.mark.parametrize(
    ("code", "amount", "discount"),
    [("HEMAT10", 100_000, 10_000), ("hemat10", 1_000_000, 20_000), ("MRG25", 40_000, 10_000)],
)
def test_a_promo_takes_a_share_up_to_a_limit(code, amount, discount):
    outcome = promo.validate(code, amount=amount, currency="IDR", service="taxi")
    assert outcome == Answered(200, promo.Promo(valid=True, discount=discount, reason=""))


def test_an_unknown_promo_is_not_valid():
    outcome = promo.validate("NOPE", amount=1, currency="IDR", service="taxi")
    assert outcome.data == promo.Promo(valid=False, discount=0, reason="unknown_code")


def test_the_city_map_names_the_branch_of_head_office():
    cities = config_service.city_map().data
    assert list(cities) == ["Jakarta", "Bandung", "Surabaya", "Semarang", "Medan", "Bali"]
    assert cities["Bali"].ho_branch == "HO-DPS"
    assert "taxi" in cities["Bali"].services


def test_flags_are_true_or_false():
    assert config_service.flags().data["promo"] is True


def send(key="N-1", **given):
    return notification.send("sms", to="+628111", template="paid", text="Thank you", idempotency_key=key, **given)


def test_a_message_goes_out_once_under_its_key(control):
    assert send().data.message_id == send().data.message_id
    assert send().data.provider == "twilio"
    assert effects(control, "notification") == ["sent"]


def test_the_provider_can_be_chosen():
    assert send(provider="infobip").data.provider == "infobip"


def test_one_provider_can_be_out_of_order(control):
    control.faults("notification", providers_off=["twilio"])
    assert send() == Retryable("twilio cannot be reached")
    assert isinstance(send(provider="infobip"), Answered)
    assert [each["provider"] for each in control.books("notification")["effects"]] == ["infobip"]


def test_one_provider_can_refuse_a_message(control):
    control.plan("twilio", {"neighbour": "notification", "on": "send", "do": "reject", "code": "bad_number"})
    assert isinstance(send(), Refused)
    assert isinstance(send(key="N-2", provider="infobip"), Answered)


def test_what_became_of_a_message_can_be_asked(control):
    assert notification.ask("N-1") == Answered(404, None)
    send()
    assert wait_until(lambda: notification.ask("N-1").data.status == "delivered")
    control.faults("notification", bounces=1.0)
    send(key="N-2")
    assert wait_until(lambda: notification.ask("N-2").data.status == "bounced")


@pytest.mark.parametrize("name", ["session_manager", "promo", "config", "notification"])
def test_down_means_that_nothing_happened(control, name):
    control.faults(name, down=True)
    asked = {
        "session_manager": lambda: session_manager.price("taxi", details={}),
        "promo": lambda: promo.validate("X", amount=1, currency="IDR", service="taxi"),
        "config": config_service.flags,
        "notification": send,
    }
    assert isinstance(asked[name](), Retryable)
