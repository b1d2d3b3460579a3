"""Named diagnoses: figures from our own data that runbooks show live. Each reads PostgreSQL only, unless its name says
otherwise, and writes nothing: they work while Redis is away and while the database is read-only.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import redis as redis_client
from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel
from redis.backoff import NoBackoff
from redis.retry import Retry

from orders.clients.codes import GATEWAYS
from orders.models import Attempt, DispatchEntry, Order, Posting, Refund, Saga
from orders.models.saga import LIVE_DISPATCH
from orders.queries import invariants, money_queues, pulse
from orders.queries.letters import dead
from orders.queries.stuck import StuckFilter, stuck_totals
from orders.resilience import breaker
from orders.states import AttemptState, PostingState, RefundState, SagaState
from reconciliation.models import Break
from reconciliation.states import BreakState, Pairing
from runbooks.selections import Narrowing, Stuck

TEN_MINUTES: Final = timedelta(minutes=10)
SILENT: Final = timedelta(seconds=30)  # a process that has not been heard of for so long is not known to live
PATIENCE: Final = 0.5  # seconds for Redis


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. `value` is None where nobody can know; `money` is its currency when it is minor units of money."""

    key: str
    label: str | Promise
    value: float | None
    unit: str = ""
    money: str = ""


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """`keys` are the figures that it always has: what a step may expect something of."""

    label: Promise
    read: Callable[[Any], Sequence[Figure]]
    keys: tuple[str, ...]
    narrowing: type[BaseModel] = Narrowing


def _orders(_given: Any) -> Sequence[Figure]:
    now = timezone.now()
    minutes, success = pulse.orders_per_minute(at=now, minutes=5), pulse.success(at=now)
    return (
        Figure("per_minute", _("Orders a minute, last five"), sum(minutes) / 5),
        Figure("last_minute", _("Orders in the last minute"), minutes[-1]),
        Figure("success", _("Came to a good end, last hour"), _percent(success.rate), "%"),
    )


def _stuck(given: Stuck) -> Sequence[Figure]:
    wanted = StuckFilter(**{name: getattr(given, name) for name in Stuck.model_fields if name != "min_minutes"})
    found = stuck_totals(wanted)
    oldest = 0 if found.oldest is None else _minutes(found.oldest)
    return (
        Figure("count", _("Stuck orders"), found.count),
        Figure("money", _("Money in them"), found.money.get("IDR", 0), money="IDR"),
        Figure("oldest", _("Oldest"), oldest, "min"),
    )


def _payments(_given: Any) -> Sequence[Figure]:
    now = timezone.now()
    states = (AttemptState.UNKNOWN, AttemptState.REQUESTED)
    since = now - timedelta(minutes=1)
    waiting = Attempt.objects.filter(state__in=states, entered_at__lt=since)
    links = pulse.link_seconds(at=now)
    return (
        Figure("unknown", _("Payments that nobody knows about"), waiting.count()),
        Figure("link_p95", _("A link takes (P95)"), links.p95, "s"),
        Figure("links", _("Links made in ten minutes"), links.count),
    )


def _callbacks(_given: Any) -> Sequence[Figure]:
    """Of each gateway, what came in ten minutes; 0 beside others that talk is a gateway whose callbacks are lost."""
    found = pulse.callbacks(at=timezone.now())
    sums = {name: sum(count for (source, _s), count in found.items() if source == name) for name in GATEWAYS}
    silent = sum(1 for count in sums.values() if not count)
    heads = (
        Figure("received", _("Callbacks in ten minutes"), sum(sums.values())),
        Figure("silent", _("Gateways without any"), silent),
    )
    return (*heads, *(Figure(f"of_{name}", name.capitalize(), count) for name, count in sums.items()))


def _breakers(_given: Any) -> Sequence[Figure]:
    states = breaker.states()
    opened = [name for name, state in states.items() if state.is_open]
    forced = sum(state.is_forced for state in states.values())
    return (
        Figure("open", _("Open breakers"), len(opened)),
        Figure("forced", _("Held by an operator"), forced),
        *(Figure(f"is_open_{name}", name, 1) for name in sorted(opened)),
    )


def _backlogs(_given: Any) -> Sequence[Figure]:
    found = pulse.backlogs(at=timezone.now())
    due = [each for each in found if each.kind != "outbox"]
    oldest = min((each.oldest_since for each in due if each.oldest_since), default=None)
    outbox = next(each for each in found if each.kind == "outbox")
    waits = 0 if outbox.oldest_since is None else _seconds(outbox.oldest_since)
    return (
        Figure("due", _("Rows that wait for a worker"), sum(each.count for each in due)),
        Figure("oldest", _("Oldest of them"), 0 if oldest is None else _seconds(oldest), "s"),
        Figure("outbox", _("Events not published"), outbox.count),
        Figure("outbox_oldest", _("Oldest event"), waits, "s"),
    )


def _workers(_given: Any) -> Sequence[Figure]:
    beats = {name: at for name, (at, _detail) in pulse.heartbeats().items() if not name.startswith(_NO_PROCESS)}
    silent = [name for name, at in beats.items() if timezone.now() - at > SILENT]
    return (
        Figure("alive", _("Processes heard of lately"), len(beats) - len(silent)),
        Figure("silent", _("Processes not heard of for 30 s"), len(silent)),
    )


_NO_PROCESS: Final = ("round:", "breaker:", "neighbour:", "pause:")
_DATABASE: Final = """
SELECT pg_is_in_recovery()::int,
       current_setting('max_connections')::int,
       (SELECT count(*) FROM pg_stat_activity),
       (SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'),
       (SELECT coalesce(extract(epoch FROM max(now() - xact_start)), 0) FROM pg_stat_activity
        WHERE state <> 'idle' AND pid <> pg_backend_pid() AND backend_type = 'client backend'),
       (SELECT coalesce(extract(epoch FROM max(replay_lag)), 0) FROM pg_stat_replication)
"""


def _database(_given: Any) -> Sequence[Figure]:
    with connection.cursor() as cursor:
        cursor.execute(_DATABASE)
        [(is_standby, most, used, waiting, longest, lag)] = cursor.fetchall()
    return (
        Figure("read_only", _("Read-only (1: a standby answers)"), is_standby),
        Figure("used", _("Connections in use"), round(100 * used / most), "%"),
        Figure("waiting", _("Sessions that wait for a lock"), waiting),
        Figure("longest", _("Longest transaction"), round(float(longest)), "s"),
        Figure("lag", _("Replica behind"), round(float(lag), 1), "s"),
    )


def _redis(_given: Any) -> Sequence[Figure]:
    """Asks Redis itself, for half a second at most."""
    client = redis_client.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE, retry=Retry(NoBackoff(), 0)
    )
    try:
        told: Any = client.info()
    except (redis_client.RedisError, OSError):
        told = {}
    finally:
        client.close()
    memory = told.get("used_memory")
    return (
        Figure("answers", _("Redis answers (1: yes)"), int(bool(told))),
        Figure("memory", _("Memory in use"), None if memory is None else round(memory / 1_048_576, 1), "MB"),
        Figure("clients", _("Clients"), told.get("connected_clients")),
    )


def _sagas(_given: Any) -> Sequence[Figure]:
    ends = pulse.saga_ends(at=timezone.now())
    hands = Saga.objects.filter(state=SagaState.NEEDS_HAND)
    oldest = hands.order_by("entered_at").values_list("entered_at", flat=True).first()
    return (
        Figure("by_hand", _("Sagas that need a hand"), hands.count()),
        Figure("oldest", _("Oldest of them"), 0 if oldest is None else _minutes(oldest), "min"),
        Figure("undoing", _("Being undone"), Saga.objects.filter(state=SagaState.COMPENSATING).count()),
        Figure("undone", _("Undone in ten minutes"), ends.get(SagaState.COMPENSATED, 0)),
    )


def _dispatch(_given: Any) -> Sequence[Figure]:
    live = DispatchEntry.objects.filter(state__in=LIVE_DISPATCH)
    oldest = live.order_by("created_at").values_list("created_at", flat=True).first()
    return (
        Figure("waiting", _("Orders that wait for a car"), live.count()),
        Figure("oldest", _("Waits longest"), 0 if oldest is None else _minutes(oldest), "min"),
        Figure("in_hand", _("Of them in somebody's hands"), live.exclude(claimed_by="").count()),
    )


def _letters(_given: Any) -> Sequence[Figure]:
    found = dead()
    return (
        Figure("dead", _("Events that nobody could use"), sum(found.values())),
        Figure("consumers", _("Consumers that have them"), len(found)),
    )


def _money(_given: Any) -> Sequence[Figure]:
    totals = money_queues.money_totals()
    twice, late = totals.get(money_queues.Case.TWICE), totals.get(money_queues.Case.LATE)
    failed = Refund.objects.filter(state=RefundState.FAILED).count()
    return (
        Figure("twice", _("Paid twice"), twice.count if twice else 0),
        Figure("twice_money", _("Money paid twice"), _idr(twice), money="IDR"),
        Figure("late", _("Paid after close"), late.count if late else 0),
        Figure("refund_failed", _("Refunds that failed"), failed),
    )


def _ho(_given: Any) -> Sequence[Figure]:
    owed = Posting.objects.exclude(state=PostingState.RECORDED)
    open_ = Break.objects.filter(state=BreakState.OPEN, pairing=Pairing.HO)
    return (
        Figure("owed", _("Entries that Head Office lacks"), owed.count()),
        Figure("rejected", _("Rejected by Head Office"), owed.filter(state=PostingState.REJECTED).count()),
        Figure("breaks", _("Open breaks against Head Office"), open_.count()),
        Figure("exposure", _("Money in them"), sum(open_.values_list("exposure", flat=True)[:50_000]), money="IDR"),
    )


def _invariants(_given: Any) -> Sequence[Figure]:
    found = invariants.counts([rule for rule in invariants.INVARIANTS if rule.is_incident])
    return (Figure("broken", _("Orders that break a rule about money"), sum(found.values())),)


def _flows(_given: Any) -> Sequence[Figure]:
    """The last order that went all the way: proof that the platform works end to end."""
    done = Order.objects.filter(state__in=("active", "completed"), origin="platform")
    last = done.order_by("-entered_at").values_list("entered_at", flat=True).first()
    lately = done.filter(entered_at__gt=timezone.now() - TEN_MINUTES).count()
    return (
        Figure("booked", _("Orders booked in ten minutes"), lately),
        Figure("last", _("Last one"), None if last is None else _minutes(last), "min"),
    )


def _idr(total: Any) -> int:
    return int(total.money.get("IDR", 0)) if total is not None else 0


def _percent(rate: float | None) -> float | None:
    return None if rate is None else round(100 * rate, 1)


def _minutes(since: datetime) -> int:
    return int((timezone.now() - since).total_seconds() // 60)


def _seconds(since: datetime) -> int:
    return max(0, int((timezone.now() - since).total_seconds()))


DIAGNOSES: Final[Mapping[str, Diagnosis]] = {
    "orders": Diagnosis(label=_("Orders"), read=_orders, keys=("per_minute", "last_minute", "success")),
    "stuck": Diagnosis(label=_("Stuck orders"), read=_stuck, keys=("count", "money", "oldest"), narrowing=Stuck),
    "payments": Diagnosis(label=_("Payments"), read=_payments, keys=("unknown", "link_p95", "links")),
    "callbacks": Diagnosis(
        label=_("Callbacks"),
        read=_callbacks,
        keys=("received", "silent", *(f"of_{name}" for name in GATEWAYS)),
    ),
    "breakers": Diagnosis(label=_("Breakers"), read=_breakers, keys=("open", "forced")),
    "backlogs": Diagnosis(label=_("Backlogs"), read=_backlogs, keys=("due", "oldest", "outbox", "outbox_oldest")),
    "workers": Diagnosis(label=_("Processes"), read=_workers, keys=("alive", "silent")),
    "database": Diagnosis(label=_("Database"), read=_database, keys=("read_only", "used", "waiting", "longest", "lag")),
    "redis": Diagnosis(label=_("Redis"), read=_redis, keys=("answers", "memory", "clients")),
    "sagas": Diagnosis(label=_("Sagas"), read=_sagas, keys=("by_hand", "oldest", "undoing", "undone")),
    "dispatch": Diagnosis(label=_("Dispatch queue"), read=_dispatch, keys=("waiting", "oldest", "in_hand")),
    "letters": Diagnosis(label=_("Dead letters"), read=_letters, keys=("dead", "consumers")),
    "money": Diagnosis(label=_("Money"), read=_money, keys=("twice", "twice_money", "late", "refund_failed")),
    "ho": Diagnosis(label=_("Head Office"), read=_ho, keys=("owed", "rejected", "breaks", "exposure")),
    "invariants": Diagnosis(label=_("Rules about money"), read=_invariants, keys=("broken",)),
    "flow": Diagnosis(label=_("End to end"), read=_flows, keys=("booked", "last")),
}
