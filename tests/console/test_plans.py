"""Plans on screen: from ticked orders to a plan, its approval, its run, and the switches."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from opsconsole.console.plan_dialogs import dialog_of
from orders.models import ActionSwitch, OperatorAction, Order
from orders.services import work
from runbooks.models import Plan, PlanEvent, PlanRow, ReviewItem, Run
from runbooks.services import approving
from runbooks.states import PlanState, RunState
from tests.console.people import World
from tests.orders.making import make_order
from tests.runbooks.planning import charged, go, held, plan_of, run_on, states
from tests.runbooks.planning import turn as run_turn

pytestmark = pytest.mark.django_db
LARGE = 6_000_000
HTMX = {"HX-Request": "true"}


@pytest.fixture
def sari(people: World) -> Client:
    return people.client("sari")


def page(client: Client, plan: Plan, query: str = "") -> str:
    response = client.get(f"/runbooks/plans/{plan.code}/{query}")
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


def do(client: Client, plan: Plan, deed: str, **given: Any) -> Any:
    return client.post(f"/runbooks/plans/{plan.code}/{deed}/", {"hash": plan.hash, "reason": "they hang", **given})


def said(client: Client, plan: Plan) -> str:
    return page(client, plan)


def test_ticked_orders_become_a_plan_and_nothing_else_happens(sari: Client) -> None:
    orders = [charged(since=timezone.now() - timedelta(hours=9)) for _each in range(2)]
    form = {"act": "plan", "plan": "refund@1", "order": [order.public_id for order in orders]}
    response = sari.post("/orders/stuck/bulk/", form, headers=HTMX)
    plan = Plan.objects.get()
    assert response.headers["HX-Redirect"] == f"/runbooks/plans/{plan.code}/"
    assert (plan.proposer, plan.kind, plan.eligible, plan.money) == ("user:sari", "selection", 2, {"IDR": 300_000})
    assert not OperatorAction.objects.exists()
    assert "2 orders, Rp 300.000 moves." in page(sari, plan)


def test_all_that_match_are_frozen_whatever_is_on_the_page(sari: Client) -> None:
    old = timezone.now() - timedelta(hours=9)
    bali = [charged(since=old, city="Bali") for _each in range(60)]
    charged(since=old, city="Medan")
    sari.post("/orders/stuck/bulk/", {"act": "plan", "plan": "refund@1", "all": "1", "query": "city=Bali"})
    plan = Plan.objects.get()
    assert (plan.kind, plan.eligible, plan.source["query"]) == ("filter", 60, "city=Bali")
    assert plan.rows.count() == len(bali)
    first = page(sari, plan)
    assert "50 of 60" in first
    following = re.search(r'href="([^"]+after=\d+)"', first)
    assert following
    assert "10 of 60" in sari.get(following[1].replace("&amp;", "&")).content.decode()


@pytest.mark.parametrize(("who", "action"), [("agus", "refund@1"), ("budi", "cancel_order@1"), ("sari", "drop@1")])
def test_who_may_not_do_the_action_plans_nothing(people: World, who: str, action: str) -> None:
    order = charged()
    people.client(who).post("/orders/stuck/bulk/", {"act": "plan", "plan": action, "order": [order.public_id]})
    assert not Plan.objects.exists()


def test_a_plan_shows_every_row_with_its_effect_or_its_reason(sari: Client) -> None:
    good, bad = charged(), charged(origin="import")
    plan = plan_of([good, bad], "refund@1")
    html = page(sari, plan)
    assert "1 to act on, 1 left out" in html
    assert "The customer is told that the money goes back." in html
    assert "An imported order is refunded where it was paid." in html
    assert "Money that went back cannot be called back." in html
    assert 'pattern="\\s*(?:[Rr][Pp])?\\s*(?:150000|150\\.000)\\s*"' in html
    Order.objects.filter(pk=good.pk).update(version=9)
    assert "1 row has changed since the plan was made and will be skipped." in page(sari, plan)


def test_a_plan_is_started_followed_and_ends_with_a_result_for_each_row(sari: Client) -> None:
    plan = plan_of([held() for _each in range(3)], "release_hold@1")
    assert "Start" in page(sari, plan)
    assert do(sari, plan, "start").headers["Location"] == f"/runbooks/plans/{plan.code}/"
    assert "0 of 3 rows ended" in page(sari, plan)
    run_on(Run.objects.get())
    html = page(sari, plan)
    assert "3 of 3 rows ended" in html
    assert "It is not on hold any more." in html
    assert "Plan the undoing" in html
    do(sari, plan, "reverse")
    back = Plan.objects.get(parent=plan)
    assert "undoing an earlier plan" in page(sari, back)


def test_a_double_click_starts_it_once(sari: Client) -> None:
    plan = plan_of([held()], "release_hold@1")
    do(sari, plan, "start")
    do(sari, plan, "start")
    assert Run.objects.count() == 1
    assert "moved on" in page(sari, plan) or "too old" in page(sari, plan)


def test_a_large_sum_goes_through_a_second_person(people: World, sari: Client) -> None:
    plan = plan_of([charged(amount=LARGE)], "refund@1")
    do(sari, plan, "start", typed="6.000.000")
    assert not Run.objects.exists()
    do(sari, plan, "propose", typed="6.000.000")
    assert "Waits for a second person: 4m" in page(sari, plan)
    ratna = people.client("ratna")
    assert "Approve and start" in page(ratna, plan)
    do(ratna, plan, "approve", reason="asked the gateway by phone")
    assert plan.events.get(verb="approve").reason == "asked the gateway by phone"
    assert Run.objects.get().plan == plan
    assert "Ratna" in page(sari, plan)


def test_the_last_minute_of_an_approval_is_a_warning(people: World, sari: Client) -> None:
    plan = plan_of([charged(amount=LARGE)], "refund@1")
    do(sari, plan, "propose", typed=str(LARGE))
    Plan.objects.update(approve_by=timezone.now() + timedelta(seconds=40))
    assert re.search(r'data-tone="failed" role="status">Waits for a second person', page(people.client("budi"), plan))


def test_a_pause_says_who_and_why_and_a_fragment_follows(people: World, sari: Client) -> None:
    plan = plan_of([held() for _each in range(8)], "release_hold@1")
    do(sari, plan, "start")
    do(people.client("budi"), plan, "pause", reason="look first")
    assert "Paused by Budi Santoso: look first" in page(sari, plan)
    fragment = sari.get(f"/runbooks/plans/{plan.code}/", headers=HTMX)
    assert b"<html" not in fragment.content
    again = sari.get(f"/runbooks/plans/{plan.code}/", headers={**HTMX, "If-None-Match": fragment["ETag"]})
    assert again.status_code == 204
    do(sari, plan, "cancel", reason="wrong list")
    assert states(plan) == ["not_run"] * 8


def test_only_what_failed_is_planned_again(sari: Client) -> None:
    orders = [held() for _each in range(3)]
    plan = plan_of(orders, "release_hold@1")
    do(sari, plan, "start")
    run_on(Run.objects.get())
    PlanRow.objects.filter(order=orders[0]).update(state="came_back")
    assert "Plan again what failed" in page(sari, plan)
    do(sari, plan, "retry")
    assert [row.order_id for row in Plan.objects.get(parent=plan).rows.all()] == [orders[0].pk]


def test_broken_glass_waits_for_a_review_by_somebody_else(people: World, sari: Client) -> None:
    plan = plan_of([charged(amount=LARGE)], "refund@1")
    do(sari, plan, "break_glass", phrase="ALONE")
    assert not Run.objects.exists()
    do(sari, plan, "break_glass", phrase=f"ALONE {plan.code}")
    assert Run.objects.count() == 1
    budi = people.client("budi")
    assert f"{plan.code} ran without its second person" in budi.get("/runbooks/").content.decode()
    do(sari, plan, "review")
    assert ReviewItem.objects.get().closed_at is None
    do(budi, plan, "review", reason="it was right")
    assert ReviewItem.objects.get().closed_by == "user:budi"


def test_the_list_shows_plans_by_what_they_wait_for(sari: Client) -> None:
    first, second = plan_of([charged(amount=LARGE)], "refund@1"), plan_of([held()], "release_hold@1")
    do(sari, first, "propose", typed=str(LARGE))
    everything, waiting = (sari.get(f"/runbooks/{query}").content.decode() for query in ("", "?view=waiting"))
    assert first.code in everything
    assert second.code in everything
    assert second.code not in waiting
    assert "No plan here" in sari.get("/runbooks/?view=running").content.decode()


def test_the_pages_cost_the_same_for_one_row_and_for_many(sari: Client, django_assert_max_num_queries: Any) -> None:
    plan = plan_of([held() for _each in range(40)], "release_hold@1")
    for _each in range(3):
        plan_of([make_order("paid")], "retry_booking@1")
    with django_assert_max_num_queries(23):
        page(sari, plan)
    with django_assert_max_num_queries(17):
        sari.get("/runbooks/")


def test_a_switch_is_turned_with_a_reason_by_those_who_may(people: World, sari: Client) -> None:
    for who in ("dewi", "agus"):
        assert people.client(who).post("/runbooks/switches/refund/", {"stop": "1", "reason": "x"}).status_code == 403
    sari.post("/runbooks/switches/refund/", {"stop": "1", "reason": " "})
    assert not ActionSwitch.objects.exists()
    sari.post("/runbooks/switches/refund/", {"stop": "1", "reason": "Midtrans refunds twice"})
    html = sari.get("/runbooks/switches/").content.decode()
    assert html.count("Midtrans refunds twice") == 2
    sari.post("/runbooks/switches/*/", {"stop": "1", "reason": "stop everything"})
    assert "Every action is stopped: stop everything" in sari.get("/runbooks/").content.decode()


MAY = {
    "start": {"sari", "dewi", "budi", "ratna"},
    "propose": {"sari", "dewi", "budi", "ratna"},
    "withdraw": {"sari", "dewi", "budi", "ratna"},
    "break_glass": {"sari"},
    "approve": {"budi", "ratna"},
    "reject": {"budi", "ratna"},
    "pause": {"sari", "budi", "ratna", "admin"},
    "resume": {"sari", "dewi", "budi", "ratna"},
    "cancel": {"sari", "budi", "ratna", "admin"},
    "retry": {"sari", "dewi", "budi", "ratna"},
    "reverse": {"sari", "dewi", "budi", "ratna"},
    "review": {"sari", "budi", "ratna"},
}
PEOPLE = ("sari", "dewi", "budi", "ratna", "agus", "admin", "tono")


@pytest.mark.parametrize("deed", sorted(MAY))
def test_role_by_deed_by_state_whoever_may_not_changes_nothing(people: World, deed: str) -> None:
    """Seven people × this deed × every state of a plan and of its run, on somebody else's refund plan."""
    plan = plan_of([charged(amount=LARGE)], "refund@1", proposer="user:outside")
    run = Run.objects.create(plan=plan, due_at=None)
    before = (_frozen(plan), PlanEvent.objects.count())
    others = {who: people.client(who) for who in PEOPLE if who not in MAY[deed]}
    for state in [*PlanState, *RunState]:
        _put(plan, run, state)
        for who, client in others.items():
            response = do(client, plan, deed, typed=str(LARGE), phrase=f"ALONE {plan.code}")
            assert response.status_code == 403, (deed, state, who)
    _put(plan, run, PlanState.PLANNED)
    assert (_frozen(plan), PlanEvent.objects.count()) == before
    assert not OperatorAction.objects.exists()


def _put(plan: Plan, run: Run, state: str) -> None:
    if state in RunState.values:
        Run.objects.filter(pk=run.pk).update(state=state)
        Plan.objects.filter(pk=plan.pk).update(state=PlanState.STARTED, is_glass_broken=True)
    else:
        glass = state == PlanState.STARTED
        Plan.objects.filter(pk=plan.pk).update(state=state, is_glass_broken=glass)
        Run.objects.filter(pk=run.pk).update(state=RunState.RUNNING if glass else RunState.CANCELLED)


def _frozen(plan: Plan) -> list[Any]:
    return [
        *Plan.objects.filter(pk=plan.pk).values_list("state", "approver", "reason"),
        *PlanRow.objects.values_list("state", "why"),
    ]


WORKS = {
    "approve": {"awaiting_approval"},
    "reject": {"awaiting_approval"},
    "pause": {"running", "started"},
    "resume": {"paused"},
    "cancel": {"running", "started", "paused"},
}


@pytest.mark.parametrize("deed", sorted(MAY))
def test_a_deed_out_of_its_state_changes_nothing(people: World, deed: str) -> None:
    """By somebody in finance, on another's plan, in every state in which it must do nothing."""
    plan = plan_of([charged(amount=LARGE)], "refund@1", proposer="user:outside")
    run = Run.objects.create(plan=plan, due_at=None)
    Plan.objects.update(approve_by=timezone.now() + timedelta(minutes=1))
    budi = people.client("budi")
    for state in [*PlanState, *RunState]:
        if state in WORKS.get(deed, set()):
            continue
        _put(plan, run, state)
        before = (_frozen(plan), PlanEvent.objects.count(), Run.objects.get().state)
        do(budi, plan, deed, typed=str(LARGE))
        assert (_frozen(plan), PlanEvent.objects.count(), Run.objects.get().state) == before, state
    assert not OperatorAction.objects.exists()


def test_every_deed_has_its_dialog() -> None:
    plan = plan_of([charged()], "refund@1")
    assert {dialog_of(plan, deed).deed for deed in MAY} == set(MAY)
    assert approving.glass_phrase(plan) == f"ALONE {plan.code}"
    assert go(plan).typed == 150_000
    assert work.KINDS["run"].model is Run


def test_plans_wait_on_the_page_of_approvals_for_whoever_may_approve_them(people: World, sari: Client) -> None:
    plan = plan_of([charged(amount=LARGE)], "refund@1")
    do(sari, plan, "propose", typed=str(LARGE))
    for who, words in (("budi", "Look and decide"), ("sari", "somebody else decides")):
        html = people.client(who).get("/approvals/").content.decode().replace("\xa0", " ")
        assert plan.code in html
        assert "1 order, Rp 6.000.000 moves." in html
        assert words in html
    assert people.client("agus").get("/approvals/").status_code == 403


def test_a_channel_is_paused_and_opened_by_plans_of_one(people: World, sari: Client) -> None:
    page_ = sari.get("/runbooks/channels/").content.decode()
    assert page_.count("Takes orders") == 3
    given = {"minutes": "15", "message": "Sebentar ya.", "message_en": "One moment.", "reason": "the spike"}
    people.client("dewi").post("/runbooks/channels/app/pause/", given)
    assert not Plan.objects.exists()
    sari.post("/runbooks/channels/app/pause/", {**given, "message": " ", "message_en": ""})
    assert not Run.objects.exists()
    sari.post("/runbooks/channels/app/pause/", given)
    plan = Plan.objects.get(state="started")
    assert (plan.action, plan.subject, plan.reason) == ("pause_channel@1", "channel", "the spike")
    for _turn in range(3):
        run_turn(Run.objects.get())
        work.drain("deed")
    html = sari.get("/runbooks/channels/").content.decode()
    assert "“Sebentar ya.”" in html
    assert "Sari" in html
    assert "App takes no orders until" in html
    assert "1 channel, no money moves." in page(sari, plan)
    sari.post("/runbooks/channels/app/resume/", {"reason": "it is over"})
    assert Plan.objects.filter(action="resume_channel@1", state="started").count() == 1
    assert sari.post("/runbooks/channels/fax/pause/", given).status_code == 404
