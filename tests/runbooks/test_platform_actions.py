"""The actions on parts of orders and on the platform: previews, effects, what undoes them."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone, translation

from orders.errors import NotAllowed
from orders.leases import claim_one
from orders.models import ChannelPause, Heartbeat, History, Notice, OperatorAction, Saga
from orders.resilience import breaker
from orders.services import actions, checkout, pausing, work
from reconciliation import business_day
from runbooks import reasons
from runbooks.models import Deed, Plan, Run
from runbooks.registry import ACTIONS
from runbooks.selections import SELECTIONS
from runbooks.services import approving, awaiting, planning
from runbooks.subjects import SUBJECTS
from tests.orders.making import (
    make_attempt,
    make_dispatch,
    make_letter,
    make_order,
    make_posting,
    make_refund,
    make_saga,
    make_step,
)
from tests.runbooks.planning import BUDI, SARI, charged, go, turn

pytestmark = pytest.mark.django_db


def plan_for(action: str, keys: list[Any], **params: Any) -> Plan:
    ask = planning.Ask(action=action, proposer=SARI, kind=Plan.Kind.STEP, params=params)
    return planning.make_plan(keys, ask)


def run_through(plan: Plan, capture: Any) -> Run:
    run = approving.start(plan, go(plan))
    for _turn in range(40):
        run = turn(run)
        if run.state != "running":
            return run
        with capture(execute=True):
            work.drain("deed")
    raise AssertionError(run)


def said(plan: Plan) -> list[str]:
    return [row.said for row in plan.rows.order_by("id")]


# Channels.


def test_a_paused_channel_is_planned_run_and_undone(django_capture_on_commit_callbacks: Any) -> None:
    with pytest.raises(NotAllowed, match="minutes"):
        plan_for("pause_channel@1", ["app"], minutes=0, message="x")
    assert [row.why for row in plan_for("pause_channel@1", ["app"], minutes=5).rows.all()] == ["no_message"]
    plan = plan_for("pause_channel@1", ["app", "web", "nobody"], minutes=15, message="Sebentar ya.")
    assert (plan.eligible, plan.risk) == (2, "reason")
    run_through(plan, django_capture_on_commit_callbacks)
    assert said(plan) == ["It takes no new orders."] * 2
    found = ChannelPause.objects.get(channel="app")
    assert (found.message, found.message_en, found.actor, found.reason) == (
        "Sebentar ya.",
        "Sebentar ya.",
        SARI,
        "they hang",
    )
    assert timedelta(minutes=14) < found.until - timezone.now() < timedelta(minutes=16)
    assert History.objects.filter(verb="pause_channel", actor=SARI).count() == 2
    back = planning.reverse(plan, proposer=SARI)
    run_through(back, django_capture_on_commit_callbacks)
    assert pausing.paused() == []
    assert Deed.objects.filter(status="fixed").count() == 4


@pytest.mark.parametrize(
    ("why", "more"),
    [
        ("no such channel", {"channel": "fax"}),
        ("no reason", {"reason": " "}),
        ("no message", {"message": "", "message_en": " "}),
        ("over", {"until": timedelta(seconds=-1)}),
        ("too long", {"until": timedelta(hours=25)}),
    ],
)
def test_a_pause_that_says_too_little_is_refused(why: str, more: dict[str, Any]) -> None:
    given = {"channel": "app", "until": timedelta(minutes=5), "message": "x", "message_en": "y", "reason": "z", **more}
    given["until"] = timezone.now() + given["until"]
    with pytest.raises(NotAllowed):
        pausing.pause(given.pop("channel"), actor=BUDI, **given)
    assert not ChannelPause.objects.exists()


def test_a_pause_ends_by_itself_and_speaks_the_customers_language() -> None:
    until = timezone.now() + timedelta(minutes=5)
    pausing.pause("app", until=until, message="Sebentar.", message_en="One moment.", reason="z", actor=BUDI)
    for language, text in (("id", "Sebentar."), ("en", "One moment.")):
        with translation.override(language), pytest.raises(pausing.ChannelPaused, match=text):
            pausing.refuse_paused("app")
    pausing.refuse_paused("web")
    ChannelPause.objects.update(until=timezone.now())
    pausing.refuse_paused("app")
    with pytest.raises(NotAllowed):
        pausing.resume("app", reason="x", actor=BUDI)
    assert checkout.pausing is pausing


# Breakers and fallbacks.


@pytest.fixture
def breakers_of_its_own(settings: Any) -> None:
    settings.REDIS_PREFIX = f"test-{timezone.now().timestamp()}:"
    settings.BREAKERS = {"midtrans": {"consecutive": 5, "open": 60.0, "probes": 1}}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("breakers_of_its_own")
def test_a_breaker_is_forced_by_a_plan_and_given_back(django_capture_on_commit_callbacks: Any) -> None:
    plan = plan_for("force_breaker@1", ["midtrans", "nobody"], mode="open", minutes=10)
    row = plan.rows.get()
    assert (row.public_id, row.expected_state, row.target) == ("Midtrans", "automatic", "forced_open")
    run_through(plan, django_capture_on_commit_callbacks)
    assert breaker.state_of("midtrans").state == breaker.State.FORCED_OPEN
    assert said(plan) == ["The breaker of midtrans is now forced open."]
    assert [r.why for r in plan_for("switch_fallback@1", ["midtrans"], minutes=10).rows.all()] == ["on_fallback"]
    run_through(planning.reverse(plan, proposer=SARI), django_capture_on_commit_callbacks)
    assert breaker.state_of("midtrans").state == breaker.State.CLOSED


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("breakers_of_its_own")
def test_a_fallback_says_what_stands_in(django_capture_on_commit_callbacks: Any) -> None:
    plan = plan_for("switch_fallback@1", ["midtrans"], minutes=10)
    run_through(plan, django_capture_on_commit_callbacks)
    assert said(plan)[0].endswith("The next gateway that offers the method makes the links.")
    breaker_of_ho = SUBJECTS["breaker"].gather(["midtrans"])["midtrans"]
    assert breaker_of_ho.state == "forced_open"


# Sagas, dispatch, messages.


def test_a_saga_is_undone_as_an_operators_action_on_its_order() -> None:
    saga = make_saga(make_order("booking"), "needs_hand")
    over = make_saga(make_order("completed"), "succeeded")
    plan = plan_for("compensate_saga@1", [saga.pk, over.pk])
    assert [row.why for row in plan.rows.order_by("id")] == ["", "not_undoable"]
    run = turn(approving.start(plan, go(plan)))
    action = OperatorAction.objects.get()
    assert (action.order, action.name, action.plan) == (saga.order, "compensate_saga", run.plan.code)
    assert (action.params["saga"], action.params["saga_id"]) == (1, str(saga.pk))
    again = plan_for("compensate_saga@1", [saga.pk]).rows.get()
    assert again.why in {"in_run", "in_hand"}


@pytest.mark.parametrize("state", ["waiting", "claimed", "sending", "dispatched", "failed", "withdrawn"])
@pytest.mark.parametrize("saga_state", ["running", "compensating"])
def test_sending_again_is_refused_with_the_words_of_the_single_action(state: str, saga_state: str) -> None:
    entry = make_dispatch(make_step(make_saga(make_order("queued_for_dispatch"), saga_state)), state)
    row = plan_for("send_to_dispatch@1", [entry.pk]).rows.get()
    params = {"entry": entry.pk, "by": SARI}
    single = actions.why_not(entry.order, "send_to_dispatch", params)
    assert bool(row.why) == bool(single)
    if row.why != "claimed":
        assert reasons.words(row.why, row.why_values) == single


def test_a_customer_is_told_once_a_plan_and_not_what_is_not_true(django_capture_on_commit_callbacks: Any) -> None:
    told, over, imported = make_order("paid"), make_order("cancelled"), make_order("paid", origin="import")
    plan = plan_for("notify_customer@1", [told.pk, over.pk, imported.pk], text="trouble_dispatch")
    assert [row.why for row in plan.rows.order_by("id")] == ["", "not_true_now", "imported_message"]
    run = turn(approving.start(plan, go(plan)))
    work.drain("deed")
    work.drain("deed")
    notice = Notice.objects.get()
    assert (notice.template, notice.key) == ("trouble_dispatch", f"trouble_dispatch:{told.pk}:{run.plan.code}")
    turn(run)
    assert plan.rows.get(order=told).said.startswith("The message:")


def test_each_customer_hears_once_what_became_of_the_order(
    neighbours: dict[str, str], django_capture_on_commit_callbacks: Any
) -> None:
    long_ago, to = timezone.now() - timedelta(hours=3), {"customer_phone": "+628111"}
    hangs, goes, done = (
        make_order("paid", since=long_ago, **to),
        make_order("active", **to),
        make_order("completed", **to),
    )
    make_posting(done, "rejected", since=long_ago)  # ours to mend: the customer notices nothing
    back, owed, unpaid = make_order("cancelled", **to), charged("failed", **to), make_order("expired", **to)
    make_refund(make_attempt(back, "paid"), "sent")
    asked = {
        hangs: "trouble_pending",
        goes: "trouble_repaired",
        done: "trouble_over",
        back: "trouble_refunded",
        owed: "trouble_pending",
        unpaid: "trouble_closed",
    }
    plan = plan_for("notify_customer@1", [order.pk for order in asked], text="by_outcome")
    assert [row.message for row in plan.rows.order_by("id")] == list(asked.values())
    second = plan_for("notify_customer@1", [order.pk for order in asked], text="by_outcome")
    run_through(plan, django_capture_on_commit_callbacks)
    assert {notice.order: notice.template for notice in Notice.objects.exclude(order=None)} == asked
    # Made before the first was run, and run when nothing cools down any more.
    Deed.objects.update(finished_at=long_ago, created_at=long_ago)
    run_through(second, django_capture_on_commit_callbacks)
    assert Notice.objects.filter(template__startswith="trouble_").count() == len(asked)
    again = plan_for("notify_customer@1", [order.pk for order in asked], text="by_outcome")
    assert {row.why for row in again.rows.all()} == {"told_already"}


# Queues and days.


def test_lost_jobs_are_called_for_again_and_twice_does_no_harm() -> None:
    make_letter()
    assert [row.why for row in plan_for("requeue_jobs@1", ["posting", "nobody"]).rows.all()] == ["nothing_waits"]
    make_saga(make_order("booking"), "running")
    waiting = SELECTIONS["lost_jobs"].keys(None)
    for key in waiting:
        assert plan_for("requeue_jobs@1", [key]).eligible == 1


@pytest.mark.parametrize(("end", "why"), [("taken", "done_since"), ("nobody", "not_done"), ("goes on", "")])
def test_a_worker_that_was_called_is_no_work_done(end: str, why: str, django_capture_on_commit_callbacks: Any) -> None:
    saga = make_saga(make_order("booking"), "running")
    long_ago = timezone.now() - timedelta(minutes=2)
    Saga.objects.filter(pk=saga.pk).update(due_at=long_ago)
    beat = Heartbeat.objects.create(name="worker-act", pid=1, at=timezone.now())
    run = run_through(plan_for("requeue_jobs@1", ["saga"]), django_capture_on_commit_callbacks)
    row = run.plan.rows.get()
    assert (row.state, row.said) == ("accepted", "A worker has been called.")
    if end == "taken":
        Saga.objects.filter(pk=saga.pk).update(due_at=None)
    if end == "nobody":
        Heartbeat.objects.filter(pk=beat.pk).update(at=long_ago)
    mine = claim_one(run)
    assert mine is not None
    awaiting.look(mine, since=timedelta(0))
    row.refresh_from_db()
    assert row.why == why


def test_a_business_day_is_compared_again(django_capture_on_commit_callbacks: Any) -> None:
    today = business_day.of(timezone.now()).isoformat()
    plan = plan_for("reconcile_window@1", [today, "2999-01-01", "nonsense"])
    assert (plan.eligible, plan.ineligible) == (1, 0)
    run_through(plan, django_capture_on_commit_callbacks)
    assert said(plan) == ["0 new breaks; 0 are open in all."]


@pytest.mark.parametrize("name", sorted(SELECTIONS))
def test_every_selection_answers_with_keys_that_an_action_takes(name: str, settings: Any) -> None:
    settings.BREAKERS = {each: {"consecutive": 5, "open": 60.0, "probes": 1} for each in settings.UPSTREAMS}
    selection = SELECTIONS[name]
    make_letter()
    make_saga(make_order("booking"), "needs_hand")
    make_dispatch(make_step(make_saga(make_order("queued_for_dispatch"))), "waiting")
    make_order("paid", since=timezone.now() - timedelta(hours=5))
    keys = selection.keys(selection.narrowing())
    assert set(SUBJECTS[selection.subject].gather(keys)) == set(keys)
    assert any(action.subject == selection.subject for action in ACTIONS.values())
