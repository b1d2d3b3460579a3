"""The night as a guided demo: `manage.py run --night` plays it once on the platform that it started (docs/night.md)."""

import threading
from collections.abc import Callable
from typing import Final

from django.conf import settings

from opsconsole.loops import until_stopped
from opsconsole.scenarios import standalone
from orders.models import StuckSample

SAMPLES: Final = 3  # before fewer, nobody can say what is usual
LOOK_EVERY: Final = 1.0
TURN: Final = 1.0
Say = Callable[[str], object]


def wait_for_quiet_minutes(say: Say) -> None:
    """Until the platform answers and has seen some minutes without customers: a spike is one against something."""
    standalone.wait_until_ready(settings.SANDBOX_PORT, settings.PUBLIC_URL)
    say(f"Two quiet minutes, then the spike. What to do, step by step: docs/night.md and {settings.PUBLIC_URL}")
    while StuckSample.objects.count() < SAMPLES:
        threading.Event().wait(LOOK_EVERY)


def stay(say: Say) -> None:
    """Nobody orders any more; who started this process would start it again if it ended."""
    say("All customers have come. Within minutes what hangs is late, and the alert opens the incident.")
    until_stopped("traffic", turn=lambda: TURN)
