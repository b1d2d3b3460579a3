"""Head Office as a real HTTP server, and a store for files that goes away."""

from pathlib import Path
from typing import Any

import pytest

from tests.sandbox_fixtures import *  # noqa: F403


@pytest.fixture(autouse=True)
def _store(settings: Any, tmp_path: Path) -> None:
    settings.LOADS_DIR = str(tmp_path / "loads")
