"""Finance in tests of a night: its books loaded, its differences repaired by plans, its day closed.

What is right is asked of the sandbox's own books, outside our tables.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone

from opsconsole.sandbox.remote import RemoteSandbox
from opsconsole.scenarios.settling import Settling
from orders.clients.codes import REFUNDABLE
from orders.models import History, Order, Refund
from orders.services import refunds
from reconciliation import business_day
from reconciliation.models import Break, Day, DayFigure, Entry
from reconciliation.services import bridges, closing, ho_feed, loading
from reconciliation.services.feeds import feed_of, make_defaults
from reconciliation.services.runs import reconcile
from runbooks.models import Plan, Run
from runbooks.services import approving, operating
from runbooks.services.planning import Ask, make_plan
from tests.runbooks.planning import go
from tests.sandbox_fixtures import wait_until

BUDI, RATNA = "user:budi", "user:ratna"


def load_all(control: RemoteSandbox, day: date) -> None:
    """What came of the day until now: three reports, and Head Office's book by its API."""
    make_defaults()
    through = business_day.begins(day + timedelta(days=1))
    for gateway in ("midtrans", "xendit", "nicepay"):
        text = control.report(gateway, day)
        load = loading.receive(
            [text],
            feed=feed_of("gateway", gateway),
            name=f"{gateway}.csv",
            layout=gateway,
            actor=BUDI,
            stated={"complete_up_to": through.isoformat()},
        )
        loaded = loading.work(load.pk)
        assert loaded is not None
        assert loaded.state == "loaded", loaded.reason
    while ho_feed.pull(feed_of("ho", "ho").pk):
        pass
    feed_of("ho", "ho").__class__.objects.filter(side="ho").update(complete_up_to=through)
    run = reconcile()
    assert run.state == "done", run.said


def at_ho(control: RemoteSandbox) -> dict[str, int]:
    """What Head Office's own book says of each order."""
    net: dict[str, int] = defaultdict(int)
    for row in control.books("ho")["entries"]:
        net[row["order_ref"]] += row["amount"] if row["kind"] == "payment" else -row["amount"]
    return net


def carry_out(found: Iterable[Any], action: str) -> Plan:
    """As finance does: one proposes, another approves what he reads, and the run goes by itself."""
    plan = make_plan([each.pk for each in found], Ask(action=action, proposer=BUDI, kind=Plan.Kind.CASE))
    return run_by_two(plan, BUDI, RATNA) if plan.eligible else plan


def run_by_two(plan: Plan, proposer: str, second: str) -> Plan:
    """Started where one person may, else approved by the second; then to its end."""
    if plan.risk == "second_person":
        approving.propose(plan, go(plan, actor=proposer))
        approving.approve(plan, go(plan, actor=second))
    else:
        approving.start(plan, go(plan, actor=proposer))
    return to_its_end(plan)


def to_its_end(plan: Plan) -> Plan:
    """Wait until its run has finished. One that pauses after a bad wave is looked at by a person, who goes on."""
    ended = wait_until(lambda: _rests(plan), seconds=100, every=0.2)
    while ended.state == "paused":
        assert ended.paused_for == "wave_failed", (ended, ended.paused_for, ended.waits_for)
        operating.resume(ended, actor=plan.proposer, reason="looked at what was not fixed")
        ended = wait_until(lambda: _rests(plan), seconds=100, every=0.2)
    return plan


def _rests(plan: Plan) -> Run | None:
    """Its run, once it has finished or waits for a person."""
    return Run.objects.filter(plan=plan, state__in=("finished", "paused")).first()


def ask_again(control: RemoteSandbox) -> None:
    """Gateways about payments that nobody heard of; then every refund that waits or failed goes again. What comes of
    it takes its time: money is booked, trips are driven, and only then Head Office is told.
    """
    began = timezone.now()
    unheard = open_breaks("gateway_without_payment").values("reference")
    orders = Order.objects.filter(attempts__reference__in=unheard).distinct()
    if orders:
        carry_out(orders, "recheck_payment@1")
    for waiting in Refund.objects.filter(state="requested"):
        with transaction.atomic():
            refunds.approve(waiting, actor=RATNA)
    failed = Refund.objects.filter(state="failed").select_related("attempt")
    again = {each.order_id for each in failed if each.attempt.method in REFUNDABLE[each.attempt.gateway]}
    if again:
        carry_out(Order.objects.filter(pk__in=again), "refund@1")
    if History.objects.filter(recorded_at__gte=began).exists():
        settle(control)


def settle(control: RemoteSandbox) -> None:
    """Everything that was started comes to its end, and nothing is on its way to anybody's book any more."""
    assert Settling(list(Order.objects.values_list("pk", flat=True)), control, 120).run()


def open_breaks(type_: str) -> QuerySet[Break]:
    return Break.objects.filter(state="open", type=type_).order_by("pk")


def keys(plan: Plan) -> list[int]:
    return [int(row.key) for row in plan.rows.exclude(place=None)]


def ends_well(control: RemoteSandbox, day: date) -> None:
    """Nothing is unexplained, no break is open, the day closes, and the neighbours' own books say the same."""
    bridge = bridges.refresh(day)
    nothing_is_left(bridge)
    signed = closing.sign(day, digest=bridge.digest, actor=BUDI, now=business_day.begins(day + timedelta(days=2)))
    assert closing.lock(day, actor=BUDI).state == "locked"
    assert closing.is_unchanged(signed)
    everybody_agrees(control, bridge)


def nothing_is_left(bridge: Day) -> None:
    left = list(Break.objects.filter(state="open").values_list("type", "cause", "order_reference", "reference"))
    assert left == []
    assert bridges.unnamed(DayFigure.objects.filter(day=bridge)) == {}


def everybody_agrees(control: RemoteSandbox, bridge: Day) -> None:
    """Head Office's own book and the gateways' own, each as loaded and as computed for the day."""
    figures = list(DayFigure.objects.filter(day=bridge))
    loaded = Entry.objects.filter(side="ho").values_list("order_reference").annotate(Sum("amount"))
    there = at_ho(control)
    assert dict(loaded) == there, {order: net for order, net in there.items() if dict(loaded).get(order) != net}
    assert total(figures, "ho", "total") == sum(there.values())
    gateways = [control.books(each)["payments"] for each in ("midtrans", "xendit", "nicepay")]
    charged = sum(row["paid_amount"] or row["amount"] for rows in gateways for row in rows if row["paid_at"])
    assert total(figures, "gateway", "gross") == charged


def total(figures: Iterable[DayFigure], book: str, step: str) -> int:
    return sum(figure.amount for figure in figures if (figure.book, figure.step) == (book, step))
