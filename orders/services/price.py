"""What an action asks of people beside who wants it: the one rule, for single actions and for plans.

Limits of money are in minor units of our own currency; other money is always large.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import BigIntegerField, Count, Q, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.utils import timezone

from orders.models import OperatorAction

OUR_CURRENCY: Final = "IDR"
HOUR: Final = timedelta(hours=1)
MONEY_BACK: Final = "refund"
Started = tuple[int, int]  # orders, and money of ours in minor units


def is_large(amount: int, currency: str) -> bool:
    """Whether so much needs a second person, whatever else is true."""
    return amount > 0 and (currency != OUR_CURRENCY or amount >= settings.SECOND_PERSON_FROM)


def needs_second_person(name: str, params: Mapping[str, Any], *, currency: str = OUR_CURRENCY, actor: str = "") -> bool:
    """For one action on one order: by its money (style B4), what is let stand (ADR 0040) or was
    transferred by hand (ADR 0129) from the first rupiah on, and anything once its actor has started all that one person
    starts alone within an hour."""
    amount = int(params.get("amount", 0))
    if name in ("skip_step", "record_transfer"):
        return amount > 0
    if name in (MONEY_BACK, "mark_step_done") and is_large(amount, currency):
        return True
    moves = amount if name == MONEY_BACK and currency == OUR_CURRENCY else 0
    return bool(actor) and is_over_hour(actor, orders=1, money=moves)


def is_over_hour(actor: str, *, orders: int, money: int) -> bool:
    """Whether with so much more this person exceeds what one person starts alone within an hour."""
    started_orders, started_money = within_hour(actor)
    return exceeds_hour(started_orders + orders, started_money + money)


def exceeds_hour(orders: int, money: int) -> bool:
    return orders > settings.HOUR_MOST_ORDERS or money > settings.HOUR_MOST_MONEY


def within_hour(actor: str) -> Started:
    """What this person has started within the last hour: by hand, and by whatever `add_source` told of."""
    found = [source(actor) for source in _SOURCES]
    return sum(orders for orders, _money in found), sum(money for _orders, money in found)


def add_source(source: Callable[[str], Started]) -> None:
    """What else a person starts (plans do), told by the app that knows; called when it is ready."""
    if source not in _SOURCES:
        _SOURCES.append(source)


def by_hand(actor: str) -> Started:
    """Single actions of the last hour that were let go; what was refused did nothing."""
    mine = OperatorAction.objects.filter(plan="", actor=actor, created_at__gt=timezone.now() - HOUR)
    done = mine.exclude(status__in=(OperatorAction.Status.REFUSED, OperatorAction.Status.AWAITING_APPROVAL))
    amount = Cast(KeyTextTransform("amount", "params"), BigIntegerField())
    ours = Q(name=MONEY_BACK, order__currency=OUR_CURRENCY)
    found = done.aggregate(count=Count("pk"), moved=Sum(amount, filter=ours))
    return found["count"], int(found["moved"] or 0)


_SOURCES: list[Callable[[str], Started]] = [by_hand]
