"""`/ready` and `/metrics`: what machines ask."""

import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from opsconsole import neighbours
from opsconsole.console.platform_alerts import platform_alerts
from orders.models import Heartbeat
from tests.factories import make_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def open_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def two_neighbours(settings: Any, open_port: int, closed_port: int) -> None:
    ports = {"ho": open_port, "tpg": closed_port}
    settings.UPSTREAMS = {
        name: {"url": f"http://127.0.0.1:{port}", "timeout": 1.0, "tries": 1} for name, port in ports.items()
    }


@pytest.mark.usefixtures("two_neighbours")
def test_ready_is_green_with_a_neighbour_away_and_says_which() -> None:
    answer = Client().get("/ready")

    dependencies = answer.json()["dependencies"]
    assert answer.status_code == 200
    assert {name: found["ok"] for name, found in dependencies.items()} == {
        "postgresql": True,
        "redis": True,
        "ho": True,
        "tpg": False,
    }
    assert all(found["ms"] >= 0 for found in dependencies.values())


@pytest.mark.usefixtures("two_neighbours")
def test_ready_stays_green_without_redis(settings: Any, closed_port: int) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{closed_port}/0"

    answer = Client().get("/ready")

    assert (answer.status_code, answer.json()["dependencies"]["redis"]["ok"]) == (200, False)


@pytest.mark.usefixtures("two_neighbours")
def test_the_look_around_is_remembered_with_the_moment_of_change() -> None:
    assert neighbours.look_around() == 1
    first = Heartbeat.objects.get(name="neighbour:tpg").detail["since"]

    neighbours.look_around()

    taxi = Heartbeat.objects.get(name="neighbour:tpg")
    assert (taxi.detail["ok"], taxi.detail["since"]) == (False, first)
    assert [alert.text for alert in platform_alerts()] == ["TPG / BBD cannot be reached"]


def test_a_broken_rule_about_money_is_on_every_page() -> None:
    Heartbeat.objects.create(name="round:invariants", pid=0, detail={"broken": 2})

    assert [alert.text for alert in platform_alerts()] == ["2 orders break a rule about money"]


def test_metrics_tell_orders_stuck_work_and_heartbeats() -> None:
    make_order(entered_at=timezone.now() - timedelta(hours=2), amount=40_000)
    Heartbeat.objects.create(name="ticker", pid=1)

    text = Client().get("/metrics").content.decode()

    assert 'orderorchestrator_stuck{machine="order",state="created"} 1.0' in text
    assert 'orderorchestrator_stuck_amount_minor{currency="IDR",machine="order",state="created"} 40000.0' in text
    assert 'orderorchestrator_work_due{kind="outbox"} ' in text
    assert 'orderorchestrator_heartbeat_age_seconds{process="ticker"}' in text
    assert "orderorchestrator_database_up 1.0" in text


def test_metrics_ignore_what_the_query_asks_for() -> None:
    Client().get("/metrics?name[]=x")

    assert "orderorchestrator_database_up 1.0" in Client().get("/metrics").content.decode()


def test_a_refused_callback_is_counted() -> None:
    before = _counted("midtrans", "401")
    Client().post(
        "/callbacks/midtrans",
        b'{"order_id": "X", "status_code": "200", "gross_amount": "1.00", "signature_key": "no"}',
        content_type="application/json",
    )

    assert _counted("midtrans", "401") == before + 1


def _counted(source: str, answer: str) -> float:
    name = f'orderorchestrator_callbacks_received_total{{answer="{answer}",source="{source}"}} '
    lines = Client().get("/metrics").content.decode().splitlines()
    return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))
