"""Carts: PostgreSQL decides, Redis remembers. Decision: docs/adr/0020.

A cart lives 15 minutes after its last change. A change is one conditional UPDATE on the revision the
caller saw, so a copy that missed a change cannot win; the copy in Redis is written after the commit,
replaced by a higher revision only, and shown only while PostgreSQL confirms its revision.
"""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeAlias

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from prometheus_client import Counter

from orders.errors import Refusal
from orders.models import Cart
from orders.services import pricing
from orders.services.cart_content import (
    MOST_ITEMS,
    CartCustomer,
    CartItem,
    CartPromo,
    Content,
    Pricing,
    content,
)
from orders.services.memory import memory

LIFE = timedelta(minutes=15)
TRIES = 5
PURGE_AFTER = timedelta(days=1)
PURGE_BATCH = 5_000

READS = Counter(
    "orderorchestrator_cart_reads",
    "Carts read, by where the copy came from: redis, postgresql (Redis had none), stale.",
    ["source"],
)


class CartNotFound(Refusal):
    """No such cart for this channel."""


class CartExpired(Refusal):
    """Its 15 minutes are over."""


class CartOrdered(Refusal):
    """It became an order; `order_id` is the public one."""

    def __init__(self, order_id: str) -> None:
        self.order_id = order_id
        super().__init__(_("This cart has become order %(order)s.") % {"order": order_id})


class CartMoved(Refusal):
    """Somebody else kept changing it."""


class CartFull(Refusal):
    """No further item fits."""


class NotInCart(Refusal):
    """The cart has no such item."""


@dataclass(frozen=True, slots=True)
class SeenCart:
    """A cart as of one revision. `order_id` is the public id of what it became, or ''."""

    id: uuid.UUID
    channel: str
    revision: int
    expires_at: datetime
    content: Content
    order_id: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """What to put into a cart. `fare` names what costs the same: class and measure."""

    service: str
    details: dict[str, Any]
    fare: str


Also: TypeAlias = Callable[[SeenCart], None]
"""Runs in the transaction of the change; what it raises undoes the change."""


def create(*, channel: str, city: str, customer: CartCustomer, also: Also) -> SeenCart:
    """A new, empty cart."""
    seen = SeenCart(
        id=uuid.uuid4(),
        channel=channel,
        revision=1,
        expires_at=timezone.now() + LIFE,
        content=Content(city=city, customer=customer),
    )
    with transaction.atomic():
        Cart.objects.create(
            id=seen.id,
            channel=channel,
            body=seen.content.as_json(),
            revision=seen.revision,
            expires_at=seen.expires_at,
        )
        also(seen)
        transaction.on_commit(partial(_remember, seen))
    return seen


def find(cart_id: uuid.UUID, *, channel: str) -> SeenCart:
    """The cart as it is now. Raises CartNotFound or CartExpired."""
    seen = _from_redis(cart_id, channel=channel) or _from_postgresql(cart_id, channel=channel)
    if not seen.order_id and seen.expires_at <= timezone.now():
        raise CartExpired(_("This cart has expired."))
    return seen


def _from_redis(cart_id: uuid.UUID, *, channel: str) -> SeenCart | None:
    kept = memory().get(_key(cart_id))
    if kept is None:
        return None
    revision, copy = kept[0], _understood(kept[1])
    row = _rows(cart_id, channel=channel).filter(revision=revision)
    confirmed = row.values_list("expires_at", "order__public_id").first() if copy else None
    READS.labels("redis" if confirmed else "stale").inc()
    if copy is None or confirmed is None:
        return None
    expires_at, order_id = confirmed
    return SeenCart(cart_id, channel, revision, expires_at, copy, order_id or "")


def _understood(text: str) -> Content | None:
    """None for a copy that another release wrote in another shape, or somebody by hand."""
    try:
        return content(json.loads(text))
    except (ValueError, KeyError, TypeError):
        return None


def _from_postgresql(cart_id: uuid.UUID, *, channel: str) -> SeenCart:
    row = _rows(cart_id, channel=channel).select_related("order").first()
    if row is None:
        raise CartNotFound(_("There is no such cart."))
    order_id = row.order.public_id if row.order else ""
    seen = SeenCart(row.id, row.channel, row.revision, row.expires_at, content(row.body), order_id)
    READS.labels("postgresql").inc()
    _remember(seen)
    return seen


def _rows(cart_id: uuid.UUID, *, channel: str) -> QuerySet[Cart]:
    return Cart.objects.filter(pk=cart_id, channel=channel)


def _remember(seen: SeenCart) -> None:
    seconds = (seen.expires_at - timezone.now()).total_seconds()
    text = json.dumps(seen.content.as_json(), separators=(",", ":"))
    memory().put(_key(seen.id), text, revision=seen.revision, seconds=seconds)


def _key(cart_id: uuid.UUID) -> str:
    return f"{settings.REDIS_PREFIX}cart:{cart_id}"


def add_item(cart_id: uuid.UUID, *, channel: str, line: Line, also: Also) -> SeenCart:
    """Price `line` and put it in. Raises NotServed, CartFull and what a change may raise."""
    seen = find(cart_id, channel=channel)
    if seen.order_id:
        raise CartOrdered(seen.order_id)
    _refuse_full(seen.content)
    item = _priced(line, at=seen.content)

    def by(now: Content) -> Content:
        _refuse_full(now)
        return now.with_item(item)

    return _change(seen, by=by, also=also, judge_promo=True)


def _refuse_full(now: Content) -> None:
    if len(now.items) >= MOST_ITEMS:
        raise CartFull(_("A cart holds at most %(most)d items.") % {"most": MOST_ITEMS})


def _priced(line: Line, *, at: Content) -> CartItem:
    fare = f"{line.service}:{at.city}:{line.fare}"
    details = {**line.details, "city": at.city}
    quote = pricing.quote(line.service, details=details, fare=fare, currency=at.currency)
    return CartItem(
        id=uuid.uuid4().hex,
        service=line.service,
        details=line.details,
        fare=line.fare,
        amount=quote.amount,
        pricing=quote.pricing,
    )


def price_again(cart_id: uuid.UUID, *, channel: str, also: Also) -> SeenCart:
    """Ask again for every price that Session Manager did not give itself."""
    priced: dict[str, CartItem] = {}

    def by(now: Content) -> Content:
        for item in now.items:
            if item.pricing != Pricing.LIVE and item.id not in priced:
                line = Line(item.service, dict(item.details), item.fare)
                priced[item.id] = replace(_priced(line, at=now), id=item.id)
        return replace(now, items=tuple(priced.get(item.id, item) for item in now.items))

    seen = find(cart_id, channel=channel)
    return _change(seen, by=by, also=also, judge_promo=True)


def remove_item(cart_id: uuid.UUID, *, channel: str, item_id: str, also: Also) -> SeenCart:
    """Take an item out. Raises NotInCart."""

    def by(now: Content) -> Content:
        if item_id not in {item.id for item in now.items}:
            raise NotInCart(_("This cart has no such item."))
        return now.without_item(item_id)

    seen = find(cart_id, channel=channel)
    return _change(seen, by=by, also=also, judge_promo=True)


def set_customer(cart_id: uuid.UUID, *, channel: str, customer: CartCustomer, also: Also) -> SeenCart:
    def by(now: Content) -> Content:
        return replace(now, customer=customer)

    return _change(find(cart_id, channel=channel), by=by, also=also)


def set_promo(cart_id: uuid.UUID, *, channel: str, code: str, also: Also) -> SeenCart:
    """Ask the Promo Gateway about `code`; '' takes the promo off."""

    def by(now: Content) -> Content:
        return replace(now, promo=CartPromo(code=code))

    seen = find(cart_id, channel=channel)
    return _change(seen, by=by, also=also, judge_promo=True)


def _change(seen: SeenCart, *, by: Callable[[Content], Content], also: Also, judge_promo: bool = False) -> SeenCart:
    """Decide outside any transaction, save upon what was seen; look again when that moved on."""
    for _try in range(TRIES):
        if seen.order_id:
            raise CartOrdered(seen.order_id)
        wanted = by(seen.content)
        if judge_promo:
            wanted = pricing.with_promo(wanted)
        saved = _save(seen, wanted, also=also)
        if saved is not None:
            return saved
        seen = find(seen.id, channel=seen.channel)
    raise CartMoved(_("This cart is being changed from elsewhere."))


def _save(seen: SeenCart, wanted: Content, *, also: Also) -> SeenCart | None:
    saved = replace(seen, revision=seen.revision + 1, expires_at=timezone.now() + LIFE, content=wanted)
    as_seen = _rows(seen.id, channel=seen.channel).filter(revision=seen.revision, order=None)
    with transaction.atomic():
        if not as_seen.update(body=wanted.as_json(), revision=saved.revision, expires_at=saved.expires_at):
            return None
        also(saved)
        transaction.on_commit(partial(_remember, saved))
    return saved


def purge() -> int:
    """Delete carts that expired long ago and became nothing, a batch at a time; how many."""
    old = Cart.objects.filter(order=None, expires_at__lt=timezone.now() - PURGE_AFTER)
    batch = old.order_by("expires_at").values("pk")[:PURGE_BATCH]
    return Cart.objects.filter(pk__in=batch).delete()[0]
