"""What each action would do to an order, from facts alone. Pure: reads nothing, writes nothing.

Where an action may not be done, the reason is the one that `orders.services.actions.why_not` gives for a
single order; it is decided here once more because that one asks the database for each order, and ten
thousand are planned in seconds here. A test holds both to the same answers in every state.
"""

from orders.clients.codes import OFFERED
from orders.models import Attempt, Order
from orders.services import refunds
from orders.services.booking import PARTNER
from orders.services.links import PAYABLE
from orders.services.routing import LIVE
from orders.states import CLOSED_ORDER_STATES, AttemptState, OrderState, OrderVerb, PostingState, RefundState
from runbooks.facts import Facts
from runbooks.registry.action import Input, Preview

S = OrderState
UNBOOKED = (S.PAID, S.BOOKING, S.QUEUED_FOR_DISPATCH)
UNDER_WAY = (*UNBOOKED, S.ACTIVE)
_IMPORT = Order.Origin.IMPORT


class LinkInput(Input):
    """`gateway`: through whom; "" leaves the choice to the routing."""

    gateway: str = ""


class HoldInput(Input):
    """`until` is an instant (ISO 8601), `hold_reason` what the list shows; each row may have its own."""

    until: str = ""
    hold_reason: str = ""


def recheck(facts: Facts, given: Input) -> Preview:
    if facts.order.origin == _IMPORT:
        return Preview(why="imported_gateway")
    if not facts.attempts:
        return Preview(why="no_attempt")
    return Preview(neighbour=facts.attempts[-1].gateway)


def rechecked(facts: Facts, amount: int) -> bool:
    return not any(each.state in (AttemptState.REQUESTED, AttemptState.UNKNOWN) for each in facts.attempts)


def link(facts: Facts, given: Input) -> Preview:
    order, wanted = facts.order, given.gateway if isinstance(given, LinkInput) else ""
    if order.state not in PAYABLE:
        return Preview(why="nothing_to_pay", why_values={"state": order.state})
    if wanted and order.method not in OFFERED.get(wanted, ()):
        return Preview(why="not_offered", why_values={"gateway": wanted, "method": order.method})
    live = live_attempts(facts)  # a link that could still be paid is closed first, at its own gateway
    near = live[-1].gateway if live else wanted
    params = {"gateway": wanted} if wanted else {}
    return Preview(target=S.AWAITING_PAYMENT, neighbour=near, params=params)


def linked(facts: Facts, amount: int) -> bool:
    return facts.order.state not in PAYABLE or any(each.state == AttemptState.OPEN for each in facts.attempts)


def close_links(facts: Facts, given: Input) -> Preview:
    live = live_attempts(facts)
    if facts.order.origin == _IMPORT:
        return Preview(why="imported_gateway")
    if not live:
        return Preview(why="no_link")
    return Preview(neighbour=live[-1].gateway)


def links_closed(facts: Facts, amount: int) -> bool:
    return not live_attempts(facts)


def live_attempts(facts: Facts) -> list[Attempt]:
    """Those that could still be paid."""
    return [each for each in facts.attempts if each.state in LIVE]


def booking(facts: Facts, given: Input) -> Preview:
    order = facts.order
    if order.origin == _IMPORT:
        return Preview(why="imported_booking")
    if order.state == S.PAID_AFTER_CLOSE or order.state in UNBOOKED:
        return Preview(target=S.ACTIVE, neighbour=PARTNER.get(order.service, ""))
    return Preview(why="nothing_to_book", why_values={"state": order.state})


def booked(facts: Facts, amount: int) -> bool:
    return facts.order.state in (S.ACTIVE, S.COMPLETED)


def post(facts: Facts, given: Input) -> Preview:
    order, owed = facts.order, [each for each in facts.postings if each.state != PostingState.RECORDED]
    if owed or (order.state == S.COMPLETED and not facts.postings and facts.balance > 0):
        return Preview(neighbour="ho")
    return Preview(why="ho_has_it")


def posted(facts: Facts, amount: int) -> bool:
    return bool(facts.postings) and all(each.state == PostingState.RECORDED for each in facts.postings)


def cancel(facts: Facts, given: Input) -> Preview:
    order = facts.order
    if order.origin == _IMPORT:
        return Preview(why="imported_cancel")
    target = order.machine.target(order.state, OrderVerb.CANCEL)
    if target is None:
        return Preview(why="cannot_cancel", why_values={"state": order.state})
    return Preview(target=target, amount=facts.free, message="cancelled", neighbour=_paid_through(facts))


def cancelled(facts: Facts, amount: int) -> bool:
    return facts.order.state in CLOSED_ORDER_STATES and facts.balance == 0


def gives_back(facts: Facts, amount: int) -> bool:
    """Closed, and its money goes back: undone first, then refunded, where that is large after a second person's yes.
    A refund that failed needs a person."""
    return facts.order.state in CLOSED_ORDER_STATES and not facts.failed


def refund(facts: Facts, given: Input) -> Preview:
    """A refund that failed goes again as it was; else what is too much, or all where nothing is carried out."""
    order, failed = facts.order, facts.failed
    if order.origin == _IMPORT:
        return Preview(why="imported_refund")
    near = _paid_through(facts)
    if again := [each for each in failed if refunds.by_api(facts.attempt_of(each))]:
        return _giving_back(facts, again[-1].amount, near)
    if facts.free <= 0:
        return Preview(why="transferred_by_hand" if failed else "no_money")
    amount = facts.free - order.amount if order.state in UNDER_WAY else facts.free
    return _giving_back(facts, amount, near) if amount > 0 else Preview(why="carried_out")


def refund_excess(facts: Facts, given: Input) -> Preview:
    """Only what is held beyond the order's price: the ride that was, or will be, driven stays paid."""
    if facts.order.origin == _IMPORT:
        return Preview(why="imported_refund")
    spare = facts.free - facts.order.amount
    return _giving_back(facts, spare, _paid_through(facts)) if spare > 0 else Preview(why="no_excess")


def _giving_back(facts: Facts, amount: int, near: str) -> Preview:
    empties = facts.order.state == S.PAID_AFTER_CLOSE and amount >= facts.balance
    target = facts.order.machine.target(S.PAID_AFTER_CLOSE, OrderVerb.SETTLE) if empties else None
    params = {"amount": amount}
    return Preview(target=target or "", amount=amount, message="refunded", neighbour=near, params=params)


def refunded(facts: Facts, amount: int) -> bool:
    """Nothing is on its way or failed any more, and as much as was planned has gone back."""
    back = sum(each.amount for each in facts.refunds if each.state == RefundState.SUCCEEDED)
    waits = any(each.state not in (RefundState.SUCCEEDED, RefundState.REJECTED) for each in facts.refunds)
    return not waits and back >= amount


def refund_goes_on(facts: Facts, amount: int) -> bool:
    """Of several refunds one that failed ends it once none of the others is on its way."""
    return any(each.state in refunds.UNDER_WAY for each in facts.refunds)


def _paid_through(facts: Facts) -> str:
    paid = [each.gateway for each in facts.attempts if facts.held.get(each.pk, 0) > 0]
    return paid[-1] if paid else ""


def hold(facts: Facts, given: Input) -> Preview:
    params = given.model_dump() if isinstance(given, HoldInput) else {}
    return Preview(params=params, before=_hold_of(facts))


def is_held(facts: Facts, amount: int) -> bool:
    return facts.order.held_until is not None


def release(facts: Facts, given: Input) -> Preview:
    if facts.order.held_until is None:
        return Preview(why="not_held")
    return Preview(before=_hold_of(facts))


def is_released(facts: Facts, amount: int) -> bool:
    return facts.order.held_until is None


def _hold_of(facts: Facts) -> dict[str, str]:
    order = facts.order
    if order.held_until is None:
        return {}
    return {"until": order.held_until.isoformat(), "hold_reason": order.hold_reason}
