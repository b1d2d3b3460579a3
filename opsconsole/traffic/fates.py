"""What the world does with one order: how its customer acts, and how the neighbours behave.

A fate is decided before its order exists and told to the sandbox as plans: what concerns the link
under the customer's phone, everything later under the order's id. See `opsconsole.sandbox.plans`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from opsconsole.traffic.wishes import ANYTHING, Leaning, Wish

PARTNER = {"taxi": "tpg", "rent": "rent", "delivery": "delivery", "shuttle": "shuttle"}
# Stand-ins in a plan for what is known only with the wish.
ITS_PARTNER = "partner of the first item"
OTHER_PARTNER = "partner of the second item"
Behaviour = Mapping[str, Any]


class Customer(Enum):
    """What the customer does about paying."""

    PAYS = auto()
    LAPSES = auto()  # picks a way of paying and lets it run out
    CANCELS = auto()
    PAYS_LATE = auto()  # cancels, and the money comes all the same
    PAYS_TWICE = auto()  # refused at first, pays by a second link, and the first payment comes all the same
    TAKES_BACK = auto()  # pays, and the bank takes the money back once everything is booked
    GETS_NO_LINK = auto()


@dataclass(frozen=True, slots=True)
class Fate:
    """`cause`: why the order hangs in the end, in the words of the diagnosis; "" when it does not.

    `short`: rupiah that the customer pays too little; too much, where it is negative. `staff_cancels`: somebody of the
    staff cancels once the trip is under way. `stays_active`: its trip is not to end.
    """

    name: str
    cause: str = ""
    customer: Customer = Customer.PAYS
    leaning: Leaning = ANYTHING
    by_phone: tuple[Behaviour, ...] = ()
    by_order: tuple[Behaviour, ...] = ()
    short: int = 0
    staff_cancels: bool = False
    stays_active: bool = False

    @property
    def hangs(self) -> bool:
        return bool(self.cause)

    def order_plan(self, wish: Wish, *, amount: int) -> list[dict[str, Any]]:
        """The behaviours to be told under the order's id."""
        names = {ITS_PARTNER: PARTNER[wish.lines[0].service], OTHER_PARTNER: PARTNER[wish.lines[-1].service]}
        told = [{**each, "neighbour": names.get(each["neighbour"], each["neighbour"])} for each in self.by_order]
        if self.short:
            told.append(at("*", "pay", "amount", amount=amount - self.short))
        return told


def at(neighbour: str, on: str, do: str, **more: Any) -> dict[str, Any]:
    """One behaviour; `times` limits how often, otherwise it is for always."""
    return {"neighbour": neighbour, "on": on, "do": do, **more}
