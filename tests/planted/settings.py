"""The application's own settings, with the bug that PLANTED_BUG names in its code; nothing else has that switch.

They refuse any data folder but one that is thrown away.
"""

import os
import tempfile

from django.core.exceptions import ImproperlyConfigured

from opsconsole.paths import data_dir
from tests.planted.importing import plant

THROWN_AWAY = ("opsconsole-chaos-", "opsconsole-test-")

if data_dir().is_relative_to(tempfile.gettempdir()) and any(part.startswith(THROWN_AWAY) for part in data_dir().parts):
    if os.environ.get("PLANTED_BUG"):
        plant(os.environ["PLANTED_BUG"])
else:
    raise ImproperlyConfigured("a bug is planted in a platform that is thrown away, never in this one.")

from opsconsole.settings import *  # noqa: E402, F403
