"""Feeds: which there are, how far each is complete, and how each is."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from orders.errors import NotAllowed
from reconciliation import business_day
from reconciliation.models import BookEvent, Feed, Load
from reconciliation.schedules import Schedule, health
from reconciliation.states import FeedHealth, Side

# What the platform's own neighbours are to deliver. Others come into being with their first file.
DEFAULTS: Final = (
    (Side.GATEWAY, "midtrans", "daily:09:00"),
    (Side.GATEWAY, "xendit", "daily:09:00"),
    (Side.GATEWAY, "nicepay", "daily:09:00"),
    (Side.HO, "ho", "every:60"),
)


def feed_of(side: str, source: str) -> Feed:
    """The feed of one source of one side's book, which comes into being when it is first asked for."""
    schedule = next((rule for of, name, rule in DEFAULTS if (of, name) == (side, source)), "")
    feed, _made = Feed.objects.get_or_create(side=side, source=source, defaults={"schedule": schedule})
    return feed


def make_defaults() -> None:
    """The feeds that must be there for a screen to say that nothing of them has come yet."""
    for side, source, _schedule in DEFAULTS:
        feed_of(side, source)


def covered_by(load: Load, *, first: datetime | None, last: datetime | None) -> datetime | None:
    """Up to when a file makes its feed complete; None where it closes no gap.

    A report holds whole business days, the last of which counts only once it is over. What a person stated goes
    before what the rows suggest. A file that begins after the watermark leaves a gap, and moves nothing.
    """
    if stated := load.stated.get("complete_up_to"):
        return datetime.fromisoformat(stated)
    if first is None or last is None:
        return None
    cut_off, known = load.feed.cut_off, load.feed.complete_up_to
    begin = business_day.begins(business_day.of(first, cut_off=cut_off), cut_off=cut_off)
    last_day = business_day.of(last, cut_off=cut_off)
    end = business_day.begins(last_day + timedelta(days=1), cut_off=cut_off)
    if end > load.started_at:
        end = business_day.begins(last_day, cut_off=cut_off)
    if known is not None and begin > known:
        return None
    return end if end > begin else None


def loaded(load: Load) -> None:
    """Move the watermark on, never back, and say that the feed is well again."""
    feed = load.feed
    marks = [mark for mark in (feed.complete_up_to, load.complete_up_to) if mark]
    feed.complete_up_to, feed.read_at = max(marks, default=None), timezone.now()
    feed.save(update_fields=["complete_up_to", "read_at"])
    well(feed)


def well(feed: Feed) -> None:
    """What was wrong is over; whether the feed is late, its watermark says."""
    feed.said, feed.health = "", _health(feed, is_broken=False)
    feed.save(update_fields=["said", "health"])


def troubled(load: Load) -> None:
    """A file that could not be taken in: the feed says so until a later one could."""
    trouble(load.feed, load.reason)


def trouble(feed: Feed, said: str) -> None:
    feed.said, feed.health = said[:300], FeedHealth.BROKEN
    feed.save(update_fields=["said", "health"])


def look_after() -> dict[str, int]:
    """The ticker's round: feeds become late by the clock alone. How many are in which health."""
    counts: dict[str, int] = {}
    for feed in Feed.objects.filter(is_active=True):
        now_is = _health(feed, is_broken=feed.health == FeedHealth.BROKEN)
        if now_is != feed.health:
            Feed.objects.filter(pk=feed.pk, health=feed.health).update(health=now_is)
        counts[now_is] = counts.get(now_is, 0) + 1
    return counts


def _health(feed: Feed, *, is_broken: bool) -> FeedHealth:
    return health(
        Schedule.read(feed.schedule),
        complete_up_to=feed.complete_up_to,
        is_broken=is_broken,
        cut_off=feed.cut_off,
        now=timezone.now(),
    )


@dataclass(frozen=True, slots=True)
class Terms:
    """What is agreed about a feed: its rule (`reconciliation.schedules`), where its day ends, whether it is in use."""

    schedule: str
    cut_off: time
    is_active: bool

    def as_fields(self) -> dict[str, Any]:
        return {"schedule": self.schedule, "cut_off": self.cut_off, "is_active": self.is_active}

    def as_data(self) -> dict[str, Any]:
        return {"schedule": self.schedule, "cut_off": f"{self.cut_off:%H:%M}", "is_active": self.is_active}


def terms_of(feed: Feed) -> Terms:
    return Terms(feed.schedule, feed.cut_off, feed.is_active)


def agree(feed: Feed, terms: Terms, *, expected: Terms, actor: str, reason: str) -> Feed:
    """Change when a feed is due and where its day ends; for lines that come from now on, never for those in the book.

    Raises NotAllowed without a reason, for a rule that is none, or where the terms are not `expected` any more.
    """
    if not reason.strip():
        raise NotAllowed(_("Say why."))
    try:
        Schedule.read(terms.schedule)
    except ValueError as error:
        raise NotAllowed(_("Choose a time of day or a number of minutes.")) from error
    with transaction.atomic():
        as_it_was = Feed.objects.filter(pk=feed.pk, **expected.as_fields())
        if not as_it_was.update(**terms.as_fields()):
            raise NotAllowed(_("Somebody has changed it meanwhile."))
        detail = {"before": expected.as_data(), "after": terms.as_data()}
        BookEvent.objects.create(
            subject=f"feed:{feed.pk}", verb="agree", actor=actor, reason=reason.strip()[:400], detail=detail
        )
    look_after()
    feed.refresh_from_db()
    return feed
