"""The demo's customers, through a shop and a sandbox that only note what was asked of them."""

from typing import Any

from opsconsole.traffic.shops import Placed, ShopIsAway
from opsconsole.traffic.stream import ROUND, TROUBLES, Stream
from opsconsole.traffic.wishes import Wish


class NotingShop:
    def __init__(self, *, away: int = 0) -> None:
        self.away, self.placed, self.cancelled = away, list[Wish](), list[str]()

    def place(self, wish: Wish, *, again: bool = False) -> Placed:
        if self.away > 0:
            self.away -= 1
            raise ShopIsAway("no answer")
        self.placed.append(wish)
        return Placed(f"MRG-{wish.number}", wish.amount, has_link=True)

    def cancel(self, order_id: str, *, channel: str) -> None:
        self.cancelled.append(order_id)


class NotingSandbox:
    def __init__(self) -> None:
        self.planned, self.paid = list[str](), list[str]()

    def plan(self, reference: str, *behaviours: Any) -> None:
        self.planned.append(reference)

    def pay(self, reference: str, **given: Any) -> None:
        self.paid.append(reference)


def led(customers: int, *, shop: NotingShop, sandbox: NotingSandbox) -> list[str]:
    stream = Stream(shop, sandbox)  # type: ignore[arg-type]
    return [stream.next_customer() for _ in range(customers)]


def test_a_round_of_customers_meets_each_trouble_once() -> None:
    shop, sandbox = NotingShop(), NotingSandbox()

    said = led(ROUND, shop=shop, sandbox=sandbox)

    assert [sum(trouble.name in line for line in said) for trouble in TROUBLES.values()] == [1] * len(TROUBLES)
    assert len(shop.placed) == ROUND
    assert len(sandbox.paid) == ROUND - 1
    assert len(shop.cancelled) == 2


def test_an_unanswered_order_is_asked_for_once_more() -> None:
    shop = NotingShop(away=1)

    led(1, shop=shop, sandbox=NotingSandbox())

    assert len(shop.placed) == 1


def test_a_shop_that_stays_away_is_said_and_not_raised() -> None:
    [said] = led(1, shop=NotingShop(away=2), sandbox=NotingSandbox())

    assert "no answer" in said
