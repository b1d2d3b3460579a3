"""Rows written by arrays: every value arrives as it was, and what is left out has its default."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from orders import sets
from orders.models import LedgerEntry, Order
from orders.states import LedgerKind
from tests.orders.making import make_order

pytestmark = pytest.mark.django_db

ODD = ["", "NULL", '"', "\\", '{a,"b"}', "a,b", " x ", "Jl. Sudirman\n1", "\u00e9\U0001f600", "%s %(a)s"]


def entry(order: Order, key: str, **more: Any) -> Mapping[str, Any]:
    at = timezone.now() - timedelta(hours=1)
    return {"order": order, "kind": LedgerKind.CHARGED, "amount": 5, "currency": "IDR", "source_key": key} | {
        "occurred_at": at,
        **more,
    }


def test_odd_texts_arrive_as_they_are() -> None:
    orders = [make_order() for _text in ODD]
    changes = [sets.Change(order.pk, {"hold_reason": text}, seen={}) for order, text in zip(orders, ODD, strict=True)]

    assert sets.write(Order, changes) == {order.pk for order in orders}
    assert list(Order.objects.order_by("pk").values_list("hold_reason", flat=True)) == ODD


@pytest.mark.parametrize("notes", [[{"a": '"'}, {"b": [1, None]}], [{"a": 1}, {"a": 1}]])
def test_values_that_only_the_driver_knows_arrive_too(notes: Any) -> None:
    orders = [make_order(), make_order()]
    at = timezone.now()
    held = [at, None]
    values = [{"notes": note, "held_until": until} for note, until in zip(notes, held, strict=True)]

    sets.write(Order, [sets.Change(order.pk, each, seen={}) for order, each in zip(orders, values, strict=True)])

    assert list(Order.objects.order_by("pk").values_list("notes", "held_until")) == [(notes[0], at), (notes[1], None)]


def test_one_value_for_all_is_compared_and_written() -> None:
    first, second = make_order(city="Medan"), make_order(city="Bandung")
    changes = [sets.Change(each.pk, {"city": "Jakarta"}, seen={"city": "Medan"}) for each in (first, second)]

    assert sets.write(Order, changes) == {first.pk}


def test_new_rows_have_their_values_and_the_defaults_of_the_rest() -> None:
    first, second = make_order(), make_order()
    sets.insert(LedgerEntry, [entry(first, "a"), entry(second, "b", amount=7)])

    assert list(LedgerEntry.objects.order_by("source_key").values_list("order", "amount", "gateway", "attempt")) == [
        (first.pk, 5, "", None),
        (second.pk, 7, "", None),
    ]
    assert all(each.recorded_at > each.occurred_at for each in LedgerEntry.objects.all())


def test_no_rows_are_no_statement(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        sets.insert(LedgerEntry, [])


def test_what_is_there_already_is_left_out_only_where_that_was_said() -> None:
    order = make_order()
    sets.insert(LedgerEntry, [entry(order, "a")])

    sets.insert(LedgerEntry, [entry(order, "a", amount=9), entry(order, "b")], once=True)
    assert list(LedgerEntry.objects.order_by("pk").values_list("source_key", "amount")) == [("a", 5), ("b", 5)]

    with pytest.raises(IntegrityError), transaction.atomic():
        sets.insert(LedgerEntry, [entry(order, "a")])


def test_an_array_is_read_by_postgresql_as_it_was_given() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::text[]", [sets.array([*ODD, None])])
        assert cursor.fetchone()[0] == [*ODD, None]
