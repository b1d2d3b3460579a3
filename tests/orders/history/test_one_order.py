"""The check of one order's chain that its page makes."""

import pytest
from django.db import connection

from opsconsole.sandbox.remote import RemoteSandbox
from orders.models import Order
from orders.services import desk
from orders.services.verification.breaks import Kind
from orders.services.verification.one_order import verify_order
from tests.factories import make_order
from tests.orders.flow import pay, place
from tests.sandbox_fixtures import Receiver

pytestmark = pytest.mark.django_db


def _tamper(statement: str, *values: object) -> None:
    """As a superuser who has switched the triggers off."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, values)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


@pytest.fixture
def noted() -> Order:
    order = make_order()
    for text in ("one", "two", "three"):
        desk.note(order, text, actor="user:sari")
    return order


@pytest.mark.usefixtures("neighbours")
def test_a_real_order_is_intact(control: RemoteSandbox, receiver: Receiver) -> None:
    order = pay(place(services=("taxi", "rent")), control, receiver)
    verdict = verify_order(order)
    assert verdict.intact
    assert verdict.rows > 10


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("UPDATE orders_history SET reason = 'nothing' WHERE order_id = %s AND seq = 2", Kind.EDITED),
        ("DELETE FROM orders_history WHERE order_id = %s AND seq = 2", Kind.MISSING),
        ("DELETE FROM orders_history WHERE order_id = %s AND seq = 4", Kind.TAIL_MISSING),
        ("DELETE FROM orders_history WHERE order_id = %s", Kind.NO_HISTORY),
        ("UPDATE orders_chainhead SET seq = 3 WHERE order_id = %s", Kind.HEAD_CHANGED),
        ("UPDATE orders_order SET state = 'paid' WHERE id = %s", Kind.STATE_CHANGED),
    ],
)
def test_every_kind_of_tampering_is_named(noted: Order, statement: str, kind: Kind) -> None:
    _tamper(statement, noted.pk)
    verdict = verify_order(noted)
    assert not verdict.intact
    assert verdict.found is not None
    assert verdict.found.kind == kind
    assert str(verdict.found)


def test_it_costs_four_statements(noted: Order, django_assert_num_queries: object) -> None:
    # The two of the transaction's frame included.
    with django_assert_num_queries(5):  # type: ignore[operator]
        verify_order(noted)
