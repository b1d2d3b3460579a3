"""Who may let a plan go, when, and that nothing happens where somebody may not."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from orders.errors import NotAllowed
from orders.models import OperatorAction, ResourceLock
from orders.services import rounds, switches
from runbooks.models import Plan, PlanEvent, PlanRow, ReviewItem, Run
from runbooks.services import approving
from runbooks.states import PLAN_EDGES, PlanState, PlanVerb, Risk
from runbooks.transitions import move_plan
from tests.runbooks.planning import BUDI, RATNA, SARI, charged, go, held, plan_of

pytestmark = pytest.mark.django_db
LARGE = 6_000_000


def large() -> Plan:
    return plan_of([charged(amount=LARGE)], "refund@1")


def small() -> Plan:
    return plan_of([charged()], "refund@1")


def nothing_happened(plan: Plan, state: str) -> None:
    plan.refresh_from_db()
    assert plan.state == state
    assert not Run.objects.exists()
    assert not OperatorAction.objects.exists()
    assert not ResourceLock.objects.exists()


RISKS = [
    ("one re-check", "recheck_payment@1", 1, 1000, Risk.NONE),
    ("many re-checks", "recheck_payment@1", 21, 1000, Risk.REASON),
    ("a new link", "retry_booking@1", 1, 1000, Risk.REASON),
    ("many bookings", "retry_booking@1", 21, 1000, Risk.SECOND_PERSON),
    ("a small refund", "refund@1", 1, 4_999_999, Risk.TYPED),
    ("a large refund", "refund@1", 1, 5_000_000, Risk.SECOND_PERSON),
    ("small refunds that add up", "refund@1", 2, 2_500_000, Risk.SECOND_PERSON),
    ("many small refunds", "refund@1", 21, 1000, Risk.SECOND_PERSON),
]


@pytest.mark.parametrize(("_case", "action", "count", "amount", "risk"), RISKS, ids=[case[0] for case in RISKS])
def test_the_price_is_rows_times_money_times_what_cannot_be_undone(
    _case: str, action: str, count: int, amount: int, risk: Risk
) -> None:
    assert plan_of([charged(amount=amount) for _each in range(count)], action).risk == risk


def test_money_of_another_currency_always_has_a_second_person() -> None:
    order = charged(amount=100, currency="USD")
    assert plan_of([order], "refund@1").risk == Risk.SECOND_PERSON


def test_who_has_started_much_within_the_hour_needs_a_second_person_for_more(settings: Any) -> None:
    settings.HOUR_MOST_ORDERS = 2
    approving.start(plan := plan_of([held(), held()], "release_hold@1"), go(plan))
    more = plan_of([held()], "release_hold@1")
    assert more.risk == Risk.SECOND_PERSON
    assert plan_of([held()], "release_hold@1", proposer=BUDI).risk == Risk.NONE
    with pytest.raises(NotAllowed, match="second person"):
        approving.start(more, go(more))


def test_a_plan_made_before_the_hour_was_used_up_is_not_started_alone_after(settings: Any) -> None:
    settings.HOUR_MOST_ORDERS = 1
    first, second = (plan_of([held()], "release_hold@1") for _each in range(2))
    approving.start(first, go(first))
    with pytest.raises(NotAllowed, match="second person"):
        approving.start(second, go(second))
    assert Run.objects.count() == 1


def test_more_than_one_run_may_touch_is_started_by_nobody(settings: Any) -> None:
    settings.RUN_MOST_MONEY = LARGE - 1
    plan = large()
    for let_go in (approving.start, approving.propose, approving.break_glass):
        with pytest.raises(NotAllowed, match="more than one run may touch"):
            let_go(plan, go(plan, phrase=approving.glass_phrase(plan)))
    nothing_happened(plan, "planned")


def test_starting_takes_the_orders_and_makes_one_run() -> None:
    plan = small()
    run = approving.start(plan, go(plan))
    plan.refresh_from_db()
    assert (plan.state, plan.approver, plan.reason, run.state) == ("started", "", "they hang", "running")
    assert list(ResourceLock.objects.values_list("holder", "taken_by")) == [(plan.code, SARI)]
    with pytest.raises(NotAllowed, match="moved on"):
        approving.start(plan, go(plan))
    assert Run.objects.count() == 1


REFUSED: list[tuple[str, Callable[[Plan], object]]] = [
    ("somebody else starts it", lambda plan: approving.start(plan, go(plan, BUDI))),
    ("another hash", lambda plan: approving.start(plan, go(plan, hash="0" * 64))),
    ("no reason", lambda plan: approving.start(plan, go(plan, reason=" "))),
    ("no sum", lambda plan: approving.start(plan, go(plan, typed=None))),
    ("another sum", lambda plan: approving.start(plan, go(plan, typed=149_999))),
    ("a second person who was not asked", lambda plan: approving.approve(plan, go(plan, BUDI))),
    ("a no to what does not wait", lambda plan: approving.reject(plan, actor=BUDI, reason="no")),
    ("the glass without its phrase", lambda plan: approving.break_glass(plan, go(plan, phrase="alone"))),
    ("the glass by somebody else", lambda plan: approving.break_glass(plan, go(plan, BUDI, phrase=_phrase(plan)))),
    ("the glass without a reason", lambda plan: approving.break_glass(plan, go(plan, phrase=_phrase(plan), reason=""))),
    ("taken back by somebody else", lambda plan: approving.withdraw(plan, actor=BUDI)),
]


def _phrase(plan: Plan) -> str:
    return approving.glass_phrase(plan)


@pytest.mark.parametrize(("_case", "do"), REFUSED, ids=[case for case, _do in REFUSED])
def test_what_is_refused_leaves_everything_as_it_was(_case: str, do: Callable[[Plan], object]) -> None:
    plan = small()
    with pytest.raises(NotAllowed):
        do(plan)
    nothing_happened(plan, "planned")
    assert PlanEvent.objects.count() == 1


def test_a_plan_whose_rows_were_changed_is_started_by_nobody() -> None:
    plan = small()
    PlanRow.objects.update(params={"amount": 1})
    with pytest.raises(NotAllowed, match="not those that were read"):
        approving.start(plan, go(plan))
    nothing_happened(plan, "planned")


def test_an_old_plan_is_made_again_rather_than_started() -> None:
    plan = small()
    Plan.objects.update(created_at=timezone.now() - timedelta(minutes=31))
    with pytest.raises(NotAllowed, match="too old"):
        approving.start(plan, go(plan))
    nothing_happened(plan, "planned")
    assert approving.expire() == 1
    nothing_happened(plan, "expired")


def test_a_plan_without_anything_to_do_is_started_by_nobody() -> None:
    plan = plan_of([charged(origin="import")], "refund@1")
    with pytest.raises(NotAllowed, match="Nothing in it"):
        approving.start(plan, go(plan))
    nothing_happened(plan, "planned")


def test_a_stopped_action_is_started_by_nobody() -> None:
    plan = small()
    switches.turn("refund", stop=True, known=["refund"], actor=BUDI, reason="Midtrans refunds twice")
    with pytest.raises(NotAllowed, match="Midtrans refunds twice"):
        approving.start(plan, go(plan))
    nothing_happened(plan, "planned")


def test_a_second_person_starts_what_was_proposed() -> None:
    plan = large()
    with pytest.raises(NotAllowed, match="second person"):
        approving.start(plan, go(plan))
    approving.propose(plan, go(plan))
    nothing_happened(plan, "awaiting_approval")

    approving.approve(plan, go(plan, BUDI))

    plan.refresh_from_db()
    assert (plan.state, plan.proposer, plan.approver) == ("started", SARI, BUDI)
    told = PlanEvent.objects.order_by("id").values_list("verb", "actor")
    assert list(told) == [("make", SARI), ("propose", SARI), ("approve", BUDI)]


@pytest.mark.parametrize(
    ("_case", "more", "why"),
    [
        ("the proposer", {"actor": SARI}, "cannot approve"),
        ("another hash", {"actor": BUDI, "hash": "1" * 64}, "not those that were read"),
    ],
)
def test_an_approval_that_does_not_count_changes_nothing(_case: str, more: dict[str, Any], why: str) -> None:
    plan = large()
    approving.propose(plan, go(plan))
    with pytest.raises(NotAllowed, match=why):
        approving.approve(plan, go(plan, **more))
    nothing_happened(plan, "awaiting_approval")


def test_an_approval_comes_within_five_minutes_or_not_at_all() -> None:
    plan = large()
    approving.propose(plan, go(plan))
    plan.refresh_from_db()
    assert plan.approve_by is not None
    assert timedelta(minutes=4, seconds=50) < plan.approve_by - timezone.now() <= timedelta(minutes=5)
    Plan.objects.update(approve_by=timezone.now() - timedelta(seconds=1))
    with pytest.raises(NotAllowed, match="time to approve it is over"):
        approving.approve(plan, go(plan, BUDI))
    nothing_happened(plan, "awaiting_approval")
    assert rounds.ROUNDS["expire-plans"].go() == 1
    nothing_happened(plan, "expired")
    with pytest.raises(NotAllowed, match="time to approve it is over"):
        approving.approve(plan, go(plan, BUDI))


def test_two_approvers_at_once_start_one_run() -> None:
    plan = large()
    approving.propose(plan, go(plan))
    approving.approve(plan, go(plan, BUDI))
    with pytest.raises(NotAllowed, match="does not wait"):
        approving.approve(plan, go(plan, RATNA))
    assert Run.objects.count() == 1
    assert Plan.objects.get().approver == BUDI


def test_a_no_needs_a_reason_and_ends_the_plan() -> None:
    plan = large()
    approving.propose(plan, go(plan))
    for actor, reason in ((BUDI, " "), (SARI, "changed my mind")):
        with pytest.raises(NotAllowed):
            approving.reject(plan, actor=actor, reason=reason)
    nothing_happened(plan, "awaiting_approval")
    approving.reject(plan, actor=BUDI, reason="they were driven")
    nothing_happened(plan, "rejected")
    assert plan.said == "they were driven"


def test_the_proposer_takes_it_back() -> None:
    plan = large()
    approving.propose(plan, go(plan))
    approving.withdraw(plan, actor=SARI)
    nothing_happened(plan, "withdrawn")


def test_breaking_the_glass_leaves_something_to_review_by_somebody_else() -> None:
    plan = large()
    run = approving.break_glass(plan, go(plan, phrase=f"ALONE {plan.code}"))
    plan.refresh_from_db()
    assert (plan.state, plan.is_glass_broken, plan.approver, run.state) == ("started", True, "", "running")
    item = ReviewItem.objects.get()
    for actor, finding in ((SARI, "fine"), (BUDI, " ")):
        with pytest.raises(NotAllowed):
            approving.close_review(item, actor=actor, finding=finding)
    assert ReviewItem.objects.get().closed_at is None
    approving.close_review(item, actor=BUDI, finding="right, the gateway was down")
    assert ReviewItem.objects.get().closed_by == BUDI


@pytest.mark.parametrize(
    "change",
    [
        {"approver": SARI},
        {"state": "started", "risk": "second_person"},
        {"state": "blown_up"},
    ],
    ids=str,
)
def test_the_database_itself_refuses_what_no_screen_offers(change: dict[str, Any]) -> None:
    small()
    with pytest.raises(IntegrityError), transaction.atomic():
        Plan.objects.update(**change)


@pytest.mark.parametrize("verb", list(PlanVerb))
@pytest.mark.parametrize("state", list(PlanState))
def test_a_plan_moves_along_its_edges_and_nowhere_else(state: str, verb: PlanVerb) -> None:
    plan = small()
    Plan.objects.filter(pk=plan.pk).update(state=state)
    plan.refresh_from_db()
    if (state, verb) in PLAN_EDGES:
        move_plan(plan, verb, actor=SARI)
        assert Plan.objects.get().state == PLAN_EDGES[state, verb]
        return
    with pytest.raises(NotAllowed):
        move_plan(plan, verb, actor=SARI)
    assert Plan.objects.get().state == state
    assert PlanEvent.objects.count() == 1
