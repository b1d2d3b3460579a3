"""Which branch of Head Office a city belongs to: asked of Config Service, kept in a copy on disk.

The map changes a few times a year, so an old one is good; none at all is not. The copy is a file
of this machine: it must be there when Redis and the service are both away.
"""

import json
import logging
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final

from django.conf import settings

from orders.clients import config_service
from orders.resilience.outcome import Answered

logger = logging.getLogger(__name__)

FRESH: Final = 300.0  # seconds
ASK_AGAIN: Final = 30.0  # seconds after the service did not answer


class NoMap(Exception):
    """Config Service does not answer, and this machine has no copy yet."""


@dataclass
class _Known:
    branches: Mapping[str, str] = field(default_factory=dict)
    good_until: float = 0.0  # monotonic clock
    lock: Lock = field(default_factory=Lock)


_known = _Known()


def branch_of(city: str) -> str:
    """Head Office's name of the city's branch, '' for a city it does not have. Raises NoMap."""
    with _known.lock:
        if time.monotonic() >= _known.good_until:
            _read()
        if not _known.branches:
            raise NoMap
        return _known.branches.get(city, "")


def _read() -> None:
    """From the service; from the copy while it does not answer."""
    outcome = config_service.city_map()
    if isinstance(outcome, Answered) and outcome.data:
        _known.branches = {name: city.ho_branch for name, city in outcome.data.items()}
        _known.good_until = time.monotonic() + FRESH
        _keep(_known.branches)
        return
    _known.good_until = time.monotonic() + ASK_AGAIN
    _known.branches = _known.branches or _copy()


def snapshot() -> Path:
    """The file of the copy."""
    return Path(settings.DATA_DIR) / "cities.json"


def _keep(branches: Mapping[str, str]) -> None:
    """Whole or not at all: a reader never sees half a file. A full disk is no reason to fail."""
    try:
        snapshot().parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(prefix="cities.", dir=snapshot().parent)
        with os.fdopen(descriptor, "w") as file:
            json.dump(branches, file, sort_keys=True)
        Path(draft).replace(snapshot())
    except OSError as problem:
        logger.warning("the map of cities could not be kept: %s", problem)


def _copy() -> Mapping[str, str]:
    try:
        found = json.loads(snapshot().read_text())
    except (OSError, ValueError) as problem:
        logger.warning("no map of cities on disk: %s", problem)
        return {}
    return {str(name): str(branch) for name, branch in found.items()} if isinstance(found, dict) else {}


def forget() -> None:
    """Begin as a new process would; for tests."""
    _known.branches, _known.good_until = {}, 0.0
