"""A gentle stream of customers through the JSON API, for as long as the demo runs.

Most of them order, pay and travel. A few meet trouble, so that there is always something to see.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Self

from opsconsole.sandbox.chance import chance
from opsconsole.sandbox.remote import RemoteSandbox
from opsconsole.traffic.agenda import Agenda
from opsconsole.traffic.catalogue import FATES
from opsconsole.traffic.dice import between, weighted
from opsconsole.traffic.fates import Fate
from opsconsole.traffic.journeys import Guide, Journey
from opsconsole.traffic.people import Person, person
from opsconsole.traffic.shops import ApiShop
from opsconsole.traffic.wishes import wish

logger = logging.getLogger(__name__)

HANDS = 4
MOST_AT_A_TIME = 300  # journeys under way; more wait until some have ended
REGULARS = 4_000  # people who order again and again
LOOK_FOR_TOKENS = 3.0  # seconds
# Seconds that a customer takes before each thing they do.
THINKING = (2, 25)
# Of 1,000 orders on a calm day.
CALM_DAY: Mapping[str, float] = MappingProxyType(
    {
        "plain": 818,
        "cancels": 60,
        "driver_cancels": 15,
        "partner_refuses": 10,
        "callback_doubled": 20,
        "callback_late": 10,
        "link_elsewhere": 20,
        "link_answer_lost": 5,
        "ho_busy": 10,
        "callback_lost": 4,
        "callback_unconfirmed": 2,
        "paid_short": 2,
        "unknown_code": 1,
        "link_refused": 1,
        "dispatch_away": 3,
        "undo_refused": 1,
        "refund_refused": 2,
        "refund_by_hand": 2,
        "trip_end_lost": 4,
        "trip_without_end": 3,
        "ho_refuses": 4,
        "ho_silent": 3,
    }
)


class ApiEyes:
    """What a channel can see of its own orders."""

    def __init__(self, shop: ApiShop) -> None:
        self._shop = shop

    def has_link(self, journey: Journey) -> bool:
        return bool(self._seen(journey)["payment"]["status"] == "link_open")

    def is_closed(self, journey: Journey) -> bool:
        return False

    def is_active(self, journey: Journey) -> bool:
        return bool(self._seen(journey)["state"] == "active")

    def is_booked(self, journey: Journey) -> bool:
        return self._seen(journey)["state"] in ("active", "completed")

    def _seen(self, journey: Journey) -> dict[str, Any]:
        return self._shop.order(journey.order_id, channel=journey.wish.channel)


@dataclass
class Stream:
    """`with Stream(...):` places `per_minute` orders a minute, `most` in all; None is no limit.

    `tokens` answers the bearer token of each channel, empty while there are none yet. Numbers go on
    from the clock, so that the customers of a restart are others and repeat nobody's request.
    """

    url: str
    sandbox_url: str
    tokens: Callable[[], Mapping[str, str]]
    per_minute: float
    seed: int = 1
    most: int | None = None
    shares: Mapping[str, float] = field(default_factory=lambda: CALM_DAY)
    thinking: tuple[int, int] = THINKING
    placed: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.run, name="stream", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._thread.join()

    def stop(self) -> None:
        self._stop.set()

    def run(self) -> None:
        """Until stopped, or until all orders are placed and their customers have done their part."""
        tokens = self._tokens()
        if tokens is None:
            return
        shop = ApiShop(self.url, tokens)
        with closing(shop), RemoteSandbox(self.sandbox_url) as sandbox, Agenda(hands=HANDS) as agenda:
            guide = Guide(shop, sandbox, agenda, ApiEyes(shop), _nobody, note=_note)
            self._go(guide, agenda)
            while agenda.size and not self._stop.wait(0.1):
                pass
            self.placed = guide.placed

    def _tokens(self) -> Mapping[str, str] | None:
        while not self._stop.is_set():
            if found := self.tokens():
                return found
            self._stop.wait(LOOK_FOR_TOKENS)
        return None

    def _go(self, guide: Guide, agenda: Agenda) -> None:
        first = int(time.time())
        number = first
        while not self._stop.is_set() and (self.most is None or number - first < self.most):
            if agenda.size < MOST_AT_A_TIME:
                self._begin(guide, number)
                number += 1
            self.placed = guide.placed
            self._stop.wait(self._gap(number))

    def _gap(self, number: int) -> float:
        """Seconds to the next order: customers do not come by the clock."""
        return 60.0 / self.per_minute * (0.4 + 1.2 * chance(self.seed, "gap", number))

    def _begin(self, guide: Guide, number: int) -> None:
        fate = FATES[weighted(self.shares, "fate", number, seed=self.seed)]
        who = self._customer(number, fate)
        if fate.by_phone:
            guide.sandbox.plan(who.phone, *fate.by_phone)
        thinking = between(*self.thinking, "thinking", number, seed=self.seed)
        wanted = wish(number, person=who, seed=self.seed, leaning=fate.leaning)
        guide.begin(Journey(wanted, fate, thinking=thinking))

    def _customer(self, number: int, fate: Fate) -> Person:
        """Whose phone has a plan is nobody's regular: the plan would hold for their other orders."""
        known = number if fate.by_phone else between(0, REGULARS - 1, "customer", number, seed=self.seed)
        return person(known, seed=self.seed)


def _nobody(journey: Journey) -> None:
    """No staff works for the stream."""


def _note(journey: Journey) -> None:
    wanted = journey.wish
    services = " and ".join(line.service for line in wanted.lines)
    logger.info("%s: %s in %s by %s, %s", journey.order_id, services, wanted.city, wanted.method, wanted.channel)
