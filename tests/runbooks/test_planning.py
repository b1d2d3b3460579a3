"""A plan: what would happen, frozen, in a transaction that cannot write, with a hash that changes with anything."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import InternalError, connection, transaction
from django.utils import timezone

from orders.errors import NotAllowed
from orders.models import OperatorAction, Order
from orders.services import actions, ledger, locks
from orders.services.actions import Wish
from orders.states import OrderState
from runbooks import reasons
from runbooks.digest import digest_now
from runbooks.models import Plan, PlanEvent, PlanRow
from runbooks.registry import ACTIONS, newest
from runbooks.services import planning
from runbooks.services.snapshot import read_only
from runbooks.states import RowState
from runbooks.subjects import SUBJECTS
from tests.orders.making import make_attempt, make_order, make_posting, make_refund
from tests.runbooks.planning import SARI, charged, plan_of

pytestmark = pytest.mark.django_db


def rows(plan: Plan) -> list[tuple[Any, ...]]:
    return list(plan.rows.order_by("id").values_list("public_id", "place", "state", "why"))


def test_a_plan_freezes_every_row_with_its_state_effect_and_reason() -> None:
    late, imported, waiting = charged(), charged(origin="import"), make_order("awaiting_payment")

    plan = plan_of([late, imported, waiting], "refund@1")

    assert rows(plan) == [
        (late.public_id, 1, "planned", ""),
        (imported.public_id, None, "ineligible", "imported_refund"),
        (waiting.public_id, None, "ineligible", "no_money"),
    ]
    first = plan.rows.get(place=1)
    assert (first.expected_state, first.expected_version) == ("paid_after_close", late.version)
    assert (first.amount, first.currency, first.message, first.neighbour) == (150_000, "IDR", "refunded", "midtrans")
    assert first.target == OrderState.CANCELLED
    assert (plan.eligible, plan.ineligible, plan.money) == (1, 2, {"IDR": 150_000})
    assert (plan.state, plan.risk) == ("planned", "typed")


def test_planning_does_nothing_to_the_orders() -> None:
    order = charged()
    plan_of([order], "cancel_order@1")
    plan_of([order], "refund@1")
    assert not OperatorAction.objects.exists()
    assert Order.objects.get().version == order.version


def test_a_preview_cannot_write(transactional_db: None) -> None:
    order = make_order()
    with pytest.raises(InternalError, match="read-only"), read_only():
        Order.objects.filter(pk=order.pk).update(city="Bali")
    assert Order.objects.get().city == ""


def test_the_snapshot_does_not_see_what_is_committed_meanwhile(transactional_db: None) -> None:
    with read_only(), connection.cursor() as cursor:
        cursor.execute("SHOW transaction_isolation")
        assert cursor.fetchone() == ("repeatable read",)


def test_the_hash_is_that_of_the_content_and_of_nothing_else() -> None:
    plan = plan_of([charged(), charged(), make_order()], "refund@1")
    assert digest_now(plan) == plan.hash
    PlanRow.objects.filter(place=1).update(state=RowState.FIXED, said="done", ended_at=timezone.now())
    assert digest_now(plan) == plan.hash


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 1},
        {"expected_version": 7},
        {"expected_state": "paid"},
        {"params": {"amount": 149_999}},
        {"currency": "USD"},
        {"neighbour": "xendit"},
        {"target": ""},
        {"message": ""},
        {"public_id": "T-0"},
    ],
    ids=str,
)
def test_whatever_is_changed_in_a_row_changes_the_hash(change: dict[str, Any]) -> None:
    plan = plan_of([charged()], "refund@1")
    PlanRow.objects.update(**change)
    assert digest_now(plan) != plan.hash


def test_two_plans_of_the_same_orders_have_hashes_of_their_own() -> None:
    order = charged()
    assert plan_of([order], "refund@1").hash != plan_of([order], "refund@1").hash


def test_an_order_named_twice_is_one_row() -> None:
    order = charged()
    assert plan_of([order, order], "refund@1").eligible == 1


def test_what_does_not_exist_is_left_out() -> None:
    order = charged()
    ask = planning.Ask(action="refund@1", proposer=SARI, kind=Plan.Kind.SELECTION)
    assert planning.make_plan([order.pk, order.pk + 1000], ask).eligible == 1


@pytest.mark.parametrize(
    ("why", "ids", "more"),
    [
        ("no such action", [1], {"action": "drop_tables@1"}),
        ("another version", [1], {"action": "refund@2"}),
        ("nothing selected", [], {}),
        ("an input nobody knows", [1], {"params": {"force": True}}),
    ],
)
def test_what_cannot_be_planned_is_refused_and_leaves_nothing(why: str, ids: list[int], more: dict[str, Any]) -> None:
    with pytest.raises(NotAllowed):
        planning.make_plan(ids, planning.Ask(**{"action": "refund@1", "proposer": SARI, "kind": "selection", **more}))
    assert not Plan.objects.exists()


def test_too_many_orders_are_refused_before_anything_is_read(settings: Any) -> None:
    settings.RUN_MOST_ORDERS = 2
    with pytest.raises(NotAllowed, match="3 orders match; at most 2 at a time"):
        planning.make_plan([1, 2, 3], planning.Ask(action="refund@1", proposer=SARI, kind=Plan.Kind.FILTER))
    assert not Plan.objects.exists()


def _done(order: Order, status: str = "fixed", **more: Any) -> OperatorAction:
    facts = {"finished_at": timezone.now() - timedelta(minutes=3), "expected_version": 1, **more}
    return OperatorAction.objects.create(
        order=order, name="refund", actor="user:dewi", key=f"k{order.pk}", status=status, **facts
    )


def test_what_was_done_to_the_same_order_just_now_is_left_out_with_a_link() -> None:
    by_run, by_hand, refused, old = charged(), charged(), charged(), charged()
    _done(by_run, plan="PL-AAAAAA")
    _done(by_hand)
    _done(refused, "refused")
    _done(old, finished_at=timezone.now() - timedelta(hours=1))

    plan = plan_of([by_run, by_hand, refused, old], "refund@1")

    assert [why for *_row, why in rows(plan)] == ["cool_down", "cool_down_by_hand", "", ""]
    first, second = plan.rows.order_by("id")[:2]
    assert reasons.words(first.why, first.why_values) == "The same was done by PL-AAAAAA only 3 min ago."
    assert reasons.words(second.why, second.why_values) == "dewi did the same by hand only 3 min ago."


def test_what_somebody_is_doing_or_has_in_a_run_is_left_out() -> None:
    busy, locked = charged(), charged()
    _done(busy, "queued", finished_at=None)
    locks.take([locks.key_of(locked.pk)], holder="PL-BBBBBB", by="user:dewi")
    plan = plan_of([busy, locked], "refund@1")
    assert [why for *_row, why in rows(plan)] == ["in_hand", "in_run"]


def test_everything_about_a_plan_is_written_down_and_stays() -> None:
    plan = plan_of([charged()], "refund@1")
    assert list(PlanEvent.objects.values_list("verb", "actor", "detail")) == [("make", SARI, {"hash": plan.hash})]
    with pytest.raises(Exception, match="append-only"), transaction.atomic():
        PlanEvent.objects.update(actor="user:dewi")
    with pytest.raises(Exception, match="append-only"), transaction.atomic():
        PlanEvent.objects.all().delete()


def test_planning_costs_the_same_number_of_queries_for_one_order_and_for_many(
    django_assert_num_queries: Any,
) -> None:
    orders = [charged() for _each in range(8)]
    for some in (orders[:1], orders):
        with django_assert_num_queries(19):
            plan_of(some, "refund@1")


@pytest.mark.parametrize("ref", sorted(ACTIONS))
def test_every_action_says_all_that_people_and_runs_rely_on(ref: str) -> None:
    action = ACTIONS[ref]
    assert newest(action.name) is action
    assert (action.verb in actions.VERBS) != (action.perform is not None)
    assert action.subject in SUBJECTS
    assert action.input.model_json_schema()["additionalProperties"] is False
    assert set(action.output.model_json_schema()["required"]) == {"subject", "outcome", "said"}
    assert bool(action.undo) != bool(action.irreversible)
    assert not action.undo or action.undo in ACTIONS
    assert action.rate > 0


def _charge(order: Order) -> Any:
    attempt = make_attempt(order, "paid")
    ledger.charge(attempt, amount=order.amount, at=timezone.now())
    return attempt


STATES = [str(state) for state in OrderState]
WORLDS = {
    "bare": lambda order: None,
    "link open": lambda order: make_attempt(order, "open"),
    "money held": _charge,
    "refund failed": lambda order: make_refund(_charge(order), "failed"),
    "on its way back": lambda order: make_refund(_charge(order), "approved"),
    "HO lacks it": lambda order: make_posting(order, "rejected"),
    "HO has it": lambda order: make_posting(order, "recorded"),
    "held": lambda order: Order.objects.filter(pk=order.pk).update(held_until=timezone.now() + timedelta(hours=1)),
}


@pytest.mark.parametrize("world", sorted(WORLDS))
def test_a_preview_says_exactly_what_the_single_action_says(world: str) -> None:
    """Every action × every state × every world: eligible together, refused together, with the same words."""
    orders = [make_order(state) for state in STATES]
    orders += [make_order(state, origin="import") for state in ("awaiting_payment", "paid", "completed")]
    for order in orders:
        WORLDS[world](order)
    for ref, action in ACTIONS.items():
        if action.subject != "order" or not action.verb or action.name == "refund_excess":
            continue
        plan = plan_of(orders, ref, params={"until": "2999-01-01T00:00:00+00:00"} if ref == "hold_order@1" else {})
        for row in plan.rows.select_related("order"):
            single = actions.why_not(row.order, action.verb, row.params)
            if action.name == "refund" and row.why == "carried_out":
                single = actions.why_not(row.order, "refund", {"amount": row.order.amount})
            assert reasons.words(row.why, row.why_values) == single, (ref, row.expected_state, row.order.origin)


@pytest.mark.parametrize("state", ["paid", "active", "completed"])
def test_what_is_too_much_goes_back_and_the_price_of_the_ride_stays(state: str) -> None:
    twice, once, imported = charged(state), charged(state), charged(state, origin="import")
    _charge(twice)
    plan = plan_of([twice, once, imported], "refund_excess@1")
    assert [(row.amount, row.why) for row in plan.rows.order_by("id")] == [
        (150_000, ""),
        (0, "no_excess"),
        (0, "imported_refund"),
    ]
    assert actions.why_not(twice, "refund", plan.rows.get(place=1).params) == ""


def test_a_run_of_a_plan_does_not_wait_for_a_second_person_again() -> None:
    order = charged(amount=6_000_000)
    wish = Wish(
        name="refund",
        actor=SARI,
        reason="late",
        expected_version=order.version,
        key="k",
        params={"amount": 6_000_000},
        plan="PL-AAAAAA",
        approver="user:budi",
    )
    action = actions.request(order, wish)
    assert (action.status, action.approver, action.plan) == ("queued", "user:budi", "PL-AAAAAA")
