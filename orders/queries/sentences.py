"""Every thing that can happen to an order, as one plain sentence: the one place that maps verb to words.

The values a sentence may name are those of `orders.queries.telling`. Sums and instants are no part of
a sentence: screens show them beside it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

Key = tuple[str, str]  # (machine, verb)

# The reason that is kept with a safe step: the click says enough, and the timeline does not repeat it.
ONE_CLICK: Final = "one click"
# The reason of a proposal that its own proposer withdrew: nobody typed it.
TAKEN_BACK: Final = "taken back"

_ORDER: Mapping[Key, Promise] = {
    ("order", "create"): _("Order placed: %(channel)s"),
    ("order", "open_link"): _("Payment link ready: waiting for the customer"),
    ("order", "pay"): _("Order paid"),
    ("order", "book"): _("Booking started"),
    ("order", "queue"): _("Queued: dispatch cannot be reached"),
    ("order", "confirm"): _("Everything is booked: the trip can begin"),
    ("order", "complete"): _("Trip completed"),
    ("order", "cancel"): _("Order cancelled"),
    ("order", "expire"): _("Order expired unpaid"),
    ("order", "fail"): _("Order failed"),
    ("order", "pay_late"): _("Money came after the order was closed"),
    ("order", "reinstate"): _("Order reinstated: it counts as paid again"),
    ("order", "settle"): _("Late money given back: the order is closed for good"),
    ("order", "reverse"): _("Payment taken back before booking: unpaid again"),
    ("order", "annul"): _("Trip taken back after completion: order cancelled"),
}

_ATTEMPT: Mapping[Key, Promise] = {
    ("attempt", "create"): _("Attempt %(number)s prepared for %(gateway)s"),
    ("attempt", "send"): _("Asked %(gateway)s for a payment link"),
    ("attempt", "open"): _("%(gateway)s made the payment link"),
    ("attempt", "pay"): _("%(gateway)s says attempt %(number)s is paid"),
    ("attempt", "decline"): _("%(gateway)s says attempt %(number)s is declined"),
    ("attempt", "not_start"): _("%(gateway)s started nothing: no link was made"),
    ("attempt", "expire"): _("Link at %(gateway)s expired unpaid"),
    ("attempt", "cancel"): _("Link at %(gateway)s closed: nobody can pay it any more"),
    ("attempt", "reverse"): _("%(gateway)s took the payment of attempt %(number)s back"),
    ("attempt", "mismatch"): _("%(gateway)s reports another payment than we asked for: a person decides"),
}

_REFUND: Mapping[Key, Promise] = {
    ("refund", "create"): _("Refund requested"),
    ("refund", "approve"): _("Refund approved"),
    ("refund", "reject"): _("Refund rejected"),
    ("refund", "send"): _("Refund sent to %(gateway)s"),
    ("refund", "succeed"): _("%(gateway)s gave the money back"),
    ("refund", "fail"): _("%(gateway)s refused the refund"),
    ("refund", "lose"): _("%(gateway)s did not answer: nobody knows yet whether the refund went through"),
    ("refund", "retry"): _("Refund will be sent again under the same key"),
    ("refund", "transfer"): _("Money transferred by hand: the bank's reference is %(reference)s"),
    ("refund", "bounce"): _("Refund came back: the money is with us again"),
}

_BOOKING: Mapping[Key, Promise] = {
    ("saga", "create"): _("Booking planned"),
    ("saga", "succeed"): _("Every item is booked"),
    ("saga", "compensate"): _("What was booked is being undone"),
    ("saga", "finish"): _("Everything that was booked is undone"),
    ("saga", "give_up"): _("Booking gave up: a person has to look"),
    ("saga", "retry"): _("Booking taken up again"),
    ("step", "create"): _("Item %(item)s will be booked with %(partner)s"),
    ("step", "send"): _("Asked %(partner)s to book item %(item)s"),
    ("step", "finish"): _("%(partner)s booked item %(item)s"),
    ("step", "fail"): _("%(partner)s did not book item %(item)s"),
    ("step", "lose"): _("%(partner)s did not answer: nobody knows yet whether item %(item)s is booked"),
    ("step", "retry"): _("%(partner)s will be asked again to book item %(item)s"),
    ("step", "undo"): _("Asked %(partner)s to cancel item %(item)s"),
    ("step", "finish_undo"): _("%(partner)s cancelled item %(item)s"),
    ("step", "fail_undo"): _("%(partner)s could not cancel item %(item)s"),
    ("step", "skip"): _("Item %(item)s was never sent to %(partner)s and is not wanted any more"),
    ("step", "let_stand"): _("What %(partner)s did for item %(item)s is let stand"),
    ("dispatch", "create"): _("Waiting in the dispatch queue"),
    ("dispatch", "claim"): _("Taken from the dispatch queue by hand"),
    ("dispatch", "release"): _("Back in the dispatch queue"),
    ("dispatch", "send"): _("Dispatch tried again"),
    ("dispatch", "dispatch"): _("Dispatched: out of the queue"),
    ("dispatch", "fail"): _("Dispatch failed"),
    ("dispatch", "withdraw"): _("Withdrawn from the dispatch queue"),
}

# Orders of goods, their sagas and steps; a step by its own name (orders/services/checkout_saga.py).
GOODS: Final[Mapping[Key, Promise]] = MappingProxyType(
    {
        ("order", "book"): _("Goods are reserved and paid: the order is created"),
        ("order", "confirm"): _("The checkout is complete"),
        ("order", "complete"): _("The goods are the customer's"),
        ("saga", "create"): _("Checkout begun"),
        ("saga", "succeed"): _("Checkout finished: reserved, paid, ordered, cart emptied"),
        ("saga", "compensate"): _("The checkout is being undone"),
        ("saga", "finish"): _("The checkout is undone"),
        ("saga", "give_up"): _("The checkout gave up: a person has to look"),
        ("saga", "retry"): _("Checkout taken up again"),
        ("step", "create"): _("To do: %(what)s"),
        ("step", "send"): _("Begun: %(what)s"),
        ("step", "finish"): _("Done: %(what)s"),
        ("step", "fail"): _("Could not be done: %(what)s"),
        ("step", "lose"): _("Nobody knows yet whether it is done: %(what)s"),
        ("step", "retry"): _("Will be tried again: %(what)s"),
        ("step", "undo"): _("Being undone: %(what)s"),
        ("step", "finish_undo"): _("Undone: %(what)s"),
        ("step", "fail_undo"): _("Could not be undone: %(what)s"),
        ("step", "skip"): _("Never begun and not wanted any more: %(what)s"),
        ("step", "let_stand"): _("Is let stand: %(what)s"),
    }
)
STEPS: Final[Mapping[str, Promise]] = MappingProxyType(
    {
        "reserve inventory": _("reserve the goods"),
        "take payment": _("have the customer pay"),
        "create order": _("create the order"),
        "clear cart": _("empty the cart"),
    }
)

_POSTING: Mapping[Key, Promise] = {
    ("posting", "create"): _("Head Office has to be told of the %(entry)s"),
    ("posting", "send"): _("Head Office told of the %(entry)s"),
    ("posting", "record"): _("Head Office recorded the %(entry)s"),
    ("posting", "reject"): _("Head Office refused the %(entry)s"),
    ("posting", "lose"): _("Head Office did not answer: nobody knows yet whether the %(entry)s is recorded"),
    ("posting", "retry"): _("Head Office will be told of the %(entry)s again"),
}

_INBOUND: Mapping[Key, Promise] = {
    ("inbound", "create"): _("%(source)s says %(claim)s: not judged yet"),
    ("inbound", "apply"): _("%(source)s says %(claim)s: applied"),
    ("inbound", "repeat"): _("%(source)s says %(claim)s: nothing new"),
    ("inbound", "outrank"): _("%(source)s says %(claim)s: ignored, it is older than what we know"),
    ("inbound", "refuse"): _("%(source)s says %(claim)s: refused, it is not so"),
    ("inbound", "quarantine"): _("A message in the name of %(source)s is in quarantine"),
    ("inbound", "replay"): _("Message of %(source)s judged again"),
}

_LETTER: Mapping[Key, Promise] = {
    ("letter", "create"): _("An event could not be used"),
    ("letter", "bury"): _("An event could not be used and is a dead letter: a person has to look"),
    ("letter", "handle"): _("The event that could not be used has been handled"),
    ("letter", "replay"): _("Dead letter replayed"),
    ("letter", "discard"): _("Dead letter discarded"),
}

_NOTICE: Mapping[Key, Promise] = {
    ("notice", "create"): _("Message prepared: %(message)s"),
    ("notice", "send"): _("Message handed to %(provider)s: %(message)s"),
    ("notice", "accept"): _("Message sent through %(provider)s: %(message)s"),
    ("notice", "retry"): _("Message not sent, tried again: %(message)s"),
    ("notice", "deliver"): _("Message delivered through %(provider)s: %(message)s"),
    ("notice", "bounce"): _("Message came back from %(provider)s: %(message)s"),
    ("notice", "fail"): _("Message could not be sent: %(message)s"),
    ("notice", "withdraw"): _("Message not needed any more: %(message)s"),
}

MOVES: Final[Mapping[Key, Promise]] = MappingProxyType(
    {**_ORDER, **_ATTEMPT, **_REFUND, **_BOOKING, **_POSTING, **_INBOUND, **_LETTER, **_NOTICE}
)

# Facts that change no state, by verb alone: they are told of an order, an attempt or a step.
FACTS: Final[Mapping[str, Promise]] = MappingProxyType(
    {
        "paid_twice": _("Paid twice: attempt %(number)s at %(gateway)s was paid as well"),
        "reversed_after_booking": _("%(gateway)s took the payment back although the trip is booked"),
        "driver_assigned": _("Driver assigned for item %(item)s"),
        "picked_up": _("Customer picked up for item %(item)s"),
        "item_completed": _("Item %(item)s completed"),
        "assigned_by_hand": _("%(actor)s assigned a car by hand"),
        "freed_by_hand": _("%(actor)s took the car off again"),
        "dispatched_by_hand": _("%(actor)s sent a car by hand for item %(item)s"),
        "handed_over": _("%(actor)s handed the dispatch over to %(owner)s"),
        "customer_cancelled": _("The customer does not want to wait: %(actor)s cancels"),
        "dispatch_given_up": _("No car is to be had: %(actor)s gives up"),
        "note": _("Note by %(actor)s"),
        "customer_called": _("The customer called about %(about)s"),
        "held": _("Put on hold by %(actor)s"),
        "released": _("Hold ended by %(actor)s"),
        "assigned": _("Assigned to %(owner)s"),
        "unassigned": _("Nobody's any more"),
        "revealed": _("%(actor)s looked at the customer's %(field)s"),
        "action_requested": _("%(actor)s asked for: %(action)s"),
        "action_approved": _("%(actor)s approved: %(action)s"),
        "action_rejected": _("%(actor)s rejected: %(action)s"),
        "action_withdrawn": _("%(actor)s took it back: %(action)s"),
        "action_finished": _("%(action)s: %(status)s"),
        "step_retried": _("%(actor)s had %(partner)s asked again for item %(item)s"),
        "anomaly": _("Odd: %(anomaly)s"),
    }
)

# What a customer calls about, by `detail.about`.
CALLS: Final[Mapping[str, Promise]] = MappingProxyType(
    {
        "paid": _("money that is gone and no order"),
        "link": _("a payment link"),
        "car": _("a car that does not come"),
        "refund": _("money that does not come back"),
        "twice": _("being charged twice"),
        "other": _("something else"),
    }
)

# What belongs to no order: shown on the pages of settings, from the history's order 0.
GENERAL: Final[Mapping[str, Promise]] = MappingProxyType(
    {
        "issue_token": _("Token issued"),
        "revoke_token": _("Token revoked"),
        "set_person": _("Person made or changed"),
        "set_limit": _("Stuck limit set"),
        "clear_limit": _("Stuck limit back to its default"),
        "set_hold": _("Wait before booking set"),
        "stop_action": _("Action stopped"),
        "allow_action": _("Action allowed again"),
        "operate_breaker": _("Breaker opened, closed or reset by hand"),
        "dispatch_queue_grew": _("The dispatch queue has grown"),
        "dispatch_queue_shrank": _("The dispatch queue is short again"),
    }
)

# `detail.kind` of an anomaly (docs/import.md).
ANOMALIES: Final[Mapping[str, Promise]] = MappingProxyType(
    {
        "dispatched_before_created": _("dispatched before it was placed"),
        "dispatched_before_payment_approved": _("dispatched before the payment was approved"),
        "dispatched_without_payment_approved": _("dispatched, and no payment was approved"),
        "completed_before_dispatched": _("completed before it was dispatched"),
        "completed_after_promise": _("completed later than promised"),
        "completed_status_without_completion_time": _("completed, and nobody says when"),
        "completed_without_dispatch_time": _("completed, and never dispatched"),
        "completion_time_without_completed_status": _("it has a completion time and is not completed"),
        "cancelled_after_dispatch": _("cancelled after it was dispatched"),
        "cancelled_after_completion": _("cancelled after it was completed"),
        "failed_after_dispatch": _("failed after it was dispatched"),
        "expired_after_payment": _("expired although it was paid"),
        "payment_recorded_while_created": _("a payment is recorded, and the order never left “created”"),
        "payment_recorded_without_approval": _("a payment is recorded that was never approved"),
        "paid_without_payment": _("paid, and no payment is recorded"),
        "paid_total_differs": _("the payments do not add up to the order"),
        "payment_part_missing": _("a part of the payment is missing"),
        "import_contradicts": _("a later file says otherwise than an earlier one"),
    }
)

# What the oddities of an import are about, by the names in `detail`.
ODDITIES: Final[Mapping[str, Promise]] = MappingProxyType(
    {
        "created_at": _("placed"),
        "paid_at": _("payment approved"),
        "active_at": _("dispatched"),
        "completed_at": _("completed"),
        "promised_by": _("promised by"),
        "field": _("field"),
        "had": _("was"),
        "says": _("is said to be"),
    }
)

_ACTIONS: Final[dict[str, Promise]] = {
    "recheck_payment": _("Re-check payment"),
    "make_link": _("Make payment link"),
    "retry_booking": _("Retry booking"),
    "repost_ho": _("Re-post to HO"),
    "cancel_order": _("Cancel order"),
    "refund": _("Refund"),
    "record_transfer": _("Record a transfer by hand"),
    "retry_step": _("Retry step"),
    "mark_step_done": _("Mark step done"),
    "skip_step": _("Let it stand"),
    "compensate_saga": _("Undo all now"),
    "expire_attempt": _("Close payment links"),
    "hold_order": _("Hold"),
    "release_hold": _("Release from hold"),
    "send_link": _("Send the link"),
    "send_to_dispatch": _("Send to dispatch again"),
    "dispatch_by_hand": _("Mark as dispatched"),
    "customer_cancelled": _("Customer cancelled"),
    "give_up_dispatch": _("Give up and refund"),
    "end_trip": _("Trip has ended"),
}
ACTIONS: Final[Mapping[str, Promise]] = MappingProxyType(_ACTIONS)


def add_actions(labels: Mapping[str, Promise]) -> None:
    """Actions of an app that stands above this one; called when that app is ready."""
    _ACTIONS.update(labels)


# What became of an action, in words that complete "Re-check payment: …".
STATUSES: Final[Mapping[str, Promise]] = MappingProxyType(
    {
        "awaiting_approval": _("waits for a second person"),
        "queued": _("queued"),
        "running": _("running"),
        "fixed": _("fixed"),
        "accepted": _("accepted, not yet done"),
        "not_fixed": _("not fixed"),
        "refused": _("refused, nothing done"),
        "unknown": _("nobody knows yet"),
    }
)

# Where an action's end has better words: a re-check ends well when everybody answered, paid or not.
ENDS: Final[Mapping[Key, Promise]] = MappingProxyType(
    {
        ("recheck_payment", "fixed"): _("everybody answered"),
        ("recheck_payment", "not_fixed"): _("not everybody answered"),
        ("record_transfer", "fixed"): _("recorded"),
        ("send_link", "fixed"): _("sent"),
        ("send_link", "not_fixed"): _("not sent"),
        ("send_to_dispatch", "fixed"): _("dispatched"),
        ("send_to_dispatch", "not_fixed"): _("still waiting"),
        ("dispatch_by_hand", "fixed"): _("done"),
        ("customer_cancelled", "fixed"): _("done"),
        ("give_up_dispatch", "fixed"): _("done"),
        ("end_trip", "fixed"): _("done"),
    }
)

FIELDS: Final[Mapping[str, Promise]] = MappingProxyType(
    {"phone": _("phone number"), "email": _("email address"), "name": _("name"), "raw": _("raw messages")}
)
ENTRIES: Final[Mapping[str, Promise]] = MappingProxyType({"payment": _("payment"), "refund": _("refund")})


def status_words(action: str, status: str, outcome: str = "") -> str:
    """What became of an action; a status nobody has words for is shown as it is."""
    if outcome == TAKEN_BACK:
        return gettext("taken back, nothing done")
    found = ENDS.get((action, status)) or STATUSES.get(status)
    return str(found) if found else status
