"""The same write from two connections at once, and from a process that died half-way."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection

from opsconsole.paths import PROJECT
from orders.models import Cart, IdempotencyRecord, Order
from tests.api.bodies import TAXI, taxi
from tests.api.conftest import Together, problem
from tests.waiting import eventually


def at_once(together: Together, *calls: Callable[[], Any]) -> list[Any]:
    barrier = threading.Barrier(len(calls))

    def after_the_others(call: Callable[[], Any]) -> Any:
        barrier.wait(10)
        return call()

    for call in calls:
        together.start(lambda call=call: after_the_others(call))
    return together.join()


def running_records() -> int:
    return IdempotencyRecord.objects.filter(status=0).count()


def test_one_write_sent_eight_times_at_once_happens_once(live, together):
    answers = at_once(together, *[lambda: live.post("/carts", {"city": "Bali"}, key="k1")] * 8)
    assert Cart.objects.count() == 1
    done = [answer for answer in answers if answer.status_code == 201]
    refused = [answer for answer in answers if answer.status_code == 409]
    assert len(done) + len(refused) == 8
    assert {answer.json()["id"] for answer in done} == {str(Cart.objects.get().pk)}
    assert [answer.get("Idempotency-Replayed") for answer in done].count(None) == 1
    for answer in refused:
        problem(answer, "in-progress", 409)
        assert int(answer["Retry-After"]) >= 1


def test_while_the_first_runs_the_second_is_told_to_wait(live, together, neighbours, control):
    cart = live.cart()
    control.faults("session_manager", latency=0.7)
    path = f"/carts/{cart['id']}/items"
    together.start(lambda: live.post(path, TAXI, key="k1"))
    eventually(running_records)
    second = live.post(path, TAXI, key="k1")
    problem(second, "in-progress", 409)
    assert second["Retry-After"] == "1"
    (first,) = together.join()
    third = live.post(path, TAXI, key="k1")
    assert (first.status_code, third["Idempotency-Replayed"], third.content) == (201, "true", first.content)
    assert len(Cart.objects.get().body["items"]) == 1


def test_of_two_that_both_hold_the_lease_one_undoes_its_effect(live, together, neighbours, control):
    """A process slower than its lease comes back after another has taken the write over."""
    cart = live.cart()
    path = f"/carts/{cart['id']}/items"
    control.faults("session_manager", latency=1.0)
    together.start(lambda: live.post(path, TAXI, key="k1"))
    eventually(running_records)
    control.no_faults()
    _end_leases()
    heir = live.post(path, TAXI, key="k1")
    (slow,) = together.join()
    assert heir.status_code == 201
    problem(slow, "in-progress", 409)
    assert len(Cart.objects.get().body["items"]) == 1
    assert live.post(path, TAXI, key="k1").content == heir.content


def test_two_changes_of_one_cart_at_once_are_both_in_it(live, together, neighbours):
    cart = live.cart()
    path = f"/carts/{cart['id']}/items"
    answers = at_once(together, *[lambda n=n: live.post(path, taxi(passengers=n + 1)) for n in range(3)])
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    row = Cart.objects.get()
    assert (row.revision, len(row.body["items"])) == (4, 3)


@pytest.mark.parametrize("keys", [("k1", "k1", "k1", "k1"), ("k1", "k2", "k3", "k4")])
def test_one_cart_ordered_four_times_at_once_is_one_order(live, together, neighbours, keys):
    cart = live.cart(TAXI)
    wish = {"cart_id": cart["id"], "method": "qris"}
    answers = at_once(together, *[lambda key=key: live.post("/orders", wish, key=key) for key in keys])
    order = Order.objects.get()
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    ids = {answer.json()["id"] for answer in answers if answer.status_code < 300}
    assert ids == {order.public_id}
    assert order.attempts.count() == 1


class Gateway:
    """A gateway that takes the request and never answers, as when we die waiting."""

    def __init__(self) -> None:
        self.asked, self.let_go = threading.Event(), threading.Event()
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                gateway.asked.set()
                gateway.let_go.wait(30)

            def log_message(self, *args: Any) -> None:
                """Silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.let_go.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    made = Gateway()
    yield made
    made.close()


CHILD = """
import sys, django
django.setup()
from django.test import Client
secret, cart = sys.argv[1:]
Client(SERVER_NAME="localhost").post(
    "/api/v1/orders", {"cart_id": cart, "method": "qris"}, content_type="application/json",
    headers={"Authorization": "Bearer " + secret, "Idempotency-Key": "k1"},
)
"""


@pytest.mark.processes
def test_a_crash_between_the_order_and_its_answer_makes_no_second_order(live, neighbours, gateway):
    cart = live.cart(TAXI)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, live.secret, cart["id"]], cwd=PROJECT, env=_environment(MIDTRANS_URL=gateway.url)
    )
    assert gateway.asked.wait(30)
    child.kill()
    child.wait()
    order = Order.objects.get()
    assert running_records() == 1
    wish = {"cart_id": cart["id"], "method": "qris"}
    problem(live.post("/orders", wish, key="k1"), "in-progress", 409)
    _end_leases()
    again = live.post("/orders", wish, key="k1")
    assert (again.status_code, again.json()["id"]) == (200, order.public_id)
    assert again.json()["payment"]["status"] == "link_pending"
    assert (Order.objects.count(), order.attempts.count(), running_records()) == (1, 1, 0)
    assert live.post("/orders", wish, key="k1").content == again.content


def _environment(**more: str) -> dict[str, str]:
    """The environment of a process of ours, on the database of this test."""
    given = connection.settings_dict
    url = f"postgresql://{given['USER']}@/{given['NAME']}?host={given['HOST']}&port={given['PORT']}"
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "opsconsole.settings",
        "DATABASE_URL": url.removesuffix("&port="),
        "REDIS_URL": django_settings.REDIS_URL,
        **more,
    }


def _end_leases() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders_idempotencyrecord SET lease_until = now() - interval '1 second' WHERE status = 0")
