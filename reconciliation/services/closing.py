"""Closing a business day: signed by finance, locked with the digest of its lines, reopened only by a second person.

Signing binds to the digest of the figures that were read; locking finds the same digest again or refuses. What comes
for a closed day afterwards belongs to the day on which it comes (`bridges.carry`). See docs/adr/0067 and 0068.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from orders import names
from orders.errors import NotAllowed
from orders.money import shown
from reconciliation import business_day
from reconciliation.ageing import in_rupiah
from reconciliation.day_states import CLOSED_DAYS, DayState, DayVerb, Step
from reconciliation.models import CarriedLine, Day, Entry, Feed
from reconciliation.queries.days import open_breaks_of
from reconciliation.services import bridges
from reconciliation.states import Side
from reconciliation.transitions import move_day


@dataclass(frozen=True, slots=True)
class Check:
    """One condition of the signature: whether it holds, and the sentence that says so."""

    holds: bool
    text: str


def checks(day: Day, *, now: datetime | None = None) -> Sequence[Check]:
    """What stands between the day and its signature, as it was last computed."""
    return (_is_over(day, now or timezone.now()), _feeds_complete(day), _compared(day), _explained(day), _few_open(day))


@transaction.atomic
def sign(date_: date, *, digest: str, actor: str, reason: str = "", now: datetime | None = None) -> Day:
    """Sign the figures whose digest was read. Raises NotAllowed with the first condition that does not hold.

    Open breaks are carried by name, with a reason, up to `CARRY_LIMIT`; what is unexplained never is.
    """
    day = _held(date_)
    if day.state != DayState.OPEN:
        raise NotAllowed(_("The day has moved on: nothing was done."))
    bridges.keep(day, bridges.compute(date_))
    if day.digest != digest:
        raise NotAllowed(_("The figures have changed since you looked. Look again, then sign."))
    for check in checks(day, now=now):
        if not check.holds:
            raise NotAllowed(check.text)
    if open_breaks_of(day) and not reason.strip():
        raise NotAllowed(_("Say why the day is signed with open breaks."))
    told: dict[str, Any] = {"signed_by": actor, "signed_at": timezone.now(), "note": reason.strip()[:400]}
    move_day(day, DayVerb.SIGN, actor=actor, reason=reason, detail={"digest": digest}, **told)
    return day


@transaction.atomic
def unsign(date_: date, *, actor: str, reason: str) -> Day:
    """Take a signature back before the lock; the figures follow the books again."""
    day = _held(date_)
    move_day(day, DayVerb.UNSIGN, actor=actor, reason=_said(reason), signed_by="", signed_at=None, note="")
    bridges.keep(day, bridges.compute(date_))
    return day


@transaction.atomic
def lock(date_: date, *, actor: str) -> Day:
    """Close the day. Raises NotAllowed where the books have changed since the signature."""
    day = _held(date_)
    if day.state == DayState.SIGNED:
        now = bridges.compute(date_)
        if now.digest != day.digest:
            raise NotAllowed(_("The books have changed since the signature. Take it back, look, and sign again."))
        now_is = now.run.up_to_entry if now.run else 0
        Day.objects.filter(pk=day.pk).update(up_to_entry=now_is, run=now.run)
    detail = {"digest": day.digest}
    move_day(day, DayVerb.LOCK, actor=actor, detail=detail, locked_by=actor, locked_at=timezone.now())
    return day


@transaction.atomic
def ask_reopen(date_: date, *, actor: str, reason: str) -> Day:
    """Ask a second person to reopen a locked day. It stays closed until then."""
    day = _held(date_)
    said = _said(reason)
    move_day(day, DayVerb.ASK_REOPEN, actor=actor, reason=said, asked_by=actor, asked_for=said, decided_by="")
    return day


@transaction.atomic
def reopen(date_: date, *, actor: str, reason: str = "") -> Day:
    """Open it again; the second person's decision. What had been carried to a day still open comes back."""
    day = _held(date_)
    _not_the_one_who_asked(day, actor)
    told: dict[str, Any] = {"signed_by": "", "signed_at": None, "note": "", "locked_by": "", "locked_at": None}
    move_day(day, DayVerb.REOPEN, actor=actor, reason=reason, decided_by=actor, **told)
    closed = Day.objects.filter(state__in=(*CLOSED_DAYS, DayState.SIGNED)).values("date")
    CarriedLine.objects.filter(from_day=date_).exclude(to_day__in=closed).delete()
    bridges.keep(day, bridges.compute(date_))
    return day


@transaction.atomic
def keep_locked(date_: date, *, actor: str, reason: str) -> Day:
    """The second person says no."""
    day = _held(date_)
    _not_the_one_who_asked(day, actor)
    move_day(day, DayVerb.KEEP_LOCKED, actor=actor, reason=_said(reason), decided_by=actor)
    return day


@transaction.atomic
def is_unchanged(day: Day) -> bool:
    """Whether the lines of a closed day are in the books as they were when it was closed."""
    return bridges.lines_digest_of(day) == day.lines_digest


def _held(date_: date) -> Day:
    """The day, locked, while the books stand still. Always in this order: books, then day."""
    bridges.hold_the_books()
    bridges.carry()
    Day.objects.bulk_create([Day(date=date_)], ignore_conflicts=True)
    return Day.objects.select_for_update(no_key=True).get(date=date_)


def _said(reason: str) -> str:
    if not reason.strip():
        raise NotAllowed(_("Give a reason."))
    return reason.strip()[:400]


def _not_the_one_who_asked(day: Day, actor: str) -> None:
    if day.asked_by == actor:
        raise NotAllowed(_("Who asked for it cannot decide it: a second person does."))


def _is_over(day: Day, now: datetime) -> Check:
    demo = _("A demo: the day is over with its last payment.")
    return Check(now >= _ends(day.date), demo if settings.SIGN_EARLY else _("The day must be over."))


def _feeds_complete(day: Day) -> Check:
    late = [names.system(feed.source) for feed in Feed.objects.filter(is_active=True) if not _covers(feed, day.date)]
    if not late:
        return Check(holds=True, text=_("Every feed is complete to the end of the day."))
    return Check(False, _("Not complete to the end of the day: %(feeds)s.") % {"feeds": ", ".join(sorted(late))})


def _covers(feed: Feed, date_: date) -> bool:
    """Our own book is brought up to date by every run."""
    ends = _ends(date_, cut_off=feed.cut_off)
    return feed.side == Side.OURS or (feed.complete_up_to is not None and feed.complete_up_to >= ends)


def _ends(date_: date, *, cut_off: time = business_day.MIDNIGHT) -> datetime:
    """When the day is over: at its end, or in a demo with its last payment. What comes later is carried forward."""
    ends = business_day.begins(date_ + timedelta(days=1), cut_off=cut_off)
    if not settings.SIGN_EARLY:
        return ends
    last = Entry.objects.filter(side=Side.OURS, business_date=date_).aggregate(last=Max("occurred_at"))["last"]
    return min(ends, last) if last else ends


def _compared(day: Day) -> Check:
    lines = sum(figure.lines for figure in day.figures.all() if figure.step == Step.NOT_COMPARED)
    if not lines and day.run_id:
        return Check(holds=True, text=_("A run has compared every line."))
    return Check(False, _("Lines that no run has compared yet: %(count)d. Compare the books first.") % {"count": lines})


def _explained(day: Day) -> Check:
    left = bridges.unnamed(day.figures.all())
    if not left:
        return Check(holds=True, text=_("Nothing is unexplained."))
    return Check(False, _("Unexplained: %(sums)s.") % {"sums": _sums(left)})


def _few_open(day: Day) -> Check:
    """Open breaks are named, so they may be carried; not more money than a second person would be asked about."""
    left = open_breaks_of(day)
    if not left:
        return Check(holds=True, text=_("No break of the day is open."))
    limit = settings.CARRY_LIMIT
    text = _("Open breaks: %(sums)s. Up to %(limit)s may be carried, with a reason.") % {
        "sums": _sums(left),
        "limit": shown(limit, currency="IDR"),
    }
    return Check(all(in_rupiah(amount, currency) <= limit for currency, amount in left.items()), text)


def _sums(sums: Mapping[str, int]) -> str:
    return " + ".join(shown(amount, currency=currency) for currency, amount in sorted(sums.items()))
