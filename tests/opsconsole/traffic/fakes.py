"""A shop and a sandbox that note what is asked of them, for journeys without a platform."""

from typing import Any

from opsconsole.sandbox.remote import SandboxSaidNo
from opsconsole.traffic.journeys import Journey
from opsconsole.traffic.shops import Placed, ShopIsAway
from opsconsole.traffic.wishes import Wish


class NotingShop:
    """`away` calls are not answered before it is there."""

    def __init__(self, *, away: int = 0, has_link: bool = True) -> None:
        self.away, self.has_link = away, has_link
        self.asked_again: list[bool] = []
        self.cancelled: list[str] = []

    def place(self, wish: Wish, *, again: bool = False) -> Placed:
        self.asked_again.append(again)
        self._answer()
        return Placed(f"MRG-{wish.number}", wish.amount, self.has_link)

    def cancel(self, order_id: str, *, channel: str) -> None:
        self._answer()
        self.cancelled.append(order_id)

    def close(self) -> None:
        """Nothing is open."""

    def _answer(self) -> None:
        if self.away > 0:
            self.away -= 1
            raise ShopIsAway("no answer")


class NotingSandbox:
    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.told: list[tuple[str, str, dict[str, Any]]] = []

    def plan(self, reference: str, *behaviours: Any) -> None:
        for each in behaviours:
            self.told.append(("plan", reference, dict(each)))

    def pay(self, reference: str, *, outcome: str = "pay", **given: Any) -> None:
        if self.refuses:
            raise SandboxSaidNo(409, "closed")
        self.told.append((outcome, reference, given))

    @property
    def paid(self) -> list[tuple[str, str]]:
        """Who did what about paying, plans left out."""
        return [(what, reference) for what, reference, _given in self.told if what != "plan"]


class OpenEyes:
    """Sees everything that a journey waits for, at the second look."""

    def __init__(self) -> None:
        self.looks = 0

    def _see(self, journey: Journey) -> bool:
        self.looks += 1
        return self.looks > 1

    has_link = is_closed = is_active = is_booked = _see
