"""`manage.py stuck`."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.orders.making import make_attempt, make_order, make_refund

pytestmark = pytest.mark.django_db


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("stuck", *arguments, stdout=out)
    return out.getvalue()


def lines(*arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said("--json", *arguments).splitlines()]


def test_it_prints_one_json_object_an_order() -> None:
    since = timezone.now() - timedelta(hours=1)
    order = make_order("paid", since=since, amount=150_000)
    (line,) = lines()
    assert line["order_id"] == order.public_id
    assert line["since"] == since.isoformat().replace("+00:00", "Z")
    assert (line["state"], line["amount"], line["currency"]) == ("paid", "150000", "IDR")
    assert (line["cause"], line["next_step"]) == ("booking_never_started", "retry_booking")
    assert 3600 <= line["age_seconds"] < 3700


def test_a_hanging_refund_keeps_the_state_of_its_order() -> None:
    order = make_order("failed")
    make_refund(make_attempt(order, "paid"), "failed")
    (line,) = lines()
    assert (line["state"], line["stuck"]) == ("failed", {"machine": "refund", "state": "failed"})
    assert line["cause"] == "refund_failed"


def test_filters_and_the_table_for_people() -> None:
    since = timezone.now() - timedelta(hours=1)
    wanted = make_order("paid", since=since, city="Medan")
    make_order("paid", since=since, city="Bali")
    table = said("--city=Medan", "--cause=booking_never_started").splitlines()
    assert table[0].startswith("ORDER")
    assert wanted.public_id in table[1]
    assert "150000 IDR" in table[1]
    assert table[2] == "1 orders"
    assert said("--cause=callback_lost").splitlines()[-1] == "0 orders"


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(CommandError, match="not an ISO 8601 time"):
        said("--as-of=yesterday")
