"""Every registered action × every role × propose, approve, run × possible and impossible: a table from the registry.

A new action without a world fails here. Whoever is refused leaves no trace: no row in any table, nothing in Redis, and
no call at a neighbour, who is a real listener that counts.
"""

import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.test import TestCase
from django.utils import timezone

from opsconsole.console.action_library import NOT_HERE
from opsconsole.console.plan_rights import approval_of
from opsconsole.console.roles import RIGHT_BY_CODENAME
from orders.models import ChannelPause, Order, Saga
from orders.services import breakers, ledger, locks, work
from reconciliation.models import Break
from runbooks.models import Plan, Run
from runbooks.registry import ACTIONS, Action
from runbooks.services.planning import Ask, make_plan
from runbooks.states import PlanState
from tests.console.people import OUTSIDER, World
from tests.orders.making import make_attempt, make_dispatch, make_letter, make_order, make_posting, make_saga, make_step
from tests.runbooks.planning import charged, held
from tests.runbooks.planning import sum_to_type as sum_of
from tests.runbooks.test_breaks import broken

pytestmark = pytest.mark.django_db
PEOPLE = ("sari", "dewi", "budi", "ratna", "agus", "admin", OUTSIDER)
REFS = sorted(ACTIONS)


@dataclass(frozen=True)
class WorldOf:
    """Two subjects of an action: one that it may be done to now, and one that it may not; and what it takes beside."""

    possible: Callable[[], Any]
    impossible: Callable[[], Any]
    params: Callable[[], dict[str, Any]] = dict


def imported(state: str = "awaiting_payment") -> Order:
    return make_order(state, origin="import")


def with_link(**more: Any) -> Order:
    order = make_order("awaiting_payment", **more)
    make_attempt(order, "open")
    return order


def twice() -> Order:
    order = charged("paid")
    ledger.charge(make_attempt(order, "paid"), amount=order.amount, at=timezone.now())
    return order


def lacking_at_ho(state: str = "rejected") -> Order:
    order = make_order("completed")
    make_posting(order, state)
    return order


def saga(state: str = "running") -> Saga:
    return make_saga(charged("booking"), state)


def entry(state: str = "waiting") -> Any:
    return make_dispatch(make_step(saga(), "sent"), state)


def _of_order() -> Break:
    order = charged("completed")
    return broken(order_reference=order.public_id)


def closed(**fields: Any) -> Break:
    return broken(state="healed", **fields)


def forced() -> str:
    until = timezone.now() + timedelta(minutes=5)
    with TestCase.captureOnCommitCallbacks(execute=True):
        breakers.force("tpg", "open", until=until, reason="x", actor="user:dewi")
    return "tpg"


def paused() -> str:
    told = {"message": "x", "message_en": "x", "actor": "user:dewi"}
    ChannelPause.objects.update_or_create(
        channel="app", defaults={"until": timezone.now() + timedelta(hours=1), **told}
    )
    return "app"


def waiting_queue() -> str:
    with_due = make_order("awaiting_payment")
    make_attempt(with_due, "unknown", due_at=timezone.now() - timedelta(minutes=1))
    assert "attempt" in work.waiting()
    return "attempt"


def until() -> dict[str, Any]:
    return {"until": (timezone.now() + timedelta(hours=1)).isoformat(), "hold_reason": "fraud check"}


WORLDS: dict[str, WorldOf] = {
    "recheck_payment": WorldOf(with_link, imported),
    "make_link": WorldOf(with_link, lambda: make_order("completed")),
    "expire_attempt": WorldOf(with_link, make_order),
    "retry_booking": WorldOf(lambda: charged("paid"), lambda: make_order("completed")),
    "repost_ho": WorldOf(lacking_at_ho, lambda: lacking_at_ho("recorded")),
    "cancel_order": WorldOf(lambda: charged("paid"), lambda: make_order("completed")),
    "refund": WorldOf(charged, lambda: make_order("paid_after_close")),
    "refund_excess": WorldOf(twice, charged),
    "hold_order": WorldOf(lambda: make_order("paid"), lambda: None, until),
    "release_hold": WorldOf(held, lambda: make_order("paid")),
    "compensate_saga": WorldOf(saga, lambda: saga("succeeded")),
    "send_to_dispatch": WorldOf(entry, lambda: entry("withdrawn")),
    "notify_customer": WorldOf(with_link, lambda: imported("awaiting_payment")),
    "replay_letter": WorldOf(make_letter, lambda: make_letter(state="retrying")),
    "drain_letter": WorldOf(make_letter, lambda: make_letter(state="retrying")),
    "repost_break": WorldOf(_of_order, closed),
    "refund_break": WorldOf(_of_order, closed),
    "reverse_break": WorldOf(_of_order, closed),
    "correct_break": WorldOf(_of_order, closed),
    "accept_timing": WorldOf(broken, closed),
    "write_off": WorldOf(broken, closed, lambda: {"code": "rounding"}),
    "reopen_break": WorldOf(lambda: broken(state="resolved", resolution="accepted"), broken),
    "force_breaker": WorldOf(lambda: "midtrans", lambda: None),
    "reset_breaker": WorldOf(forced, lambda: "midtrans"),
    "switch_fallback": WorldOf(lambda: "tpg", forced),
    "pause_channel": WorldOf(lambda: "app", lambda: None, lambda: {"message": "Sebentar ya."}),
    "resume_channel": WorldOf(paused, lambda: "web"),
    "requeue_jobs": WorldOf(waiting_queue, lambda: "posting"),
    "reconcile_window": WorldOf(lambda: "2026-01-12", lambda: None),
}
# What a break of one type needs (its order, its line) is made by `tests/runbooks/test_breaks.py`, which carries them
# out; here it is who may, so that one left out for its reason serves as well as one that goes.
NEEDS_BOOKS = ("repost_break", "refund_break", "reverse_break", "correct_break")


def key_of(subject: Any) -> str:
    return subject if isinstance(subject, str) else str(subject.pk)


def plan_by(action: Action, who: str, *, possible: bool = True) -> Plan:
    world = WORLDS[action.name]
    subject = world.possible() if possible else world.impossible()
    ask = Ask(action=str(action), proposer=f"user:{who}", kind=Plan.Kind.SELECTION, params=world.params())
    return make_plan([key_of(subject)], ask)


class Listener:
    """A neighbour who counts who calls and answers nobody."""

    def __init__(self) -> None:
        self.calls = 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                caller, _address = self.socket.accept()
            except OSError:
                return
            self.calls += 1
            caller.close()


@pytest.fixture
def neighbour(settings: Any) -> Iterator[Listener]:
    listener = Listener()
    settings.HOUR_MOST_ORDERS = 1_000_000
    where = {"url": f"http://127.0.0.1:{listener.port}", "timeout": 1.0, "tries": 1}
    settings.UPSTREAMS = {name: {**where} for name in settings.UPSTREAMS}
    settings.BREAKERS = {name: {"consecutive": 5, "open": 60.0, "probes": 1} for name in ("midtrans", "tpg")}
    settings.REDIS_PREFIX = f"test-{uuid.uuid4().hex}:"
    yield listener
    listener.socket.close()


@dataclass(frozen=True)
class Trace:
    """All that could have been touched: rows of every table and their versions, keys in Redis, calls."""

    rows: dict[str, int]
    keys: frozenset[bytes]
    calls: int


def trace(neighbour: Listener) -> Trace:
    kept = redis.Redis.from_url(settings.REDIS_URL).scan_iter(match=f"{settings.REDIS_PREFIX}*")
    return Trace(rows_of_all(), frozenset(kept), neighbour.calls)


def rows_of_all() -> dict[str, int]:
    """Of every table but the sessions, which a visit touches; and the sum of the versions of orders.

    Planned once for each connection: planning a count of each table takes longer than counting.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_prepared_statements WHERE name = 'rows_of_all'")
        if cursor.fetchone() is None:
            cursor.execute(f"PREPARE rows_of_all AS {_counting(cursor)}")
        cursor.execute("EXECUTE rows_of_all")
        return dict(cursor.fetchall())


def _counting(cursor: Any) -> str:
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'django_session'")
    parts = [f"SELECT '{name}', count(*) FROM {name}" for (name,) in cursor.fetchall()]  # noqa: S608
    parts.append("SELECT 'versions', coalesce(sum(version), 0) FROM orders_order")
    return " UNION ALL ".join(parts)


def may(people: World, who: str, right: str) -> bool:
    return people.users[who].has_perm(RIGHT_BY_CODENAME[right].permission)


def test_no_action_is_forgotten() -> None:
    assert set(WORLDS) == {action.name for action in ACTIONS.values()}


def form_for(action: Action) -> dict[str, Any]:
    """What the form posts for a subject to which it may be done."""
    subject = WORLDS[action.name].possible()
    params = WORLDS[action.name].params()
    if isinstance(subject, str):
        return {"subject": subject, **params}
    return {"typed": subject.public_id if action.subject == "order" else str(subject.pk), **params}


def holder(people: World, right: str, *, but: str = "") -> str:
    return next(who for who in PEOPLE if who != but and may(people, who, right))


@pytest.mark.parametrize("ref", REFS)
def test_who_may_propose(people: World, neighbour: Listener, ref: str, django_capture_on_commit_callbacks: Any) -> None:
    action = ACTIONS[ref]
    form, path = form_for(action), f"/runbooks/actions/{action.name}/"
    for who in PEOPLE:
        client, before = people.client(who), trace(neighbour)
        with django_capture_on_commit_callbacks() as calls:
            response = client.post(path, form)
        if who != OUTSIDER and action.name in NOT_HERE:
            assert (who, response.status_code, trace(neighbour) == before, calls) == (who, 404, True, [])
        elif may(people, who, action.right) and may(people, who, "view_runbooks"):
            assert (who, response.status_code, Plan.objects.latest("pk").proposer) == (who, 302, f"user:{who}")
        else:
            assert (who, response.status_code, trace(neighbour) == before, calls) == (who, 403, True, [])


@pytest.mark.parametrize("ref", REFS)
def test_who_may_run(people: World, neighbour: Listener, ref: str, django_capture_on_commit_callbacks: Any) -> None:
    """The right alone does not start somebody else's plan; its proposer starts what may be done, once."""
    action = ACTIONS[ref]
    proposer = holder(people, action.right)
    plan = plan_by(action, proposer)
    given = {"hash": plan.hash, "reason": "they hang", "typed": str(sum_of(plan))}
    for who in (each for each in PEOPLE if each != proposer):
        client, before = people.client(who), trace(neighbour)
        with django_capture_on_commit_callbacks() as calls:
            response = client.post(f"/runbooks/plans/{plan.code}/start/", given)
        status = 302 if may(people, who, action.right) else 403
        assert (who, response.status_code, trace(neighbour) == before, calls) == (who, status, True, [])
    people.client(proposer).post(f"/runbooks/plans/{plan.code}/start/", given)
    people.client(proposer).post(f"/runbooks/plans/{plan.code}/start/", given)
    assert Run.objects.count() == (1 if plan.eligible else 0)
    assert plan.eligible or action.name in NEEDS_BOOKS


@pytest.mark.parametrize("ref", REFS)
def test_who_may_approve(
    people: World, neighbour: Listener, settings: Any, ref: str, django_capture_on_commit_callbacks: Any
) -> None:
    settings.HOUR_MOST_ORDERS = 0
    action = ACTIONS[ref]
    proposer = holder(people, action.right)
    for who in PEOPLE:
        plan = plan_by(action, proposer)
        if not plan.eligible:
            assert action.name in NEEDS_BOOKS
            return
        assert plan.risk == "second_person"
        given = {"hash": plan.hash, "reason": "they hang", "typed": str(sum_of(plan))}
        people.client(proposer).post(f"/runbooks/plans/{plan.code}/propose/", given)
        client, before = people.client(who), trace(neighbour)
        with django_capture_on_commit_callbacks() as calls:
            response = client.post(f"/runbooks/plans/{plan.code}/approve/", given)
        plan.refresh_from_db()
        if may(people, who, approval_of(action)) and who != proposer:
            assert (who, plan.state, plan.approver) == (who, "started", f"user:{who}")
            _forget(plan)
        else:
            status = 302 if may(people, who, approval_of(action)) else 403
            assert (who, response.status_code, plan.state) == (who, status, "awaiting_approval")
            assert (trace(neighbour) == before, calls) == (True, [])


def _forget(plan: Plan) -> None:
    """The next plan is of the same breaker or channel: what this one holds is let go."""
    locks.let_go(plan.code)


@pytest.mark.parametrize("ref", REFS)
@pytest.mark.parametrize("deed", ["start", "propose", "approve", "break_glass"])
def test_what_may_not_be_done_is_let_go_by_nobody(
    people: World, neighbour: Listener, ref: str, deed: str, django_capture_on_commit_callbacks: Any
) -> None:
    action = ACTIONS[ref]
    if WORLDS[action.name].impossible() is None:
        return
    proposer = holder(people, action.right)
    plan = plan_by(action, proposer, possible=False)
    assert (plan.eligible, plan.ineligible) == (0, 1), plan.rows.get().why
    given = {"hash": plan.hash, "reason": "they hang", "typed": "0", "phrase": f"ALONE {plan.code}"}
    for who in dict.fromkeys((proposer, holder(people, approval_of(action), but=proposer))):
        client, before = people.client(who), trace(neighbour)
        with django_capture_on_commit_callbacks() as calls:
            client.post(f"/runbooks/plans/{plan.code}/{deed}/", given)
        assert (trace(neighbour) == before, calls) == (True, [])
    assert Plan.objects.get(pk=plan.pk).state == "planned"


@pytest.mark.parametrize("ref", REFS)
@pytest.mark.parametrize("state", [str(state) for state in PlanState if state != PlanState.PLANNED])
def test_a_plan_that_is_not_new_any_more_is_started_by_nobody(
    people: World, neighbour: Listener, ref: str, state: str, django_capture_on_commit_callbacks: Any
) -> None:
    """A stale page: its proposer still sees the button."""
    action = ACTIONS[ref]
    proposer = holder(people, action.right)
    plan = plan_by(action, proposer)
    is_started = state == PlanState.STARTED
    Plan.objects.update(state=state, is_glass_broken=is_started)
    given = {"hash": plan.hash, "reason": "they hang", "typed": str(sum_of(plan))}
    client, before = people.client(proposer), trace(neighbour)
    with django_capture_on_commit_callbacks() as calls:
        client.post(f"/runbooks/plans/{plan.code}/start/", given)
    assert (trace(neighbour) == before, calls, Run.objects.count()) == (True, [], 0)
