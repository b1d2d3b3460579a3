"""The process: ports, restarts, bad manners on the wire, and the command."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import product

import httpx
import pytest
from django.core.management import CommandError, call_command

from opsconsole import upstreams
from opsconsole.sandbox import Sandbox
from opsconsole.sandbox.http11 import Listener, Silence
from opsconsole.sandbox.remote import RemoteSandbox
from orders.clients import ho, tpg
from orders.resilience import connections
from tests.orders.clients.attempts import attempt
from tests.sandbox_fixtures import SECRETS, SPEED, raw, wait_until


def free_base() -> int:
    """A row of ports that were free a moment ago, below those that the system hands out."""
    for base in random.sample(range(20_000, 30_000), 100):
        with ExitStack() as held, suppress(OSError):
            for port in range(base, base + len(upstreams.NEIGHBOURS)):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
            return base
    raise AssertionError("no free row of ports")


def test_every_neighbour_has_a_port_of_its_own(sandbox):
    assert list(sandbox.urls) == list(upstreams.NEIGHBOURS)
    assert len(set(sandbox.urls.values())) == len(upstreams.NEIGHBOURS)
    assert set(upstreams.LIMITS) == set(upstreams.NEIGHBOURS) - {"control"}


def test_ports_follow_the_base():
    base = free_base()
    with Sandbox(secrets=SECRETS, port_base=base) as sandbox:
        assert sandbox.urls == upstreams.sandbox_urls(base)


def test_a_taken_port_is_an_error_and_leaves_nothing_listening():
    base = free_base()
    with socket.create_server(("127.0.0.1", base + 3)):
        with pytest.raises(OSError, match="address already in use"):
            Sandbox(secrets=SECRETS, port_base=base).start()
        with socket.create_server(("127.0.0.1", base)):
            pass


def test_a_neighbour_that_was_down_comes_back_on_its_port(sandbox, control):
    before = sandbox.urls["promo"]
    control.faults("promo", down=True)
    with pytest.raises(httpx.ConnectError):
        httpx.get(before)
    control.faults("promo", down=False)
    assert httpx.get(before).status_code == 404
    assert sandbox.urls["promo"] == before


def test_two_who_find_a_neighbour_down_bring_it_back_once():
    async def nobody(_request) -> Silence:
        return Silence()

    async def down_and_up() -> tuple[int, int]:
        listener = Listener(nobody, host="127.0.0.1", port=0)
        await listener.up()
        before = listener.port
        await listener.down()
        await asyncio.gather(listener.up(), listener.up())
        await listener.down()
        return before, listener.port

    before, after = asyncio.run(down_and_up())
    assert before == after


@pytest.fixture
def restarted(receiver, settings, tmp_path):
    """Start the sandbox on the same books, as often as asked for."""
    running: list[Sandbox] = []

    def start(**given) -> RemoteSandbox:
        for each in running:
            each.stop()
        running[:] = [Sandbox(**{"secrets": SECRETS, "store": tmp_path / "b.sqlite3", "app_url": receiver.url} | given)]
        running[0].start()
        settings.UPSTREAMS = {
            name: {"url": running[0].urls[name], "timeout": 5.0, "tries": 3} for name in upstreams.LIMITS
        }
        return RemoteSandbox(running[0].control_url)

    settings.GATEWAYS, settings.TPG, settings.PARTNERS = SECRETS.gateways, SECRETS.tpg, SECRETS.partners
    yield start
    connections.close_all()
    for each in running:
        each.stop()


@pytest.mark.parametrize("name", ["midtrans", "xendit", "nicepay"])
def test_a_restart_forgets_no_payment(restarted, name):
    with restarted() as control:
        one = attempt(name).open()
        control.pay(one.ref)
        one.refund(50_000, key="RF-1")
        before = control.books(name)["effects"]
    with restarted(speed=SPEED) as control:
        assert one.status().state == "paid"
        wait_until(lambda: one.ask_refund(50_000, key="RF-1").state == "succeeded")
        assert control.books(name)["effects"][: len(before)] == before


def test_a_restart_forgets_neither_entries_nor_bookings_nor_plans_nor_faults(restarted):
    with restarted() as control:
        control.plan("MRG-1", {"on": "post", "do": "double"})
        control.faults("promo", down=True, latency=1)
        tpg.book("MRG-1", item={"ref": "i"}, idempotency_key="K")
    with restarted() as control:
        at = wait_until(lambda: tpg.ask_booking("K").data).updated_at
        ho.post_entry("P-1", order_ref="MRG-1", amount=1, currency="IDR", kind="payment", occurred_at=at)
        assert len(ho.list_entries().data.entries) == 2
        assert raw(control, "GET", "/faults/promo").json()["latency"] == 1
        with pytest.raises(httpx.ConnectError):
            httpx.get(control.stats()["urls"]["promo"])


def test_a_restart_goes_on_with_trips_and_callbacks(restarted, receiver):
    receiver.statuses.append(503)
    with restarted(speed=1) as control:
        one = attempt("midtrans").open()
        control.pay(one.ref)
        tpg.book("MRG-1", item={"ref": "i"}, idempotency_key="K")
        wait_until(lambda: receiver.got)
        assert control.stats()["callbacks_pending"] == 1
    with restarted(speed=100_000) as control:
        wait_until(lambda: tpg.ask_booking("K").data.state == "completed")
        assert control.books("midtrans")["callbacks"][0]["answers"] == [503]


def test_a_hundred_hanging_calls_do_not_hold_the_others(sandbox, control):
    control.faults("ho", timeout_rate=1)
    hanging = []
    for _ in range(100):
        connection = socket.create_connection(("127.0.0.1", int(sandbox.urls["ho"].rpartition(":")[2])))
        connection.sendall(b"GET /v1/entries HTTP/1.1\r\n\r\n")
        hanging.append(connection)
    wait_until(lambda: control.stats()["counts"].get("ho.list.timeout") == 100)
    assert httpx.get(f"{sandbox.urls['config']}/v1/flags").status_code == 200
    for connection in hanging:
        connection.close()


def test_many_at_once_are_served(sandbox):
    with httpx.Client() as client, ThreadPoolExecutor(8) as pool:
        urls = [f"{sandbox.urls['config']}/v1/flags"] * 200
        assert {response.status_code for response in pool.map(client.get, urls)} == {200}


@pytest.mark.parametrize(
    "raw",
    [
        b"HELLO\r\n\r\n",
        b"GET / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 99999999\r\n\r\n",
    ],
)
def test_a_request_that_is_none_is_answered_with_400(sandbox, raw):
    with socket.create_connection(("127.0.0.1", int(sandbox.urls["ho"].rpartition(":")[2]))) as connection:
        connection.sendall(raw)
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("name", upstreams.LIMITS)
def test_rubbish_never_breaks_a_neighbour(sandbox, name):
    paths = ["/v2/invoices", "/snap/v1/transactions", "/nicepay/redirect/v2/registration", "/nicepay/direct/v2/inquiry"]
    paths += ["/v1/bookings", "/v1/entries", "/v1/price", "/v1/promos/validate", "/v1/messages", "/refunds"]
    bodies = [b"", b"[]", b"\xff", b'{"amount": null, "item": 5, "customer": [], "metadata": 1}']
    bodies += [b'{"amount": 1, "external_id": "A", "metadata": 1, "enabled_payments": 5, "order_ref": [], "code": {}}']
    key = {"midtrans": "server_key", "xendit": "secret_key"}.get(name)
    auth = (SECRETS.gateways[name][key] if key else "", "")
    with httpx.Client(base_url=sandbox.urls[name], auth=auth) as client:
        for path, body in product(paths, bodies):
            headers = {"idempotency-key": "K"}
            assert client.post(path, content=body, headers=headers).status_code < 500


# The command needs neither server, so none is to be started for it.
SERVERS = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}
COMMAND = [sys.executable, "manage.py", "sandbox", "--store", ":memory:", "--port-base"]


@pytest.mark.processes
def test_the_command_runs_until_it_is_told_to_stop():
    base = free_base()
    with subprocess.Popen(
        [*COMMAND, str(base)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ | SERVERS
    ) as process:
        try:
            assert f"http://127.0.0.1:{base}" in process.stdout.readline().decode()
            assert httpx.get(f"http://127.0.0.1:{base}/health").json() == {"ok": True}
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
            assert process.stdout.read() == b""
        finally:
            process.kill()


@pytest.mark.processes
def test_the_command_says_in_one_sentence_that_a_port_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = subprocess.run(
            [*COMMAND, str(taken.getsockname()[1])],
            capture_output=True,
            timeout=60,
            check=False,
            env=os.environ | SERVERS,
        )
    assert done.returncode == 2
    assert done.stderr.decode().count("\n") == 1
    assert "address already in use" in done.stderr.decode()


def test_the_clock_of_the_sandbox_runs_faster(sandbox, control):
    """A trip of twenty minutes at 3,000 times the speed takes less than half a second."""
    started = time.monotonic()
    httpx.post(
        f"{sandbox.urls['tpg']}/v1/bookings", json={"order_ref": "A", "item": {}}, headers={"idempotency-key": "K"}
    )
    wait_until(lambda: control.books("tpg")["bookings"][0]["status"] == "completed")
    assert 0.3 < time.monotonic() - started < 5


@pytest.mark.parametrize("command", [("sandbox_report", "--gateway", "midtrans"), ("scenario", "calm")], ids=" ".join)
def test_a_command_that_needs_a_sandbox_says_in_one_sentence_that_there_is_none(command, settings):
    settings.SANDBOX_PORT = free_base()
    with pytest.raises(CommandError, match="no sandbox answers") as refused:
        call_command(*command)
    assert refused.value.returncode == 2
