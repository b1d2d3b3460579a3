"""Repairs of breaks by plans: what may be done to which, what is asked of people, and what closes a break."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from opsconsole.sandbox.remote import RemoteSandbox
from orders.clients import ho as head_office
from orders.errors import NotAllowed
from orders.models import Order, Posting
from orders.resilience import Answered
from orders.services import work
from orders.services.truths import ask_everybody
from reconciliation.models import Break, BreakEvent, Case, Entry
from reconciliation.services import ho_feed
from reconciliation.services.feeds import feed_of
from reconciliation.services.runs import reconcile
from runbooks.models import Deed, Plan, PlanRow, Run
from runbooks.services import approving, operating, planning
from tests.orders.making import make_attempt, make_order, make_posting
from tests.reconciliation.books import AT, feed, line, load_into
from tests.runbooks.planning import BUDI, RATNA, go, turn

pytestmark = pytest.mark.django_db


def broken(**fields: Any) -> Break:
    """A break as a run would have left it."""
    run = reconcile()
    given = {
        "pairing": "ho",
        "identity": f"X-{Break.objects.count()}|IDR",
        "key": "X",
        "type": "missing_in_ho",
        "currency": "IDR",
        "difference": -500,
        "exposure": 500,
        "occurred_at": AT,
        "business_date": AT.date(),
        "found_by": run,
        "seen_by": run,
    }
    return Break.objects.create(**given | fields)


def plan_for(found: list[Break], action: str, *, proposer: str = BUDI, **more: Any) -> Plan:
    ask = planning.Ask(action=action, proposer=proposer, kind=Plan.Kind.SELECTION, **more)
    return planning.make_plan([each.pk for each in found], ask)


def carried_out(plan: Plan) -> list[str]:
    if plan.risk == "second_person":
        approving.propose(plan, go(plan, actor=BUDI))
        run = approving.approve(plan, go(plan, actor=RATNA))
    else:
        run = approving.start(plan, go(plan, actor=BUDI))
    for _turn in range(40):
        run = turn(run)
        if run.state != "running":
            break
        work.drain("deed")
    assert run.state == "finished", run.paused_for
    return list(plan.rows.order_by("id").values_list("state", flat=True))


def why(plan: Plan) -> list[str]:
    return list(plan.rows.order_by("id").values_list("why", flat=True))


def test_a_difference_is_written_off_under_a_code_and_within_a_limit() -> None:
    small, large, closed = broken(), broken(difference=-1_000_001), broken(state="healed")
    plan = plan_for([small, large, closed], "write_off@1", params={"code": "rounding"})
    assert (plan.eligible, plan.money, plan.risk) == (1, {"IDR": 500}, "typed")
    assert why(plan) == ["", "over_write_off", "break_closed"]
    assert carried_out(plan) == ["fixed", "ineligible", "ineligible"]
    small.refresh_from_db()
    assert (small.state, small.resolution) == ("resolved", "written_off")
    event = BreakEvent.objects.get(of=small)
    assert (event.verb, event.actor, event.reason, event.detail["code"]) == ("resolve", BUDI, "they hang", "rounding")


def test_what_is_decided_leaves_its_case_at_once_and_comes_back_into_it() -> None:
    given = {"pairing": "ho", "type": "missing_in_ho", "currency": "IDR", "is_open": True}
    case = Case.objects.create(signature="ho|missing_in_ho|x", count=2, money=1_200, **given)
    first, second = broken(case=case), broken(case=case, exposure=700, difference=-700)

    def shown() -> tuple[int, int, bool]:
        case.refresh_from_db()
        return case.count, int(case.money), case.is_open

    assert carried_out(plan_for([first], "accept_timing@1")) == ["fixed"]
    assert shown() == (1, 700, True)
    assert carried_out(plan_for([second], "accept_timing@1")) == ["fixed"]
    assert shown() == (0, 0, False)
    assert carried_out(plan_for([second], "reopen_break@1")) == ["fixed"]
    assert shown() == (1, 700, True)


def test_a_write_off_without_a_code_is_no_plan() -> None:
    with pytest.raises(NotAllowed, match="code"):
        plan_for([broken()], "write_off@1")


def test_much_money_needs_a_second_person_who_is_not_the_first() -> None:
    plan = plan_for([broken(exposure=6_000_000, difference=-6_000_000)], "accept_timing@1")
    assert plan.risk == "second_person"
    with pytest.raises(NotAllowed):
        approving.start(plan, go(plan, actor=BUDI))
    approving.propose(plan, go(plan, actor=BUDI))
    with pytest.raises(NotAllowed):
        approving.approve(plan, go(plan, actor=BUDI))
    assert carried_again(plan) == ["fixed"]
    assert BreakEvent.objects.get().detail["approver"] == RATNA


def carried_again(plan: Plan) -> list[str]:
    run = approving.approve(plan, go(plan, actor=RATNA))
    while (run := turn(run)).state == "running":
        work.drain("deed")
    return list(plan.rows.values_list("state", flat=True))


def test_a_decision_is_taken_back_by_a_plan_of_its_own() -> None:
    found = broken()
    plan = plan_for([found], "accept_timing@1")
    carried_out(plan)
    back = planning.reverse(plan, proposer=BUDI)
    assert carried_out(back) == ["fixed"]
    found.refresh_from_db()
    assert (found.state, found.resolution, found.closed_at) == ("open", "", None)
    assert list(BreakEvent.objects.order_by("pk").values_list("verb", flat=True)) == ["resolve", "reopen"]


def test_a_row_that_healed_meanwhile_is_skipped() -> None:
    found = broken()
    plan = plan_for([found], "accept_timing@1")
    run = approving.start(plan, go(plan, actor=BUDI))
    Break.objects.update(state="healed")
    while (run := turn(run)).state == "running":
        work.drain("deed")
    assert PlanRow.objects.get().state == "skipped"
    assert not Deed.objects.exists()


def test_only_the_repair_of_its_type_is_offered_for_a_break() -> None:
    kinds = {"missing_in_ho", "duplicate_charge", "duplicate_in_ho", "amount_differs"}
    found = [broken(type=kind) for kind in sorted(kinds)]
    expected = {
        "repost_break@1": ["break_of_other_type"] * 3 + ["break_of_no_order"],
        "refund_break@1": ["break_of_other_type", "break_of_no_order", "break_of_other_type", "break_of_other_type"],
        "reverse_break@1": [*["break_of_other_type"] * 2, "break_without_entry", "break_of_other_type"],
    }
    assert {action: why(plan_for(found, action)) for action in expected} == expected


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("neighbours")
def test_what_head_office_booked_twice_is_reversed_once_and_heals_when_it_is_read() -> None:
    order = make_order("completed", amount=150_000)
    load_into(feed("ours", "ledger"), [line(150_000, order=order.public_id, reference="A-1", source="midtrans")])
    for number in (1, 2):
        head_office.post_entry(
            f"E-{number}",
            order_ref=order.public_id,
            amount=150_000,
            currency="IDR",
            kind="payment",
            occurred_at=timezone.now() - timedelta(days=1),
        )
    read_ho()
    found = Break.objects.get()
    assert (found.type, found.state) == ("duplicate_in_ho", "open")
    plan = plan_for([found], "reverse_break@1")
    entry = Entry.objects.get(pk=found.theirs[0])
    assert plan.rows.get().params == {"entries": [entry.external_reference]}
    assert carried_out(plan) == ["accepted"]
    found.refresh_from_db()
    assert found.state == "open"
    Deed.objects.update(status="queued", due_at=timezone.now(), acted_at=None)
    work.drain("deed")
    read_ho()
    found.refresh_from_db()
    assert found.state == "healed"
    booked = head_office.list_entries().data.entries
    assert sorted(each.kind for each in booked) == ["payment", "payment", "reversal"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("neighbours")
def test_what_head_office_lacks_is_posted_again_and_heals_when_it_is_read() -> None:
    order = make_order("completed", amount=150_000, city="JKT")
    make_attempt(order, "paid")
    Posting.objects.create(
        order=order,
        kind="payment",
        reference=order.public_id,
        amount=150_000,
        currency="IDR",
        occurred_at=AT,
        state="due",
    )
    load_into(feed("ours", "ledger"), [line(150_000, order=order.public_id, reference="A-1", source="midtrans")])
    read_ho()
    found = Break.objects.get()
    plan = plan_for([found], "repost_break@1")
    assert (plan.eligible, plan.money) == (1, {"IDR": 150_000})
    assert carried_out(plan) == ["accepted"]
    assert Break.objects.get().state == "open"
    assert looked_at(plan) == "accepted"
    read_ho()
    assert Break.objects.get().state == "healed"
    assert looked_at(plan) == "fixed"


def looked_at(plan: Plan) -> str:
    """The state of its row after a later look."""
    PlanRow.objects.filter(plan=plan, looked_at__isnull=False).update(looked_at=timezone.now() - timedelta(minutes=1))
    turn(Run.objects.get(plan=plan))
    return plan.rows.get().state


def read_ho() -> None:
    while ho_feed.pull(feed_of("ho", "ho").pk):
        pass
    feed("ho", complete_up_to=timezone.now() + timedelta(days=2))
    assert reconcile().state == "done"


def booked_wrongly(control: RemoteSandbox, *, price: int, wrong: int, at: datetime = AT) -> Order:
    """A completed order of whose payment Head Office has booked another amount."""
    order = make_order("completed", amount=price, city="JKT")
    load_into(
        feed("ours", "ledger"), [line(price, order=order.public_id, reference=f"A-{order.pk}", source="midtrans")]
    )
    control.plan(order.public_id, {"on": "post", "do": "amount", "amount": wrong, "neighbour": "ho"})
    booked = head_office.post_entry(
        order.public_id, order_ref=order.public_id, amount=price, currency="IDR", kind="payment", occurred_at=at
    )
    assert isinstance(booked, Answered)
    make_posting(order, "recorded", reference=order.public_id, amount=price, ho_reference=booked.data.entry_id)
    control.no_plans()
    return order


def at_ho(order: Order) -> list[tuple[str, int]]:
    entries = head_office.list_entries().data.entries
    return [(each.kind, each.amount) for each in entries if each.order_ref == order.public_id]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("neighbours")
def test_a_wrong_amount_is_reversed_and_posted_anew_in_one_row_and_heals_when_the_book_is_read(
    control: RemoteSandbox,
) -> None:
    order = booked_wrongly(control, price=150_000, wrong=100_000)
    read_ho()
    found = Break.objects.get()
    assert (found.type, found.difference) == ("amount_differs", -50_000)
    plan = plan_for([found], "correct_break@1")
    row = plan.rows.get()
    assert [each["amount"] for each in row.params["takes_back"]] == [100_000]
    assert [each["amount"] for each in row.params["posts"]] == [150_000]
    assert plan.money == {"IDR": 250_000}
    wrong = order.postings.get().ho_reference
    assert [each.differs for each in ask_everybody(order)] == [True]
    assert carried_out(plan) == ["accepted"]
    found.refresh_from_db()
    assert found.state == "open"
    (now,) = ask_everybody(order)
    assert (now.amount, now.differs, now.said) == (150_000, False, order.postings.get().ho_reference)
    assert now.said != wrong
    assert at_ho(order) == [("payment", 100_000), ("reversal", 100_000), ("payment", 150_000)]
    read_ho()
    found.refresh_from_db()
    assert found.state == "healed"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("neighbours")
def test_a_second_correction_before_the_book_was_read_books_nothing_more(control: RemoteSandbox) -> None:
    order = booked_wrongly(control, price=150_000, wrong=100_000)
    read_ho()
    carried_out(plan_for([Break.objects.get()], "correct_break@1"))
    before = at_ho(order)
    Deed.objects.update(finished_at=timezone.now() - timedelta(hours=1))
    again = plan_for([Break.objects.get()], "correct_break@1")
    assert carried_out(again) == ["accepted"]
    assert at_ho(order) == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("neighbours")
def test_a_correction_that_head_office_books_wrongly_again_is_not_fixed_and_can_be_corrected(
    control: RemoteSandbox,
) -> None:
    order = booked_wrongly(control, price=150_000, wrong=100_000)
    read_ho()
    plan = plan_for([Break.objects.get()], "correct_break@1")
    anew = plan.rows.get().params["posts"][0]["entry_ref"]
    control.plan(anew, {"on": "post", "do": "amount", "amount": 90_000, "neighbour": "ho"})
    run = approving.start(plan, go(plan, actor=BUDI))
    while (run := turn(run)).state == "running":
        work.drain("deed")
    row = plan.rows.get()
    assert (row.state, "another amount" in row.said) == ("not_fixed", True)
    operating.resume(run, actor=BUDI, reason="looked at it")
    assert turn(run).state == "finished"
    read_ho()
    Deed.objects.update(finished_at=timezone.now() - timedelta(hours=1))
    again = plan_for([Break.objects.get()], "correct_break@1")
    assert why(again) == [""]
    assert carried_out(again) == ["accepted"]
    read_ho()
    assert Break.objects.get().state == "healed"
    assert sum(amount if kind == "payment" else -amount for kind, amount in at_ho(order)) == 150_000


def test_no_correction_without_head_offices_entry_or_between_ledger_and_gateway() -> None:
    order = make_order("completed", amount=150_000)
    entryless = broken(type="amount_differs", order_reference=order.public_id)
    elsewhere = broken(type="amount_differs", order_reference=order.public_id, pairing="gateway")
    assert why(plan_for([entryless, elsewhere], "correct_break@1")) == ["break_without_entry", "break_of_other_type"]
