"""The storm of callbacks: what was wanted is sent, until somebody says yes, and every answer is kept."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

import pytest

from opsconsole.chaos.flood import Flood, marked
from opsconsole.chaos.schedule import END, STORM, storm

COUNT = 400
MODEL = {
    "neighbour": "midtrans",
    "refs": ["MRG-1"],
    "path": "/callbacks/midtrans",
    "headers": {"content-type": "application/json"},
    "body": '{"transaction_status": "settlement", "order_id": "MRG-1-1"}',
    "forged": False,
    "answers": [200],
}
FORGED = {**MODEL, "forged": True, "body": '{"lie": 1}'}


@pytest.fixture
def gate() -> Iterator[tuple[str, Counter[bytes]]]:
    """A platform that says 503 to every fifth message, and its address."""
    heard: Counter[bytes] = Counter()
    lock, number = Lock(), [0]

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with lock:
                number[0] += 1
                is_away = number[0] % 5 == 0
                heard[body] += not is_away
            self.send_response(503 if is_away else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", heard
    server.shutdown()
    server.server_close()
    thread.join()


def test_everything_is_sent_until_it_is_accepted_and_every_answer_is_kept(
    gate: tuple[str, Counter[bytes]],
) -> None:
    address, heard = gate

    def books(_gateway: str) -> Any:
        return {"callbacks": [MODEL, FORGED]}

    with Flood(address, books, count=COUNT, seconds=0.2, seed=1, again_after=0.01) as flood:
        assert flood.finish(seconds=30)

    assert heard.total() == flood.accepted == COUNT
    assert len(heard) == len(flood.rows) == COUNT - flood.repeated
    assert {hashlib.sha256(row["body"].encode()).digest() for row in flood.rows} == {
        hashlib.sha256(body).digest() for body in heard
    }
    answers = Counter(status for row in flood.rows for status in row["answers"])
    assert (answers[200], answers.total()) == (COUNT, flood.tries)
    assert answers[503] > 0
    assert 0.2 * COUNT < flood.repeated < 0.4 * COUNT
    assert 0.1 * COUNT < flood.reordered < 0.3 * COUNT
    assert not any(b"lie" in body for body in heard)


def test_a_message_gets_a_mark_where_no_signature_covers_it_and_may_tell_old_news() -> None:
    body = MODEL["body"].encode()
    assert json.loads(marked(body, 7)) == {**json.loads(body), "storm": 7}
    assert json.loads(marked(body, 7, is_old=True))["transaction_status"] == "pending"
    assert marked(b"tXid=1&amt=2", 7) == b"tXid=1&amt=2&storm=7"


@pytest.mark.parametrize("seconds", [20, 120])
def test_a_storm_kills_somebody_every_other_second_and_the_database_once(seconds: float) -> None:
    planned = storm(seed=3, seconds=seconds, with_replica=True)
    names = Counter(each.name for each in planned)

    assert planned == storm(seed=3, seconds=seconds, with_replica=True)
    assert names["failover"] == names["postgres cut"] == 1
    assert sum(names[name] for name in names if name.startswith("kill ")) == int(seconds * END / 2)
    assert all(0 <= each.at <= seconds * END and each.at + each.lasts <= seconds for each in planned)
    assert {each.name for each in planned} >= {name for name, _at, _lasts in STORM}
    assert "failover" not in {each.name for each in storm(seed=3, seconds=seconds, with_replica=False)}
