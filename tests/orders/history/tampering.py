"""What somebody with the rights of a superuser can do to the history."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection

from orders.models import ChainHead, History, Order
from orders.services.verification.chains import Row, mac_of
from orders.services.verification.checking import _ROWS

OTHER_KEY = b"not the key of this installation"


@contextmanager
def past_the_guards() -> Iterator[Any]:
    """A superuser's session in which no trigger fires."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield cursor
        finally:
            cursor.execute("SET session_replication_role = origin")


def sql(statement: str, *params: object) -> None:
    with past_the_guards() as cursor:
        cursor.execute(statement, params)


def rows_of(order: Order) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({_ROWS}) r WHERE order_id = %s", [order.pk])  # noqa: S608
        return [Row(*found) for found in cursor.fetchall()]


def edit_row(order: Order) -> None:
    sql("UPDATE orders_history SET reason = 'nothing happened' WHERE order_id = %s AND seq = 2", order.pk)


def edit_last_row(order: Order) -> None:
    sql("UPDATE orders_history SET actor = 'user:somebody' WHERE order_id = %s AND seq = %s", order.pk, last_seq(order))


def edit_time(order: Order) -> None:
    moved = "occurred_at = occurred_at - interval '1 microsecond'"
    sql(f"UPDATE orders_history SET {moved} WHERE order_id = %s AND seq = 1", order.pk)  # noqa: S608


def edit_detail(order: Order) -> None:
    sql("UPDATE orders_history SET detail = '{\"amount\": 1}' WHERE order_id = %s AND seq = 3", order.pk)


def edit_mac(order: Order) -> None:
    sql("UPDATE orders_history SET mac = sha256(mac) WHERE order_id = %s AND seq = 2", order.pk)


def take_mac_away(order: Order) -> None:
    sql("UPDATE orders_history SET mac = NULL WHERE order_id = %s AND seq = 2", order.pk)


def delete_in_the_middle(order: Order) -> None:
    sql("DELETE FROM orders_history WHERE order_id = %s AND seq = 2", order.pk)


def delete_and_close_the_gap(order: Order) -> None:
    delete_in_the_middle(order)
    sql("UPDATE orders_history SET seq = seq - 1 WHERE order_id = %s AND seq > 2", order.pk)
    sql("UPDATE orders_chainhead SET seq = seq - 1 WHERE order_id = %s", order.pk)


def delete_first(order: Order) -> None:
    sql("DELETE FROM orders_history WHERE order_id = %s AND seq = 1", order.pk)


def delete_tail(order: Order) -> None:
    sql("DELETE FROM orders_history WHERE order_id = %s AND seq = %s", order.pk, last_seq(order))


def delete_tail_and_wind_the_head_back(order: Order) -> None:
    delete_tail(order)
    last = rows_of(order)[-1]
    sql("UPDATE orders_chainhead SET seq = %s, mac = %s WHERE order_id = %s", last.seq, last.mac, order.pk)
    states = {"state": "paid"}
    sql("UPDATE orders_order SET state = %s WHERE id = %s", states["state"], order.pk)


def delete_chain(order: Order) -> None:
    sql("DELETE FROM orders_history WHERE order_id = %s", order.pk)


def delete_chain_with_its_head(order: Order) -> None:
    delete_chain(order)
    sql("DELETE FROM orders_chainhead WHERE order_id = %s", order.pk)


def truncate_all(order: Order) -> None:
    sql("TRUNCATE orders_history")


def change_state(order: Order) -> None:
    sql("UPDATE orders_order SET state = 'cancelled' WHERE id = %s", order.pk)


def change_head(order: Order) -> None:
    sql("UPDATE orders_chainhead SET mac = sha256(mac) WHERE order_id = %s", order.pk)


def wind_head_back(order: Order) -> None:
    sql("UPDATE orders_chainhead SET seq = seq - 1 WHERE order_id = %s", order.pk)


def delete_head(order: Order) -> None:
    sql("DELETE FROM orders_chainhead WHERE order_id = %s", order.pk)


def rewrite(order: Order, *, key: bytes) -> None:
    """Every row anew, with another actor, signed from the first to the head."""
    previous: bytes | None = None
    for row in rows_of(order):
        forged = row._replace(actor="user:somebody")
        previous = mac_of(forged, previous, key=key)
        sql("UPDATE orders_history SET actor = %s, mac = %s WHERE id = %s", forged.actor, previous, row.id)
    sql("UPDATE orders_chainhead SET mac = %s WHERE order_id = %s", previous, order.pk)


def rewrite_with_another_key(order: Order) -> None:
    rewrite(order, key=OTHER_KEY)


def rewrite_with_the_true_key(order: Order) -> None:
    rewrite(order, key=settings.CHAIN_KEY)


def write_without_the_key(order: Order) -> None:
    """No superuser needed: the guard lets a legal edge pass and leaves the row unsigned."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('opsconsole.ipad', '', true), set_config('opsconsole.verb', '', true)")
        cursor.execute("UPDATE orders_order SET state = 'cancelled' WHERE id = %s", [order.pk])


def last_seq(order: Order) -> int:
    return History.objects.filter(order_id=order.pk).count()


def head_of(order: Order) -> ChainHead:
    return ChainHead.objects.get(pk=order.pk)


Tamper = Callable[[Order], None]
