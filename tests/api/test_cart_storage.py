"""Carts in Redis and in PostgreSQL, while Redis stops, hangs, forgets and comes back with old copies."""

import os
import signal
import socket
import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from opsconsole.embedded.places import valkey_binary
from orders.models import Cart
from orders.resilience.latched import latched
from orders.services import carts
from orders.services.carts import READS
from orders.services.memory import memory
from tests.api.bodies import SARI, TAXI
from tests.api.conftest import Caller
from tests.waiting import eventually

CALL = 0.3  # seconds that a call on a cart may take, whatever Redis does


class ThrowAwayRedis:
    """A Redis of this test's own, to be stopped, frozen and emptied at will."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self.start()

    def start(self) -> None:
        command = [str(valkey_binary()), "--port", "0", "--unixsocket", str(self.socket), "--save", ""]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=self.socket.parent)
        eventually(self._answers)

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    @property
    def client(self) -> "redis.Redis":
        return redis.Redis.from_url(self.url, decode_responses=True)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        """It accepts and never answers."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)


@pytest.fixture
def own_redis(tmp_path: Path, settings: Any) -> Iterator[ThrowAwayRedis]:
    made = ThrowAwayRedis(tmp_path)
    settings.REDIS_URL = made.url
    yield made
    made.stop()


def rested() -> None:
    """Redis may be asked again, as after the latch's second."""
    if (redis_now := latched()) is not None:
        redis_now.try_again()


def reads(source: str) -> float:
    return READS.labels(source)._value.get()


def kept(server: ThrowAwayRedis, cart: dict[str, Any]) -> str:
    return str(server.client.get(carts._key(uuid.UUID(cart["id"]))))


pytestmark = pytest.mark.processes


def test_a_cart_is_in_both_and_read_from_redis(live, own_redis):
    cart = live.cart()
    assert kept(own_redis, cart).startswith("1|")
    assert 890_000 < own_redis.client.pttl(carts._key(uuid.UUID(cart["id"]))) <= 900_000
    before = reads("redis")
    assert live.get(f"/carts/{cart['id']}").json() == cart
    assert reads("redis") == before + 1
    changed = live.put(f"/carts/{cart['id']}/customer", {**SARI, "name": "Sari D."}).json()
    assert kept(own_redis, cart).startswith("2|")
    assert "Sari D." in kept(own_redis, cart)
    assert live.get(f"/carts/{cart['id']}").json() == changed


def test_a_copy_that_redis_lost_is_made_anew(live, own_redis):
    cart = live.cart()
    own_redis.client.flushall()
    before = reads("postgresql")
    assert live.get(f"/carts/{cart['id']}").json() == cart
    assert reads("postgresql") == before + 1
    assert kept(own_redis, cart).startswith("1|")


def test_everything_works_while_redis_is_stopped(live, own_redis, neighbours, clock):
    cart = live.cart()
    own_redis.stop()
    with clock(less_than=CALL):
        assert live.get(f"/carts/{cart['id']}").json() == cart
    with clock(less_than=CALL):
        filled = live.post(f"/carts/{cart['id']}/items", TAXI).json()
    with clock(less_than=CALL):
        made = live.post("/carts", {"city": "Bali"})
    assert (made.status_code, filled["revision"], len(filled["items"])) == (201, 2, 1)
    assert live.post("/orders", {"cart_id": cart["id"], "method": "qris"}).status_code == 201


def test_a_redis_that_hangs_costs_one_tenth_of_a_second_and_then_nothing(live, own_redis, neighbours, clock):
    cart = live.cart()
    own_redis.freeze()
    for number in range(3):
        rested()  # the worst case: every call is the one that finds out
        with clock(less_than=CALL):
            assert live.get(f"/carts/{cart['id']}").json()["revision"] == 1 + number
        rested()
        with clock(less_than=CALL):
            assert live.post(f"/carts/{cart['id']}/items", TAXI).status_code == 201
    with clock(less_than=CALL):
        for _call in range(5):
            assert live.get(f"/carts/{cart['id']}").status_code == 200


def test_a_server_that_accepts_and_says_nothing_from_the_first_connection_on(live, settings, neighbours, clock):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings.REDIS_URL = f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        with clock(less_than=CALL):
            cart = live.post("/carts", {"city": "Bali"}).json()
        rested()
        with clock(less_than=CALL):
            assert live.get(f"/carts/{cart['id']}").json() == cart
        rested()
        with clock(less_than=CALL):
            assert live.post(f"/carts/{cart['id']}/items", TAXI).status_code == 201


def test_an_address_that_swallows_packets_does_not_hold_a_cart(live, settings, clock):
    """A backlog that is full: connecting itself hangs."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        held = []
        for _each in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
            held.append(client)
        settings.REDIS_URL = f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        with clock(less_than=CALL):
            assert live.post("/carts", {"city": "Bali"}).status_code == 201
        for client in held:
            client.close()


def test_a_copy_that_missed_a_change_is_not_shown_after_the_outage(live, own_redis, neighbours):
    cart = live.cart()
    own_redis.freeze()
    changed = live.post(f"/carts/{cart['id']}/items", TAXI).json()
    own_redis.thaw()
    rested()
    eventually(own_redis._answers)
    assert kept(own_redis, cart).startswith("1|")
    before = reads("stale")
    assert live.get(f"/carts/{cart['id']}").json() == changed
    assert reads("stale") == before + 1
    assert kept(own_redis, cart).startswith("2|")


def test_a_stale_copy_neither_overwrites_nor_is_ordered(live, own_redis, neighbours):
    cart = live.cart(TAXI)
    copy = kept(own_redis, cart)
    own_redis.stop()
    emptied = live.delete(f"/carts/{cart['id']}/items/{cart['items'][0]['id']}").json()
    own_redis.start()
    rested()
    own_redis.client.set(carts._key(uuid.UUID(cart["id"])), copy)
    assert live.post("/orders", {"cart_id": cart["id"], "method": "qris"}).status_code == 409
    again = live.post(f"/carts/{cart['id']}/items", TAXI).json()
    assert (again["revision"], len(again["items"])) == (emptied["revision"] + 1, 1)
    assert kept(own_redis, cart).startswith(f"{again['revision']}|")


def test_of_two_writers_to_redis_the_higher_revision_stays(own_redis):
    store = memory()
    store.put("x", "new", revision=7, seconds=60)
    store.put("x", "old", revision=6, seconds=60)
    assert store.get("x") == (7, "new")
    store.put("x", "newest", revision=8, seconds=60)
    assert store.get("x") == (8, "newest")


@pytest.mark.parametrize("junk", ["", "|", "x|{}", "12", "-1|{}", "1|not json", "1|[]", "1|{}", '1|{"city":1}'])
def test_what_is_no_copy_of_ours_is_as_if_it_were_not_there(live, own_redis, junk):
    cart = live.cart()
    own_redis.client.set(carts._key(uuid.UUID(cart["id"])), junk)
    assert live.get(f"/carts/{cart['id']}").json() == cart


def test_a_key_of_another_type_does_no_harm(live, own_redis):
    cart = live.cart()
    key = carts._key(uuid.UUID(cart["id"]))
    own_redis.client.delete(key)
    own_redis.client.lpush(key, "x")
    assert live.get(f"/carts/{cart['id']}").json() == cart
    assert live.put(f"/carts/{cart['id']}/customer", SARI).status_code == 200


def test_a_full_redis_does_no_harm(live, own_redis):
    own_redis.client.config_set("maxmemory", 1)
    cart = live.cart()
    assert live.get(f"/carts/{cart['id']}").json() == cart


def test_without_any_redis_carts_work(live, settings):
    settings.REDIS_URL = ""
    cart = live.cart()
    assert live.get(f"/carts/{cart['id']}").json() == cart


def test_while_redis_rests_it_is_not_asked(live, own_redis):
    own_redis.stop()
    live.cart()
    assert memory().rests
    own_redis.start()
    cart = live.cart()
    assert own_redis.client.dbsize() == 0
    rested()
    assert live.get(f"/carts/{cart['id']}").json() == cart
    assert own_redis.client.dbsize() == 1


def test_many_threads_and_a_hanging_redis(live, own_redis, together):
    cart = live.cart()
    own_redis.freeze()
    rested()
    clients = [Caller(live.secret) for _ in range(6)]
    barrier = threading.Barrier(6)

    def read(client: Caller) -> int:
        barrier.wait(10)
        return int(client.get(f"/carts/{cart['id']}").status_code)

    for client in clients:
        together.start(lambda client=client: read(client))
    assert together.join() == [200] * 6
    assert Cart.objects.count() == 1
