"""The application's own settings, on a database that may be emptied between tests."""

from datetime import timedelta

from opsconsole.settings import *  # noqa: F403
from opsconsole.settings import DATABASES

DATABASES["default"]["ENGINE"] = "tests.backend"

# One Redis serves all tests, and a breaker that one test opened would meet the next; those of breakers set their own.
BREAKERS = {}

# A million rounds of PBKDF2 are right for people and wrong for a suite.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Every new client of a test would look through the collected files, if a demo has left some; pages of tests come from
# Django's finders.
STATIC_ROOT = None

# Tests name a broker themselves, with exchange and queues of their own.
BROKER_URL = ""

DISPATCH_HOLD = timedelta(0)  # a test of a booking does not wait; those of the hold set it
