"""Messages to customers and staff: a consumer of events, and the work of sending.

The route of a message is every provider of every channel for which there is an address, in the order of preference.
One that certainly did not take it is followed by the next at once; after a whole round everything waits a while. One
that did not answer may have sent it: it is asked about under its key, and never sent again blindly (ADR 0037).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation

from orders import ladders, messages
from orders.bells import ring
from orders.clients import notification
from orders.clients.notification import PROVIDERS, Report
from orders.events import Event
from orders.leases import finish, hold
from orders.messages import STAFF, Template
from orders.models import Attempt, DispatchEntry, History, Notice, Order, Refund
from orders.money import shown
from orders.resilience.outcome import Answered, Outcome, Refused, Retryable
from orders.states import NoticeState, NoticeVerb
from orders.transitions import move

AT_ONCE: Final = timedelta(seconds=5)  # a link that came this soon was in the answer to the customer's own call
NOT_TOLD: Final = (NoticeState.FAILED, NoticeState.WITHDRAWN)
GIVE_UP: Final = timedelta(hours=24)  # who was not reached in a day is not told yesterday's news

Hop = tuple[str, str]  # channel, provider


def on_event(event: Event) -> None:
    """The messages that an event asks for, queued. Runs in the transaction of the event's receipt."""
    order = Order.objects.filter(public_id=event.order_id).first() if event.order_id else None
    if event.order_id and (order is None or order.origin == Order.Origin.IMPORT):
        return
    queued = [
        _notice(order, event, name, template)
        for name, template in messages.wanted_by(event).items()
        if _is_worth_telling(order, event, name)
    ]
    if queued:
        Notice.objects.bulk_create(queued, ignore_conflicts=True)
        ring("notice")


def _is_worth_telling(order: Order | None, event: Event, name: str) -> bool:
    return name != "link_ready" or order is None or event.occurred_at - order.placed_at > AT_ONCE


def _notice(order: Order | None, event: Event, name: str, template: Template) -> Notice:
    return Notice(
        order=order,
        template=name,
        language=_language(order, template),
        key=_key(order, event, name, template),
        cause=event.event_id,
        subject_id=event.subject,
        facts=_facts(event, name),
        state=NoticeState.QUEUED,
        due_at=timezone.now(),
    )


def _language(order: Order | None, template: Template) -> str:
    if order is None or template.audience == STAFF:
        return settings.STAFF_LANGUAGE
    wanted = str(order.notes.get("language", ""))
    return wanted if wanted in dict(settings.LANGUAGES) else settings.CUSTOMER_LANGUAGE


def _key(order: Order | None, event: Event, name: str, template: Template) -> str:
    """Two events that ask for the same message have the same key, and only the first one writes it."""
    if order is None:
        return f"{name}:{event.event_id}"
    return f"{name}:{order.pk}:{event.subject}" if template.each else f"{name}:{order.pk}"


def _facts(event: Event, name: str) -> dict[str, Any]:
    """What the text needs and the order does not have. The event itself carries no details."""
    if name in ("dispatch_queue", "driver_assigned"):
        row = History.objects.filter(pk=int(event.event_id.removeprefix("h-"))).first()
        return {} if row is None else {k: row.detail[k] for k in ("driver", "vehicle", "count") if row.detail.get(k)}
    if name == "dispatched_by_hand":
        entry = DispatchEntry.objects.filter(pk=event.subject).values("driver", "vehicle").first()
        return dict(entry or {})
    return {}


def tell(order: Order, template: str, *, key: str) -> Notice:
    """Queue a message that an operator wants sent; the one already there under this key. Needs a transaction.

    `key` is unique among all messages. The text is made when it is sent, and withdrawn where it is not true any more.
    """
    wanted = messages.TEMPLATES[template]
    notice, is_new = Notice.objects.get_or_create(
        key=key,
        defaults={
            "order": order,
            "template": template,
            "language": _language(order, wanted),
            "state": NoticeState.QUEUED,
            "due_at": timezone.now(),
        },
    )
    if is_new:
        ring("notice")
    return notice


def told(order: Order, template: str) -> Notice | None:
    """The message of this kind that the order's customer has had, or is being sent."""
    return Notice.objects.filter(order=order, template=template).exclude(state__in=NOT_TOLD).order_by("pk").first()


def work(notice: Notice) -> None:
    """One look at a message, leased by the caller: send it, or ask what became of it."""
    if notice.state == NoticeState.QUEUED:
        _send_or_withdraw(notice)
    elif notice.state == NoticeState.UNKNOWN:
        _ask(notice)
    elif notice.state == NoticeState.SENT:
        _ask_delivery(notice)
    else:
        finish(notice, due_at=None)


def _send_or_withdraw(notice: Notice) -> None:
    template = messages.TEMPLATES.get(notice.template)
    hops = route(notice.order, template) if template else []
    if template is None or not _is_still_true(notice, template):
        _end(notice, NoticeVerb.WITHDRAW, "not true any more")
    elif not hops:
        _end(notice, NoticeVerb.FAIL, "no address")
    elif timezone.now() - notice.created_at > GIVE_UP:
        _end(notice, NoticeVerb.FAIL, "not reached within a day")
    else:
        _send(notice, template, hops)


def _is_still_true(notice: Notice, template: Template) -> bool:
    return template.while_in is None or notice.order is None or notice.order.state in template.while_in


def route(order: Order | None, template: Template) -> Sequence[Hop]:
    """Channels and their providers, first choice first, as far as there is an address."""
    return [
        (channel, provider) for channel in template.ways if address(order, channel) for provider in PROVIDERS[channel]
    ]


def address(order: Order | None, channel: str) -> str:
    """Where a channel reaches the person; '' for nowhere."""
    if channel == "staff":
        return str(settings.STAFF_CHANNEL)
    if order is None:
        return ""
    return {"email": order.customer_email, "push": order.customer_id}.get(channel, order.customer_phone)


def _send(notice: Notice, template: Template, hops: Sequence[Hop]) -> None:
    """Mark it, call the provider with the key of this hop, write down the answer."""
    channel, provider = hops[notice.hop % len(hops)]
    with transaction.atomic():
        hold(notice)
        move(notice, NoticeVerb.SEND, actor="worker", channel=channel, provider=provider, sent_at=timezone.now())
    outcome = notification.send(
        channel,
        to=address(notice.order, channel),
        template=notice.template,
        text=text_of(notice, template),
        idempotency_key=_hop_key(notice),
        provider=provider,
    )
    _write(notice, outcome, hops=len(hops))


def text_of(notice: Notice, template: Template) -> str:
    is_free = notice.order is not None and not notice.order.amount
    text = template.free_text if is_free and template.free_text else template.text
    with translation.override(notice.language):
        return str(text) % _values(notice)


def _values(notice: Notice) -> Mapping[str, object]:
    """What the texts may name. Made in the moment of the call and kept nowhere."""
    order = notice.order
    known: dict[str, object] = {"order": "", "amount": "", "link": "", "driver": "–", "vehicle": "–"}
    if order is not None:
        known |= {"order": order.public_id, "amount": shown(order.amount, currency=order.currency)}
    if notice.template in ("refund_sent", "refunded", "transferred", "refund_failed"):
        refund = Refund.objects.filter(pk=notice.subject_id).first()
        known |= {"amount": shown(refund.amount, currency=refund.currency)} if refund else {}
    if notice.template == "link_ready":
        known["link"] = Attempt.objects.filter(pk=notice.subject_id).values_list("link_url", flat=True).first() or ""
    return {**known, **notice.facts}


def link_text(order: Order, attempt: Attempt) -> str:
    """The words of a link that an operator sends by hand: those that the platform would send."""
    template = messages.TEMPLATES["link_ready"]
    amount = shown(attempt.amount, currency=attempt.currency)
    with translation.override(_language(order, template)):
        return str(template.text) % {"order": order.public_id, "amount": amount, "link": attempt.link_url}


def _hop_key(notice: Notice) -> str:
    """Another provider is another delivery, so it has another key; the same one again has the same."""
    return f"{notice.key}:{notice.provider}"


@transaction.atomic
def _write(notice: Notice, outcome: Outcome[Report], *, hops: int) -> None:
    hold(notice)
    if isinstance(outcome, Answered):
        move(notice, NoticeVerb.ACCEPT, actor="worker", provider_reference=outcome.data.message_id)
        finish(notice, due_at=ladders.rung(ladders.DELIVERY, 1), tries=0, last_error="")
    elif isinstance(outcome, Refused | Retryable):
        # Their code and not their words: those may repeat the address.
        said = outcome.reason if isinstance(outcome, Retryable) else outcome.code
        _next_hop(notice, why=said, hops=hops)
    else:
        finish(notice, due_at=ladders.rung(ladders.UNKNOWN_NOTICE, 1), tries=1, last_error=outcome.reason[:300])


def _next_hop(notice: Notice, *, why: str, hops: int) -> None:
    """The next provider at once; after a whole round of refusals and absences, later. Call in a transaction."""
    notice.hop += 1
    rounds, is_over = divmod(notice.hop, hops)
    due_at = timezone.now() if is_over else ladders.rung(ladders.NOTICE, rounds)
    move(notice, NoticeVerb.RETRY, actor="worker", reason=f"{notice.provider}: {why}"[:200], hop=notice.hop)
    finish(notice, due_at=due_at, last_error=why[:300])
    if is_over:
        ring("notice")


def _ask(notice: Notice) -> None:
    """Nobody answered: the Center is asked about the key. Only after it can no longer be on its way is "never heard
    of it" believed, and then the same key may go again."""
    outcome = notification.ask(_hop_key(notice))
    if not isinstance(outcome, Answered):
        finish(notice, due_at=ladders.rung(ladders.UNKNOWN_NOTICE, notice.tries), last_error=str(outcome)[:300])
    elif outcome.data is not None:
        _write(notice, Answered(outcome.status, outcome.data), hops=1)
    else:
        _never_heard(notice)


@transaction.atomic
def _never_heard(notice: Notice) -> None:
    hold(notice)
    if notice.sent_at and timezone.now() - notice.sent_at < ladders.quarantine():
        finish(notice, due_at=ladders.rung(ladders.UNKNOWN_NOTICE, notice.tries))
        return
    move(notice, NoticeVerb.RETRY, actor="worker", reason="never heard of it")
    finish(notice, due_at=timezone.now(), tries=0)
    ring("notice")


def _ask_delivery(notice: Notice) -> None:
    """A few looks whether it has arrived. A message that came back is a failure that people see."""
    outcome = notification.ask(_hop_key(notice))
    status = outcome.data.status if isinstance(outcome, Answered) and outcome.data else ""
    verb = {"delivered": NoticeVerb.DELIVER, "bounced": NoticeVerb.BOUNCE}.get(status)
    if verb is None:
        looks = len(ladders.DELIVERY)
        finish(notice, due_at=_later(notice) if notice.tries < looks else None)
        return
    with transaction.atomic():
        hold(notice)
        move(notice, verb, actor="worker")
        finish(notice, due_at=None)


def _later(notice: Notice) -> datetime:
    return ladders.rung(ladders.DELIVERY, notice.tries + 1)


@transaction.atomic
def _end(notice: Notice, verb: str, why: str) -> None:
    hold(notice)
    move(notice, verb, actor="worker", reason=why)
    finish(notice, due_at=None, last_error=why)
