"""Reading the front page: every part from its own source, and an honest word where one is lost."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from opsconsole.console.access import allowed
from opsconsole.console.formats import duration, money
from opsconsole.console.live import answer
from opsconsole.console.overview import (
    CannotKnow,
    Figure,
    Headline,
    LastRun,
    Neighbour,
    Overview,
    Queue,
    StuckState,
)
from opsconsole.console.services_rows import title_of
from opsconsole.console.tones import Tone
from opsconsole.neighbours import PREFIX
from orders.bells import QUEUES
from orders.heartbeats import is_copy_of
from orders.queries import pulse
from orders.queries.stuck import Totals, limits_in_force
from orders.queries.stuck_states import StuckState as HangingState
from orders.queries.stuck_states import StuckStates, stuck_by_state
from orders.resilience.breaker.reading import PREFIX as BREAKER

T = TypeVar("T")

NO_DATABASE: Final = CannotKnow(_("The database does not answer."))
NOT_SEEN: Final = CannotKnow(_("The ticker has not looked yet."))
STALE: Final = timedelta(seconds=60)
LOOPS: Final = (
    ("ticker", "ticker", _("goes the rounds"), timedelta(seconds=5)),
    ("relay", "relay", _("publishes what happened"), timedelta(seconds=5)),
    ("consumer", "consumer", _("takes what was published"), timedelta(seconds=5)),
    ("sweep", "round:sweep", _("rings for work that waits"), timedelta(seconds=1)),
    ("anchor", "round:anchor", _("anchors the history outside"), timedelta(seconds=60)),
)
Beats = Mapping[str, tuple[datetime, Mapping[str, Any]]]


@require_GET
@allowed("view_overview")
def overview(request: HttpRequest) -> HttpResponse:
    context = {"overview": read_overview(now=timezone.now()), "section": "overview"}
    return answer(request, "console/overview.html", "console/overview_live.html", context)


def read_overview(*, now: datetime) -> Overview:
    """Asks every source once; a source that fails loses its own part only."""
    beats = _known(pulse.heartbeats)
    hanging = _known(stuck_by_state)
    return Overview(
        at=now,
        headline=_headline(now, hanging),
        stuck=hanging if isinstance(hanging, CannotKnow) else _known(lambda: _stuck(hanging.lines)),
        neighbours=beats if isinstance(beats, CannotKnow) else _neighbours(beats, now=now),
        queues=beats if isinstance(beats, CannotKnow) else _known(lambda: _queues(beats, now=now)),
        loops=beats if isinstance(beats, CannotKnow) else _loops(beats, now=now),
        last_recovered_at=_or_none(_known(pulse.last_recovery)),
    )


def _known(read: Callable[[], T]) -> T | CannotKnow:
    try:
        return read()
    except DatabaseError:
        return NO_DATABASE


def _or_none(found: T | CannotKnow) -> T | None:
    return None if isinstance(found, CannotKnow) else found


def _headline(now: datetime, hanging: StuckStates | CannotKnow) -> Headline:
    totals = hanging if isinstance(hanging, CannotKnow) else hanging.everything
    return Headline(
        orders_per_minute=_known(lambda: _per_minute(now)),
        success_rate=_known(lambda: _success(now)),
        stuck=_of(totals, _stuck_now),
        money_held=_of(totals, _money_held),
        oldest=_of(totals, lambda found: _oldest(found, now=now)),
    )


def _of(totals: Totals | CannotKnow, figure: Callable[[Totals], Figure]) -> Figure | CannotKnow:
    return totals if isinstance(totals, CannotKnow) else figure(totals)


def _per_minute(now: datetime) -> Figure:
    counts = pulse.orders_per_minute(at=now)
    recent = sum(counts[-5:]) / 5
    return Figure(
        text=f"{recent:.0f}",
        note=gettext("mean of 5 minutes"),
        series=tuple(float(count) for count in counts),
        tone=Tone.NEUTRAL if recent else Tone.ATTENTION,
        href=reverse("orders"),
    )


def _success(now: datetime) -> Figure:
    found = pulse.success(at=now)
    if found.rate is None:
        return Figure(text="–", note=gettext("no order ended in the last hour"))
    tone = Tone.DONE if found.rate >= 0.95 else Tone.ATTENTION if found.rate >= 0.8 else Tone.FAILED
    note = gettext("%(good)s of %(ended)s in the last hour") % {"good": found.good, "ended": found.ended}
    return Figure(text=f"{found.rate * 100:.0f}%", note=note, tone=tone, href=reverse("orders"))


def _stuck_now(totals: Totals) -> Figure:
    note = gettext("%(count)s of them paid") % {"count": _grouped(totals.paid_count)}
    tone = Tone.ATTENTION if totals.count else Tone.DONE
    return Figure(text=_grouped(totals.count), note=note, tone=tone, href=reverse("stuck"))


def _money_held(totals: Totals) -> Figure:
    """What customers have paid for and not got; other currencies stand in the note."""
    sums = sorted(totals.paid_money.items(), key=lambda pair: (pair[0] != "IDR", pair[0]))
    if not sums:
        return Figure(text=money(0), note=gettext("nothing paid hangs"), tone=Tone.DONE)
    (currency, amount), *others = sums
    return Figure(
        text=money(amount, currency=currency),
        note=" · ".join(money(more, currency=of) for of, more in others) or gettext("paid and stuck"),
        tone=Tone.FAILED,
        href=f"{reverse('stuck')}?{urlencode({'view': 'paid'})}",
    )


def _oldest(totals: Totals, *, now: datetime) -> Figure:
    if totals.oldest is None:
        return Figure(text="–", note=gettext("nothing hangs"), tone=Tone.DONE)
    return Figure(
        text=duration(now - totals.oldest),
        note=gettext("past the limit of its state"),
        tone=Tone.FAILED,
        href=reverse("stuck"),
    )


def _stuck(lines: Sequence[HangingState]) -> tuple[StuckState, ...]:
    limits = limits_in_force()
    return tuple(
        StuckState(
            machine=line.machine,
            state=line.state,
            count=line.count,
            money=tuple((amount, currency) for currency, amount in sorted(line.money.items())),
            oldest_since=line.oldest_since,
            limit=limits.limit(line.machine, line.state, "") or timedelta(0),
            href=f"{reverse('stuck')}?{urlencode({'state': line.state, 'machine': line.machine})}",
        )
        for line in lines
    )


def _neighbours(beats: Beats, *, now: datetime) -> tuple[Neighbour, ...] | CannotKnow:
    seen = {name.removeprefix(PREFIX): beat for name, beat in beats.items() if name.startswith(PREFIX)}
    if not seen:
        return NOT_SEEN
    found = [_with_breaker(_neighbour(name, *seen[name], now=now), beats, now=now) for name in seen]
    named = [replace(each, name=str(title_of(each.name))) for each in found]
    return tuple(sorted(named, key=lambda each: (each.tone == Tone.DONE, each.name)))


def _with_breaker(neighbour: Neighbour, beats: Beats, *, now: datetime) -> Neighbour:
    """An open breaker says more than whether a knock is answered."""
    at, facts = beats.get(BREAKER + neighbour.name, (None, {}))
    if at is None or now - at > STALE or facts.get("ok", True):
        return replace(neighbour, href=reverse("services"))
    since = parse_datetime(str(facts.get("since", "")))
    words = gettext("Breaker open")
    return replace(neighbour, tone=Tone.FAILED, words=words, since=since, href=reverse("services"))


def _neighbour(name: str, at: datetime, facts: Mapping[str, Any], *, now: datetime) -> Neighbour:
    if now - at > STALE:
        return Neighbour(name=name, tone=Tone.ATTENTION, words=gettext("Cannot know"), since=at)
    if facts.get("ok"):
        return Neighbour(name=name, tone=Tone.DONE, words=gettext("Answers"), latency_ms=round(facts.get("ms") or 0))
    since = parse_datetime(str(facts.get("since", "")))
    return Neighbour(name=name, tone=Tone.FAILED, words=gettext("Cannot be reached"), since=since)


def _queues(beats: Beats, *, now: datetime) -> tuple[Queue, ...]:
    backlogs = pulse.backlogs(at=now)
    names = dict.fromkeys(QUEUES.values())
    return tuple(_queue(name, backlogs, beats, now=now) for name in names)


def _queue(name: str, backlogs: Any, beats: Beats, *, now: datetime) -> Queue:
    mine = [backlog for backlog in backlogs if QUEUES.get(backlog.kind) == name]
    since = [backlog.oldest_since for backlog in mine if backlog.oldest_since]
    copies = [at for process, (at, _facts) in beats.items() if is_copy_of(process, f"worker-{name}")]
    return Queue(
        name=name,
        depth=sum(backlog.count for backlog in mine),
        workers=sum(now - at < STALE for at in copies),
        oldest_since=min(since, default=None),
    )


def _loops(beats: Beats, *, now: datetime) -> tuple[LastRun, ...]:
    seen = {name: at for name, (at, _facts) in beats.items()}
    waits = {"relay": pulse.outbox_oldest()}
    return tuple(
        LastRun(name=name, duty=duty, at=seen.get(beat), every=every, now=now, oldest_since=waits.get(name))
        for name, beat, duty, every in LOOPS
    )


def _grouped(count: int) -> str:
    return f"{count:,}".replace(",", ".")
