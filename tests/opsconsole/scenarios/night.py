"""One night of 12 January in this process: customers, neighbours and accidents are the scenario's, what answers is us.

Nothing is told to the side that answers. What really happened is in `Night.causes` and in the sandbox's books.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from opsconsole import upstreams
from opsconsole.chaos import operators
from opsconsole.sandbox.remote import RemoteSandbox
from opsconsole.scenarios import limits
from opsconsole.scenarios.local import local_platform
from opsconsole.scenarios.run import Request, Run
from opsconsole.scenarios.settling import Settling
from opsconsole.scenarios.truth import read
from opsconsole.traffic.shops import DirectShop
from orders.diagnosis.service import refresh_diagnoses
from orders.models import Order, Refund
from orders.queries.stuck import stuck_totals
from orders.services import refunds, sampling
from reconciliation import business_day
from reconciliation.models import Break
from runbooks.files import load
from runbooks.models import Episode, Guide, Incident, Plan
from runbooks.queries.incidents import hanging_of
from runbooks.registry import find
from runbooks.services import guiding
from runbooks.services.guiding import Said
from runbooks.services.incidents import leading
from runbooks.services.incidents.leading import By
from runbooks.services.manifest import keys_of
from runbooks.services.planning import Ask, make_plan
from tests.opsconsole.scenarios import books
from tests.opsconsole.scenarios.rows import free_row
from tests.sandbox_fixtures import wait_until

ORDERS = 100
SARI, BUDI, RATNA = "user:sari", "user:budi", "user:ratna"
RUNBOOK = "traffic-spike-hanging-orders"
ACTS = ("recheck", "bookings", "post")


@dataclass(frozen=True)
class Night:
    """`causes`: why each order really hangs, None where it does not."""

    control: RemoteSandbox
    causes: Mapping[str, str | None]

    @property
    def hanging(self) -> set[str]:
        return {order for order, cause in self.causes.items() if cause}


@contextmanager
def night(settings: Any, folder: Path, *, seed: int, mix: str) -> Iterator[Night]:
    """The platform with the whole scenario behind it; limits are short, so that what hangs is late within seconds."""
    settings.WORK_THREADS, settings.LOADS_DIR = 1, str(folder / "loads")
    quiet_minutes()
    request = Request(orders=ORDERS, seed=seed, per_minute=1_200, mix=mix, truth=folder / "truth.jsonl")
    platform = local_platform(port_base=free_row(), store=None, speed=600.0)
    with platform as sandbox, RemoteSandbox(sandbox.control_url) as control:
        settings.UPSTREAMS = {
            name: {"url": sandbox.urls[name], "timeout": 1.5, "tries": 3} for name in upstreams.LIMITS
        }
        shop = DirectShop(since=timezone.now())
        summary = Run(request, shop, control, progress=lambda *_: None, say=lambda text: None).go()
        assert summary["settled"]
        limits.shorten(limits.SETTLED, by=f"{limits.MARK}night")
        yield Night(control, {each.order_id: each.cause if each.hanging else None for each in read(request.truth)})


def quiet_minutes() -> None:
    """Before anybody orders, the list is empty, and the samples of these minutes say so."""
    for ago in (4, 3, 2):
        sampling.sample(at=timezone.now() - timedelta(minutes=ago))


def incident_of(night: Night) -> Incident:
    """The minute's sample is taken once everything is late; that it is a spike the detectors find by themselves."""
    wait_until(lambda: stuck_totals().count >= len(night.hanging), seconds=30, every=0.5)
    while refresh_diagnoses():
        pass
    sampling.sample()
    fires = Episode.objects.filter(alert__name="StuckSpike").exclude(incident=None)
    return wait_until(fires.select_related("incident").first, seconds=40, every=0.5).incident


def calm(night: Night) -> None:
    """The neighbours are well again, and on-call does not wait until the breakers notice."""
    night.control.no_faults()
    night.control.no_plans()
    operators.reset(upstreams.LIMITS)


def go_through_runbook(incident: Incident) -> list[Plan]:
    """What it plans, previewed, approved by a second person, and run in waves."""
    book = load(RUNBOOK)
    guide = guiding.begin(book, actor=SARI, incident_id=incident.pk)
    for step in ("see", "pool", "callbacks"):
        guiding.done(guide, step, Said(actor=SARI, note="looked at"))
    guiding.done(guide, "way", Said(actor=SARI, choice="tell"))
    guiding.done(guide, "tell", Said(actor=SARI))
    made = [_act(guide, step) for step in ACTS]
    guiding.abandon(guide, actor=SARI, reason="finance goes on with the books")
    return [plan for plan in made if plan is not None]


def _act(guide: Guide, step: str) -> Plan | None:
    if not keys_of(guiding.book_of(guide).step(step), guide.params):
        guiding.skip(guide, step, Said(actor=SARI, note="nothing of the kind hangs"))
        return None
    plan = guiding.plan(guide, step, actor=SARI)
    books.run_by_two(plan, SARI, BUDI)
    guiding.done(guide, step, Said(actor=SARI, note="the run has ended"))
    return plan


def repair_rest(incident: Incident) -> list[Plan]:
    """What still hangs is planned by what the diagnoses advise, whatever that is."""
    refresh()
    advised = defaultdict(list)
    for row in hanging_of(incident):
        advised[row.next_step].append(row.order_id)
    made = []
    for step, orders in advised.items():
        if find(f"{step}@1"):
            ask = Ask(action=f"{step}@1", proposer=SARI, kind=Plan.Kind.SELECTION, source={"incident": incident.code})
            made.append(make_plan(orders, ask))
            leading.attach_plan(incident, made[-1].code, By(actor=SARI))
            if made[-1].eligible:
                books.run_by_two(made[-1], SARI, BUDI)
    return made


def refresh() -> None:
    while refresh_diagnoses():
        pass


def settle(night: Night) -> None:
    """Refunds that wait for a second person have it; then everything that was started comes to its end."""
    for waiting in Refund.objects.filter(state="requested"):
        with transaction.atomic():
            refunds.approve(waiting, actor=RATNA)
    ids = list(Order.objects.values_list("pk", flat=True))
    assert Settling(ids, night.control, 60).run()


def finance_closes(night: Night) -> None:
    """The books are compared, what is left between them is repaired or decided, and the day is signed and locked."""
    day = business_day.of(timezone.now())
    books.load_all(night.control, day)
    if missing := books.open_breaks("missing_in_ho"):
        books.carry_out(missing, "repost_break@1")
    books.ask_again()
    books.load_all(night.control, day)
    if left := Break.objects.filter(state="open", type__in=("missing_in_ho", "gateway_without_payment")):
        books.carry_out(left, "accept_timing@1")
    books.ends_well(night.control, day)
