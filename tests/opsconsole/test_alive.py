"""The health check of a container."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from orders.heartbeats import beat, silence
from orders.models import Heartbeat

pytestmark = pytest.mark.django_db


def test_a_process_that_never_gave_a_sign_is_not_alive() -> None:
    with pytest.raises(CommandError, match=r"^ticker has never given a sign of life\.$"):
        call_command("alive", "ticker")


def test_a_process_that_gives_signs_is_alive() -> None:
    beat("relay", detail={"published": 3})
    call_command("alive", "relay")
    assert Heartbeat.objects.get(name="relay").detail == {"published": 3}
    assert silence("relay") < timedelta(seconds=5)  # type: ignore[operator]


def test_a_process_that_fell_silent_is_not_alive() -> None:
    Heartbeat.objects.create(name="worker-act", pid=1, at=timezone.now() - timedelta(minutes=5))
    with pytest.raises(CommandError, match=r"^worker-act has been silent for 300 s\.$"):
        call_command("alive", "worker-act")


def test_a_web_that_does_not_answer_is_not_alive() -> None:
    with pytest.raises(CommandError, match=r"^web does not answer at http://127\.0\.0\.1:1/health: .*refused"):
        call_command("alive", "web", port=1)
