"""How many calls of an endpoint are taken, whose limit it is, and who may change it."""

import threading
import time
from typing import Any

import pytest
import redis
from django.test import Client

from orders.errors import NotAllowed
from orders.models import Cart, ChannelToken, History, IdempotencyRecord, RateLimit
from orders.resilience import buckets
from orders.resilience.buckets import DEFAULTS, Refused, take
from orders.services import rate_limits
from tests.api.bodies import TAXI
from tests.api.conftest import Caller, problem

pytestmark = pytest.mark.django_db(transaction=True)

WHO = {"reason": "the app sends too much", "actor": "user:sari"}


@pytest.fixture(autouse=True)
def no_figures_of_before() -> None:
    buckets.forget()


def limit(endpoint: str, scope: str = "all", *, rate: int = 1, burst: int = 2) -> None:
    rate_limits.set_limit(endpoint, scope, rate=rate, burst=burst, **WHO)


def taken(endpoint: str, times: int, *, caller: int = 1) -> int:
    return sum(take(endpoint, caller=caller) is None for _ in range(times))


def test_a_burst_is_taken_and_then_what_time_brings():
    began = time.monotonic()
    given = taken("create_order", 600)
    brought = (time.monotonic() - began) * 100
    assert 200 <= given <= 201 + brought


def test_many_at_a_time_get_no_more_than_there_is():
    limit("create_cart", rate=1, burst=50)
    given: list[int] = []
    threads = [threading.Thread(target=lambda: given.append(taken("create_cart", 20))) for _ in range(8)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 50 <= sum(given) <= 51 + (time.monotonic() - began)


def test_the_answer_is_429_with_the_seconds_to_wait(api: Caller):
    limit("create_cart", rate=1, burst=1)
    assert api.post("/carts", {"city": "Bali"}).status_code == 201
    refused = api.post("/carts", {"city": "Bali"}, key="again")
    said = problem(refused, "too-many-requests", 429)
    assert said["detail"] == "The platform takes no more of these at the moment."
    assert refused["Retry-After"] == "1"
    assert Cart.objects.count() == 1


def test_a_429_is_not_kept_as_the_answer_to_a_key(api: Caller):
    limit("create_cart", rate=1, burst=1)
    api.post("/carts", {"city": "Bali"})
    assert api.post("/carts", {"city": "Bali"}, key="again").status_code == 429
    assert not IdempotencyRecord.objects.filter(key="again").exists()
    rate_limits.clear_limit("create_cart", "all", **WHO)
    assert api.post("/carts", {"city": "Bali"}, key="again").status_code == 201


@pytest.mark.parametrize("endpoint", list(DEFAULTS))
def test_each_limited_operation_has_its_own_bucket(api: Caller, neighbours: Any, endpoint: str):
    cart = api.cart(TAXI)
    order = api.post("/orders", {"cart_id": cart["id"], "method": "gopay"}).json()
    limit(endpoint, rate=1, burst=1)
    other = api.cart()["id"] if endpoint != "create_cart" else cart["id"]
    calls = {
        "create_cart": lambda: api.post("/carts", {"city": "Bali"}),
        "add_item": lambda: api.post(f"/carts/{other}/items", TAXI),
        "create_order": lambda: api.post("/orders", {"cart_id": cart["id"], "method": "gopay"}),
        "order_detail": lambda: api.get(f"/orders/active/{order['id']}"),
    }
    answers = {name: [call().status_code for _ in range(2)] for name, call in calls.items()}
    assert [name for name, statuses in answers.items() if 429 in statuses] == [endpoint]


def test_one_token_does_not_use_up_what_is_anothers(api: Caller, web: Caller):
    limit("create_cart", "token", rate=1, burst=1)
    assert [api.post("/carts", {"city": "Bali"}).status_code for _ in range(2)] == [201, 429]
    said = problem(api.post("/carts", {"city": "Bali"}), "too-many-requests", 429)
    assert said["detail"] == "Your channel's token has used what it may."
    assert web.post("/carts", {"city": "Bali"}).status_code == 201


def test_a_token_may_have_figures_of_its_own(token: tuple[ChannelToken, str], api: Caller, web: Caller):
    limit("create_cart", f"token:{token[0].pk}", rate=1, burst=1)
    assert [api.post("/carts", {"city": "Bali"}).status_code for _ in range(2)] == [201, 429]
    assert [web.post("/carts", {"city": "Bali"}).status_code for _ in range(3)] == [201] * 3


def test_a_call_turned_away_for_its_token_takes_nothing_of_everybodys(token: tuple[ChannelToken, str]):
    limit("create_cart", "all", rate=1, burst=3)
    limit("create_cart", f"token:{token[0].pk}", rate=1, burst=1)
    assert taken("create_cart", 20, caller=token[0].pk) == 1
    assert taken("create_cart", 20, caller=0) == 2


def test_a_change_is_a_row_with_who_why_and_what_was():
    limit("create_cart", rate=5, burst=9)
    limit("create_cart", rate=6, burst=9)
    rate_limits.clear_limit("create_cart", "all", **WHO)
    told = [(row.verb, row.actor, row.reason, row.detail["was"], row.detail["now"]) for row in rate_limits.changes()]
    who, why = "user:sari", "the app sends too much"
    assert told == [
        ("clear_rate_limit", who, why, {"rate": 6, "burst": 9}, None),
        ("set_rate_limit", who, why, {"rate": 5, "burst": 9}, {"rate": 6, "burst": 9}),
        ("set_rate_limit", who, why, None, {"rate": 5, "burst": 9}),
    ]


@pytest.mark.parametrize(
    ("_case", "given"),
    [
        ("an unknown endpoint", {"endpoint": "fly"}),
        ("an unknown scope", {"scope": "nobody"}),
        ("a token that is none", {"scope": "token:999999"}),
        ("no rate", {"rate": 0}),
        ("a burst below the rate", {"rate": 5, "burst": 4}),
        ("more than makes sense", {"burst": 100_001}),
        ("no reason", {"reason": " "}),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_changes(_case: str, given: dict[str, Any]):
    wanted: dict[str, Any] = {"endpoint": "create_cart", "scope": "all", "rate": 1, "burst": 2, **WHO, **given}
    endpoint, scope = wanted.pop("endpoint"), wanted.pop("scope")
    with pytest.raises(NotAllowed):
        rate_limits.set_limit(endpoint, scope, **wanted)
    assert not RateLimit.objects.exists()
    assert not History.objects.filter(verb="set_rate_limit").exists()


def test_a_wiped_redis_gets_the_figures_back(settings: Any):
    limit("create_cart", rate=1, burst=1)
    client = redis.Redis.from_url(settings.REDIS_URL)
    for key in client.scan_iter(f"{settings.REDIS_PREFIX}*"):
        client.delete(key)
    rate_limits.keep_up()
    assert taken("create_cart", 5) == 1


def test_figures_that_are_gone_from_the_rows_go_from_redis():
    limit("create_cart", rate=1, burst=1)
    RateLimit.objects.all().delete()
    rate_limits.keep_up()
    assert taken("create_cart", 5) == 5


def test_without_redis_the_process_counts_alone_with_the_figures_it_knew(settings: Any):
    limit("create_cart", rate=1, burst=3)
    assert taken("create_cart", 1) == 1
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    began = time.monotonic()
    assert taken("create_cart", 50) in (3, 4)  # its own bucket was full
    assert time.monotonic() - began < 0.5
    assert isinstance(take("create_cart", caller=1), Refused)


def test_without_redis_and_knowledge_the_defaults_hold(settings: Any):
    settings.REDIS_URL = ""
    began = time.monotonic()
    given = taken("create_order", 500)
    assert 200 <= given <= 201 + (time.monotonic() - began) * 100


def test_the_document_says_what_is_limited():
    paths = Client().get("/api/v1/openapi.json").json()["paths"]
    order = paths["/api/v1/orders"]["post"]
    assert order["x-rate-limit"] == {"requests_per_second": 100, "burst": 200}
    assert "At most 100 a second and 200 at once" in order["description"]
    assert "Retry-After" in order["responses"]["429"]["headers"]
    limited = {each["operationId"] for path in paths.values() for each in path.values() if "x-rate-limit" in each}
    orders = {"create_cart", "add_item", "create_order", "get_active_order", "get_history_order"}
    assert limited == orders | {"create_checkout", "get_checkout"}
