"""Loads and feeds in the words and figures of a screen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from opsconsole.console.book_tones import FEED_TONES, LOAD_TONES
from opsconsole.console.stuck_head import grouped
from opsconsole.console.tones import Tone
from orders import names
from orders.queries.order_page import people
from orders.queries.telling import who
from reconciliation.holds import may_release, told
from reconciliation.models import Feed, Load, LoadEvent
from reconciliation.queries.loads import earlier_with_same_file, history_of
from reconciliation.reading import Problem
from reconciliation.schedules import Schedule
from reconciliation.services.ours import SOURCE as LEDGER
from reconciliation.states import FeedHealth, LoadState, LoadVerb, Side


@dataclass(frozen=True, kw_only=True)
class FeedRow:
    """One feed: complete up to when, how it is, and what it is waiting for."""

    feed: Feed
    side: str
    name: str
    tone: Tone
    health: str
    schedule: str
    behind: timedelta | None


@dataclass(frozen=True, kw_only=True)
class LoadRow:
    """One load of a list."""

    load: Load
    side: str
    source: str
    tone: Tone
    state: str
    who: str
    why: str
    money: Sequence[tuple[int, str]]

    @property
    def name(self) -> str:
        """The file's own, or up to which fact our ledger was copied."""
        last = self.load.control.get(LEDGER) if self.load.feed.side == Side.OURS else None
        return _("our ledger up to line %(number)s") % {"number": grouped(last)} if last else self.load.name

    @property
    def counts(self) -> str:
        return grouped(self.load.new)


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """A row of a load's history; `reason` is a person's own words, or a machine's in the reader's language."""

    event: LoadEvent
    label: str
    by: str
    tone: Tone
    reason: str


@dataclass(frozen=True, kw_only=True)
class ShownLoad:
    """A load's own page."""

    problems: Sequence[str]
    notes: Sequence[str]
    may_release: bool
    seconds: float | None
    events: Sequence[ShownEvent]
    same_file: Load | None
    controls: Sequence[tuple[str, int, int | None]]
    size: str
    layout: dict[str, Any]


def feed_rows(feeds: Iterable[Feed], *, now: datetime) -> list[FeedRow]:
    return [
        FeedRow(
            feed=feed,
            side=str(Side(feed.side).label),
            name=source_name(feed.source),
            tone=FEED_TONES[feed.health],
            health=str(FeedHealth(feed.health).label),
            schedule=told_schedule(Schedule.read(feed.schedule)),
            behind=now - feed.complete_up_to if feed.complete_up_to else None,
        )
        for feed in feeds
    ]


def source_name(source: str) -> str:
    """As the field spells it: `midtrans` is Midtrans, `ho` is Head Office."""
    return names.system(source) if source else "–"


def load_rows(loads: Iterable[Load]) -> list[LoadRow]:
    loads = list(loads)
    known = people(load.actor for load in loads)
    return [_load_row(load, known) for load in loads]


def load_row(load: Load) -> LoadRow:
    return _load_row(load, people([load.actor]))


def _load_row(load: Load, known: dict[str, str]) -> LoadRow:
    return LoadRow(
        load=load,
        side=str(Side(load.feed.side).label),
        source=source_name(load.feed.source),
        tone=LOAD_TONES[load.state],
        state=str(LoadState(load.state).label),
        who=told_actor(load.actor, known),
        why=told(Problem(**load.problems[0])) if load.problems and load.state != LoadState.LOADED else "",
        money=[(amount, currency) for currency, (_lines, amount) in load.totals.items()],
    )


def shown_load(load: Load) -> ShownLoad:
    problems = [Problem(**each) for each in load.problems]
    retold = _retold(problems)
    events = history_of(load)
    known = people(event.actor for event in events)
    return ShownLoad(
        problems=[told(problem) for problem in problems],
        notes=[told(Problem(**each)) for each in load.notes],
        may_release=load.state == LoadState.HELD and may_release(problems),
        seconds=(load.ended_at - load.started_at).total_seconds() if load.ended_at else None,
        events=[
            ShownEvent(
                event,
                label=str(LoadVerb(event.verb).label),
                by=told_actor(event.actor, known),
                tone=_event_tone(event),
                reason=retold.get(event.reason, event.reason),
            )
            for event in events
        ],
        same_file=earlier_with_same_file(load),
        controls=[(currency, said, None) for currency, (_lines, said) in load.control.items()],
        size=f"{grouped(max(load.size // 1024, 1))} kB" if load.size else "",
        layout=load.mapping,
    )


def _retold(problems: Sequence[Problem]) -> dict[str, str]:
    """Why a load was held, as its history has it (in English), and in the reader's language."""
    with translation.override("en"):
        written = [told(problem)[:400] for problem in problems]
    return dict(zip(written, map(told, problems), strict=True))


def told_actor(actor: str, known: dict[str, str]) -> str:
    """Who did it, in the reader's language; `known` as of `orders.queries.order_page.people`."""
    if actor == "command":
        return _("command line")
    return _("schedule") if actor.startswith(("feed:", "schedule:", "link:")) else who(actor, known)


def _event_tone(event: LoadEvent) -> Tone:
    tones = {
        LoadVerb.HOLD: Tone.ATTENTION,
        LoadVerb.REFUSE: Tone.FAILED,
        LoadVerb.LOAD: Tone.DONE,
        LoadVerb.DROP: Tone.NEUTRAL,
    }
    return tones.get(LoadVerb(event.verb), Tone.ACTIVE)


def told_schedule(schedule: Schedule) -> str:
    if schedule.every is not None:
        return _("every %(seconds)s s") % {"seconds": int(schedule.every.total_seconds())}
    if schedule.by is not None:
        return _("daily by %(time)s WIB") % {"time": f"{schedule.by:%H:%M}"}
    return _("by hand")
