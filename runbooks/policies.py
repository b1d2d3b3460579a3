"""Pure answers about plans: what they ask of people, how large they may be, in which waves they run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from orders.services import price
from orders.services.price import OUR_CURRENCY
from runbooks.registry import Action, Touch
from runbooks.states import Risk

WAVES: Final = (1, 5, 25)  # and then the rest
# Of the rows of a wave that were acted on: from this share on that did not come out well, the run pauses.
MOST_FAILED: Final = 0.1
# Likewise for rows that had changed since the plan was made; a wave of one says nothing about that.
MOST_DRIFTED: Final = 0.2
FEW_DRIFTED: Final = 2  # as many say nothing


@dataclass(frozen=True, slots=True)
class Size:
    """How much a plan touches. `hour_…` is what its proposer has started within the last hour."""

    orders: int
    money: Mapping[str, int]
    hour_orders: int = 0
    hour_money: int = 0

    @property
    def our_money(self) -> int:
        return self.money.get(OUR_CURRENCY, 0)


def risk_of(action: Action, size: Size) -> Risk:
    """What it asks of people: rows × money × whether it can be undone."""
    if is_over_hour(size):
        return Risk.SECOND_PERSON
    many = size.orders > settings.SECOND_PERSON_ORDERS
    if action.touch == Touch.READS:
        return Risk.REASON if many else Risk.NONE
    large = any(price.is_large(amount, currency) for currency, amount in size.money.items())
    if many or large:
        return Risk.SECOND_PERSON
    return Risk.TYPED if action.touch == Touch.MONEY else Risk.REASON


def is_over_hour(size: Size) -> bool:
    """With this plan its proposer would exceed what one person starts alone within an hour."""
    return price.exceeds_hour(size.hour_orders + size.orders, size.hour_money + size.our_money)


def is_too_large(size: Size) -> bool:
    """More than any one run may touch, whoever approves it."""
    return size.orders > settings.RUN_MOST_ORDERS or size.our_money > settings.RUN_MOST_MONEY


def to_type(size: Size) -> int:
    """What has to be typed again: the sum in minor units, or the number of orders where no money of ours
    moves."""
    return size.our_money or size.orders


def wave_ends(wave: int) -> int | None:
    """The last place of a wave, counted from 1; None for the last wave, which takes the rest."""
    return sum(WAVES[:wave]) if wave <= len(WAVES) else None


def is_bad(wave: int, *, failed: int, acted: int) -> bool:
    """Whether so many failures stop the run after this wave: one in a small wave, a share in a large one."""
    return failed > 0 and (wave <= 2 or failed >= acted * MOST_FAILED)


def has_drifted(wave: int, *, skipped: int, ended: int) -> bool:
    """Whether too many rows had changed meanwhile for the plan to be still what was approved."""
    return wave >= 2 and skipped > max(FEW_DRIFTED, ended * MOST_DRIFTED)
