"""What is wrong with the platform now, for the line and the badges that every page carries.

One indexed read of a handful of rows the ticker writes; a database that is away says nothing here,
because then no page is shown at all.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opsconsole.console.frame import ALERTS, Alert
from opsconsole.console.overview import OUTBOX_OLD
from opsconsole.console.services_rows import title_of
from opsconsole.neighbours import PREFIX
from orders.models import Heartbeat
from orders.queries.letters import dead
from orders.queries.pulse import outbox_oldest
from orders.resilience.breaker.reading import PREFIX as BREAKER
from orders.services import dispatch_watch, pausing
from orders.states import Channel
from reconciliation import business_day
from runbooks.incident_states import IncidentState, Severity
from runbooks.queries.incidents import urgent

# Older than this, a row says nothing about now; the overview says "cannot know" then.
STALE = timedelta(minutes=2)

FEEDS, RUNS = BOOK_ROUNDS = ("round:feeds", "round:run-schedules")
QUEUE = f"round:{dispatch_watch.ROUND}"


def platform_alerts() -> list[Alert]:
    """Open breakers, neighbours that cannot be reached, and rules about money that do not hold."""
    rows = {row.name: row for row in Heartbeat.objects.filter(_speaks(timezone.now()))}
    # An open breaker says more than that its neighbour cannot be reached.
    told = {PREFIX + name.removeprefix(BREAKER) for name in rows if name.startswith(BREAKER)}
    return [alert for name, row in rows.items() if name not in told for alert in _of(row)]


def _speaks(now: datetime) -> Q:
    """What a row must be like to say anything in the frame."""
    bad = (Q(name__startswith=PREFIX) | Q(name__startswith=BREAKER)) & Q(detail__ok=False)
    rounds = Q(name__in=("round:invariants", *BOOK_ROUNDS)) | Q(name=QUEUE, detail__long=True)
    paused = Q(name__startswith=pausing.SIGN, at__gt=now)
    return (Q(at__gte=now - STALE) & (bad | rounds)) | paused


def incident_alerts() -> list[Alert]:
    """Live incidents of P0 and P1, on every page: whoever can help sees them."""
    return [
        Alert(
            tone="failed" if row.state == IncidentState.OPEN else "attention",
            text=f"{Severity(row.severity).label} {row.code}",
            since=row.began_at,
            is_short=True,
            href=reverse("incident", args=[row.code]),
        )
        for row in urgent()
    ]


def event_alerts() -> list[Alert]:
    """Events that wait too long to be published, and those that no consumer could use."""
    return [*_outbox(), *_dead_letters()]


def _outbox() -> Iterator[Alert]:
    oldest = outbox_oldest()
    if oldest is not None and timezone.now() - oldest > OUTBOX_OLD:
        yield Alert(tone="failed", text=_("Events wait to be published: broker or relay is away"), since=oldest)


def _dead_letters() -> Iterator[Alert]:
    count = sum(dead().values())
    if count:
        text = ngettext("%(count)s event could not be used", "%(count)s events could not be used", count)
        words = text % {"count": count}
        link = _("Dead letters")
        yield Alert(tone="attention", text=words, href=reverse("letters"), link=link, right="view_letters")


def _of(row: Heartbeat) -> Iterator[Alert]:
    if row.name.startswith(BREAKER):
        text = _("%(name)s: breaker open") % {"name": title_of(row.name.removeprefix(BREAKER))}
        yield Alert(tone="failed", text=text, since=_since(row), is_short=True, href=reverse("services"))
        return
    if row.name.startswith(PREFIX):
        name = title_of(row.name.removeprefix(PREFIX))
        text = _("%(name)s cannot be reached") % {"name": name}
        yield Alert(tone="failed", text=text, since=_since(row), is_short=True, href=reverse("services"))
        return
    if row.name.startswith(pausing.SIGN):
        yield _paused(row)
        return
    if row.name == QUEUE:
        yield _long_queue(int(row.detail.get("count", 0)))
        return
    if row.name in BOOK_ROUNDS:
        yield from book_alerts(row)
        return
    count = int(row.detail.get("broken", 0))
    if count:
        text = ngettext("%(count)s order breaks a rule about money", "%(count)s orders break a rule about money", count)
        yield Alert(tone="failed", text=text % {"count": count}, since=row.at)


def _paused(row: Heartbeat) -> Alert:
    """A channel takes no orders because an operator said so; `at` is when it takes them again."""
    values = {
        "channel": Channel(row.detail["channel"]).label,
        "until": f"{timezone.localtime(row.at, business_day.ZONE):%H:%M}",
        "reason": row.detail["reason"],
    }
    text = _("%(channel)s takes no orders until %(until)s WIB: %(reason)s") % values
    return Alert(tone="failed", text=text, href=reverse("channels"), link=_("Channels"))


def book_alerts(row: Heartbeat) -> Iterator[Alert]:
    """A scheduled run that failed; feeds that are broken or behind. For those who see the books."""
    right = "view_reconciliation"
    if row.name == RUNS and row.detail.get("failed"):
        run = int(row.detail.get("run", 0))
        text, link = _("A scheduled comparison of the books failed"), _("To the run")
        yield Alert(tone="failed", text=text, href=reverse("book-run", args=[run]), link=link, right=right)
    for health, tone in (("broken", "failed"), ("late", "attention")) if row.name == FEEDS else ():
        count = int(row.detail.get(health, 0))
        if count:
            there, link = reverse("reconciliation"), _("To the feeds")
            yield Alert(tone=tone, text=_feeds(health, count), href=there, link=link, right=right)


def _feeds(health: str, count: int) -> str:
    if health == "broken":
        text = ngettext("%(count)s feed of the books is broken", "%(count)s feeds of the books are broken", count)
    else:
        text = ngettext("%(count)s feed of the books is behind", "%(count)s feeds of the books are behind", count)
    return text % {"count": count}


def _long_queue(count: int) -> Alert:
    text = ngettext("%(count)s order waits for a car", "%(count)s orders wait for a car", count)
    link = _("To the dispatch queue")
    return Alert(tone="attention", text=text % {"count": count}, href=reverse("dispatch"), link=link)


def _since(row: Heartbeat) -> datetime | None:
    return parse_datetime(str(row.detail.get("since", "")))


def register() -> None:
    """Put the alerts on the board, once."""
    for source in (incident_alerts, platform_alerts, event_alerts):
        if source not in ALERTS.sources:
            ALERTS.sources.append(source)
