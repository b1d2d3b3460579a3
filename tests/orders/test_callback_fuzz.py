"""Real callbacks, spoiled in every way: never a 500, and whatever was accepted is kept, byte for byte."""

import hashlib
import json
import os
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from orders.clients.trip_events import signature
from orders.models import InboundEvent
from tests.orders.clients.attempts import attempt
from tests.sandbox_fixtures import Received, wait_until

TRIES = int(os.environ.get("FUZZ_TRIES", "120"))  # a source; 2,900 of seven are 20,300 (docs/chaos.md)
PATIENCE = 60 + TRIES // 10  # seconds; in a suite one takes some milliseconds
SEED = 25
GATEWAYS = ("midtrans", "xendit", "nicepay")
pytestmark = pytest.mark.timeout(PATIENCE)
TRIP = {
    "event_id": "2f1c",
    "booking_id": "TPG-0000001",
    "order_ref": "MRG-1",
    "item": "1",
    "event": "completed",
    "at": "2026-11-20T04:42:07+00:00",
    "vehicle": "B 1234 MRG",
    "driver": "Budi",
}
ODD: tuple[Any, ...] = (
    *(
        "",
        " ",
        "0",
        "-1",
        "1e999",
        "NaN",
        "null",
        "\0",
        "\ud83d\ude00",
        "a" * 5_000,
        "2026-13-45T99:99:99Z",
        "' OR 1=1",
    ),
    *(0, -1, 2**63, 2**200, 1e308, 0.1, True, False, None, [], {}, [[[]]], {"a": {"b": []}}),
)


@pytest.fixture
def genuine(neighbours, control, receiver) -> dict[str, Received]:
    """One callback of each gateway as it came over the wire."""
    for name in GATEWAYS:
        one = attempt(name).open()
        control.pay(one.ref)
    wait_until(lambda: len(receiver.got) >= len(GATEWAYS))
    return {each.path.rpartition("/")[2]: each for each in receiver.got}


def spoiled(raw: bytes, dice: random.Random) -> bytes:
    """The message with one or two things done to it."""
    for _ in range(dice.randint(1, 2)):
        raw = dice.choice(WAYS)(raw, dice)
    return raw


def _other_value(raw: bytes, dice: random.Random) -> bytes:
    """One field is something else; what is not JSON any more is spoiled as bytes."""
    try:
        data = json.loads(raw)
        name = dice.choice(sorted(data))
    except (ValueError, IndexError, TypeError, RecursionError):
        return _bit_flipped(raw, dice)
    without = {key: value for key, value in data.items() if key != name}
    return json.dumps(without | ({name: dice.choice(ODD)} if dice.random() < 0.8 else {})).encode()


def _bit_flipped(raw: bytes, dice: random.Random) -> bytes:
    if not raw:
        return b"\0"
    place = dice.randrange(len(raw))
    return raw[:place] + bytes([raw[place] ^ (1 << dice.randrange(8))]) + raw[place + 1 :]


def _cut(raw: bytes, dice: random.Random) -> bytes:
    return raw[: dice.randrange(len(raw) + 1)]


def _doubled(raw: bytes, dice: random.Random) -> bytes:
    return raw + raw


def _nested(raw: bytes, dice: random.Random) -> bytes:
    return b"[" * 2_000 + raw


def _other_bytes(raw: bytes, dice: random.Random) -> bytes:
    return raw[: len(raw) // 2] + dice.randbytes(dice.randint(1, 40)) + raw[len(raw) // 2 :]


def _field_doubled(raw: bytes, dice: random.Random) -> bytes:
    return raw.replace(b"{", b'{"status": "x", "order_id": "y", ', 1) if raw.startswith(b"{") else raw + b"&amt=1&amt=2"


WAYS = (_other_value, _other_value, _other_value, _bit_flipped, _cut, _doubled, _nested, _other_bytes, _field_doubled)


CLIENT = Client(raise_request_exception=False)


def _posted(path: str, raw: bytes, headers: dict[str, str]) -> int:
    kind = headers.get("content-type", "application/json")
    kept = {name: value for name, value in headers.items() if name not in ("content-type", "content-length", "host")}
    return CLIENT.post(path, raw, content_type=kind, headers=kept).status_code


def _is_kept(source: str, raw: bytes) -> bool:
    return InboundEvent.objects.filter(source=source, digest=hashlib.sha256(raw).digest()).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("name", GATEWAYS)
def test_no_spoiled_callback_of_a_gateway_breaks_anything_or_is_lost(genuine, name) -> None:
    dice = random.Random(f"{SEED} {name}")
    answers = Counter(_told(genuine[name].path, name, dict(genuine[name].headers), dice, genuine[name].body))
    assert set(answers) <= {200, 401, 413}, answers
    # Xendit's token covers nothing of the body; the others' signatures cover some of it.
    assert answers[200] > 0
    assert sum(answers.values()) == TRIES


def _told(path: str, source: str, headers: dict[str, str], dice: random.Random, body: bytes) -> Iterator[int]:
    for _ in range(TRIES):
        raw = spoiled(body, dice)
        status = _posted(path, raw, headers)
        # Accepted, or set aside for a person: in both cases it is there. Refused: it is not.
        assert _is_kept(source, raw) == (status == 200), (status, raw)
        yield status


@pytest.mark.django_db
@pytest.mark.parametrize("source", ["tpg", "rent", "delivery", "shuttle"])
def test_no_spoiled_trip_event_that_is_rightly_signed_breaks_anything_or_is_lost(source) -> None:
    """Whoever has the secret may still send rubbish."""
    dice = random.Random(f"{SEED} {source}")
    secret = settings.TPG["callback_secret"] if source == "tpg" else settings.PARTNERS[source]["callback_secret"]
    path = "/callbacks/tpg" if source == "tpg" else f"/callbacks/partners/{source}"
    for _ in range(TRIES):
        raw = spoiled(json.dumps(TRIP).encode(), dice)
        assert _posted(path, raw, {"x-tpg-signature": signature(raw, secret=secret)}) == 200, raw
        assert _is_kept(source, raw), raw
    assert InboundEvent.objects.filter(state="quarantined").exists()
