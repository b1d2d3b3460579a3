"""Times as other people write them, into aware instants."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from reconciliation.reading.problems import Problem

_EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_SURE_YEARS: Final = frozenset(range(_EARLIEST.year + 1, _LATEST.year - 1))  # whatever the zone
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


class Moments:
    """Reads the times of one layout: by its formats, or as ISO 8601, in its zone where they name none."""

    def __init__(self, formats: Sequence[str], zone: str) -> None:
        self._formats, self._usual = formats, zone_of(zone)

    def read(self, text: str, own_zone: str = "") -> datetime:
        """An aware instant; `own_zone` stands for the layout's. Raises NotATime."""
        at = _parsed(text, self._formats)
        if at.tzinfo is None:
            at = at.replace(tzinfo=zone_of(own_zone) if own_zone else self._usual)
        if not _EARLIEST <= at <= _LATEST:
            raise NotATime("age", text)
        return at

    def read_all(self, texts: Sequence[str]) -> list[datetime]:
        """As `read` says of each of them."""
        with suppress(ValueError):
            found = [] if self._formats else list(map(datetime.fromisoformat, texts))
            if found and {at.year for at in found} <= _SURE_YEARS:
                return [at if at.tzinfo else at.replace(tzinfo=self._usual) for at in found]
        return [self.read(text) for text in texts]


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
