"""12 January, once: what hangs is found by its causes, what Head Office lacks is repaired by plans, the day closes."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from opsconsole.sandbox.remote import RemoteSandbox
from opsconsole.scenarios.comparing import compare
from opsconsole.scenarios.truth import Truth
from opsconsole.traffic.catalogue import HANGING
from reconciliation import business_day
from reconciliation.models import Break, Case
from tests.opsconsole.scenarios.books import ask_again, at_ho, carry_out, ends_well, keys, load_all, open_breaks
from tests.opsconsole.scenarios.night import night

ORDERS = 70
TOLD = ("ho_rejected", "ho_never_posted")  # finished orders that Head Office did not book


@pytest.mark.timeout(300)
@pytest.mark.django_db(transaction=True)
def test_the_night_is_found_by_its_causes_repaired_by_plans_and_closed(settings: Any, tmp_path: Path) -> None:
    with night(settings, tmp_path, orders=ORDERS, seed=7, mix="mixed") as tonight:
        every_hanging_order_is_found_with_its_cause(tonight.truths)
        day = business_day.of(timezone.now())
        load_all(tonight.control, day)
        everything_missing_is_found(tonight.control, tonight.truths)
        tonight.control.no_faults()
        tonight.control.no_plans()
        repair(tonight.control, day)
        ends_well(tonight.control, day)


def every_hanging_order_is_found_with_its_cause(truths: Sequence[Truth]) -> None:
    found = compare(truths, as_of=timezone.now() + timedelta(days=30))
    assert found.orders == ORDERS
    assert (found.missed, found.wrong) == ([], [])
    assert found.cause_accuracy >= 0.95, found.confusion
    assert set(found.confusion) == {fate.cause for fate in HANGING}


def everything_missing_is_found(control: RemoteSandbox, truths: Sequence[Truth]) -> None:
    causes = {each.order_id: each.cause for each in truths}
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
    said = list(posted.rows.exclude(place=None).values_list("state", "public_id", "why", "said"))
    assert {state for state, *_more in said} == {"accepted"}, said
    assert open_breaks("missing_in_ho").filter(pk__in=keys(posted)).count() == posted.eligible
    load_all(control, day)
    assert not Break.objects.filter(state="open", pk__in=keys(posted)).exists()
    ask_again(control)
    load_all(control, day)
    by_hand = Break.objects.filter(state="open", type__in=("missing_in_ho", "gateway_without_payment"))
    decided = carry_out(by_hand, "accept_timing@1")
    assert not Break.objects.filter(state="open", pk__in=keys(decided)).exists()
