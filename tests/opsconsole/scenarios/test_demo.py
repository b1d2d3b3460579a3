"""The demo: a first screen that is alive, made once."""

import io
from collections import Counter
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from opsconsole import upstreams
from opsconsole.scenarios import demo, past
from opsconsole.traffic.catalogue import HANGING
from orders.models import ChannelToken, History, Order
from orders.queries.stuck import all_stuck
from orders.resilience import breaker, connections
from reconciliation.models import Break, Case, Run
from tests.opsconsole.scenarios.rows import free_row


@pytest.fixture
def demo_world(settings, tmp_path: Path):
    """A data folder and a row of ports of its own."""
    base = free_row()
    urls = upstreams.sandbox_urls(base)
    settings.DEMO = True
    settings.DATA_DIR = tmp_path
    settings.LOADS_DIR = str(tmp_path / "loads")
    settings.SANDBOX_PORT = base
    settings.WORK_THREADS = 1
    settings.UPSTREAMS = {name: {"url": urls[name], "timeout": 1.5, "tries": 3} for name in upstreams.LIMITS}
    settings.BREAKERS = upstreams.BREAKERS
    yield
    connections.close_all()


@pytest.mark.timeout(200)
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("demo_world")
def test_the_first_screen_is_alive_and_a_second_run_adds_nothing() -> None:
    demo.load(lambda text: None, longest=90)
    counted = Order.objects.count(), ChannelToken.objects.count(), History.objects.count()
    call_command("demo", stdout=io.StringIO())

    origins = Counter(Order.objects.values_list("origin", flat=True))
    assert origins["import"] == demo.PAST_ORDERS
    assert origins["platform"] == len(demo.journeys())
    assert (Order.objects.count(), ChannelToken.objects.count(), History.objects.count()) == counted
    stuck = [row for rows in all_stuck() for row in rows]
    assert {row.origin for row in stuck} == {"import", "platform"}
    assert {row.machine for row in stuck} >= demo.STUCK_AT_ONCE
    assert demo.odd_money() >= demo.ODD_AT_ONCE
    assert {(each.state, each.failures) for each in breaker.states().values()} == {(breaker.State.CLOSED, 0)}
    types = set(Case.objects.filter(is_open=True).values_list("type", flat=True))
    assert len(types) >= 6, types
    assert Break.objects.filter(state="healed").exists()
    assert [run.state for run in Run.objects.all()] == ["done", "done"]


def test_every_kind_of_hanging_is_in_the_demo() -> None:
    assert {fate.name for fate in HANGING} <= {each.fate.name for each in demo.journeys()}


@pytest.mark.django_db
def test_without_the_demo_there_are_no_public_passwords(settings) -> None:
    settings.DEMO = False

    with pytest.raises(CommandError, match="OPSCONSOLE_DEMO is off"):
        call_command("demo")


@pytest.mark.django_db(transaction=True)
def test_the_past_is_read_without_a_row_left_over() -> None:
    summary = past.take_in(60, seed=3)

    assert (summary.new, list(summary.unread), summary.anomalies) == (60, [], 0)
    assert set(past.OPEN) == {"ORDER_CREATED", "PAYMENT_CAPTURED", "BOOKING_REQUESTED", "DISPATCHED"}
    assert {"created", "paid", "booking", "active", "completed"} <= set(Order.objects.values_list("state", flat=True))
