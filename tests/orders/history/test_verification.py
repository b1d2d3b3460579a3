"""Every kind of tampering is caught, named, and told by its first broken row."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from orders.models import InboundEvent, Order
from orders.services.verification import Kind, anchor_heads, verify_history
from orders.services.verification.chains import mac_of
from orders.transitions import move, record
from tests.orders.history import tampering as t
from tests.orders.making import (
    make_attempt,
    make_dispatch,
    make_order,
    make_posting,
    make_refund,
    make_saga,
    make_step,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "anchors"


@pytest.fixture
def order() -> Order:
    """An order with a row of every machine, notes, and odd text; and another order beside it."""
    make_order("paid")
    order = make_order("booking")
    attempt = make_attempt(order, "paid")
    step = make_step(make_saga(order), "sent")
    make_dispatch(step, "sending")
    make_refund(attempt, "unknown")
    make_posting(order, "sent")
    record(order, "note", actor="user:wati", reason="Rp 5.000 “kurang”, 🚕", detail={"ä": [1, 2.5, None]})
    for number in (1, 2):
        event = InboundEvent.objects.create(
            source="midtrans", digest=bytes([number]) * 32, raw=b"{}", state="stored", order=order
        )
    move(event, "apply", actor="worker", at=timezone.now())
    nobodys = InboundEvent.objects.create(source="xendit", digest=b"\x07" * 32, raw=b"?", state="stored")
    move(nobodys, "quarantine", actor="worker")
    return order


def test_an_untouched_history_passes(order: Order, folder: Path) -> None:
    assert anchor_heads(folder) == 3
    verdict = verify_history(folder=folder)
    assert verdict.intact, verdict.breaks
    assert (verdict.chains, verdict.anchored) == (3, 3)
    assert verdict.rows == t.last_seq(order) + 2 + 1


def test_the_mac_is_the_one_postgresql_computes(order: Order, settings: object) -> None:
    previous = None
    for row in t.rows_of(order):
        assert row.mac == mac_of(row, previous, key=settings.CHAIN_KEY)  # type: ignore[attr-defined]
        previous = row.mac


CASES: list[tuple[t.Tamper, Kind, int | None]] = [
    (t.edit_row, Kind.EDITED, 2),
    (t.edit_time, Kind.EDITED, 1),
    (t.edit_detail, Kind.EDITED, 3),
    (t.edit_mac, Kind.EDITED, 2),
    (t.take_mac_away, Kind.UNSIGNED, 2),
    (t.delete_in_the_middle, Kind.MISSING, 2),
    (t.delete_and_close_the_gap, Kind.EDITED, 2),
    (t.delete_first, Kind.MISSING, 1),
    (t.delete_chain, Kind.CHAIN_MISSING, 1),
    (t.truncate_all, Kind.CHAIN_MISSING, 1),
    (t.rewrite_with_another_key, Kind.OTHER_KEY, 1),
    (t.change_state, Kind.STATE_CHANGED, None),
    (t.delete_chain_with_its_head, Kind.NO_HISTORY, 1),
]


@pytest.mark.parametrize(("tamper", "kind", "seq"), CASES, ids=[case[0].__name__ for case in CASES])
@pytest.mark.parametrize("anchored", [True, False])
def test_tampering_is_caught(
    order: Order, folder: Path, tamper: t.Tamper, kind: Kind, seq: int | None, *, anchored: bool
) -> None:
    if anchored:
        anchor_heads(folder)
    tamper(order)
    found = {each.order_id: each for each in verify_history(folder=folder).breaks}
    broken = found[order.pk]
    assert (broken.kind, broken.seq, broken.public_id) == (kind, seq, order.public_id)
    assert "%(" not in str(broken)


TAIL_CASES: list[tuple[t.Tamper, Kind, int]] = [
    (t.edit_last_row, Kind.EDITED, 0),
    (t.delete_tail, Kind.TAIL_MISSING, 0),
    (t.change_head, Kind.HEAD_CHANGED, 0),
    (t.wind_head_back, Kind.HEAD_CHANGED, 0),
    (t.delete_head, Kind.HEAD_CHANGED, 0),
    (t.write_without_the_key, Kind.UNSIGNED, 1),
]


@pytest.mark.parametrize(("tamper", "kind", "beyond"), TAIL_CASES, ids=[case[0].__name__ for case in TAIL_CASES])
def test_tampering_at_the_end_is_caught(order: Order, folder: Path, tamper: t.Tamper, kind: Kind, beyond: int) -> None:
    last = t.last_seq(order)
    tamper(order)
    (broken,) = verify_history(folder=folder).breaks
    assert (broken.kind, broken.order_id, broken.seq) == (kind, order.pk, last + beyond)


@pytest.mark.parametrize("tamper", [t.rewrite_with_the_true_key, t.delete_tail_and_wind_the_head_back])
def test_what_was_anchored_cannot_be_rewritten_even_with_the_key(folder: Path, tamper: t.Tamper) -> None:
    order = make_order("booking")
    anchor_heads(folder)
    tamper(order)
    (broken,) = verify_history(folder=folder).breaks
    assert (broken.kind, broken.order_id, broken.seq) == (Kind.REWRITTEN, order.pk, 3)


def test_an_order_that_vanished_with_its_history_is_missed_by_the_anchor(folder: Path) -> None:
    order = make_order("paid")
    anchor_heads(folder)
    order_id = order.pk
    t.delete_chain_with_its_head(order)
    t.sql("DELETE FROM orders_item WHERE order_id = %s", order_id)
    t.sql("DELETE FROM orders_order WHERE id = %s", order_id)
    (broken,) = verify_history(folder=folder).breaks
    assert (broken.kind, broken.order_id, broken.public_id) == (Kind.REWRITTEN, order_id, "")


def test_every_machine_is_compared_with_its_history(order: Order, folder: Path) -> None:
    for table, state in (
        ("orders_attempt", "reversed"),
        ("orders_refund", "succeeded"),
        ("orders_saga", "succeeded"),
        ("orders_step", "done"),
        ("orders_dispatchentry", "dispatched"),
        ("orders_posting", "recorded"),
        ("orders_inboundevent", "illegal"),
    ):
        with transaction.atomic():
            t.sql(f"UPDATE {table} SET state = %s WHERE order_id = %s", state, order.pk)  # noqa: S608
            (broken,) = verify_history(folder=folder).breaks
            assert (broken.kind, broken.facts["state"]) == (Kind.STATE_CHANGED, state)
            transaction.set_rollback(True)
    assert verify_history(folder=folder).intact


def test_each_broken_chain_is_named_once(order: Order, folder: Path) -> None:
    other = make_order("active")
    anchor_heads(folder)
    t.edit_row(order)
    t.delete_tail(order)
    t.edit_row(other)
    breaks = verify_history(folder=folder).breaks
    assert [(each.order_id, each.kind, each.seq) for each in breaks] == [
        (order.pk, Kind.EDITED, 2),
        (other.pk, Kind.EDITED, 2),
    ]


def said(*arguments: str) -> tuple[str, int]:
    out = StringIO()
    try:
        call_command("verify_history", *arguments, stdout=out)
    except CommandError as error:
        return f"{out.getvalue()}{error}", error.returncode
    return out.getvalue(), 0


def test_the_command_says_what_it_found_and_fails(order: Order, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path  # the anchors of other tests are not there
    text, code = said()
    assert text.startswith("Intact: 3 chains, ")
    assert code == 0
    t.edit_row(order)
    text, code = said()
    assert f"{order.public_id}: Row 2 was changed after it was written.\n1 broken: " in text
    assert code == 1
    text, code = said("--json")
    assert json.loads(text.splitlines()[0])["kind"] == "edited"
    assert code == 1
