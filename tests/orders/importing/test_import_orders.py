"""Another platform's orders, walked through our own machine with their own times."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orders.context import act_as
from orders.models import Attempt, History, Item, LedgerEntry, Order, Outbox
from orders.services.importing import SheetRefused
from tests.orders.importing.conftest import Import
from tests.orders.importing.files import order_line, payment_line

pytestmark = pytest.mark.django_db

DAY = "2018-01-01T"


def at(clock: str, *, day: int = 1) -> datetime:
    return datetime.fromisoformat(f"2018-01-{day:02d}T{clock}+00:00")


def walked(order_id: str, machine: str = "order") -> list[tuple[str, str, datetime]]:
    rows = History.objects.filter(order_id=the(order_id).pk, machine=machine).exclude(verb="anomaly")
    return [(row.verb, row.target, row.occurred_at) for row in rows.order_by("seq")]


def remarks(order_id: str) -> set[str]:
    rows = History.objects.filter(order_id=the(order_id).pk, verb="anomaly")
    return {row.detail["kind"] for row in rows}


def the(order_id: str) -> Order:
    return Order.objects.get(public_id=order_id)


COMPLETED = order_line(
    "o-1",
    "TRIP_COMPLETED",
    paid=f"{DAY}11:00:00",
    active=f"{DAY}12:00:00",
    completed=f"{DAY}13:00:00",
)


def test_a_completed_order_walks_every_edge_at_its_own_time(take_in: Import) -> None:
    summary = take_in([COMPLETED], [payment_line("o-1")])
    assert (summary.new, summary.new_payments, summary.anomalies) == (1, 1, 0)
    assert walked("o-1") == [
        ("create", "created", at("10:00:00")),
        ("pay", "paid", at("11:00:00")),
        ("book", "booking", at("12:00:00")),
        ("confirm", "active", at("12:00:00")),
        ("complete", "completed", at("13:00:00")),
    ]
    assert walked("o-1", "attempt") == [
        ("create", "requested", at("11:00:00")),
        ("send", "unknown", at("11:00:00")),
        ("pay", "paid", at("11:00:00")),
    ]


def test_the_order_is_ours_with_its_money_and_its_owner(take_in: Import) -> None:
    take_in([COMPLETED], [payment_line("o-1"), payment_line("o-1", part=2, amount="8.4")])
    order = the("o-1")
    assert (order.origin, order.state, order.entered_at) == ("import", "completed", at("13:00:00"))
    assert (order.amount, order.currency, order.service) == (7002, "BRL", "delivery")
    assert (order.placed_at, order.method) == (at("10:00:00"), "card")
    assert order.owning_attempt == Attempt.objects.get(reference="PAY-o-1-2")
    charged = LedgerEntry.objects.order_by("amount").values_list("kind", "amount", "source_key")
    assert list(charged) == [
        ("charged", 840, "charge:PAY-o-1-2"),
        ("charged", 6162, "charge:PAY-o-1-1"),
    ]
    assert Item.objects.get(order=order).amount == 7002


def test_the_history_names_the_file_and_tells_nobody_outside(take_in: Import) -> None:
    take_in([COMPLETED], [payment_line("o-1")])
    assert set(History.objects.values_list("actor", flat=True)) == {"import:orders.csv"}
    assert not History.objects.filter(mac=None).exists()
    assert not Outbox.objects.exists()


def test_an_edge_without_a_time_of_its_own_says_so(take_in: Import) -> None:
    take_in([COMPLETED], [payment_line("o-1")])
    rows = History.objects.filter(machine="order", detail__time="not stated")
    assert [row.verb for row in rows] == ["book"]


@pytest.mark.parametrize(
    ("line", "state", "since"),
    [
        (order_line("o", "ORDER_CREATED"), "created", at("10:00:00")),
        (order_line("o", "PAYMENT_CAPTURED", paid=f"{DAY}11:00:00"), "paid", at("11:00:00")),
        (order_line("o", "BOOKING_REQUESTED", paid=f"{DAY}11:00:00"), "booking", at("11:00:00")),
        (order_line("o", "BOOKING_FAILED", paid=f"{DAY}11:00:00"), "failed", at("11:00:00")),
        (order_line("o", "CANCELLED"), "cancelled", at("10:00:00")),
        (order_line("o", "CANCELLED", paid=f"{DAY}11:00:00"), "cancelled", at("11:00:00")),
        (order_line("o", "awaiting_payment"), "awaiting_payment", at("10:00:00")),
        (order_line("o", "expired"), "expired", at("10:00:00")),
        (order_line("o", "queued_for_dispatch", paid=f"{DAY}11:00:00"), "queued_for_dispatch", at("11:00:00")),
        (
            order_line("o", "DISPATCHED", paid=f"{DAY}13:00:00", active=f"{DAY}12:00:00"),
            "active",
            at("13:00:00"),
        ),
    ],
)  # fmt: skip
def test_every_status_ends_in_its_state_since_the_latest_fact(
    take_in: Import, line: str, state: str, since: datetime
) -> None:
    take_in([line], [payment_line("o", paid=f"{DAY}10:00:00")])
    order = the("o")
    assert (order.state, order.entered_at) == (state, since)
    assert walked("o")[-1][1:] == (state, since)


def test_a_trip_taken_back_after_completion_is_annulled(take_in: Import) -> None:
    line = COMPLETED.replace("TRIP_COMPLETED", "CANCELLED")
    take_in([line], [payment_line("o-1")])
    assert [verb for verb, _target, _at in walked("o-1")][-2:] == ["complete", "annul"]
    assert remarks("o-1") == {"cancelled_after_dispatch", "cancelled_after_completion"}


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        (order_line("o", "DISPATCHED", paid=f"{DAY}13:00:00", active=f"{DAY}12:00:00"),
         {"dispatched_before_payment_approved"}),
        (order_line("o", "DISPATCHED", active=f"{DAY}12:00:00"),
         {"dispatched_without_payment_approved"}),
        (order_line("o", "DISPATCHED", paid=f"{DAY}09:00:00", active=f"{DAY}09:30:00"),
         {"dispatched_before_created"}),
        (order_line("o", "CANCELLED", paid=f"{DAY}11:00:00", active=f"{DAY}12:00:00"),
         {"cancelled_after_dispatch"}),
        (COMPLETED.replace("o-1", "o").replace("2018-02-01", "2018-01-01"),
         {"completed_after_promise"}),
        (order_line("o", "TRIP_COMPLETED", paid=f"{DAY}11:00:00", active=f"{DAY}14:00:00", completed=f"{DAY}13:00:00"),
         {"completed_before_dispatched"}),
        (order_line("o", "TRIP_COMPLETED", paid=f"{DAY}11:00:00"),
         {"completed_status_without_completion_time", "completed_without_dispatch_time"}),
        (order_line("o", "DISPATCHED", paid=f"{DAY}11:00:00", active=f"{DAY}12:00:00", completed=f"{DAY}13:00:00"),
         {"completion_time_without_completed_status"}),
        (order_line("o", "BOOKING_FAILED", paid=f"{DAY}11:00:00", active=f"{DAY}12:00:00"),
         {"failed_after_dispatch"}),
        (order_line("o", "expired", paid=f"{DAY}11:00:00"), {"expired_after_payment"}),
        (order_line("o", "ORDER_CREATED"), {"payment_recorded_while_created"}),
        (order_line("o", "CANCELLED"), {"payment_recorded_without_approval"}),
    ],
)  # fmt: skip
def test_contradictory_times_are_taken_in_and_flagged(take_in: Import, line: str, kinds: set[str]) -> None:
    summary = take_in([line], [payment_line("o")])
    assert remarks("o") == kinds
    assert summary.anomalies == len(kinds)


def test_money_that_does_not_add_up_is_flagged(take_in: Import) -> None:
    header = "order_id,created_at,status,payment_approved_at,amount"
    take_in(
        ["a,2018-01-01,paid,2018-01-01,100.00", "b,2018-01-01,paid,2018-01-01,5"],
        [payment_line("a", part=2)],
        order_header=header,
    )
    assert remarks("a") == {"paid_total_differs", "payment_part_missing"}
    assert remarks("b") == {"paid_without_payment"}
    assert the("a").amount == 10_000


def test_a_part_of_nothing_is_an_attempt_without_money(take_in: Import) -> None:
    take_in([order_line("o", "CANCELLED")], [payment_line("o", amount="0.0")])
    assert Attempt.objects.get().state == "paid"
    assert not LedgerEntry.objects.exists()
    assert the("o").amount == 0


def test_a_second_run_adds_nothing(take_in: Import) -> None:
    lines = [COMPLETED, order_line("o-2", "CANCELLED", paid=f"{DAY}11:00:00", active=f"{DAY}12:00:00")]
    money = [payment_line("o-1"), payment_line("o-2")]
    take_in(lines, money)
    before = everything()
    summary = take_in(lines, money)
    assert (summary.new, summary.changed, summary.unchanged) == (0, 0, 2)
    assert (summary.new_payments, summary.known_payments, summary.anomalies) == (0, 2, 0)
    assert everything() == before


def test_the_order_of_the_rows_changes_nothing(take_in: Import) -> None:
    lines = [COMPLETED, order_line("o-2", "DISPATCHED", paid=f"{DAY}13:00:00", active=f"{DAY}12:00:00")]
    money = [payment_line("o-1"), payment_line("o-1", part=2), payment_line("o-2")]
    take_in(lines, money)
    summary = take_in(lines[::-1], money[::-1])
    assert (summary.new, summary.changed, summary.unchanged) == (0, 0, 2)


def everything() -> list[Iterable[Any]]:
    models = (Order, Attempt, LedgerEntry, History, Item)
    return [list(model._base_manager.order_by("pk").values()) for model in models]  # type: ignore[attr-defined]


def test_later_facts_move_an_order_on(take_in: Import) -> None:
    take_in([order_line("o-1", "PAYMENT_CAPTURED", paid=f"{DAY}11:00:00")], [payment_line("o-1")])
    summary = take_in([COMPLETED], [payment_line("o-1"), payment_line("o-1", part=2)])
    assert (summary.new, summary.changed, summary.new_payments) == (0, 1, 1)
    assert [verb for verb, _target, _at in walked("o-1")] == [
        *("create", "pay", "book", "confirm", "complete"),
    ]
    assert the("o-1").entered_at == at("13:00:00")
    assert remarks("o-1") == {"paid_total_differs"}


def test_a_contradiction_is_flagged_once_and_overwrites_nothing(take_in: Import) -> None:
    take_in([COMPLETED], [payment_line("o-1")])
    said_otherwise = COMPLETED.replace(f"{DAY}12:00:00", f"{DAY}12:30:00")
    first = take_in([said_otherwise], [payment_line("o-1", amount="99.00")])
    again = take_in([said_otherwise], [payment_line("o-1", amount="99.00")])
    assert (first.anomalies, again.anomalies) == (2, 0)
    fields = History.objects.filter(verb="anomaly").values_list("detail__field", flat=True)
    assert set(fields) == {"active", "payment PAY-o-1-1"}
    assert walked("o-1")[3] == ("confirm", "active", at("12:00:00"))
    assert Attempt.objects.get().amount == 6162


def test_a_status_that_goes_back_is_a_contradiction(take_in: Import) -> None:
    take_in([COMPLETED], [payment_line("o-1")])
    summary = take_in([COMPLETED.replace("TRIP_COMPLETED", "DISPATCHED")], [payment_line("o-1")])
    assert summary.anomalies == 2  # the status itself, and a completion time without its status
    assert the("o-1").state == "completed"


def test_a_declined_part_that_was_paid_later_becomes_money(take_in: Import) -> None:
    header = "payment_id,order_id,amount,status,paid_at"
    unpaid, paid = "p,o,5.00,DECLINED,2018-01-01", "p,o,5.00,SUCCEEDED,2018-01-02"
    line = order_line("o", "ORDER_CREATED")
    take_in([line], [unpaid], payment_header=header)
    assert not LedgerEntry.objects.exists()
    take_in([line], [paid], payment_header=header)
    assert walked("o", "attempt")[-1] == ("pay", "paid", at("00:00:00", day=2))
    assert LedgerEntry.objects.get().amount == 500


def test_what_cannot_be_read_is_reported_and_stops_nothing(take_in: Import) -> None:
    summary = take_in(
        [
            COMPLETED,
            order_line("bad-time", "CANCELLED", created="yesterday"),
            order_line("bad-status", "VANISHED"),
            order_line("", "CANCELLED"),
            "too,short",
            COMPLETED,
            order_line("x" * 65, "CANCELLED"),
            order_line("nul\0", "CANCELLED"),
        ],
        [
            payment_line("o-1"),
            payment_line("o-1"),
            payment_line("nobody"),
            payment_line("o-1", part=2, amount="-1"),
            payment_line("o-1", part=3, amount="1.005"),
            payment_line("o-1", part=4).replace("BRL", "USD"),
        ],
    )
    assert (summary.new, summary.new_payments) == (1, 1)
    assert [(row.file, row.row, row.reason) for row in summary.unread] == [
        ("orders.csv", 3, "“yesterday” is not a time"),
        ("orders.csv", 4, "the mapping has no status “VANISHED”"),
        ("orders.csv", 5, "“order_id” is empty"),
        ("orders.csv", 6, "it has 2 columns, the header has 10"),
        ("orders.csv", 8, "“order_id” is too long or has a NUL"),
        ("orders.csv", 9, "it has a NUL character"),
        ("payments.csv", 5, "the amount -1 is negative"),
        ("payments.csv", 6, "“1.005” is not an amount in BRL"),
        ("orders.csv", 7, "it repeats line 2"),
        ("payments.csv", 3, "it repeats line 2"),
        ("payments.csv", 4, "neither the file nor the database has its order nobody"),
        ("payments.csv", 7, "it is in USD, its order in BRL"),
    ]
    assert summary.unread[3].line == "too,short"


def test_an_order_of_this_platform_is_never_touched(take_in: Import) -> None:
    act_as("channel:app")
    mine = Order.objects.create(public_id="o-1", service="taxi", amount=1, state="created")
    summary = take_in([COMPLETED], [payment_line("o-1")])
    assert summary.unread[0].reason == "an order of this platform has this id"
    mine.refresh_from_db()
    assert (mine.state, mine.origin, summary.new_payments) == ("created", "platform", 0)


def test_payments_may_come_after_their_orders(take_in: Import) -> None:
    take_in([order_line("o", "PAYMENT_CAPTURED", paid=f"{DAY}11:00:00")], [])
    summary = take_in([], [payment_line("o")])
    assert (summary.new, summary.new_payments) == (0, 1)
    assert LedgerEntry.objects.get().order == the("o")


def test_a_mapping_names_foreign_columns_words_and_times(take_in: Import) -> None:
    take_in(
        ["7;SELESAI;01/02/2018 10:00;01/02/2018 11:00;Bandung"],
        ["77;7;KARTU;150.000"],
        order_header="nomor;status;dibuat;selesai;kota",
        payment_header="bayar;nomor;cara;jumlah",
        currency="KWD",
        mapping="""
            [orders.columns]
            nomor = "order_id"
            kota = "city"
            [orders.times]
            dibuat = "created"
            selesai = "completed"
            [orders.statuses]
            SELESAI = "completed"
            [payments.columns]
            bayar = "payment_id"
            nomor = "order_id"
            cara = "method"
            jumlah = "amount"
            [payments.methods]
            KARTU = "card"
            [defaults]
            service = "taxi"
            time_zone = "Asia/Jakarta"
            time_format = "%d/%m/%Y %H:%M"
        """,
    )
    order = the("7")
    assert (order.city, order.service, order.method, order.amount) == ("Bandung", "taxi", "card", 150_000)
    assert order.placed_at == datetime(2018, 2, 1, 3, 0, tzinfo=UTC)
    assert order.entered_at - order.placed_at == timedelta(hours=1)


@pytest.mark.parametrize("wrong", ["order_header", "payment_header"])
def test_a_wrong_header_writes_nothing(take_in: Import, wrong: str) -> None:
    with pytest.raises(SheetRefused, match="has no column"):
        take_in([COMPLETED], [payment_line("o-1")], **{wrong: "a,b,c"})
    assert not Order.objects.exists()
