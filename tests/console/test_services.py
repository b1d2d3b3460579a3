"""The page of services: breakers and rate limits as they are, operated with a reason, and what happened."""

import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from opsconsole import upstreams
from opsconsole.console.platform_alerts import platform_alerts
from orders.models import BreakerChange, BreakerOverride, Heartbeat, RateLimit
from orders.resilience import TurnedAway
from orders.resilience.breaker import State, gate, state_of
from orders.resilience.breaker.gate import Breaker
from orders.resilience.outcome import Unknown
from orders.services import breakers, tokens
from tests.console.people import OUTSIDER, World

pytestmark = pytest.mark.django_db(transaction=True)

HTMX = {"HX-Request": "true"}
BREAKER = "/services/midtrans/breaker/"
OPEN = {"wish": "open", "minutes": "15", "reason": "Midtrans has maintenance"}
LIMIT = "/services/limits/create_cart/all/"
SET = {"rate": "5", "burst": "9", "reason": "one shop floods us", "decision": "set"}


@pytest.fixture(autouse=True)
def real_breakers(settings: Any) -> Iterator[None]:
    settings.REDIS_PREFIX = f"test-{uuid.uuid4().hex}:"
    settings.BREAKERS = upstreams.breakers({})
    yield
    gate.forget()


def _toast(answer: HttpResponse) -> str:
    return str(json.loads(answer["HX-Trigger"])["toast"]["text"])


def _fail(name: str, times: int = 5) -> None:
    breaker = Breaker(name)
    for _ in range(times):
        ticket = breaker.admit(is_retry=False)
        if not isinstance(ticket, TurnedAway):
            breaker.report(ticket, Unknown("status 500"))


def test_every_neighbour_is_shown_and_those_in_trouble_first(people: World) -> None:
    _fail("promo")
    breakers.keep_up()
    page = people.client("sari").get("/services/").content.decode()
    rows = [part.split('"')[0] for part in page.split('<tr id="row-')[1:]]
    assert rows[0] == "promo"
    assert set(rows) == set(upstreams.LIMITS)
    assert "5 calls in a row failed" in page
    assert "5 / 5" in page
    assert "<title>(1) Services" in page


def test_forcing_open_holds_and_is_told(people: World) -> None:
    client = people.client("sari")
    assert "Force open" in client.get(BREAKER, headers=HTMX).content.decode()
    assert _toast(client.post(BREAKER, OPEN, headers=HTMX)).startswith("Done.")
    state = state_of("midtrans")
    assert state.state == State.FORCED_OPEN
    assert state.until is not None
    assert timedelta(minutes=14) < state.until - timezone.now() < timedelta(minutes=15)
    page = client.get("/services/").content.decode()
    assert "Forced open" in page
    assert "Sari Wulandari: Midtrans has maintenance" in page
    events = client.get("/services/events/").content.decode()
    assert "Sari Wulandari: Midtrans has maintenance" in events


def test_the_dialog_says_what_works_without_the_neighbour(people: World) -> None:
    html = people.client("sari").get("/services/tpg/breaker/", headers=HTMX).content.decode()
    assert "queue for dispatch" in html


def test_reset_needs_no_end(people: World) -> None:
    _fail("midtrans")
    answer = people.client("admin").post(BREAKER, {"wish": "reset", "reason": "they fixed it"}, headers=HTMX)
    assert _toast(answer).startswith("Done.")
    assert state_of("midtrans").state == State.CLOSED


@pytest.mark.parametrize("given", [{"reason": " "}, {"minutes": ""}, {"minutes": "7"}, {"wish": "ajar"}])
def test_nonsense_operates_nothing(people: World, given: dict[str, str]) -> None:
    assert people.client("sari").post(BREAKER, {**OPEN, **given}, headers=HTMX).status_code == 422
    assert not BreakerOverride.objects.exists()
    assert state_of("midtrans").state == State.CLOSED


@pytest.mark.parametrize("who", ["dewi", "budi", "agus", OUTSIDER])
def test_who_may_not_operate_may_look(people: World, who: str) -> None:
    client = people.client(who)
    assert client.post(BREAKER, OPEN).status_code == 403
    assert client.post(LIMIT, SET).status_code == 403
    assert not BreakerOverride.objects.exists()
    assert not RateLimit.objects.exists()
    page = client.get("/services/")
    assert page.status_code == (403 if who == OUTSIDER else 200)
    assert "Operate…" not in page.content.decode()


def test_a_neighbour_without_a_breaker_is_not_found(people: World) -> None:
    assert people.client("sari").get("/services/nobody/breaker/").status_code == 404


def test_it_works_without_a_script(people: World) -> None:
    client = people.client("sari")
    assert "<!doctype html>" in client.get(BREAKER).content.decode()
    assert client.post(BREAKER, OPEN).url == "/services/"
    assert "<!doctype html>" in client.get(LIMIT).content.decode()


def test_a_rate_limit_is_changed_and_says_by_whom_and_why(people: World) -> None:
    client = people.client("sari")
    assert _toast(client.post(LIMIT, SET, headers=HTMX)) == "The limit is in force."
    row = RateLimit.objects.get()
    assert (row.endpoint, row.scope, row.rate, row.burst) == ("create_cart", "all", 5, 9)
    page = client.get("/services/").content.decode()
    assert "one shop floods us" in page
    cleared = client.post(LIMIT, {"decision": "clear", "reason": "quiet again"}, headers=HTMX)
    assert _toast(cleared) == "The limit is in force."
    assert not RateLimit.objects.exists()


def test_one_token_can_be_slowed_down(people: World) -> None:
    token, _secret = tokens.issue("web", name="Shop", actor="user:admin")
    client, path = people.client("sari"), f"/services/limits/create_cart/token:{token.pk}/"
    assert path in client.get("/services/").content.decode()
    client.post(path, SET, headers=HTMX)
    assert RateLimit.objects.get().scope == f"token:{token.pk}"
    assert "token “web Shop”" in client.get("/services/").content.decode()


@pytest.mark.parametrize("given", [{"rate": "0"}, {"rate": "x"}, {"burst": "100001"}, {"reason": ""}])
def test_nonsense_limits_nothing(people: World, given: dict[str, str]) -> None:
    assert people.client("sari").post(LIMIT, {**SET, **given}, headers=HTMX).status_code == 422
    assert not RateLimit.objects.exists()


@pytest.mark.parametrize("path", ["/services/limits/fly/all/", "/services/limits/create_cart/token:0/"])
def test_a_limit_that_does_not_exist_is_not_found(people: World, path: str) -> None:
    assert people.client("sari").get(path).status_code == 404


def test_events_come_in_pages_newest_first_and_by_neighbour(people: World) -> None:
    now = timezone.now()
    BreakerChange.objects.bulk_create(
        BreakerChange(
            key=f"k{n}",
            upstream="tpg" if n % 2 else "ho",
            source="closed",
            target="open",
            cause="failures",
            calls=n,
            failures=n,
            at=now,
        )
        for n in range(120)
    )
    client = people.client("agus")
    first = client.get("/services/events/").content.decode()
    assert "50 of 120" in first
    assert "119 of the last 119 calls failed" in first
    last = BreakerChange.objects.order_by("-id")[49].pk
    second = client.get(f"/services/events/?after={last}").content.decode()
    assert "69 of the last 69 calls failed" in second
    assert "119 of the last" not in second
    of = client.get("/services/events/?of=tpg").content.decode()
    assert "50 of 60" in of
    assert "5 calls in a row failed" in first
    assert "5 calls in a row failed" not in of


def test_without_redis_the_page_says_that_it_shows_what_was_seen_last(people: World, settings: Any) -> None:
    _fail("midtrans")
    breakers.keep_up()
    settings.REDIS_URL = ""
    page = people.client("sari").get("/services/").content.decode()
    assert "Redis does not answer" in page
    assert 'data-tone="failed"' in page.split('id="row-midtrans"')[1].split("</tr>")[0]


def test_an_open_breaker_is_a_red_badge_on_every_page(people: World) -> None:
    _fail("tpg", times=10)
    breakers.keep_up()
    Heartbeat.objects.create(name="neighbour:tpg", pid=0, detail={"ok": False})
    assert [(alert.text, alert.href) for alert in platform_alerts()] == [("TPG / BBD: breaker open", "/services/")]
    page = people.client("dewi").get("/orders/").content.decode()
    assert "TPG / BBD: breaker open" in page


def test_the_overview_says_that_a_breaker_is_open(people: World) -> None:
    Heartbeat.objects.create(name="neighbour:tpg", pid=0, detail={"ok": True, "ms": 1})
    _fail("tpg", times=10)
    breakers.keep_up()
    assert "Breaker open" in people.client("sari").get("/").content.decode()


def test_metrics_tell_states_and_changes() -> None:
    _fail("tpg", times=10)
    breakers.force("ho", "closed", until=timezone.now() + timedelta(hours=1), reason="test", actor="user:sari")
    breakers.keep_up()
    text = Client().get("/metrics").content.decode()
    assert 'orderorchestrator_breaker_state{upstream="tpg"} 2.0' in text
    assert 'orderorchestrator_breaker_state{upstream="promo"} 0.0' in text
    assert 'orderorchestrator_breaker_forced{upstream="ho"} 1.0' in text
    assert 'orderorchestrator_breaker_changes_total{to="open",upstream="tpg"} 1.0' in text


def test_the_page_costs_a_fixed_number_of_queries(people: World, django_assert_num_queries: Any) -> None:
    client = people.client("sari")
    client.get("/services/")
    for name in upstreams.LIMITS:
        _fail(name, times=10)
    breakers.keep_up()
    with django_assert_num_queries(13):
        client.get("/services/")


def test_what_works_without_is_a_page(people: World) -> None:
    page = people.client("dewi").get("/services/without/").content.decode()
    assert page.count('<th scope="row">') == 14
