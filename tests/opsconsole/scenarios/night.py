"""One night of 12 January in this process: customers, neighbours and accidents are the scenario's, what answers is us.

Nothing is told to the side that answers. What really happened is in `Night.truths` and in the sandbox's books.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from opsconsole import upstreams
from opsconsole.chaos import operators
from opsconsole.sandbox.remote import RemoteSandbox
from opsconsole.scenarios import limits
from opsconsole.scenarios.local import local_platform
from opsconsole.scenarios.run import Request, Run
from opsconsole.scenarios.truth import Truth, read
from opsconsole.traffic.shops import DirectShop
from orders.diagnosis.service import refresh_diagnoses
from orders.queries.stuck import stuck_totals
from orders.resilience import connections
from orders.services import sampling
from reconciliation.models import Break
from runbooks.models import Episode, Incident, Plan
from tests.opsconsole.scenarios import books
from tests.opsconsole.scenarios.rows import free_row
from tests.sandbox_fixtures import wait_until

# Neighbours answer within 1.5 s here, or 2 s late: what is absent after so long was never done.
QUARANTINE = timedelta(seconds=6)


@dataclass(frozen=True)
class Night:
    """`truths`: what really happened to each order."""

    control: RemoteSandbox
    truths: Sequence[Truth]

    @property
    def hanging(self) -> set[str]:
        return {each.order_id for each in self.truths if each.hanging}


@contextmanager
def night(settings: Any, folder: Path, *, orders: int, seed: int, mix: str) -> Iterator[Night]:
    """The platform with the whole scenario behind it; limits are short, so that what hangs is late within seconds."""
    settings.WORK_THREADS, settings.LOADS_DIR, settings.QUARANTINE = 1, str(folder / "loads"), QUARANTINE
    quiet_minutes()
    request = Request(orders=orders, seed=seed, per_minute=1_200, mix=mix, truth=folder / "truth.jsonl")
    platform = local_platform(port_base=free_row(), store=None, speed=600.0)
    try:
        with platform as sandbox, RemoteSandbox(sandbox.control_url) as control:
            settings.UPSTREAMS = {
                name: {"url": sandbox.urls[name], "timeout": 1.5, "tries": 3} for name in upstreams.LIMITS
            }
            shop = DirectShop(since=timezone.now())
            summary = Run(request, shop, control, progress=lambda *_: None, say=lambda text: None).go()
            assert (summary["settled"], summary["never_placed"]) == (True, 0)
            limits.shorten(limits.SETTLED, by=f"{limits.MARK}night")
            yield Night(control, read(folder / "truth.jsonl"))
    finally:
        connections.close_all()


def quiet_minutes() -> None:
    """Before anybody orders, the list is empty, and the samples of these minutes say so."""
    for ago in (4, 3, 2):
        sampling.sample(at=timezone.now() - timedelta(minutes=ago))


def incident_of(night: Night) -> Incident:
    """The minute's sample is taken once everything is late; that it is a spike the detectors find by themselves."""
    wait_until(lambda: stuck_totals().count >= len(night.hanging), seconds=60, every=0.5)
    while refresh_diagnoses():
        pass
    sampling.sample()
    fires = Episode.objects.filter(alert__name="StuckSpike").exclude(incident=None)
    return wait_until(fires.select_related("incident").first, seconds=90, every=0.5).incident


def calm(night: Night) -> None:
    """The neighbours are well again, and on-call does not wait until the breakers notice."""
    night.control.no_faults()
    night.control.no_plans()
    operators.reset(upstreams.LIMITS)


def finance_repairs(
    night: Night, day: date, *, carry_out: Callable[[Iterable[Any], str], Plan] = books.carry_out
) -> None:
    """The books are loaded and compared; what differs is repaired upstream or decided, each by two people's plan."""
    books.load_all(night.control, day)
    if missing := books.open_breaks("missing_in_ho"):
        carry_out(missing, "repost_break@1")
    books.ask_again(night.control)
    books.load_all(night.control, day)
    if left := Break.objects.filter(state="open", type__in=("missing_in_ho", "gateway_without_payment")):
        carry_out(left, "accept_timing@1")
