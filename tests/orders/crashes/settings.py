"""Settings of workers that die: no other settings know of places to die. Clocks are short, so that dying is quick."""

from datetime import timedelta

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES

DATABASES["default"]["ENGINE"] = "tests.orders.crashes.backend"
LEASE = timedelta(seconds=2)
QUARANTINE = timedelta(seconds=2)
LADDER_PACE = 0.001  # each death counts as a try, and the last rung of a refund is six hours
WORK_THREADS = 1
