"""The actions on the platform itself: breakers, fallbacks, channels, lost jobs, business days."""

from datetime import date, datetime, timedelta
from typing import Final, Literal

from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from pydantic import Field

from orders import bells
from orders.heartbeats import ABSENT
from orders.leases import renew
from orders.queries import pulse
from orders.resilience import breaker
from orders.services import breakers, pausing
from orders.services import work as queues
from orders.services.actions.verb import Result
from reconciliation.models import Run as Comparison
from reconciliation.services.runs import reconcile
from reconciliation.states import RunState as ComparisonState
from runbooks.acting import once
from runbooks.models import Deed
from runbooks.registry.action import Action, Input, Preview, Touch
from runbooks.subjects import NEXT_BEST, Found

MOST_MINUTES: Final = 24 * 60
COMPARING: Final = timedelta(seconds=60)  # a day of the largest book takes a few seconds


class Held(Input):
    """`minutes`: how long it stays so; it ends by itself."""

    minutes: int = Field(30, ge=1, le=MOST_MINUTES)


class BreakerInput(Held):
    """`mode`: open lets nothing through, closed lets everything through."""

    mode: Literal["open", "closed"] = "open"


class PauseInput(Held):
    """`message` is told to customers in Indonesian, `message_en` in English; one stands in for the other."""

    message: str = Field("", max_length=300)
    message_en: str = Field("", max_length=300)


# Breakers.


def force(found: Found, given: Input) -> Preview:
    mode = given.mode if isinstance(given, BreakerInput) else "open"
    return Preview(target=f"forced_{mode}", params=given.model_dump())


def unforce(found: Found, given: Input) -> Preview:
    if found.row.state == breaker.State.CLOSED:
        return Preview(why="breaker_closed")
    return Preview(target=breaker.State.CLOSED.value)


def perform_force(deed: Deed) -> Result:
    name, mode = _key(deed), str(deed.params["mode"])
    with once(deed) as is_first:
        if is_first:
            breakers.force(name, mode, until=_until(deed), reason=deed.reason, actor=deed.actor)
    return _breaker_now(name, f"forced_{mode}")


def perform_unforce(deed: Deed) -> Result:
    name = _key(deed)
    with once(deed) as is_first:
        if is_first:
            breakers.reset(name, reason=deed.reason, actor=deed.actor)
    return _breaker_now(name, breaker.State.CLOSED.value)


def _breaker_now(name: str, wanted: str) -> Result:
    state = breaker.state_of(name)
    label = {"breaker": name, "state": state.state.value.replace("_", " ")}
    return Result(state.state.value == wanted, _t("The breaker of %(breaker)s is now %(state)s.") % label)


def is_forced(found: Found, amount: int) -> bool:
    return found.state.startswith("forced")


def is_closed(found: Found, amount: int) -> bool:
    return not found.state.startswith("forced")


# Fallbacks.


def fall_back(found: Found, given: Input) -> Preview:
    if found.key not in NEXT_BEST:
        return Preview(why="no_fallback")
    if found.state == breaker.State.FORCED_OPEN:
        return Preview(why="on_fallback")
    return Preview(target=breaker.State.FORCED_OPEN.value, params=given.model_dump())


def perform_fallback(deed: Deed) -> Result:
    name = _key(deed)
    with once(deed) as is_first:
        if is_first:
            breakers.force(name, "open", until=_until(deed), reason=deed.reason, actor=deed.actor)
    now = _breaker_now(name, breaker.State.FORCED_OPEN.value)
    return Result(now.fixed, f"{now.sentence} {NEXT_BEST[name]}")


# Channels.


def pause(found: Found, given: Input) -> Preview:
    if not isinstance(given, PauseInput) or not (given.message.strip() or given.message_en.strip()):
        return Preview(why="no_message")
    return Preview(target="paused", params=given.model_dump())


def resume(found: Found, given: Input) -> Preview:
    return Preview(target="open") if found.state == "paused" else Preview(why="not_paused")


def perform_pause(deed: Deed) -> Result:
    channel, texts = _key(deed), {name: str(deed.params.get(name, "")) for name in ("message", "message_en")}
    with once(deed) as is_first:
        if is_first:
            pausing.pause(channel, until=_until(deed), reason=deed.reason, actor=deed.actor, **texts)
    return _channel_now(channel, is_wanted_paused=True)


def perform_resume(deed: Deed) -> Result:
    channel = _key(deed)
    with once(deed) as is_first:
        if is_first:
            pausing.resume(channel, reason=deed.reason, actor=deed.actor)
    return _channel_now(channel, is_wanted_paused=False)


def _channel_now(channel: str, *, is_wanted_paused: bool) -> Result:
    is_paused = pausing.pause_of(channel) is not None
    said = _t("It takes no new orders.") if is_paused else _t("It takes orders.")
    return Result(is_paused == is_wanted_paused, said)


def is_paused(found: Found, amount: int) -> bool:
    return found.state == "paused"


def is_taking(found: Found, amount: int) -> bool:
    return found.state == "open"


# Jobs that Redis has lost.


def requeue(found: Found, given: Input) -> Preview:
    return Preview(target="ringing") if found.row else Preview(why="nothing_waits")


def perform_requeue(deed: Deed) -> Result:
    """Ring for the rows: they are the work, the bell only says so. Ringing twice does no harm."""
    name = _key(deed)
    if name not in queues.waiting():
        return Result(True, _t("Nothing of it waits any more."))
    bells.hush(name)
    rang = bells.ring_now(name)
    said = _t("A worker has been called.") if rang else _t("Redis is away: the ticker calls again when it is back.")
    return Result(False, said, accepted=rang)


def is_drained(found: Found, amount: int) -> bool:
    """What has become due within a bell's time is called for by the ticker, and is not lost."""
    since: datetime | None = found.row
    return since is None or timezone.now() - since < timedelta(seconds=bells.LONGEST_HUSH)


def has_worker(found: Found, amount: int) -> bool:
    """Whether somebody is there who takes work of this kind, oldest first."""
    seen, _detail = pulse.heartbeats().get(f"worker-{bells.QUEUES[found.key]}", (None, {}))
    return seen is not None and timezone.now() - seen < ABSENT


# Business days.


def compare(found: Found, given: Input) -> Preview:
    return Preview()


def perform_compare(deed: Deed) -> Result:
    """Compare the books of one business day. Comparing twice says the same, so a repeat does no harm."""
    day = date.fromisoformat(_key(deed))
    renew(deed, lease=COMPARING)
    run = reconcile(window=(day, day), actor=deed.actor)
    facts = {"open": run.summary.get("open", 0), "found": run.summary.get("found", 0)}
    said = _t("%(found)s new breaks; %(open)s are open in all.") % facts
    return Result(run.state == ComparisonState.DONE, said if run.state == ComparisonState.DONE else run.said)


def is_compared(found: Found, amount: int) -> bool:
    since = timezone.now() - timedelta(hours=1)
    runs = Comparison.objects.filter(state=ComparisonState.DONE, started_at__gt=since)
    return runs.filter(window_from__lte=found.row, window_to__gte=found.row).exists()


def _key(deed: Deed) -> str:
    return deed.resource.partition(":")[2]


def _until(deed: Deed) -> datetime:
    return deed.created_at + timedelta(minutes=int(deed.params["minutes"]))


PLATFORM_ACTIONS: Final = (
    Action(
        name="force_breaker",
        version=1,
        subject="breaker",
        perform=perform_force,
        label=_("Force breaker"),
        effect=_("Holds the breaker open (nothing is sent) or closed (everything is), whatever the neighbour does."),
        right="operate_breakers",
        touch=Touch.VISIBLE,
        rate=5,
        input=BreakerInput,
        preview=force,
        holds=is_forced,
        undo="reset_breaker@1",
        cool_down=timedelta(0),
    ),
    Action(
        name="reset_breaker",
        version=1,
        subject="breaker",
        perform=perform_unforce,
        label=_("Reset breaker"),
        effect=_("Closes the breaker, with nothing counted and nothing forced: the neighbour is asked again."),
        right="operate_breakers",
        touch=Touch.VISIBLE,
        rate=5,
        preview=unforce,
        holds=is_closed,
        irreversible=_("Forcing it again is an action of its own."),
        cool_down=timedelta(0),
    ),
    Action(
        name="switch_fallback",
        version=1,
        subject="breaker",
        perform=perform_fallback,
        label=_("Switch to fallback"),
        effect=_("Sends nothing to the neighbour, so that what stands in for it serves at once."),
        right="operate_breakers",
        touch=Touch.VISIBLE,
        rate=5,
        input=Held,
        preview=fall_back,
        holds=is_forced,
        undo="reset_breaker@1",
        cool_down=timedelta(0),
    ),
    Action(
        name="pause_channel",
        version=1,
        subject="channel",
        perform=perform_pause,
        label=_("Pause channel"),
        effect=_("Takes no new orders from the channel and tells its customers why. Orders that exist go on."),
        right="pause_channels",
        touch=Touch.VISIBLE,
        rate=5,
        input=PauseInput,
        preview=pause,
        holds=is_paused,
        undo="resume_channel@1",
        cool_down=timedelta(0),
    ),
    Action(
        name="resume_channel",
        version=1,
        subject="channel",
        perform=perform_resume,
        label=_("Take orders again"),
        effect=_("Takes new orders from the channel again."),
        right="pause_channels",
        touch=Touch.VISIBLE,
        rate=5,
        preview=resume,
        holds=is_taking,
        irreversible=_("Pausing it again is an action of its own."),
        cool_down=timedelta(0),
    ),
    Action(
        name="requeue_jobs",
        version=1,
        subject="queue",
        perform=perform_requeue,
        label=_("Requeue lost jobs"),
        effect=_("Calls a worker for what is due and nobody works on: the rows are the work, Redis only the doorbell."),
        right="run_runbook",
        touch=Touch.READS,
        rate=10,
        preview=requeue,
        holds=is_drained,
        goes_on=has_worker,
        irreversible=_("It only calls a worker: there is nothing to undo."),
        cool_down=timedelta(0),
    ),
    Action(
        name="reconcile_window",
        version=1,
        subject="day",
        perform=perform_compare,
        label=_("Reconcile days"),
        effect=_("Compares the books of each business day again and writes down what differs. Moves no money."),
        right="propose_repair",
        touch=Touch.READS,
        rate=1,
        timeout=timedelta(minutes=10),
        preview=compare,
        holds=is_compared,
        irreversible=_("It only compares: there is nothing to undo."),
        cool_down=timedelta(minutes=1),
    ),
)
