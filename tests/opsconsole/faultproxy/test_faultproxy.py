"""The fault-injecting proxy, between real sockets."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from opsconsole.faultproxy import FaultProxy, Way
from tests.waiting import eventually

SHORT = 0.3  # seconds; "nothing came" is said after so long


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that sends back what it gets."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _serve(listener: socket.socket) -> None:
    with suppress(OSError):
        while True:
            threading.Thread(target=_echo, args=(listener.accept()[0],), daemon=True).start()


def _echo(peer: socket.socket) -> None:
    with peer, suppress(OSError):
        while chunk := peer.recv(65_536):
            peer.sendall(chunk)


@pytest.fixture
def proxy(echo: int) -> Iterator[FaultProxy]:
    with FaultProxy("127.0.0.1", echo) as running:
        yield running


@pytest.fixture
def client(proxy: FaultProxy) -> Iterator[socket.socket]:
    with closing(_connected(proxy)) as connected:
        yield connected


def _connected(proxy: FaultProxy) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", proxy.port), timeout=5)
    made.sendall(b"hello")
    assert made.recv(100) == b"hello"
    return made


def _nothing_comes(client: socket.socket) -> None:
    client.settimeout(SHORT)
    with pytest.raises(TimeoutError):
        client.recv(100)
    client.settimeout(5)


def test_without_faults_every_byte_passes_both_ways(client: socket.socket) -> None:
    sent = bytes(range(256)) * 4_000
    threading.Thread(target=client.sendall, args=(sent,), daemon=True).start()

    got = b""
    while len(got) < len(sent):
        got += client.recv(65_536)

    assert got == sent


def test_a_half_closed_connection_still_answers(client: socket.socket) -> None:
    client.sendall(b"last words")
    client.shutdown(socket.SHUT_WR)

    assert client.recv(100) == b"last words"
    assert client.recv(100) == b""


@pytest.mark.parametrize("way", ["up", "down"])
def test_latency_holds_each_chunk_back(proxy: FaultProxy, client: socket.socket, way: str) -> None:
    proxy.set(**{way: Way(latency=SHORT)})
    began = time.monotonic()
    client.sendall(b"slow")

    assert client.recv(100) == b"slow"
    assert time.monotonic() - began >= SHORT


def test_jitter_adds_a_part_of_itself(proxy: FaultProxy, client: socket.socket) -> None:
    proxy.set(up=Way(jitter=SHORT))
    began = time.monotonic()
    client.sendall(b"uneven")

    assert client.recv(100) == b"uneven"
    assert 0 < time.monotonic() - began < SHORT + 1


def test_a_black_hole_upwards_keeps_the_request_from_the_server(proxy: FaultProxy, client: socket.socket) -> None:
    proxy.set(up=Way(black_hole=True))
    client.sendall(b"anybody?")

    _nothing_comes(client)
    proxy.heal()
    assert client.recv(100) == b"anybody?"


def test_a_black_hole_downwards_is_an_effect_nobody_hears_of() -> None:
    got: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_record, args=(listener, got), daemon=True).start()
        with FaultProxy("127.0.0.1", listener.getsockname()[1]) as proxy:
            proxy.set(down=Way(black_hole=True))
            with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client:
                client.sendall(b"charge")
                eventually(lambda: got == [b"charge"])
                _nothing_comes(client)


def _record(listener: socket.socket, got: list[bytes]) -> None:
    with suppress(OSError):
        peer = listener.accept()[0]
        with peer:
            got.append(peer.recv(100))
            peer.sendall(b"done")
            peer.recv(100)


def test_reset_ends_every_open_connection_at_once(proxy: FaultProxy, client: socket.socket) -> None:
    with closing(_connected(proxy)) as other:
        assert proxy.reset() == 2
        for each in (client, other):
            with pytest.raises(ConnectionResetError):
                each.recv(100)
    eventually(lambda: proxy.connections == 0)


def test_refusing_lets_nobody_in_and_those_inside_stay(proxy: FaultProxy, client: socket.socket) -> None:
    proxy.set(refuse=True)

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", proxy.port), timeout=5)
    client.sendall(b"still here")
    assert client.recv(100) == b"still here"

    proxy.heal()
    _connected(proxy).close()


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_connection_is_cut_after_so_many_bytes(proxy: FaultProxy, client: socket.socket, way: str) -> None:
    proxy.set(**{way: Way(cut_after=10)})
    client.sendall(b"12345")
    assert client.recv(100) == b"12345"

    client.sendall(b"6")
    with pytest.raises(ConnectionResetError):
        client.recv(100)


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_limited_rate_lets_so_many_bytes_a_second_through(proxy: FaultProxy, client: socket.socket, way: str) -> None:
    sent = b"x" * 1_000
    proxy.set(**{way: Way(rate=2_000)})
    began = time.monotonic()
    client.sendall(sent)

    assert _all_of(client, len(sent)) == sent
    assert time.monotonic() - began >= 0.5  # a half of 2,000


def test_a_rate_that_is_lifted_lets_the_rest_through_at_once(proxy: FaultProxy, client: socket.socket) -> None:
    """A minute's worth is under way."""
    sent = b"x" * 60_000
    proxy.set(down=Way(rate=1_000))
    client.sendall(sent)
    first = client.recv(100)

    proxy.heal()
    began = time.monotonic()
    assert first + _all_of(client, len(sent) - len(first)) == sent
    assert time.monotonic() - began < 5


def _all_of(client: socket.socket, length: int) -> bytes:
    got = b""
    while len(got) < length:
        got += client.recv(65_536)
    return got


def test_an_address_that_moves_leads_new_connections_elsewhere(proxy: FaultProxy, client: socket.socket) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy.lead_to("127.0.0.1", listener.getsockname()[1])
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=5):
            listener.settimeout(5)
            listener.accept()[0].close()

    client.sendall(b"still the first")
    assert client.recv(100) == b"still the first"


def test_a_server_that_is_away_is_a_closed_connection(echo: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (
        FaultProxy("127.0.0.1", port) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client,
    ):
        assert client.recv(100) == b""


def _to_postgresql() -> FaultProxy:
    kept = settings.DATABASES["default"]
    if kept["HOST"].startswith("/"):
        return FaultProxy(Path(kept["HOST"]) / f".s.PGSQL.{kept['PORT'] or 5432}")
    return FaultProxy(kept["HOST"], int(kept["PORT"] or 5432))


@pytest.mark.django_db(transaction=True)
def test_the_answer_to_a_commit_is_lost_after_it_was_done() -> None:
    """Real PostgreSQL: the row is there, and its writer cannot know."""
    kept = settings.DATABASES["default"]
    who = {"user": kept["USER"], "password": kept["PASSWORD"] or None, "dbname": connection.settings_dict["NAME"]}
    with _to_postgresql() as proxy, connection.cursor() as truth:
        through = {**who, "host": "127.0.0.1", "port": proxy.port}
        truth.execute("CREATE TABLE faultproxy_probe (id int)")
        try:
            writer = psycopg.connect(**through)
            writer.execute("INSERT INTO faultproxy_probe VALUES (1)")
            proxy.lose_answers(b"COMMIT")
            with pytest.raises(psycopg.OperationalError):
                writer.commit()
            writer.close()
            assert proxy.answers_lost == 1

            with psycopg.connect(**through) as again:
                again.execute("INSERT INTO faultproxy_probe VALUES (2)")
            truth.execute("SELECT id FROM faultproxy_probe ORDER BY id")
            assert truth.fetchall() == [(1,), (2,)]
        finally:
            truth.execute("DROP TABLE faultproxy_probe")
