"""The actions on parts of an order, and on its customer: sagas, dispatch entries, messages."""

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Literal

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from orders.leases import OTHERS, claim_in_turn, finish
from orders.messages import BY_OPERATOR, TEMPLATES
from orders.models import Notice, Order
from orders.models.saga import LIVE_DISPATCH
from orders.services import dispatching, notices
from orders.services.actions import saga_verbs
from orders.services.actions.verb import Result
from orders.states import DispatchState, NoticeState, SagaState
from runbooks import outcomes
from runbooks.acting import once
from runbooks.facts import Facts
from runbooks.models import Deed
from runbooks.registry.action import Action, Input, Preview, Touch
from runbooks.subjects import Found

BY_OUTCOME: Final = "by_outcome"
MessageName = Literal[
    "trouble_payment",
    "trouble_dispatch",
    "trouble_over",
    "trouble_repaired",
    "trouble_refunded",
    "trouble_closed",
    "trouble_pending",
    "by_outcome",
]


class MessageInput(Input):
    """`text`: which of the messages for an operator to send (`orders.messages`); `by_outcome`: to each customer the
    one that fits what became of the order (`runbooks.outcomes`)."""

    text: MessageName = "trouble_payment"


def compensate(found: Found, given: Input) -> Preview:
    saga, place, facts = found.row
    if not saga_verbs.may("compensate_saga", saga, None):
        return Preview(why="not_undoable", why_values={"state": saga.state})
    params = {"saga": place, "saga_id": str(saga.pk), "saga_version": saga.version}
    return Preview(target=SagaState.COMPENSATING, amount=facts.free, message="cancelled", params=params)


def is_compensated(found: Found, amount: int) -> bool:
    return found.state == SagaState.COMPENSATED


def is_compensating(found: Found, amount: int) -> bool:
    return found.state == SagaState.COMPENSATING


def send_again(found: Found, given: Input) -> Preview:
    """As `orders.services.actions.dispatch.send_not` says of one; a test holds both to the same answers."""
    entry, _place, _facts = found.row
    if entry.state not in LIVE_DISPATCH:
        return Preview(why="not_waiting")
    if entry.state == DispatchState.SENDING:
        return Preview(why="being_sent")
    if entry.step.saga.state != SagaState.RUNNING:
        return Preview(why="being_undone")
    if entry.state == DispatchState.CLAIMED:
        return Preview(why="claimed", why_values={"actor": entry.claimed_by})
    if entry.vehicle:
        return Preview(why="car_assigned")
    return Preview(neighbour="tpg", params={"entry": entry.pk, "dispatch_id": str(entry.pk)})


def is_sent(found: Found, amount: int) -> bool:
    return found.state not in dispatching.WAITING


def notify(facts: Facts, given: Input) -> Preview:
    order, text = facts.order, given.text if isinstance(given, MessageInput) else "trouble_payment"
    template = TEMPLATES[text]
    if order.origin == Order.Origin.IMPORT:
        return Preview(why="imported_message")
    if text in facts.told:
        return Preview(why="told_already")
    if template.while_in is not None and order.state not in template.while_in:
        return Preview(why="not_true_now", why_values={"state": order.state})
    return Preview(message=text, neighbour="notification", params={"text": text})


def texts_of(keys: Sequence[str], given: MessageInput) -> Mapping[str, Mapping[str, Any]]:
    """The text of each order, where that is left to what became of it."""
    if given.text != BY_OUTCOME:
        return {}
    return {key: {"text": text} for key, text in outcomes.texts_of(keys).items()}


def perform_notify(deed: Deed) -> Result:
    """Queued with the deed, under a key of plan and order; sent at once by this worker, or by the next. Of two plans
    that were made before either was run, the second finds the message of the first."""
    order = Order.objects.get(pk=deed.order_id or 0)
    text = str(deed.params["text"])
    with once(deed):
        notice = notices.told(order, text) or notices.tell(order, text, key=f"{text}:{order.pk}:{deed.plan}")
    if notice.state == NoticeState.QUEUED:
        _send(notice)
    now = Notice.objects.get(pk=notice.pk)
    said = _t("The message: %(state)s.") % {"state": now.state_label}
    return Result(_has_reached(now), said, accepted=now.state == NoticeState.SENT)


def _send(notice: Notice) -> None:
    """Now, or by the worker whom the same wish has rung for: then its answer is waited for."""
    mine = claim_in_turn(notice, until=time.monotonic() + OTHERS)
    if mine is None:
        return
    if mine.state == NoticeState.QUEUED:
        notices.work(mine)
    else:
        finish(mine, due_at=mine.due_at)


def _has_reached(notice: Notice) -> bool:
    """Not every provider tells of a delivery: what was sent, and is not asked about any more, counts."""
    return notice.state == NoticeState.DELIVERED or (notice.state == NoticeState.SENT and notice.due_at is None)


def is_told(facts: Facts, amount: int) -> bool:
    """Whether the last message of an operator reached them."""
    notice = _last_told(facts)
    return notice is not None and _has_reached(notice)


def is_on_its_way(facts: Facts, amount: int) -> bool:
    notice = _last_told(facts)
    return notice is not None and notice.state == NoticeState.SENT


def _last_told(facts: Facts) -> Notice | None:
    """Read by itself: only later looks ask for it."""
    return Notice.objects.filter(order=facts.order, template__in=BY_OPERATOR).order_by("-pk").first()


PART_ACTIONS: Final = (
    Action(
        name="compensate_saga",
        version=1,
        subject="saga",
        verb="compensate_saga",
        label=_("Undo all now"),
        effect=_("Undoes each saga in reverse: cancels what is booked, gives back what was paid. It is final."),
        right="compensate_saga",
        touch=Touch.MONEY,
        timeout=timedelta(minutes=5),
        preview=compensate,
        holds=is_compensated,
        goes_on=is_compensating,
        irreversible=_("What a partner has cancelled is booked anew, not taken back."),
    ),
    Action(
        name="send_to_dispatch",
        version=1,
        subject="dispatch",
        verb="send_to_dispatch",
        label=_("Send to BBD again"),
        effect=_("Gives each order to the dispatch system now. It is sent under the same key: no second car comes."),
        right="dispatch_by_hand",
        touch=Touch.VISIBLE,
        preview=send_again,
        holds=is_sent,
        irreversible=_("A car that was called is cancelled order by order, not taken back."),
    ),
    Action(
        name="notify_customer",
        version=1,
        perform=perform_notify,
        label=_("Notify customers"),
        effect=_("Sends each customer a message, by the first way that reaches them."),
        right="notify_customers",
        touch=Touch.VISIBLE,
        rate=20,
        input=MessageInput,
        own_inputs=texts_of,
        preview=notify,
        holds=is_told,
        goes_on=is_on_its_way,
        irreversible=_("A message that was read cannot be unread."),
        cool_down=timedelta(minutes=15),
    ),
)
