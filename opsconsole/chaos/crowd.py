"""The people of a run: customers who order through the API, some who change their mind late, and staff."""

import itertools
import threading
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from types import MappingProxyType
from typing import Self

import django.db

from opsconsole.sandbox.remote import RemoteSandbox
from opsconsole.scenarios.seeing import DatabaseEyes, cancel_as_staff
from opsconsole.traffic.agenda import Agenda, drop_connections
from opsconsole.traffic.catalogue import FATES
from opsconsole.traffic.dice import weighted
from opsconsole.traffic.journeys import AWAY, Guide, Journey
from opsconsole.traffic.people import person
from opsconsole.traffic.shops import ApiShop, ShopSaidNo
from opsconsole.traffic.wishes import wish
from orders.errors import Refusal
from orders.models import Order
from orders.services.actions.requests import Wish, request
from orders.states import OrderState

HANDS = 8
SLOW_REFUND = "refund_slow"
# Of 1,000 orders. Whatever stays broken for ever stays with a person, never with a machine.
SHARES: Mapping[str, float] = MappingProxyType(
    {
        "plain": 620,
        SLOW_REFUND: 160,
        "cancels": 40,
        "lapses": 30,
        "driver_cancels": 30,
        "partner_refuses": 40,
        "link_elsewhere": 30,
        "paid_late": 10,
        "paid_short": 10,
        "refund_by_hand": 10,
        "refund_refused": 10,
        "ho_refuses": 10,
    }
)
# What a customer may not cancel any more.
TOO_LATE = (OrderState.ACTIVE, OrderState.COMPLETED, OrderState.FAILED, OrderState.EXPIRED)
STAFF_EVERY = 0.5  # seconds
STAFF = "user:dewi"
GOODWILL = 5_000  # rupiah


@dataclass
class Crowd:
    """`with Crowd(...)`: orders come as long as the block lasts; whoever has begun is led on until its end."""

    shop: ApiShop
    sandbox: RemoteSandbox
    per_minute: float
    seed: int
    journeys: list[Journey] = field(default_factory=list)
    tried: int = 0  # cancels that came too late, and of them those that were taken
    regrets: int = 0
    goodwill: int = 0
    _given: set[str] = field(default_factory=set)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._agenda = Agenda(hands=HANDS).__enter__()
        # Whoever cannot place an order asks sixty times: long enough for the web to come back on a slow machine.
        self._guide = Guide(
            self.shop, self.sandbox, self._agenda, DatabaseEyes(), cancel_as_staff, patience=180.0, look_every=2.0
        )
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._come, self._change_minds)]
        for thread in self._threads:
            thread.start()
        return self

    def stop_coming(self) -> None:
        """Nobody new, and nobody changes their mind any more."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def finish(self, *, seconds: float) -> bool:
        """Whether everybody has done their part within `seconds`."""
        return self._agenda.wait_until_empty(seconds=seconds)

    def __exit__(self, *_: object) -> None:
        self.stop_coming()
        self._agenda.__exit__(None, None, None)

    @property
    def acknowledged(self) -> list[Journey]:
        """Those whose order the platform has said yes to."""
        return [each for each in self.journeys if each.placed]

    def _come(self) -> None:
        gap = 60.0 / self.per_minute
        for number in itertools.count():
            fate = FATES[weighted(SHARES, "fate", number, seed=self.seed)]
            who = person(number, seed=self.seed)
            with suppress(*AWAY):
                if fate.by_phone:
                    self.sandbox.plan(who.phone, *fate.by_phone)
            journey = Journey(wish(number, person=who, seed=self.seed, leaning=fate.leaning), fate)
            self.journeys.append(journey)
            self._guide.begin(journey)
            if self._stop.wait(gap):
                return

    def _change_minds(self) -> None:
        """Customers cancel when it is too late, and staff gives a little money back."""
        dice = Random(self.seed)  # noqa: S311 - the same again, not secret
        while not self._stop.wait(STAFF_EVERY):
            known = self.acknowledged
            if known:
                self._regret(known, dice)
                self._be_kind(known, dice)
        drop_connections()

    def _regret(self, known: Sequence[Journey], dice: Random) -> None:
        """Who is too late is looked for: by chance hardly anybody is, early in a run."""
        with suppress(ShopSaidNo, django.db.Error, *AWAY):
            late = _of_these(known, *TOO_LATE)
            if late:
                one = dice.choice(late)
                self.tried += 1
                self.shop.cancel(one.order_id, channel=one.wish.channel)
                self.regrets += 1

    def _be_kind(self, known: Sequence[Journey], dice: Random) -> None:
        """Once an order, first where the money goes back slowly: there two workers are most likely to meet."""
        with suppress(Refusal, Order.DoesNotExist, django.db.Error):
            ended = [each for each in _of_these(known, OrderState.COMPLETED) if each.order_id not in self._given]
            if not ended:
                return
            one = max(ended, key=lambda each: (each.fate.name == SLOW_REFUND, dice.random()))
            order = Order.objects.get(public_id=one.order_id)
            params = {"amount": GOODWILL, "cause": "goodwill"}
            key = f"chaos-{uuid.uuid4().hex[:12]}"
            request(order, Wish("refund", STAFF, "The driver took a detour", order.version, key, params))
            self._given.add(one.order_id)
            self.goodwill += 1


def _of_these(journeys: Sequence[Journey], *states: str) -> list[Journey]:
    ids = [each.order_id for each in journeys]
    found = set(Order.objects.filter(public_id__in=ids, state__in=states).values_list("public_id", flat=True))
    return [each for each in journeys if each.order_id in found]
