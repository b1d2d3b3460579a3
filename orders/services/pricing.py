"""What an item costs and what a promo code takes off, with or without the neighbours.

Session Manager is asked; when it does not answer, the last price it gave for the same fare stands in,
marked as such; without one the item is priced later. A promo that cannot be asked about is skipped
and said (domain, section 3). Nothing here is called inside a transaction.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from orders.clients import promo, session_manager
from orders.clients.session_manager import Price
from orders.errors import Refusal
from orders.resilience.outcome import Answered, Refused
from orders.services.cart_content import CartPromo, Content, Pricing, PromoStatus
from orders.services.memory import memory

PRICE_PATIENCE = 1.5  # seconds; the customer waits for the cart, not for the price
PROMO_PATIENCE = 0.7
GOOD_FOR = 24 * 3600  # seconds that a last known price may stand in
MOST_FARES = 5_000  # kept in this process when Redis is gone

_fares: dict[str, tuple[float, int]] = {}


class NotServed(Refusal):
    """Session Manager answered that it does not sell this."""


@dataclass(frozen=True, slots=True)
class Quote:
    """`amount` in minor units, None where it must be priced later."""

    amount: int | None
    pricing: Pricing


def quote(service: str, *, details: Mapping[str, Any], fare: str, currency: str) -> Quote:
    """The price of one item. `fare` names what costs the same: service, class, city, measure.

    Raises NotServed where Session Manager said no.
    """
    outcome = session_manager.price(service, details=details, deadline=PRICE_PATIENCE)
    if isinstance(outcome, Refused):
        raise NotServed(outcome.message or _("This cannot be booked here."))
    if isinstance(outcome, Answered) and outcome.data.currency == currency:
        return _fresh(outcome.data, fare=fare)
    known = _last_known(fare)
    if known is None:
        return Quote(None, Pricing.PRICE_LATER)
    return Quote(known, Pricing.LAST_KNOWN)


def _fresh(price: Price, *, fare: str) -> Quote:
    if len(_fares) >= MOST_FARES:
        _fares.clear()
    now = time.time()
    _fares[fare] = (now, price.amount)
    memory().put(_key(fare), str(price.amount), revision=int(now), seconds=GOOD_FOR)
    return Quote(price.amount, Pricing.LIVE)


def _last_known(fare: str) -> int | None:
    kept = memory().get(_key(fare))
    if kept is not None and kept[1].isdigit():
        return int(kept[1])
    at, amount = _fares.get(fare, (0.0, 0))
    return amount if time.time() - at < GOOD_FOR else None


def _key(fare: str) -> str:
    return f"{settings.REDIS_PREFIX}price:{fare}"


def with_promo(content: Content) -> Content:
    """`content` with its promo code judged for what is in it now."""
    code = content.promo.code
    if not code or not content.items:
        return replace(content, promo=CartPromo(code=code))
    outcome = promo.validate(
        code,
        amount=content.subtotal,
        currency=content.currency,
        service=content.items[0].service,
        deadline=PROMO_PATIENCE,
    )
    return replace(content, promo=_judged(code, outcome, most=content.subtotal))


def _judged(code: str, outcome: Any, *, most: int) -> CartPromo:
    if isinstance(outcome, Refused):
        return CartPromo(code, PromoStatus.REFUSED, reason=outcome.message)
    if not isinstance(outcome, Answered):
        said = _("The promo could not be checked; it can be applied later.")
        return CartPromo(code, PromoStatus.SKIPPED, reason=said)
    if not outcome.data.valid:
        return CartPromo(code, PromoStatus.REFUSED, reason=outcome.data.reason)
    # A neighbour's mistake must not make an order negative.
    discount = min(max(0, outcome.data.discount), most)
    return CartPromo(code, PromoStatus.APPLIED, discount=discount)
