"""What is known of many orders, read in a fixed number of queries: what previews and second looks judge by."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Sum

from orders.messages import BY_OPERATOR
from orders.models import Attempt, LedgerEntry, Notice, Order, Posting, Refund
from orders.services.notices import NOT_TOLD
from orders.states import RefundState

OVER = (RefundState.SUCCEEDED, RefundState.REJECTED)
# What nobody judges by, and what is long or personal.
_NOT_READ = ("notes", "customer_name", "customer_phone", "customer_email", "promo_code")


@dataclass(frozen=True, slots=True)
class Facts:
    """One order and its rows, each kind oldest first. `held` is what each attempt's money comes to, in
    minor units of the order's currency; `told` are the operators' messages that its customer has had, or is being
    sent."""

    order: Order
    attempts: Sequence[Attempt] = ()
    refunds: Sequence[Refund] = ()
    postings: Sequence[Posting] = ()
    held: Mapping[int, int] = field(default_factory=dict)
    told: Collection[str] = ()

    @property
    def key(self) -> str:
        return str(self.order.pk)

    @property
    def public_id(self) -> str:
        return self.order.public_id

    @property
    def state(self) -> str:
        return self.order.state

    @property
    def version(self) -> int:
        return self.order.version

    @property
    def currency(self) -> str:
        return self.order.currency

    @property
    def order_id(self) -> int | None:
        return self.order.pk

    @property
    def balance(self) -> int:
        """What we hold of the customer's money."""
        return sum(self.held.values())

    def refundable(self, attempt: Attempt) -> int:
        """Held of this attempt's money and not already on its way back."""
        under_way = sum(
            each.amount for each in self.refunds if each.attempt_id == attempt.pk and each.state not in OVER
        )
        return self.held.get(attempt.pk, 0) - under_way

    @property
    def failed(self) -> Sequence[Refund]:
        return [each for each in self.refunds if each.state == RefundState.FAILED]

    def attempt_of(self, refund: Refund) -> Attempt:
        return next(each for each in self.attempts if each.pk == refund.attempt_id)

    @property
    def free(self) -> int:
        """What could be given back now."""
        return sum(max(0, self.refundable(attempt)) for attempt in self.attempts)


def gather(order_ids: Iterable[int]) -> Mapping[int, Facts]:
    """By order; an id of no order is left out. Six queries, however many orders."""
    ids = list(order_ids)
    orders = Order.objects.filter(pk__in=ids).defer(*_NOT_READ)
    attempts, refunds, postings = (_by_order(model, ids) for model in (Attempt, Refund, Posting))
    held, told = _held(ids), _told(ids)
    return {
        order.pk: Facts(
            order=order,
            attempts=attempts.get(order.pk, ()),
            refunds=refunds.get(order.pk, ()),
            postings=postings.get(order.pk, ()),
            held=held.get(order.pk, {}),
            told=told.get(order.pk, ()),
        )
        for order in orders
    }


def _by_order(model: type[Attempt | Refund | Posting], ids: Sequence[int]) -> Mapping[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in model._base_manager.filter(order_id__in=ids).order_by("order_id", "id"):
        found[row.order_id].append(row)
    return found


def _held(ids: Sequence[int]) -> Mapping[int, Mapping[int, int]]:
    found: dict[int, dict[int, int]] = defaultdict(dict)
    entries = LedgerEntry.objects.filter(order_id__in=ids).values_list("order_id", "attempt_id")
    for order_id, attempt_id, total in entries.annotate(total=Sum("amount")).order_by("order_id", "attempt_id"):
        found[order_id][attempt_id or 0] = int(total)
    return found


def _told(ids: Sequence[int]) -> Mapping[int, Collection[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    sent = Notice.objects.filter(order_id__in=ids, template__in=BY_OPERATOR).exclude(state__in=NOT_TOLD)
    for order_id, template in sent.values_list("order_id", "template"):
        found[order_id or 0].add(template)
    return found
