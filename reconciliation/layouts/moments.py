"""Times as other people write them, into aware instants."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from reconciliation.reading.problems import Problem

_EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_OFFSET: Final = re.compile(r"(?:UTC|GMT)?\s*([+-])(\d{1,2}):?(\d{2})?", re.ASCII)
# Names that reports use and the zone database does not, or keeps under another meaning.
_NAMES: Final[Mapping[str, str]] = {
    "WIB": "Asia/Jakarta",
    "WITA": "Asia/Makassar",
    "WIT": "Asia/Jayapura",
    "CEST": "Europe/Amsterdam",
    "CET": "Europe/Amsterdam",
    "BST": "Europe/London",
    "PST": "America/Los_Angeles",
    "PDT": "America/Los_Angeles",
    "EST": "America/New_York",
    "EDT": "America/New_York",
    "SGT": "Asia/Singapore",
    "Z": "UTC",
}


class NotATime(Exception):
    """The text is no time. Carries the problem for the quarantine."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code, text)
        self.problem = Problem(code, {"text": text})


def reader(formats: Sequence[str], zone: str) -> Callable[[str, str], datetime]:
    """A function of (text, zone of its own or '') that answers an aware instant or raises NotATime."""
    usual = zone_of(zone)

    def read(text: str, own_zone: str = "") -> datetime:
        at = _parsed(text, formats)
        if at.tzinfo is None:
            at = at.replace(tzinfo=zone_of(own_zone) if own_zone else usual)
        if not _EARLIEST <= at <= _LATEST:
            raise NotATime("age", text)
        return at

    return read


@lru_cache(maxsize=256)
def zone_of(name: str) -> tzinfo:
    """A zone by its name, its abbreviation or its distance from UTC. Raises NotATime."""
    if match := _OFFSET.fullmatch(name.strip()):
        sign = -1 if match.group(1) == "-" else 1
        away = timedelta(hours=int(match.group(2)), minutes=int(match.group(3) or 0))
        if away < timedelta(hours=24):
            return timezone(sign * away)
    try:
        return ZoneInfo(_NAMES.get(name.strip().upper(), name.strip()))
    except (KeyError, ValueError, OSError) as error:
        raise NotATime("time_zone", name) from error


def _parsed(text: str, formats: Sequence[str]) -> datetime:
    for pattern in formats:
        try:
            return datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone is added by `reader`
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise NotATime("time", text) from error
