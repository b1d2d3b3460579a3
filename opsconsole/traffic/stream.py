"""A gentle stream of customers: they order through the API, pay at the sandbox, and now and then something goes wrong.

Which customer meets which trouble is decided by the number, so the list of stuck orders is never
empty for long and never runs away. The platform is told nothing: the trouble is the neighbours'.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from opsconsole.sandbox.remote import RemoteSandbox, SandboxSaidNo
from opsconsole.traffic.people import person
from opsconsole.traffic.shops import Placed, Shop, ShopIsAway, ShopSaidNo
from opsconsole.traffic.wishes import Leaning, Wish, wish

SEED = 20
BY_HAND = ("va_bca", "va_bni", "va_permata", "cstore")  # no gateway refunds these by API
ROUND = 25  # of so many customers, each kind of trouble meets one


@dataclass(frozen=True, slots=True)
class Trouble:
    """What goes wrong: at the neighbours, by the customer's phone or by the order, and by the customer."""

    name: str
    by_phone: Sequence[Mapping[str, Any]] = ()
    by_order: Sequence[Mapping[str, Any]] = ()
    leaning: Leaning = field(default_factory=Leaning)
    pays: bool = True
    cancels_after_paying: bool = False


TROUBLES: Mapping[int, Trouble] = {
    4: Trouble("pays another sum", by_phone=({"on": "pay", "do": "amount", "amount": 9_000},)),
    8: Trouble("Head Office refuses the entry", by_order=({"on": "post", "do": "reject", "neighbour": "ho"},)),
    12: Trouble(
        "no booking, and a refund that only a transfer can make",
        by_phone=({"on": "book", "do": "reject"},),
        leaning=Leaning(methods=BY_HAND, paired=False),
    ),
    16: Trouble("cancels while paying", by_phone=({"on": "callback", "do": "drop"},), cancels_after_paying=True),
    20: Trouble("its callback is lost", by_phone=({"on": "callback", "do": "drop"},)),
    23: Trouble("never pays", pays=False),
    24: Trouble(
        "a wedding that is cancelled while paying",
        by_phone=({"on": "callback", "do": "drop"},),
        leaning=Leaning(services=("rent",), methods=("card",), large=True),
        cancels_after_paying=True,
    ),
}
NONE = Trouble("nothing")


@dataclass
class Stream:
    """Customer after customer, from `number` on."""

    shop: Shop
    sandbox: RemoteSandbox
    number: int = 0

    def next_customer(self) -> str:
        """Let one customer order and pay. What they met, for the log; a refusal is said, not raised."""
        self.number += 1
        trouble = TROUBLES.get(self.number % ROUND, NONE)
        customer = person(self.number, seed=SEED)
        wanted = wish(self.number, person=customer, seed=SEED, leaning=trouble.leaning)
        try:
            placed = self._order(wanted, trouble)
        except (ShopSaidNo, SandboxSaidNo, httpx.HTTPError) as problem:
            return f"{customer.name}: {problem}"
        return f"{placed.id}: {customer.name}, {trouble.name}"

    def _order(self, wanted: Wish, trouble: Trouble) -> Placed:
        if trouble.by_phone:
            self.sandbox.plan(wanted.person.phone, *trouble.by_phone)
        placed = self._place(wanted)
        if trouble.by_order:
            self.sandbox.plan(placed.id, *trouble.by_order)
        if trouble.pays and placed.has_link:
            self._pay(placed)
        if trouble.cancels_after_paying:
            self.shop.cancel(placed.id, channel=wanted.channel)
        return placed

    def _place(self, wanted: Wish) -> Placed:
        """Once more where no answer came: a kept connection may have been closed meanwhile."""
        try:
            return self.shop.place(wanted)
        except ShopIsAway:
            return self.shop.place(wanted, again=True)

    def _pay(self, placed: Placed) -> None:
        """At the first gateway, or at the next one where the first was away."""
        try:
            self.sandbox.pay(f"{placed.id}-1")
        except SandboxSaidNo:
            self.sandbox.pay(f"{placed.id}-2")
