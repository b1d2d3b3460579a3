"""12 January against the books: what Head Office lacks is found, repaired by plans, and the day closes."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from opsconsole import upstreams
from opsconsole.sandbox.remote import RemoteSandbox
from opsconsole.scenarios.local import local_platform
from opsconsole.scenarios.run import Request, Run
from opsconsole.scenarios.truth import read
from opsconsole.traffic.shops import DirectShop
from orders.resilience import connections
from reconciliation import business_day
from reconciliation.models import Break, Case
from tests.opsconsole.scenarios.books import ask_again, at_ho, carry_out, ends_well, keys, load_all, open_breaks
from tests.opsconsole.scenarios.rows import free_row

ORDERS = 90
TOLD = ("ho_rejected", "ho_never_posted")  # finished orders that Head Office did not book


@pytest.fixture
def quick(settings: Any, tmp_path: Path) -> Iterable[None]:
    settings.WORK_THREADS = 1
    settings.LOADS_DIR = str(tmp_path / "loads")
    yield
    connections.close_all()


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
