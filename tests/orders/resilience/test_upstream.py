"""One call: what is known after each thing a neighbour can do, and that it ends in time."""

import gzip
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from typing import Any

import pytest

from orders.resilience import Answered, Refused, Retryable, Ticket, TurnedAway, Unknown, call, connections, set_guard
from orders.resilience.breaker.verdicts import Verdict, verdict
from orders.resilience.observation import CALLS, SECONDS
from tests.orders.resilience.scripted import Scripted, dripping, http, resets, says, silent

NAME = "tpg"
LIMIT = 0.3


@pytest.fixture
def scripted(settings: Any) -> Iterator[Scripted]:
    server = Scripted()
    settings.UPSTREAMS = {NAME: {"url": server.url, "timeout": 5.0, "tries": 3}}
    yield server
    connections.close_all()
    server.stop()


@contextmanager
def ends_within(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


def write(**given: Any) -> Any:
    return call(NAME, "POST", "/", json={"a": 1}, **given)


def read(**given: Any) -> Any:
    return call(NAME, "GET", "/", **given)


def test_an_answer_is_answered_with_its_data(scripted):
    scripted.acts = [http(201, b'{"id": 7}')]
    assert write() == Answered(201, {"id": 7})


def test_an_empty_answer_is_an_answer(scripted):
    scripted.acts = [http(204, b"")]
    assert write() == Answered(204, None)


def test_a_body_and_headers_arrive(scripted):
    scripted.acts = [http(200)]
    call(NAME, "POST", "/x", form={"a": "1 2"}, headers={"x-key": "k"})
    assert scripted.requests[0].startswith(b"POST /x HTTP/1.1")
    assert b"x-key: k" in scripted.requests[0].lower()
    assert scripted.requests[0].endswith(b"a=1+2")


def test_nobody_listening_means_that_nothing_happened(settings):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    settings.UPSTREAMS = {NAME: {"url": f"http://127.0.0.1:{port}", "timeout": 5.0, "tries": 1}}
    assert isinstance(write(), Retryable)


def test_a_name_that_does_not_resolve_means_that_nothing_happened(settings):
    settings.UPSTREAMS = {NAME: {"url": "http://nowhere.invalid", "timeout": 5.0, "tries": 1}}
    assert isinstance(write(deadline=2), Retryable)


def test_a_handshake_that_fails_means_that_nothing_happened(scripted, settings):
    settings.UPSTREAMS[NAME]["url"] = scripted.url.replace("http:", "https:")
    settings.UPSTREAMS[NAME]["tries"] = 1
    scripted.acts = [says(b"no TLS here\r\n\r\n")]
    assert isinstance(write(deadline=LIMIT), Retryable)
    assert scripted.requests == []


@pytest.mark.parametrize(
    ("_case", "act"),
    [
        ("no answer", silent),
        ("a reset", resets),
        ("a closed connection", says(b"")),
        ("half an answer", says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}")),
        ("not HTTP", says(b"220 mail.example ESMTP\r\n\r\n")),
        ("a server error", http(500)),
        ("a gateway time-out", http(504)),
        ("not JSON", http(200, b"<html>")),
        ("deep JSON", http(200, b"[" * 100_000)),
        ("a redirect", http(302, head=b"location: http://127.0.0.1:1/\r\n")),
    ],
)
def test_a_write_without_a_trustworthy_answer_is_unknown_and_sent_once(scripted, _case, act):
    scripted.acts = [act]
    assert isinstance(write(deadline=LIMIT if act is silent else None), Unknown)
    assert len(scripted.requests) == 1


@pytest.mark.parametrize("act", [silent, resets, http(500), http(200, b"<html>")])
def test_a_reading_is_never_unknown(scripted, act):
    scripted.acts = [act]
    assert isinstance(read(deadline=LIMIT if act is silent else None), Retryable)


def test_a_reading_is_tried_again(scripted):
    scripted.acts = [http(500), resets, http(200, b"[1]")]
    assert read() == Answered(200, [1])
    assert len(scripted.requests) == 3


def test_a_reading_by_post_is_a_reading(scripted):
    scripted.acts = [http(500), http(200)]
    assert write(reads=True) == Answered(200, {})


def test_a_write_with_a_key_is_tried_again(scripted):
    scripted.acts = [http(503), http(200)]
    assert write(idempotent=True) == Answered(200, {})


def test_tries_are_limited(scripted):
    scripted.acts = [http(500)]
    assert isinstance(write(idempotent=True), Unknown)
    assert len(scripted.requests) == 3


def test_tries_end_with_the_deadline(scripted):
    scripted.acts = [silent]
    with ends_within(LIMIT + 2):
        assert isinstance(write(idempotent=True, deadline=LIMIT), Unknown)
    assert len(scripted.requests) == 1


@pytest.mark.parametrize("later", [http(409, b'{"code": "too_late"}'), http(429)])
def test_a_write_once_unanswered_stays_unknown_when_a_later_try_is_refused(scripted, later):
    """The first try may have had its effect; the refusal is about the second one."""
    scripted.acts = [http(500), later]
    assert isinstance(write(idempotent=True), Unknown)


def test_too_many_requests_means_that_nothing_happened(scripted):
    scripted.acts = [http(429)]
    assert isinstance(write(), Retryable)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b'{"error_code": "A", "message": "b"}', "A", "b"),
        (b'{"code": "A", "detail": "b"}', "A", "b"),
        (b'{"status_code": "412", "status_message": "b"}', "412", "b"),
        (b'["x"]', "422", ""),
        (b"<html>", "422", ""),
    ],
)
def test_a_refusal_carries_their_words(scripted, body, code, message):
    scripted.acts = [http(422, body)]
    outcome = write()
    assert isinstance(outcome, Refused)
    assert (outcome.status, outcome.code, outcome.message) == (422, code, message)


@pytest.mark.parametrize(
    ("_case", "raw"),
    [
        ("head", b"HTTP/1.1 200 OK\r\n" + b"x-filler: y\r\n" * 500 + b"content-length: 2\r\n\r\n{}"),
        ("body", b"HTTP/1.1 200 OK\r\ncontent-length: 9000\r\n\r\n" + b" " * 9000),
    ],
)
def test_a_dripping_answer_does_not_hold_the_caller(scripted, _case, raw):
    scripted.acts = [dripping(raw)]
    with ends_within(LIMIT + 2):
        assert isinstance(write(deadline=LIMIT), Unknown)


def test_an_endless_answer_is_cut(scripted):
    scripted.acts = [says(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (5 * 1024 * 1024))]
    outcome = write()
    assert isinstance(outcome, Unknown)
    assert "more than" in outcome.reason


def test_a_packed_answer_is_unpacked(scripted):
    scripted.acts = [http(200, gzip.compress(b'{"id": 7}'), head=b"content-encoding: gzip\r\n")]
    assert write() == Answered(200, {"id": 7})


def test_a_path_is_quoted_once_and_its_query_kept(scripted):
    scripted.acts = [http(200)]
    call(NAME, "GET", "/a b/\u00e9%20x?from=2026-11-28T00:00:00%2B07:00&y=1")
    assert scripted.requests[0].startswith(b"GET /a%20b/%C3%A9%20x?from=2026-11-28T00:00:00%2B07:00&y=1 HTTP/1.1\r\n")


def test_the_host_and_the_length_are_said(scripted):
    scripted.acts = [http(200)]
    call(NAME, "POST", "/x")
    said = scripted.requests[0].lower()
    assert b"content-length: 0\r\n" in said
    assert b"host: %s\r\n" % scripted.url.removeprefix("http://").encode() in said


@pytest.mark.parametrize("address", ["http://127.0.0.1:none", "ftp://127.0.0.1:9", "http://\u00e9:1"])
def test_no_address_means_that_nothing_happened(settings, address):
    settings.UPSTREAMS = {NAME: {"url": address, "timeout": LIMIT, "tries": 1}}
    assert isinstance(write(), Retryable)


def test_no_time_left_means_that_nothing_was_sent(scripted):
    scripted.acts = [http(200)]
    assert isinstance(write(deadline=0), Retryable)
    assert scripted.requests == []


def test_without_a_deadline_the_setting_of_the_neighbour_holds(scripted, settings):
    settings.UPSTREAMS[NAME]["timeout"] = LIMIT
    scripted.acts = [silent]
    with ends_within(LIMIT + 2):
        assert isinstance(write(), Unknown)


def test_the_address_is_read_at_the_call(scripted, settings):
    other = Scripted()
    other.acts = [http(200, b'"other"')]
    settings.UPSTREAMS[NAME]["url"] = other.url
    assert write() == Answered(200, "other")
    assert scripted.requests == []
    other.stop()


class Recording:
    def __init__(self, *answers: Ticket | TurnedAway) -> None:
        self.answers = list(answers)
        self.asked: list[bool] = []
        self.reports: list[str] = []

    def admit(self, *, is_retry: bool) -> Ticket | TurnedAway:
        self.asked.append(is_retry)
        return self.answers.pop(0)

    def report(self, ticket: Ticket, outcome: Any) -> None:
        self.reports.append(f"{ticket.generation} {outcome.kind}")


@pytest.fixture
def guarded() -> Iterator[Any]:
    yield lambda guard: set_guard(NAME, guard)
    set_guard(NAME, None)


def test_a_guard_can_refuse_before_anything_is_sent(scripted, guarded):
    guard = Recording(TurnedAway("breaker open"))
    guarded(guard)
    scripted.acts = [http(200)]
    outcome = write(idempotent=True)
    assert outcome == Retryable("breaker open")
    assert outcome.ours
    assert scripted.requests == []
    assert guard.reports == []


def test_a_call_that_is_turned_away_is_not_tried_again(scripted, guarded, caplog):
    guard = Recording(TurnedAway("breaker open"))
    guarded(guard)
    with ends_within(0.05), caplog.at_level(logging.INFO):
        assert read() == Retryable("breaker open", ours=True)
    assert guard.asked == [False]
    assert caplog.text == ""  # there may be thousands a minute: they are counted


def test_a_guard_hears_of_every_try_with_the_ticket_it_gave(scripted, guarded):
    guard = Recording(Ticket(7), Ticket(8))
    guarded(guard)
    scripted.acts = [http(500), http(200)]
    write(idempotent=True)
    assert guard.asked == [False, True]
    assert guard.reports == ["7 unknown", "8 answered"]


def test_a_write_whose_second_try_is_turned_away_stays_unknown(scripted, guarded):
    guard = Recording(Ticket(), TurnedAway("retry budget spent"))
    guarded(guard)
    scripted.acts = [http(500), http(200)]
    assert write(idempotent=True) == Unknown("status 500")
    assert len(scripted.requests) == 1


def test_a_request_time_out_of_a_proxy_is_unknown(scripted):
    scripted.acts = [http(408)]
    assert write() == Unknown("status 408")


@pytest.mark.parametrize("said", ["1", "an hour ago", "-5", "1e3", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_try_comes_not_sooner_than_the_neighbour_asked(scripted, said):
    """What is no number of seconds and no coming date asks for nothing."""
    scripted.acts = [http(429, head=b"retry-after: %s\r\n" % said.encode()), http(200)]
    started = time.monotonic()
    assert read() == Answered(200, {})
    waited = time.monotonic() - started
    assert waited >= 1.0 if said == "1" else waited < 1.0


def test_a_wait_longer_than_the_deadline_is_not_begun(scripted):
    scripted.acts = [http(503, head=b"retry-after: 60\r\n"), http(200)]
    with ends_within(0.5):
        outcome = read()
    assert outcome == Retryable("status 503")
    assert outcome.after == 60


def test_a_date_to_come_back_at_is_read(scripted):
    in_a_minute = formatdate(time.time() + 60, usegmt=True)
    scripted.acts = [http(503, head=b"retry-after: %s\r\n" % in_a_minute.encode())]
    assert 50 < read().after <= 60


@pytest.mark.parametrize(
    ("_case", "act", "limit", "is_failure"),
    [
        ("a server error", http(500), 5, True),
        ("too many requests", http(429), 5, True),
        ("a proxy's time-out", http(408), 5, True),
        ("no answer in a fair time", silent, 0.3, True),
        ("no answer in a blink", silent, 0.05, False),
        ("a refusal", http(422), 5, False),
        ("an answer", http(200), 5, False),
    ],
)
def test_what_counts_as_a_failure_of_the_neighbour(scripted, guarded, _case, act, limit, is_failure):
    heard: list[Any] = []

    class Listening(Recording):
        def report(self, ticket: Ticket, outcome: Any) -> None:
            heard.append(verdict(outcome))

    guarded(Listening(Ticket()))
    scripted.acts = [act]
    write(deadline=limit)
    assert [said is Verdict.FAILURE for said in heard] == [is_failure]


def test_every_call_is_counted_once_with_its_duration(scripted):
    def counted() -> tuple[float, float]:
        return (
            CALLS.labels(NAME, "answered")._value.get(),
            sum(bucket.get() for bucket in SECONDS.labels(NAME)._buckets),
        )

    before = counted()
    scripted.acts = [http(500), http(200)]
    write(idempotent=True)
    assert counted() == (before[0] + 1, before[1] + 1)


def test_no_secret_reaches_the_log(scripted, caplog):
    scripted.acts = [http(500)]
    with caplog.at_level(logging.DEBUG):
        call(NAME, "POST", "/x", json={"phone": "+6281"}, headers={"authorization": "Basic c2VjcmV0"})
    assert "POST /x: unknown status 500" in caplog.text
    assert "c2VjcmV0" not in caplog.text
    assert "+6281" not in caplog.text


def test_a_connection_is_kept_for_the_next_call(sandbox, neighbours):
    for _ in range(3):
        assert isinstance(call("config", "GET", "/v1/flags"), Answered)
    pool = connections.pool("config", is_secure=False)
    assert len(pool.connections) == 1


def test_connections_do_not_cross_a_fork(scripted):
    scripted.acts = [http(200)]
    write()
    before = connections.pool(NAME, is_secure=False)
    child = os.fork()
    if child == 0:
        os._exit(0 if connections.pool(NAME, is_secure=False) is not before else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert connections.pool(NAME, is_secure=False) is before
