"""What people do to a saga: the whole table of what is legal, and each of it against partners over real HTTP."""

import itertools
from collections import Counter
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import transaction

from opsconsole import upstreams
from opsconsole.sandbox.remote import RemoteSandbox
from orders.errors import NotAllowed, StaleState
from orders.leases import claim_one
from orders.models import History, OperatorAction, Order, Refund, Saga, Step
from orders.queries.hands import Wanted, hands_page
from orders.services import actions, ledger, work
from orders.services.actions import Wish
from orders.services.actions.saga_verbs import LEGAL, SAGA_VERBS
from orders.states import OrderState, RefundState, SagaState, StepState
from tests.orders.flow import PHONE, carry_on, drain, let_time_pass, pay, place
from tests.orders.making import make_order, make_saga, make_step
from tests.sandbox_fixtures import Receiver, effects

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("neighbours")]

SARI, BUDI = "user:sari", "user:budi"
EVIDENCE = {"evidence": "the partner's desk says it is cancelled", "reference": "TICKET-7"}


def wish(saga: Saga, step: Step | None, name: str, *, actor: str = SARI, key: str = "k1", **more: Any) -> Wish:
    order = Order.objects.get(pk=saga.order_id)
    saga.refresh_from_db()
    params: dict[str, Any] = {"saga": 1, "saga_version": saga.version, **more}
    if step is not None:
        step.refresh_from_db()
        params |= {"step": step.number, "step_version": step.version}
    return Wish(name=name, actor=actor, reason="stuck", expected_version=order.version, key=key, params=params)


def ask(saga: Saga, step: Step | None, name: str, **more: Any) -> OperatorAction:
    return actions.request(saga.order, wish(saga, step, name, **more))


def done(action: OperatorAction) -> OperatorAction:
    work.drain("action")
    action.refresh_from_db()
    return action


@pytest.fixture
def stuck(control: RemoteSandbox, receiver: Receiver) -> tuple[Saga, Step]:
    """Delivery would not book, and TPG will not cancel the taxi: a person has to look."""
    control.plan(
        PHONE,
        {"on": "book", "do": "reject", "neighbour": "delivery"},
        {"on": "cancel", "do": "reject", "neighbour": "tpg", "times": 1},
    )
    control.speed(1)
    order = pay(place("card", services=("taxi", "delivery")), control, receiver)
    drain()
    saga = Saga.objects.get(order=order)
    assert (saga.state, saga.cause) == (SagaState.NEEDS_HAND, "undo_refused")
    return saga, saga.steps.get(number=1)


def is_legal(name: str, saga: Saga, step: Step) -> bool:
    return (saga.state, "" if name == "compensate_saga" else step.state) in LEGAL[name]


def try_it(name: str, saga: Saga, step: Step) -> str:
    """What became of the wish, all of it taken back afterwards: refused when asked, or the action's end."""
    with transaction.atomic():
        try:
            action = ask(saga, None if name == "compensate_saga" else step, name, **EVIDENCE)
        except NotAllowed:
            return "refused when asked"
        if action.status == "awaiting_approval":
            actions.approve(action, actor=BUDI)
        status = done(action).status
        transaction.set_rollback(True)
    return status


def test_it_is_accepted_and_done_exactly_where_the_table_allows_it(settings: Any) -> None:
    settings.UPSTREAMS = {each: {"url": "http://127.0.0.1:9", "timeout": 1.0, "tries": 1} for each in upstreams.LIMITS}
    met: Counter[tuple[str, bool]] = Counter()
    for saga_state, step_state in itertools.product(SagaState.values, StepState.values):
        saga = make_saga(make_order("booking"), saga_state)
        step = make_step(saga, step_state)
        before = History.objects.filter(order_id=saga.order_id).count()
        for name in SAGA_VERBS:
            legal = is_legal(name, saga, step)
            met[name, legal] += 1
            ended = try_it(name, saga, step)
            assert (ended in {"fixed", "accepted", "not_fixed"}) is legal, (name, saga_state, step_state, ended)
            assert (ended == "refused when asked") is not legal, (name, saga_state, step_state, ended)
        assert not OperatorAction.objects.filter(order=saga.order).exists()
        assert History.objects.filter(order_id=saga.order_id).count() == before
    legal_ones = {"retry_step": 7, "mark_step_done": 4, "skip_step": 1, "compensate_saga": 18}
    assert {name: met[name, True] for name in SAGA_VERBS} == legal_ones
    assert {name: met[name, False] for name in SAGA_VERBS} == {name: 45 - n for name, n in legal_ones.items()}


def test_a_retry_undoes_what_can_be_undone_now_and_gives_the_money_back(
    stuck: tuple[Saga, Step], control: RemoteSandbox, receiver: Receiver
) -> None:
    saga, step = stuck
    action = done(ask(saga, step, "retry_step"))
    drain()

    step.refresh_from_db()
    saga.refresh_from_db()
    assert (action.status, step.state, saga.state, saga.cause) == ("fixed", StepState.UNDONE, SagaState.COMPENSATED, "")
    assert action.outcome == "The step is now Undone, the saga Compensated."
    order = carry_on(saga.order, receiver, until=OrderState.FAILED)
    assert (Refund.objects.get(order=order).state, ledger.balance(order)) == (RefundState.SUCCEEDED, 0)
    assert effects(control, "tpg").count("cancelled") == 1


def test_a_retry_that_fails_again_leaves_it_in_the_queue_with_its_new_cause(
    stuck: tuple[Saga, Step], control: RemoteSandbox
) -> None:
    saga, step = stuck
    control.faults("tpg", down=True)

    action = done(ask(saga, step, "retry_step"))
    assert action.status == "not_fixed"
    for _look in range(3):
        let_time_pass()
        work.drain("saga")

    saga.refresh_from_db()
    assert (saga.state, saga.cause) == (SagaState.NEEDS_HAND, "undo_unanswered")
    assert [row.public_id for row in hands_page(Wanted(causes=("undo_unanswered",))).rows] == [saga.order.public_id]
    assert "cancelled" not in effects(control, "tpg")


def test_letting_it_stand_takes_a_second_person_and_leaves_the_booking_alone(
    stuck: tuple[Saga, Step], control: RemoteSandbox
) -> None:
    saga, step = stuck
    action = ask(saga, step, "skip_step")
    assert (action.status, action.params["amount"]) == ("awaiting_approval", 50_000)
    work.drain("action")
    step.refresh_from_db()
    assert step.state == StepState.UNDO_FAILED
    with pytest.raises(NotAllowed):
        actions.approve(action, actor=SARI)

    actions.approve(action, actor=BUDI)
    assert done(action).status == "fixed"
    drain()

    step.refresh_from_db()
    saga.refresh_from_db()
    assert (step.state, saga.state) == (StepState.SKIPPED, SagaState.COMPENSATED)
    assert effects(control, "tpg") == ["booked"]
    assert ledger.balance(saga.order) == 0


def test_marking_it_undone_needs_evidence_and_asks_nobody(stuck: tuple[Saga, Step], control: RemoteSandbox) -> None:
    saga, step = stuck
    with pytest.raises(NotAllowed):
        ask(saga, step, "mark_step_done", evidence="they said so", reference=" ")
    assert not OperatorAction.objects.exists()
    control.faults("tpg", down=True)

    assert done(ask(saga, step, "mark_step_done", **EVIDENCE)).status == "fixed"

    step.refresh_from_db()
    assert step.state == StepState.UNDONE
    row = History.objects.get(order_id=saga.order_id, machine="step", verb="finish_undo")
    assert (row.actor, row.detail["reference"], row.detail["evidence"]) == (SARI, "TICKET-7", EVIDENCE["evidence"])
    control.no_faults()
    assert effects(control, "tpg") == ["booked"]


def test_evidence_about_much_money_takes_a_second_person() -> None:
    amount = django_settings.SECOND_PERSON_FROM
    for given, waits in ((amount - 1, False), (amount, True)):
        saga = make_saga(make_order("booking", amount=given), "needs_hand")
        action = ask(saga, make_step(saga, "undo_failed"), "mark_step_done", key=str(given), **EVIDENCE)
        assert (action.status == "awaiting_approval") is waits


def test_a_booking_whose_answer_is_lost_is_marked_booked_by_its_reference(
    control: RemoteSandbox, receiver: Receiver
) -> None:
    control.plan(PHONE, {"on": "book", "do": "timeout", "neighbour": "tpg", "times": 3})
    control.speed(1)
    order = pay(place("card"), control, receiver)
    django_settings.UPSTREAMS["tpg"]["timeout"] = 0.3
    drain()
    saga = Saga.objects.get(order=order)
    step = saga.steps.get()
    assert (saga.state, step.state) == (SagaState.RUNNING, StepState.UNKNOWN)

    assert done(ask(saga, step, "mark_step_done", evidence="TPG's desk", reference="BK-9")).status == "fixed"
    drain()

    step.refresh_from_db()
    order.refresh_from_db()
    assert (step.state, step.partner_reference, order.state) == (StepState.DONE, "BK-9", OrderState.ACTIVE)


def test_undoing_all_now_turns_a_running_saga_back(control: RemoteSandbox, receiver: Receiver) -> None:
    control.speed(1)
    control.faults("tpg", down=True)
    order = pay(place("card", services=("taxi", "delivery")), control, receiver)
    drain()
    saga = Saga.objects.get(order=order)
    assert saga.state == SagaState.RUNNING

    assert done(ask(saga, None, "compensate_saga")).status == "fixed"
    drain()

    saga.refresh_from_db()
    order.refresh_from_db()
    assert (saga.state, saga.undone_for, order.state) == (SagaState.COMPENSATED, SARI, OrderState.FAILED)
    assert effects(control, "delivery") == ["booked", "cancelled"]
    assert ledger.balance(order) == 0


def test_what_moved_on_since_the_person_looked_is_left_alone(stuck: tuple[Saga, Step], control: RemoteSandbox) -> None:
    saga, step = stuck
    early = wish(saga, step, "mark_step_done", key="early", **EVIDENCE)
    asked_before = ask(saga, step, "skip_step", key="before")
    assert done(ask(saga, step, "retry_step", key="first")).status == "fixed"
    rows = History.objects.filter(order_id=saga.order_id, machine__in=("saga", "step")).count()

    with pytest.raises((NotAllowed, StaleState)):
        actions.request(saga.order, early)
    with pytest.raises(StaleState):
        actions.approve(asked_before, actor=BUDI)
    OperatorAction.objects.filter(pk=asked_before.pk).update(
        status="queued", due_at=saga.created_at, expected_version=Order.objects.get(pk=saga.order_id).version
    )

    assert done(asked_before).status == "refused"
    assert History.objects.filter(order_id=saga.order_id, machine__in=("saga", "step")).count() == rows


def test_what_a_worker_has_in_its_hand_is_not_taken_from_it(stuck: tuple[Saga, Step]) -> None:
    saga, step = stuck
    for row in (saga, step):
        held = claim_one(row)
        assert held is not None
        action = done(ask(saga, step, "retry_step", key=str(row)))
        assert (action.status, action.outcome) == ("refused", "It is being worked on at this moment; try again.")
        type(row)._base_manager.filter(pk=row.pk).update(lease_until=None)
    step.refresh_from_db()
    assert step.state == StepState.UNDO_FAILED


def test_a_worker_that_died_after_the_move_does_not_move_again(
    stuck: tuple[Saga, Step], control: RemoteSandbox
) -> None:
    saga, step = stuck
    action = done(ask(saga, step, "retry_step"))
    moves = History.objects.filter(order_id=saga.order_id, machine__in=("saga", "step")).count()
    OperatorAction.objects.filter(pk=action.pk).update(status="running", due_at=saga.created_at, finished_at=None)

    assert done(action).status == "fixed"

    assert History.objects.filter(order_id=saga.order_id, machine__in=("saga", "step")).count() == moves
    assert effects(control, "tpg").count("cancelled") == 1
