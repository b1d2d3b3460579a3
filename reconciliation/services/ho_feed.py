"""Head Office's book by its gateway's API: page by page from where the last reading ended.

HO lists entries in the order of recording and its cursor is the id of the last entry, so a reading that breaks off
goes on from there. A cursor is kept with the entries it led to, in one transaction; a page that comes twice adds
nothing. See docs/adr/0071.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from orders.clients import ho
from orders.resilience import Answered, Refused
from reconciliation.holds import told
from reconciliation.lines import Line
from reconciliation.models import Feed, Load, LoadEvent, QuarantinedRow
from reconciliation.reading import Problem
from reconciliation.services import feeds
from reconciliation.services.alone import alone
from reconciliation.services.entries import signed, take_in
from reconciliation.states import EntryKind, LoadVerb

logger = logging.getLogger(__name__)

PAGE: Final = 1_000
MOST: Final = 20_000  # entries in one load; more wait for the next reading, which follows at once
ACTOR: Final = "feed:ho"
# An entry may be recorded in a moment that its page's snapshot did not see.
CLOCKS_APART: Final = timedelta(seconds=5)
_LOCK: Final = 0x10AE  # advisory lock: the class, beside the feed's id
_KINDS: Final = {"payment": EntryKind.PAYMENT, "refund": EntryKind.REFUND, "reversal": EntryKind.REVERSAL}


@dataclass
class _Reading:
    """What one reading brought: entries, where it ended, and whether that was the end of the book."""

    cursor: str
    began: datetime
    entries: list[ho.Entry] = field(default_factory=list)
    is_at_end: bool = False
    trouble: str = ""


def pull(feed_id: int, *, page: int = PAGE, most: int = MOST) -> bool:
    """Read on, and take in what came. Whether there is more to read. Nothing happens where another reads."""
    with alone(_LOCK, feed_id) as is_ours:
        feed = Feed.objects.filter(pk=feed_id, is_active=True).first()
        if not is_ours or feed is None:
            return False
        reading = _read(feed.cursor, page=page, most=most)
        _take(feed, reading)
    return not (reading.is_at_end or reading.trouble)


def _read(cursor: str, *, page: int, most: int) -> _Reading:
    reading = _Reading(cursor, began=timezone.now())
    while len(reading.entries) < most:
        asked_at = timezone.now()
        outcome = ho.list_entries(reading.cursor or None, limit=page)
        if not isinstance(outcome, Answered):
            why = outcome.code if isinstance(outcome, Refused) else outcome.reason
            reading.trouble = _("Head Office did not answer: %(why)s.") % {"why": why[:200]}
            break
        reading.entries += outcome.data.entries
        if outcome.data.entries:
            reading.cursor = outcome.data.entries[-1].entry_id
        if outcome.data.cursor is None:
            reading.is_at_end, reading.began = True, asked_at
            break
    return reading


def _take(feed: Feed, reading: _Reading) -> None:
    with transaction.atomic():
        feed.read_at = timezone.now()
        if reading.entries:
            _load(feed, reading)
        feed.cursor = reading.cursor
        if reading.is_at_end:
            feed.complete_up_to = max(reading.began - CLOCKS_APART, feed.complete_up_to or reading.began - CLOCKS_APART)
        feed.save(update_fields=["cursor", "read_at", "complete_up_to"])
        if reading.trouble:
            feeds.trouble(feed, reading.trouble)
        else:
            feeds.well(feed)


def _load(feed: Feed, reading: _Reading) -> None:
    first, last = reading.entries[0].entry_id, reading.entries[-1].entry_id
    load = Load.objects.create(feed=feed, name=f"{first} … {last}", layout="ho-api", actor=ACTOR)
    lines, refused = _lines(load, reading.entries)
    take_in(load, lines)
    QuarantinedRow.objects.bulk_create(refused)
    load.read, load.quarantined = len(reading.entries), len(refused)
    load.complete_up_to = reading.began - CLOCKS_APART if reading.is_at_end else None
    load.save(update_fields=["read", "quarantined", "complete_up_to"])
    detail = {"rows": load.read, "new": load.new, "known": load.known, "quarantined": load.quarantined}
    LoadEvent.objects.create(load=load, verb=LoadVerb.LOAD, actor=ACTOR, detail=detail)


def _lines(load: Load, entries: Sequence[ho.Entry]) -> tuple[list[Line], list[QuarantinedRow]]:
    lines: list[Line] = []
    refused: list[QuarantinedRow] = []
    for number, entry in enumerate(entries, 1):
        problem = _ailment(entry)
        if problem is None:
            lines.append(_line(number, entry))
        else:
            refused.append(_put_aside(load, number, entry, problem))
    return lines, refused


def _line(number: int, entry: ho.Entry) -> Line:
    kind, at = _KINDS[entry.kind], entry.occurred_at or entry.recorded_at
    assert at is not None  # noqa: S101 - `_ailment` has looked
    return Line(
        number,
        kind,
        signed(kind, entry.amount),
        entry.currency,
        at,
        reference=entry.entry_ref,
        external_reference=entry.entry_id,
        order_reference=entry.order_ref,
    )


def _ailment(entry: ho.Entry) -> Problem | None:
    if entry.kind not in _KINDS:
        return Problem("kind", {"text": entry.kind})
    if entry.occurred_at is None and entry.recorded_at is None:
        return Problem("empty_field", {"field": "occurred_at"})
    if entry.amount <= 0:
        return Problem("sign", {"text": str(entry.amount), "kind": entry.kind})
    return None


def _put_aside(load: Load, number: int, entry: ho.Entry, problem: Problem) -> QuarantinedRow:
    with translation.override("en"):
        reason = told(problem)[:300]
    return QuarantinedRow(load=load, line=number, reason=reason, problem=asdict(problem), raw=repr(entry))
