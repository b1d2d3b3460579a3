"""12 January against the books: every payment that Head Office lacks is found, repaired by plans, and the day closes.

What is right is asked of the sandbox's own books, outside our tables.
"""

import contextlib
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from opsconsole import upstreams
from opsconsole.sandbox.remote import RemoteSandbox
from opsconsole.scenarios.local import local_platform
from opsconsole.scenarios.run import Request, Run
from opsconsole.scenarios.truth import read
from opsconsole.traffic.shops import DirectShop
from orders.clients.codes import REFUNDABLE
from orders.models import Order, Refund
from orders.resilience import connections
from orders.services import refunds
from reconciliation import business_day
from reconciliation.models import Break, Case, DayFigure
from reconciliation.services import bridges, closing, ho_feed, loading
from reconciliation.services.feeds import feed_of, make_defaults
from reconciliation.services.runs import reconcile
from runbooks.models import Plan
from runbooks.services import approving
from runbooks.services.planning import Ask, make_plan
from tests.opsconsole.scenarios.rows import free_row
from tests.runbooks.planning import go
from tests.sandbox_fixtures import wait_until

ORDERS = 90
BUDI, RATNA = "user:budi", "user:ratna"
TOLD = ("ho_rejected", "ho_never_posted")  # finished orders that Head Office did not book


@pytest.fixture
def quick(settings: Any, tmp_path: Path) -> Iterable[None]:
    settings.WORK_THREADS = 1
    settings.LOADS_DIR = str(tmp_path / "loads")
    yield
    connections.close_all()


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
    if plan.risk == "second_person":
        approving.propose(plan, go(plan, actor=BUDI))
        approving.approve(plan, go(plan, actor=RATNA))
    else:
        approving.start(plan, go(plan, actor=BUDI))
    wait_until(lambda: Plan.objects.get(pk=plan.pk).run.state == "finished", seconds=60)
    return plan


@pytest.mark.timeout(300)
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("quick")
def test_the_night_is_found_by_its_causes_repaired_by_plans_and_closed(settings: Any, tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    request = Request(orders=ORDERS, seed=7, per_minute=1_200, truth=truth)
    platform = local_platform(port_base=free_row(), store=None, speed=600.0)
    with platform as sandbox, RemoteSandbox(sandbox.control_url) as control:
        settings.UPSTREAMS = {
            name: {"url": sandbox.urls[name], "timeout": 1.5, "tries": 3} for name in upstreams.LIMITS
        }
        shop = DirectShop(since=timezone.now())
        Run(request, shop, control, progress=lambda *_: None, say=lambda text: None).go()
        day = business_day.of(timezone.now())
        load_all(control, day)
        causes = {each.order_id: each.cause for each in read(truth)}
        everything_missing_is_found(control, causes)
        control.no_faults()
        control.no_plans()
        repair(control, day)
        ends_well(control, day)


def everything_missing_is_found(control: RemoteSandbox, causes: dict[str, str | None]) -> None:
    missing = Break.objects.filter(state="open", type="missing_in_ho", pairing="ho")
    found = {each.order_reference: each for each in missing.select_related("case")}
    booked = at_ho(control)
    lacking = {order for order, cause in causes.items() if cause in TOLD and not booked.get(order)}
    assert lacking
    assert lacking <= set(found)
    assert not {order for order in found if booked.get(order)}
    cases = defaultdict(set)
    for order in lacking:
        cases[found[order].case_id].add(causes[order])
    assert sorted(map(sorted, cases.values())) == sorted([cause] for cause in {causes[order] for order in lacking})
    assert Case.objects.filter(pk__in=cases).count() == len(cases)


def repair(control: RemoteSandbox, day: date) -> None:
    """Head Office is told, gateways are asked again, refunds that failed go again; what only a transfer by hand can
    settle is decided by two people.
    """
    posted = carry_out(open_breaks("missing_in_ho"), "repost_break@1")
    assert set(posted.rows.exclude(place=None).values_list("state", flat=True)) == {"fixed"}
    assert open_breaks("missing_in_ho").filter(pk__in=keys(posted)).count() == posted.eligible
    load_all(control, day)
    assert not Break.objects.filter(state="open", pk__in=keys(posted)).exists()
    ask_again()
    load_all(control, day)
    by_hand = Break.objects.filter(state="open", type__in=("missing_in_ho", "gateway_without_payment"))
    decided = carry_out(by_hand, "accept_timing@1")
    assert not Break.objects.filter(state="open", pk__in=keys(decided)).exists()


def ask_again() -> None:
    unheard = open_breaks("gateway_without_payment").values("reference")
    orders = Order.objects.filter(attempts__reference__in=unheard).distinct()
    carry_out(orders, "recheck_payment@1")
    for waiting in Refund.objects.filter(state="requested"):
        with transaction.atomic():
            refunds.approve(waiting, actor=RATNA)
    failed = Refund.objects.filter(state="failed").select_related("attempt")
    again = {each.order_id for each in failed if each.attempt.method in REFUNDABLE[each.attempt.gateway]}
    carry_out(Order.objects.filter(pk__in=again), "refund@1")
    settle_refunds()


def settle_refunds() -> None:
    """Refunds are asked about at once, not when their ladder says so."""
    under_way = Refund.objects.filter(state__in=("sent", "unknown", "approved"))
    for _round in range(20):
        under_way.update(due_at=timezone.now())
        with contextlib.suppress(AssertionError):
            wait_until(lambda: not under_way.exists(), seconds=2)
            return
    raise AssertionError(list(under_way.values("key", "state", "last_error")))


def open_breaks(type_: str) -> QuerySet[Break]:
    return Break.objects.filter(state="open", type=type_).order_by("pk")


def keys(plan: Plan) -> list[int]:
    return [int(row.key) for row in plan.rows.exclude(place=None)]


def ends_well(control: RemoteSandbox, day: date) -> None:
    """Nothing is unexplained, no break is open, the day closes, and the neighbours' own books say the same."""
    bridge = bridges.refresh(day)
    figures = list(DayFigure.objects.filter(day=bridge))
    left = list(Break.objects.filter(state="open").values_list("type", "cause", "order_reference", "reference"))
    assert left == []
    assert bridges.unnamed(figures) == {}
    signed = closing.sign(day, digest=bridge.digest, actor=BUDI, now=business_day.begins(day + timedelta(days=2)))
    assert closing.lock(day, actor=BUDI).state == "locked"
    assert closing.is_unchanged(signed)
    assert total(figures, "ho", "total") == sum(at_ho(control).values())
    gateways = [control.books(each)["payments"] for each in ("midtrans", "xendit", "nicepay")]
    charged = sum(row["paid_amount"] or row["amount"] for rows in gateways for row in rows if row["paid_at"])
    assert total(figures, "gateway", "gross") == charged


def total(figures: Iterable[DayFigure], book: str, step: str) -> int:
    return sum(figure.amount for figure in figures if (figure.book, figure.step) == (book, step))
