"""What is left when the faults have stopped: a machine's work is a violation, a person's task is shown."""

from typing import Any

import pytest

from opsconsole.chaos.liveness import MACHINES_TURN, PERSONS_TURN, Liveness
from tests.opsconsole.chaos.evidences import ORDER, attempt, booking, evidence, order, tables

LEFT = [(table, state) for table, states in MACHINES_TURN.items() for state in sorted(states)]
TASKS = [(table, state) for table, states in PERSONS_TURN.items() for state in sorted(states)]


def _kinds(**spoiled: Any) -> list[str]:
    return [each.kind for each in Liveness(evidence(**spoiled)).findings()]


def test_an_order_that_went_well_leaves_nothing() -> None:
    assert _kinds() == []


@pytest.mark.parametrize(("table", "state"), LEFT)
def test_work_that_no_machine_takes_up_is_found(table: str, state: str) -> None:
    row = {"id": 9, "order_id": 1, "reference": "MRG-1-9", "state": state, "status": state}
    known = tables()[table]

    assert "machine's work left" in _kinds(tables=tables(**{table: [*known, row]}), stuck=frozenset({ORDER}))


@pytest.mark.parametrize(("table", "state"), TASKS)
def test_a_persons_task_is_fine_when_it_is_shown_and_a_violation_when_not(table: str, state: str) -> None:
    row = {"id": 9, "order_id": 1, "reference": "MRG-1-9", "state": state}
    spoiled = tables(**{table: [*tables()[table], row]})

    shown = Liveness(evidence(tables=spoiled, stuck=frozenset({ORDER})))
    assert list(shown.findings()) == []
    assert sum(shown.tasks.values()) == 1
    assert _kinds(tables=spoiled) == ["nobody's task"]


@pytest.mark.parametrize("state", ["paid", "booking", "queued_for_dispatch", "active", "paid_after_close", "created"])
def test_an_order_that_stands_still_must_be_on_a_list(state: str) -> None:
    assert _kinds(tables=tables(orders=[order(state=state)])) == ["nobody's task"]
    assert _kinds(tables=tables(orders=[order(state=state)]), stuck=frozenset({ORDER})) == []


def test_a_trip_that_goes_on_is_nobodys_task() -> None:
    assert _kinds(tables=tables(orders=[order(state="active")]), bookings=[booking("picked_up")]) == []


def test_a_customer_who_has_not_paid_is_nobodys_task() -> None:
    unpaid = tables(orders=[order(state="awaiting_payment")], attempts=[attempt(state="open")], ledger=[])
    assert _kinds(tables=unpaid, effects={}, bookings=[]) == []


def test_a_customer_who_has_paid_is_not_left_waiting() -> None:
    assert _kinds(tables=tables(orders=[order(state="awaiting_payment")])) == ["nobody's task"]


def test_money_of_a_closed_order_that_nobody_gives_back_is_found() -> None:
    assert _kinds(tables=tables(orders=[order(state="cancelled")]), bookings=[]) == ["nobody's task"]


def test_a_message_of_strangers_may_wait() -> None:
    row = {"id": 9, "order_id": None, "attempt_id": None, "source": "midtrans", "digest": "", "state": "stored"}
    assert _kinds(tables=tables(inbound=[*tables()["inbound"], row])) == []


def test_events_that_never_left_are_found() -> None:
    assert _kinds(unsent=3) == ["not told"]
