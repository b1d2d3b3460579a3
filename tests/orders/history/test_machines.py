"""Every (state, verb) of every machine, in Python and in PostgreSQL."""

from itertools import product

import pytest
from django.db import IntegrityError, connection, transaction

from orders.context import act_as
from orders.errors import IllegalEdge, StaleState
from orders.guards import edge_rows
from orders.models import Edge, History, Order
from orders.models.stateful import Stateful
from orders.states import ATTEMPT_RANK, MACHINES, OPEN_ORDER_STATES, AttemptState, Machine
from orders.transitions import lock, move
from tests.orders.making import make_any, make_order

pytestmark = pytest.mark.django_db

STATES = [(name, str(state)) for name, machine in MACHINES.items() for state in machine.states.values]


def history_of(row: Stateful) -> list[tuple[str, str, str]]:
    rows = History.objects.filter(machine=row.machine.name, subject_id=row.pk).order_by("seq")
    return list(rows.values_list("verb", "source", "target"))


def as_stored(row: Stateful) -> dict[str, object]:
    values: dict[str, object] = type(row)._base_manager.filter(pk=row.pk).values().get()
    return values


@pytest.mark.parametrize(("machine", "state"), STATES)
def test_move_follows_the_table_and_refuses_everything_else(machine: str, state: str) -> None:
    row = make_any(machine, state)
    before, told = as_stored(row), history_of(row)
    for verb in row.machine.verbs:
        target = row.machine.target(state, verb)
        with transaction.atomic():
            if target is None:
                with pytest.raises(IllegalEdge):
                    move(row, verb, actor="test")
                assert (as_stored(row), history_of(row)) == (before, told)
            else:
                fresh = lock(row)
                move(fresh, verb, actor="test")
                assert (fresh.state, fresh.version) == (target, int(str(before["version"])) + 1)
                assert as_stored(row)["state"] == target
                assert history_of(row) == [*told, (verb, state, target)]
            transaction.set_rollback(True)


@pytest.mark.parametrize(("machine", "state"), STATES)
def test_postgresql_refuses_what_the_table_does_not_have(machine: str, state: str) -> None:
    row = make_any(machine, state)
    before, told = as_stored(row), history_of(row)
    ways = [target for (source, _verb), target in row.machine.edges.items() if source == state]
    legal = {target for target in ways if ways.count(target) == 1}
    act_as("")
    for target in set(row.machine.states.values) - {state}:
        with transaction.atomic():
            if target in legal:
                by_hand(row, target)
                assert history_of(row)[-1][1:] == (state, target)
                transaction.set_rollback(True)
                continue
            with pytest.raises(IntegrityError) as refused, transaction.atomic():
                by_hand(row, target)
            assert constraint_of(refused.value) == "state_edge"
        assert (as_stored(row), history_of(row)) == (before, told)


@pytest.mark.parametrize(("machine", "state"), STATES)
def test_postgresql_lets_no_verb_take_the_way_of_another(machine: str, state: str) -> None:
    row = make_any(machine, state)
    before, told = as_stored(row), history_of(row)
    for verb, target in product(row.machine.verbs, set(row.machine.states.values) - {state}):
        with transaction.atomic():
            act_as("test", verb=verb)
            if row.machine.target(state, verb) == target:
                by_hand(row, target)
                assert history_of(row) == [*told, (verb, state, target)]
                transaction.set_rollback(True)
                continue
            with pytest.raises(IntegrityError) as refused, transaction.atomic():
                by_hand(row, target)
        assert constraint_of(refused.value) == "state_edge"
    assert (as_stored(row), history_of(row)) == (before, told)


def test_a_change_without_a_verb_needs_an_edge_that_has_no_rival() -> None:
    """Two verbs lead from unknown to failed: a writer that names neither would leave the choice to chance."""
    notice = make_any("notice", "unknown")
    act_as("test")
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        by_hand(notice, "failed")
    assert constraint_of(refused.value) == "state_edge"
    by_hand(notice, "sent")
    assert history_of(notice)[-1] == ("accept", "unknown", "sent")


@pytest.mark.parametrize(("machine", "state"), STATES)
def test_nothing_is_born_but_in_a_first_state(machine: str, state: str) -> None:
    row = make_any(machine, min(MACHINES[machine].births))
    columns = [name for name in as_stored(row) if name not in {"id", "state"}]
    fresh = {"public_id": "'new'", "reference": "'new'", "key": "'new'", "number": "99", "digest": "'\\x99'"}
    fresh |= {"kind": "'other'"} if machine == "saga" else {}
    fresh |= {"cause": "'other'"} if machine == "refund" else {}
    fresh |= {"event_id": "'other'"} if machine == "letter" else {}
    values = ", ".join(fresh.get(name, name) for name in columns)
    statement = (
        f"INSERT INTO {row._meta.db_table} (state, {', '.join(columns)}) SELECT %s, {values} FROM {row._meta.db_table}"  # noqa: S608
    )
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        if machine == "dispatch":
            cursor.execute("DROP INDEX dispatch_one_live")
        if state in MACHINES[machine].births:
            cursor.execute(statement, [state])
            return
        with pytest.raises(IntegrityError) as refused:
            cursor.execute(statement, [state])
    assert constraint_of(refused.value) == "state_edge"


def by_hand(row: Stateful, target: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {row._meta.db_table} SET state = %s WHERE id = %s", [target, row.pk])  # noqa: S608


def constraint_of(error: IntegrityError) -> str | None:
    cause = error.__cause__
    name: str | None = cause.diag.constraint_name if cause else None  # type: ignore[attr-defined]
    return name


def test_postgresql_knows_the_same_table() -> None:
    assert set(Edge.objects.values_list("machine", "source", "verb", "target")) == edge_rows()


def test_a_row_that_moved_on_is_not_moved_again() -> None:
    order = make_order()
    seen = Order.objects.get(pk=order.pk)
    move(order, "pay", actor="first")
    with pytest.raises(StaleState):
        move(seen, "cancel", actor="second")
    assert history_of(order)[-1] == ("pay", "created", "paid")


@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
@pytest.mark.parametrize("table", ["orders_history", "orders_ledgerentry"])
def test_what_happened_can_only_be_added_to(table: str, statement: str) -> None:
    make_order()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO orders_ledgerentry (order_id, kind, amount, currency, gateway, source_key, occurred_at)"
            " SELECT id, 'charged', 1, 'IDR', '', 'x', now() FROM orders_order"
        )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError) as refused:
            cursor.execute(statement.format(table))
    assert constraint_of(refused.value) == "append_only"


@pytest.mark.parametrize("machine", MACHINES.values(), ids=list(MACHINES))
def test_every_state_can_be_reached_and_every_verb_is_used(machine: Machine) -> None:
    reached: set[str] = set(machine.births)
    before: set[str] = set()
    while reached != before:
        before = set(reached)
        reached |= {target for (source, _verb), target in machine.edges.items() if source in reached}
    assert reached == set(machine.states.values)
    assert {verb for _source, verb in machine.edges} | {"create"} == set(machine.verbs)


def test_open_orders_and_ranks_cover_the_states() -> None:
    assert not set(OPEN_ORDER_STATES) & set(MACHINES["order"].final)
    assert set(ATTEMPT_RANK) == set(AttemptState.values)
    assert ATTEMPT_RANK[AttemptState.PAID] > ATTEMPT_RANK[AttemptState.EXPIRED] > ATTEMPT_RANK[AttemptState.OPEN]
