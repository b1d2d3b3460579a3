"""The API against its own OpenAPI document: whatever is asked for, the answer is one that it promises, never a 500."""

import json
import os
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from django.test import Client
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis import GenerationMode

from opsconsole.api.openapi import document
from opsconsole.api.platform import api as platform
from orders.models import Order
from tests.api.bodies import SARI, TAXI

# An operation and a mode: right ones, and ones that break the schema somewhere.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))
SCHEMA = schemathesis.openapi.from_dict(json.loads(json.dumps(document(platform))))
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations()}
OURS = {"authorization", "content-type", "content-length", "host"}


@pytest.fixture
def known(api) -> dict[str, str]:
    """Ids that exist: made-up ones are all answered alike."""
    cart = api.cart(TAXI)
    ordered = api.post("/orders", {"cart_id": api.cart(TAXI, customer=SARI)["id"], "method": "gopay"}).json()
    return {"cart_id": cart["id"], "order_id": ordered["id"], "item_id": str(cart["items"][0]["id"])}


def _answer(case: Any, *, secret: str, known: dict[str, str]) -> Any:
    case.path_parameters = {name: known.get(name, value) for name, value in dict(case.path_parameters or {}).items()}
    given = {name: str(value) for name, value in dict(case.headers or {}).items()}
    headers = {name: value for name, value in given.items() if name.lower() not in OURS and value.isascii()}
    return Client(raise_request_exception=False).generic(
        case.method,
        case.formatted_path,
        _bytes(case.body),
        content_type="application/json",
        headers={"Idempotency-Key": uuid.uuid4().hex, **headers, "Authorization": f"Bearer {secret}"},
        query_params=dict(case.query or {}),
    )


def _bytes(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return json.dumps(body).encode() if isinstance(body, dict | list | str | int | float | None) else b""


def _ask_often(operation: Any, mode: GenerationMode, ask: Callable[[Any], None]) -> None:
    """The same requests every time."""
    limits = hypothesis_settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    limits(given(operation.as_strategy(generation_mode=mode))(ask))()


@pytest.mark.django_db
@pytest.mark.usefixtures("neighbours")
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "broken"])
def test_no_request_is_answered_with_a_500_and_no_order_that_was_promised_is_lost(mode, api, known) -> None:
    seen: Counter[str] = Counter()
    promised: set[str] = set()

    def ask(case: Any) -> None:
        answer = _answer(case, secret=api.secret, known=known)
        label = f"{case.method} {case.path}"
        assert answer.status_code < 500, (label, case.body, answer.content)
        body = json.loads(answer.content or b"null")
        if answer.status_code >= 400:
            assert body["type"].startswith("/api/v1/docs#"), (label, body)
        if label == "POST /api/v1/orders" and answer.status_code == 201:
            promised.add(body["id"])
        seen[f"{answer.status_code // 100}xx"] += 1

    for operation in OPERATIONS.values():
        _ask_often(operation, mode, ask)
    assert sum(seen.values()) >= len(OPERATIONS) * 3
    assert seen["4xx"] > 0
    assert set(Order.objects.filter(public_id__in=promised).values_list("public_id", flat=True)) == promised
