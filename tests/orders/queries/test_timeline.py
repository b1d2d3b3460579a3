"""The story of an order: what it tells, in what order, and what it leaves out."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone, translation

from opsconsole.sandbox.remote import RemoteSandbox
from orders.models import History, Order
from orders.queries.order_page import Memory, find_order, memory_of, rows_of
from orders.queries.timeline import FOLDED_FROM, Line, timeline
from orders.services import desk, judging, work
from orders.states import InboundState, OrderState
from tests.factories import make_order
from tests.orders.flow import carry_on, deliver, pay, place
from tests.sandbox_fixtures import Receiver, wait_until

pytestmark = pytest.mark.django_db
SARI = "user:sari"


@pytest.fixture(autouse=True)
def _english() -> object:
    with translation.override("en"):
        yield


def _story(order: Order, **view: bool) -> list[Line]:
    return list(timeline(rows_of(order), memory_of(order), **{"newest_first": False, **view}))


def _sentences(order: Order, **view: bool) -> list[str]:
    return [line.sentence for line in _story(order, **view)]


@pytest.mark.usefixtures("neighbours")
def test_a_paid_order_tells_its_way_in_order(control: RemoteSandbox, receiver: Receiver) -> None:
    order = pay(place(), control, receiver)
    told = _sentences(order, only_moves=True)
    wanted = [
        "Order placed: App",
        "Asked Midtrans for a payment link",
        "Midtrans made the payment link",
        "Payment link ready: waiting for the customer",
        "Midtrans says attempt 1 is paid",
        "Order paid",
    ]
    assert [sentence for sentence in told if sentence in wanted] == wanted


@pytest.mark.usefixtures("neighbours")
def test_the_whole_trip_ends_at_head_office(control: RemoteSandbox, receiver: Receiver) -> None:
    order = carry_on(pay(place(), control, receiver), receiver, until=OrderState.COMPLETED)
    wait_until(lambda: work.drain("posting") or order.postings.filter(state="recorded").exists())
    lines = _story(order)
    told = [line.sentence for line in lines]
    assert told.index("Trip completed") < told.index("Head Office recorded the payment")
    assert next(line for line in lines if line.verb == "driver_assigned").vehicle
    recorded = next(line for line in lines if line.sentence == "Head Office recorded the payment")
    assert (recorded.amount, recorded.currency) == (order.amount, "IDR")


@pytest.mark.usefixtures("neighbours")
def test_a_forged_message_is_told_once_with_its_verdict(control: RemoteSandbox, receiver: Receiver) -> None:
    order = place("qris")
    control.forge(order.attempts.get().reference)
    wait_until(lambda: receiver.got)
    deliver(receiver)
    work.drain("inbound")
    messages = [line for line in _story(order) if line.machine == "inbound"]
    assert [(line.verdict, line.is_move) for line in messages] == [(InboundState.ILLEGAL, False)]
    assert messages[0].sentence.endswith("refused, it is not so")
    assert "Midtrans itself says Waiting for customer" in messages[0].why.text
    assert messages[0].why.is_known
    assert messages[0] not in _story(order, only_moves=True)


@pytest.mark.usefixtures("neighbours")
def test_a_message_judged_again_keeps_its_earlier_verdict_on_the_story(
    control: RemoteSandbox, receiver: Receiver
) -> None:
    order = pay(place(), control, receiver)
    judging.replay(order.inbound.get(), actor=SARI, reason="INC-7")
    work.drain("inbound")
    lines = [line for line in _story(order) if line.machine == "inbound"]
    assert [line.verb for line in lines if line.message] == ["repeat"]
    assert {line.verb for line in lines if not line.message} == {"apply", "replay"}
    assert next(line.quote for line in lines if line.verb == "replay") == "INC-7"


def test_newest_first_is_the_same_story_backwards() -> None:
    order = make_order()
    desk.note(order, "first", actor=SARI)
    desk.note(order, "second", actor=SARI)
    assert _sentences(order)[::-1] == _sentences(order, newest_first=True)
    assert _story(order, newest_first=True)[0].quote == "second"


def test_what_people_say_is_quoted_and_what_they_did_is_named(django_user_model: type) -> None:
    django_user_model.objects.create_user("sari", first_name="Sari", last_name="Wulandari")
    order = make_order()
    desk.hold(order, until=timezone.now() + timedelta(hours=1), actor=SARI, reason="waits for the bank")
    desk.reveal(order, "phone", actor=SARI)
    held, looked = _story(order)[-2:]
    assert (held.sentence, held.quote, held.by) == ("Put on hold by Sari Wulandari", "waits for the bank", "")
    assert looked.sentence == "Sari Wulandari looked at the customer's phone number"
    assert held.is_operator
    assert not held.is_move


def test_an_imported_order_tells_in_the_order_in_which_it_happened() -> None:
    order = make_order()
    desk.note(order, "told later", actor="import:a.csv")
    row = History.objects.filter(order_id=order.pk).last()
    assert row is not None
    row.occurred_at = timezone.now() - timedelta(days=400)
    memory = Memory([*memory_of(order).history[:-1], row], [])
    assert timeline(rows_of(order), memory, newest_first=False)[-1].verb == "note"
    order.origin = Order.Origin.IMPORT
    assert timeline(rows_of(order), memory, newest_first=False)[0].verb == "note"


def _rows_of_a_posting(order: Order, cycles: int) -> list[History]:
    """What Head Office's silence leaves behind, without waiting for it."""
    verbs = ("send", "lose", "retry") * cycles
    at = timezone.now()
    return [
        History(
            pk=seq,
            order_id=order.pk,
            seq=seq,
            machine="posting",
            subject_id=1,
            verb=verb,
            source="a",
            target="due",
            actor="worker",
            reason="ReadTimeout: timed out" if verb == "lose" else "",
            occurred_at=at + timedelta(minutes=seq),
            recorded_at=at + timedelta(minutes=seq),
        )
        for seq, verb in enumerate(verbs, start=1)
    ]


def test_the_same_again_and_again_becomes_one_line_with_the_times() -> None:
    order = make_order()
    few = timeline(rows_of(order), Memory(_rows_of_a_posting(order, FOLDED_FROM - 1), []))
    assert len(few) == 3 * (FOLDED_FROM - 1)
    many = timeline(rows_of(order), Memory(_rows_of_a_posting(order, 40), []))
    assert [(line.verb, len(line.earlier)) for line in many] == [("retry", 39), ("lose", 39), ("send", 39)]


def test_a_late_message_says_by_how_much() -> None:
    order = make_order()
    desk.note(order, "x", actor=SARI)
    row = History.objects.filter(order_id=order.pk).last()
    assert row is not None
    row.occurred_at = row.recorded_at - timedelta(minutes=40)
    line = timeline(rows_of(order), Memory([row], []))[0]
    assert line.late_by == timedelta(minutes=40)


def test_a_verb_nobody_has_words_for_is_shown_as_it_is() -> None:
    order = make_order()
    row = History(order_id=order.pk, seq=9, machine="order", subject_id=order.pk, verb="100%", actor="sql:root")
    row.occurred_at = row.recorded_at = timezone.now()
    line = timeline(rows_of(order), Memory([row], []))[0]
    assert line.sentence == "order 100%"
    assert line.by == "straight in the database (root)"


def test_an_order_is_found_by_what_people_see() -> None:
    order = make_order()
    assert find_order(order.public_id) == order
    assert find_order("MRG-0") is None


def test_the_page_reads_a_fixed_number_of_rows_statements(django_assert_num_queries: object) -> None:
    order = make_order(items=("taxi", "rent", "delivery"))
    with django_assert_num_queries(10):  # type: ignore[operator]
        rows_of(order)
    with django_assert_num_queries(2):  # type: ignore[operator]
        memory_of(order)


def test_what_an_import_only_walked_through_is_not_told_and_an_oddity_says_when() -> None:
    order = make_order(origin=Order.Origin.IMPORT)
    at = timezone.now()
    rows = [
        History(order_id=order.pk, seq=1, machine="attempt", subject_id=1, verb="send", actor="import:a.csv"),
        History(
            order_id=order.pk,
            seq=2,
            machine="order",
            subject_id=order.pk,
            verb="anomaly",
            actor="import:a.csv",
            detail={
                "kind": "completed_after_promise",
                "promised_by": "2018-03-09T00:00:00Z",
                "had": {"status": "paid"},
            },
        ),
    ]
    for row in rows:
        row.occurred_at = row.recorded_at = at
    told = timeline(rows_of(order), Memory(rows, []))
    assert [line.sentence for line in told] == ["Odd: completed later than promised"]
    assert told[0].facts == (("promised by", datetime(2018, 3, 9, tzinfo=UTC)), ("was", '{"status": "paid"}'))
