"""A PostgreSQL that hangs does not hold a worker, relay, consumer or ticker: each gives up and comes back."""

import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.utils import timezone

from opsconsole.faultproxy import FaultProxy, Way
from opsconsole.paths import PROJECT
from orders.models import Heartbeat, Outbox
from tests.factories import make_order
from tests.waiting import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

SILENT = {"up": Way(black_hole=True), "down": Way(black_hole=True)}
COMMANDS = {
    "relay": ("relay",),
    "consumer": ("consumer",),
    "ticker": ("ticker",),
    "worker-act": ("worker", "--queue", "act"),
}


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    known: dict[str, Any] = connection.settings_dict
    is_path = known["HOST"].startswith("/")
    home = Path(known["HOST"]) / f".s.PGSQL.{known['PORT'] or 5432}" if is_path else known["HOST"]
    with FaultProxy(home, 0 if is_path else int(known["PORT"] or 5432)) as standing:
        yield standing


@dataclass
class Running:
    name: str
    log: Path
    process: subprocess.Popen[bytes]

    def said(self, pattern: str) -> bool:
        return re.search(pattern, self.log.read_text()) is not None

    def beat_since(self, instant: datetime) -> bool:
        return Heartbeat.objects.filter(name=self.name, at__gt=instant).exists()


@pytest.fixture
def processes(proxy: FaultProxy, tmp_path: Path) -> Iterator[list[Running]]:
    database = connection.settings_dict
    login = f"{database['USER']}:{quote(database['PASSWORD'])}"
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgresql://{login}@127.0.0.1:{proxy.port}/{database['NAME']}",
        "REDIS_PREFIX": f"test-{uuid.uuid4().hex[:12]}:",
    }
    running = []
    for name, command in COMMANDS.items():
        log = tmp_path / f"{name}.log"
        with log.open("wb") as out:
            started = subprocess.Popen(
                [sys.executable, "manage.py", *command], cwd=PROJECT, env=environment, stdout=out, stderr=out
            )
        running.append(Running(name, log, started))
    yield running
    proxy.heal()
    for each in running:
        each.process.kill()
        each.process.wait()


def test_each_gives_up_in_time_and_comes_back_when_the_database_does(
    proxy: FaultProxy, processes: list[Running]
) -> None:
    began = timezone.now()
    for each in processes:
        eventually(lambda each=each: each.beat_since(began), within=60)  # type: ignore[misc]

    proxy.set(**SILENT)
    hung = timezone.now()
    for each in processes:
        eventually(lambda each=each: each.said("PostgreSQL hangs: [1-9]"), within=15)  # type: ignore[misc]
    assert timezone.now() - hung < timedelta(seconds=15)
    assert [each.process.poll() for each in processes] == [None] * len(processes)

    proxy.heal()
    healed = timezone.now()
    make_order()
    for each in processes:
        eventually(lambda each=each: each.beat_since(healed), within=20)  # type: ignore[misc]
    eventually(lambda: not Outbox.objects.filter(published_at=None).exists(), within=20)
