"""One run of an incident against a running platform: place, break, settle, tell the truth."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from opsconsole.sandbox.remote import RemoteSandbox
from opsconsole.scenarios import clock, january12
from opsconsole.scenarios.accidents import Accidents
from opsconsole.scenarios.january12 import journeys, timetable
from opsconsole.scenarios.seeing import DatabaseEyes, cancel_as_staff
from opsconsole.scenarios.settling import Settling, states
from opsconsole.scenarios.truth import Truth, truths, write
from opsconsole.traffic.agenda import Agenda, drop_connections
from opsconsole.traffic.catalogue import FATES
from opsconsole.traffic.journeys import Guide, Journey
from opsconsole.traffic.shops import Shop
from orders.models import Order

HANDS = 10  # customers served at a time
LONGEST_JOURNEYS = 420.0  # seconds after the last order is placed
LONGEST_SETTLING = 600.0
TICK = 0.2
LOOK_EVERY = 2.5
# After so many looks at everything that changed nothing, a customer who waits waits for ever.
VAIN_LOOKS = 4

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Request:
    """`per_minute` is the normal rate of orders; the spike has more. `mix` is one of `january12.MIXES`."""

    orders: int
    seed: int
    per_minute: float
    mix: str = "mixed"
    truth: Path | None = None
    dry_seconds: float = 0.0
    kill_workers: Callable[[], None] | None = None


@dataclass
class Run:
    request: Request
    shop: Shop
    sandbox: RemoteSandbox
    progress: Progress
    say: Callable[[str], None]
    seconds: dict[str, float] = field(default_factory=dict)
    _began: float = 0.0

    def go(self) -> dict[str, Any]:
        """The summary of the run, as JSON."""
        self._began = time.monotonic()
        led = journeys(self.request.orders, seed=self.request.seed, mix=self.request.mix)
        self.sandbox.plans({each.wish.person.phone: each.fate.by_phone for each in led if each.fate.by_phone})
        self._place(led)
        self._note("placed")
        settled = self._settle(led)
        self._note("settled")
        found = truths(led, self.sandbox)
        if self.request.truth is not None:
            write(self.request.truth, found)
        return self._summary(led, found, settled=settled)

    def _place(self, led: Sequence[Journey]) -> None:
        accidents = Accidents(self.sandbox, self.request.dry_seconds, self.request.kill_workers, say=self.say)
        with Agenda(hands=HANDS) as agenda:
            guide = Guide(self.shop, self.sandbox, agenda, DatabaseEyes(), cancel_as_staff)
            self._begin_all(guide, led)
            try:
                self._watch(guide, led, accidents)
            finally:
                accidents.end()
            self._let_customers_finish(agenda, led)

    def _begin_all(self, guide: Guide, led: Sequence[Journey]) -> None:
        times = timetable(len(led), per_minute=self.request.per_minute)
        for journey, (_phase, at) in zip(led, times, strict=True):
            guide.begin(journey, after=at)

    def _watch(self, guide: Guide, led: Sequence[Journey], accidents: Accidents) -> None:
        """Until every order is placed or given up."""
        pause = threading.Event()
        while not all(each.placed or each.ended for each in led):
            accidents.look(guide.placed / len(led))
            self.progress("placed", guide.placed, len(led))
            pause.wait(TICK)
        accidents.look(1.0)
        self.progress("placed", guide.placed, len(led))

    def _let_customers_finish(self, agenda: Agenda, led: Sequence[Journey]) -> None:
        """Some still wait for a link, or for their trip to begin; some of them for ever."""
        drop_connections()  # a dry pool took ours too
        keys = _keys(led)
        until = time.monotonic() + LONGEST_JOURNEYS
        vain, before = 0, states(keys)
        while vain < VAIN_LOOKS and time.monotonic() < until:
            if agenda.wait_until_empty(seconds=LOOK_EVERY):
                return
            if clock.due(keys) or self.sandbox.stats()["callbacks_pending"]:
                continue  # what was brought forward is still being done
            now = states(keys)
            vain, before = (vain + 1 if now == before else 0), now
            clock.bring_forward(keys)

    def _settle(self, led: Sequence[Journey]) -> bool:
        self.say("waiting until the platform has settled")
        return Settling(_keys(led), self.sandbox, LONGEST_SETTLING, self.say).run()

    def _note(self, what: str) -> None:
        self.seconds[what] = round(time.monotonic() - self._began, 1)

    def _summary(self, led: Sequence[Journey], found: Sequence[Truth], *, settled: bool) -> dict[str, Any]:
        return {
            "scenario": january12.NAME,
            "seed": self.request.seed,
            "mix": self.request.mix,
            "orders": len(found),
            "never_placed": sum(each.placed is None for each in led),
            "settled": settled,
            "hanging": sum(each.hanging for each in found),
            "money_hanging": sum(each.amount for each in found if each.hanging),
            "causes": dict(sorted(Counter(str(each.cause) for each in found if each.hanging).items())),
            "fates": _counted(led),
            "seconds": self.seconds,
            "ended_at": timezone.now().isoformat(),
        }


def _keys(led: Sequence[Journey]) -> list[int]:
    ids = [each.order_id for each in led if each.placed]
    return list(Order.objects.filter(public_id__in=ids).values_list("pk", flat=True))


def _counted(led: Sequence[Journey]) -> dict[str, int]:
    counts = Counter(each.fate.name for each in led)
    return {name: counts[name] for name in FATES if counts[name]}


def control_url() -> str:
    """Where the sandbox of this platform is spoken to."""
    return f"http://127.0.0.1:{settings.SANDBOX_PORT}"
