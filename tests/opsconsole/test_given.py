"""Servers that the environment names: the real ones pass, old or silent ones are refused in one sentence."""

import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest

from opsconsole.given import UnfitServer, check_given_servers, check_postgresql, check_redis
from opsconsole.launching import asks_about_itself

Talk = Callable[[socket.socket], None]


@pytest.fixture
def server_that() -> Iterator[Callable[[Talk], int]]:
    """Start a server that answers each connection by `talk`; returns its port."""
    listeners: list[socket.socket] = []

    def start(talk: Talk) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=_answer, args=(listener, talk), daemon=True).start()
        port: int = listener.getsockname()[1]
        return port

    yield start
    for listener in listeners:
        listener.close()


def _answer(listener: socket.socket, talk: Talk) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            talk(connection)


def old_postgresql(connection: socket.socket) -> None:
    """The start of a session with a PostgreSQL 14, as the wire protocol has it."""
    connection.recv(4096)
    parts = [
        (b"R", struct.pack("!i", 0)),
        (b"S", b"server_version\x0014.9\x00"),
        (b"S", b"client_encoding\x00UTF8\x00"),
        (b"K", struct.pack("!ii", 1, 1)),
        (b"Z", b"I"),
    ]
    connection.sendall(b"".join(kind + struct.pack("!i", len(body) + 4) + body for kind, body in parts))
    while connection.recv(4096):
        connection.sendall(b"C\x00\x00\x00\x0bCOMMIT\x00Z\x00\x00\x00\x05I")


def old_redis(connection: socket.socket) -> None:
    while asked := connection.recv(4096):
        if b"INFO" in asked:
            text = b"# Server\r\nredis_version:6.2.14\r\n"
            connection.sendall(b"$%d\r\n%s\r\n" % (len(text), text))
        elif b"HELLO" in asked:
            connection.sendall(b"-ERR unknown command\r\n")
        else:
            connection.sendall(b"+OK\r\n" * max(1, asked.count(b"CLIENT")))


def test_the_servers_of_this_session_are_fit() -> None:
    check_given_servers()


def test_an_old_postgresql_is_refused(server_that: Callable[[Talk], int]) -> None:
    address = f"postgresql://x@127.0.0.1:{server_that(old_postgresql)}/x?sslmode=disable&gssencmode=disable"
    with pytest.raises(UnfitServer, match=r"^PostgreSQL of DATABASE_URL is version 14; 15 or newer is needed\.$"):
        check_postgresql(address)


def test_an_old_redis_is_refused(server_that: Callable[[Talk], int]) -> None:
    with pytest.raises(UnfitServer, match=r"^Redis of REDIS_URL is version 6\.2\.14; 7 or newer is needed\.$"):
        check_redis(f"redis://127.0.0.1:{server_that(old_redis)}/0?protocol=2")


def test_a_server_that_does_not_answer_is_named() -> None:
    with pytest.raises(UnfitServer, match=r"^PostgreSQL of DATABASE_URL does not answer: .*refused"):
        check_postgresql("postgresql://x@127.0.0.1:1/x")
    with pytest.raises(UnfitServer, match=r"^Redis of REDIS_URL does not answer: .*refused"):
        check_redis("redis://127.0.0.1:1/0")


def test_an_address_that_is_none_is_not_repeated_because_it_may_hold_a_password() -> None:
    with pytest.raises(UnfitServer) as refusal:
        check_postgresql("anna:secret")
    assert "secret" not in str(refusal.value)
    with pytest.raises(UnfitServer, match=r"^REDIS_URL must look like redis://"):
        check_redis("redis.example")


def test_the_session_has_servers() -> None:
    assert os.environ["DATABASE_URL"]
    assert os.environ["REDIS_URL"]


def test_a_version_that_a_command_is_given_needs_the_servers() -> None:
    assert asks_about_itself(["manage.py", "deploy_note", "--version"])
    assert asks_about_itself(["manage.py", "deploy_note", "--help", "--service", "tpg"])
    assert not asks_about_itself(["manage.py", "deploy_note", "--version", "9.4", "--service", "tpg"])
