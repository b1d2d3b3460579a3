"""One customer's way: order, pay or not, change their mind. What happens when is the agenda's."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import django.db
import httpx
import psycopg

from opsconsole.sandbox.remote import RemoteSandbox, SandboxSaidNo
from opsconsole.traffic.agenda import Agenda, drop_connections
from opsconsole.traffic.fates import Customer, Fate
from opsconsole.traffic.shops import Placed, Shop, ShopIsAway, ShopSaidNo
from opsconsole.traffic.wishes import Wish

logger = logging.getLogger(__name__)

# The platform or a neighbour is away; a little later they may be back.
AWAY = (httpx.HTTPError, django.db.Error, psycopg.Error, ShopIsAway)
# A customer asks again so often before the platform is down for them.
PLACING_TRIES = 60


@dataclass(slots=True)
class Journey:
    """`thinking` is how many seconds the customer takes before each thing they do."""

    wish: Wish
    fate: Fate
    thinking: float = 0.0
    placed: Placed | None = None
    refusals: int = 0
    had_link: bool = False
    ended: bool = False

    @property
    def order_id(self) -> str:
        return self.placed.id if self.placed else ""


class Eyes(Protocol):
    """What can be seen of an order; whoever guides journeys in the dark says no."""

    def has_link(self, journey: Journey) -> bool: ...

    def is_closed(self, journey: Journey) -> bool:
        """No link of it can be paid any more."""

    def is_active(self, journey: Journey) -> bool: ...

    def is_booked(self, journey: Journey) -> bool:
        """Under way, or ended well already."""


@dataclass
class Guide:
    """Leads journeys; `staff_cancels` and `staff_makes_link` are what somebody of the staff does about one, `note`
    hears of each order that is placed."""

    shop: Shop
    sandbox: RemoteSandbox
    agenda: Agenda
    eyes: Eyes
    staff_cancels: Callable[[Journey], None]
    patience: float = 900.0  # seconds that a journey waits for what may never come
    look_every: float = 1.0  # seconds
    note: Callable[[Journey], None] = lambda journey: None
    staff_makes_link: Callable[[Journey], None] = lambda journey: None
    placed: int = 0

    def begin(self, journey: Journey, *, after: float = 0.0) -> None:
        self.agenda.after(after, lambda: self._place(journey))

    def _place(self, journey: Journey) -> None:
        try:
            journey.placed = self.shop.place(journey.wish, again=journey.refusals > 0)
        except AWAY as problem:
            drop_connections()
            self._again(journey, problem)
            return
        except ShopSaidNo as refusal:
            self._give_up(journey, refusal)
            return
        self.placed += 1
        self.note(journey)
        has_link = journey.placed.has_link
        self._do(journey, lambda told: self._foretell(told, has_link=has_link))

    def _foretell(self, journey: Journey, *, has_link: bool) -> None:
        """Tell the sandbox what is to become of the order, before the customer does anything."""
        plan = journey.fate.order_plan(journey.wish, amount=journey.placed.amount if journey.placed else 0)
        if plan:
            self.sandbox.plan(journey.order_id, *plan)
        if journey.fate.customer == Customer.GETS_NO_LINK:
            journey.ended = True
        else:
            self._when(journey, self.eyes.has_link, self._act, known=has_link)

    def _again(self, journey: Journey, problem: Exception) -> None:
        journey.refusals += 1
        if journey.refusals < PLACING_TRIES:
            self.agenda.after(self.look_every, lambda: self._place(journey))
        else:
            self._give_up(journey, problem)

    def _give_up(self, journey: Journey, problem: Exception) -> None:
        logger.warning("order %s was never placed: %s", journey.wish.number, problem)
        journey.ended = True

    def _when(
        self,
        journey: Journey,
        seen: Callable[[Journey], bool],
        then: Callable[[Journey], None],
        *,
        known: bool = False,
    ) -> None:
        """`then` once it is seen, or never when it is not seen in time."""
        until = time.monotonic() + self.patience

        def look() -> None:
            if _sure(seen, journey):
                self._soon(journey, then)
            elif time.monotonic() < until:
                self.agenda.after(self.look_every, look)
            else:
                journey.ended = True

        if known:
            self._soon(journey, then)
        else:
            self.agenda.after(self.look_every, look)

    def _soon(self, journey: Journey, then: Callable[[Journey], None]) -> None:
        self.agenda.after(journey.thinking, lambda: self._do(journey, then))

    def _do(self, journey: Journey, then: Callable[[Journey], None]) -> None:
        """A neighbour or a database that is away is tried again a little later."""
        try:
            then(journey)
        except AWAY:
            drop_connections()
            self.agenda.after(self.look_every, lambda: self._do(journey, then))
        except (SandboxSaidNo, ShopSaidNo) as refusal:
            logger.info("%s: %s", journey.order_id, refusal)
            journey.ended = True

    def _act(self, journey: Journey) -> None:
        journey.had_link = True
        acts = {
            Customer.PAYS: self._pay,
            Customer.LAPSES: self._lapse,
            Customer.CANCELS: self._cancel,
            Customer.PAYS_LATE: self._cancel_and_pay,
            Customer.PAYS_TWICE: self._be_refused_first,
            Customer.TAKES_BACK: self._pay_and_take_back,
        }
        acts[journey.fate.customer](journey)

    def _pay(self, journey: Journey) -> None:
        self.sandbox.pay(journey.order_id)
        if journey.fate.staff_cancels:
            self._when(journey, self.eyes.is_active, self._be_cancelled)
        else:
            journey.ended = True

    def _be_cancelled(self, journey: Journey) -> None:
        self.staff_cancels(journey)
        journey.ended = True

    def _lapse(self, journey: Journey) -> None:
        self.sandbox.pay(journey.order_id, outcome="pick")
        self._soon(journey, self._let_expire)

    def _let_expire(self, journey: Journey) -> None:
        self.sandbox.pay(journey.order_id, outcome="expire")
        journey.ended = True

    def _cancel(self, journey: Journey) -> None:
        self.shop.cancel(journey.order_id, channel=journey.wish.channel)
        journey.ended = True

    def _cancel_and_pay(self, journey: Journey) -> None:
        self.sandbox.pay(journey.order_id, outcome="pick")
        self.shop.cancel(journey.order_id, channel=journey.wish.channel)
        self._when(journey, self.eyes.is_closed, self._pay_all_the_same)

    def _pay_all_the_same(self, journey: Journey) -> None:
        self.sandbox.pay(journey.order_id, force=True)
        journey.ended = True

    def _be_refused_first(self, journey: Journey) -> None:
        self.sandbox.pay(journey.order_id, outcome="fail")
        self._when(journey, self.eyes.is_closed, self._pay_by_another_link)

    def _pay_by_another_link(self, journey: Journey) -> None:
        self.staff_makes_link(journey)
        self.sandbox.pay(journey.order_id)
        self.sandbox.pay(f"{journey.order_id}-1", force=True)
        journey.ended = True

    def _pay_and_take_back(self, journey: Journey) -> None:
        self.sandbox.pay(journey.order_id)
        self._when(journey, self.eyes.is_booked, self._take_back)

    def _take_back(self, journey: Journey) -> None:
        self.sandbox.pay(journey.order_id, outcome="reverse")
        journey.ended = True


def _sure(seen: Callable[[Journey], bool], journey: Journey) -> bool:
    """What is seen, and not seen while the platform is away."""
    try:
        return seen(journey)
    except (*AWAY, ShopSaidNo):
        drop_connections()
        return False
