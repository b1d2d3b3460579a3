"""What machines wrote down in English, told in the reader's language.

A verdict, a reason and an outcome are written by a worker, which has no reader. They are stored in
English and recognised here by their shape; what is not recognised is shown as it is.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from django.utils import translation
from django.utils.translation import gettext_noop as _n

from orders import names
from orders.states import MACHINES, AttemptState, OrderState

# `%(order_state)s` and `%(attempt_state)s` are states, `%(gateway)s` and `%(partner)s` systems,
# `%(label)s` a text that has its own translation, `%(event)s` an event of a trip; others stay.
TEMPLATES: Final = (
    # Judging a message, asking a gateway (services.judging, .inquiry, .settlement).
    _n("already %(attempt_state)s"),
    _n("%(attempt_state)s after %(older_state)s: kept, not applied"),
    _n("%(attempt_state)s is not possible from %(older_state)s"),
    _n("%(gateway)s says %(code)s: now %(attempt_state)s"),
    _n("%(gateway)s says %(code)s: not paid yet"),
    _n("%(gateway)s did not answer"),
    _n("claims %(code)s; asked, %(gateway)s itself says %(attempt_state)s"),
    _n("%(rest)s; attempt stays %(attempt_state)s"),
    _n("unmapped code %(code)s"),
    _n("paid to merchant %(merchant)s, not to us"),
    _n("paid in %(currency)s, not %(wanted)s"),
    _n("paid %(sum)s, not %(wanted)s"),
    _n("nothing there yet"),
    _n("the link that was never answered exists"),
    _n("asked again under the same reference"),
    _n("could not be closed yet"),
    _n("the attempt is %(gateway)s's"),
    _n("told by another message of the same moment"),
    _n("no attempt %(reference)s here"),
    _n("no such attempt yet"),
    _n("no booking %(reference)s here"),
    _n("the booking is not known yet"),
    _n("no order %(reference)s here"),
    _n("seen before"),
    # Trips.
    _n("item %(number)s: %(event)s was known"),
    _n("item %(number)s: %(event)s"),
    _n("the trip ended: order completed"),
    _n("cancelled by the driver: money goes back"),
    _n("cancelled by the driver, but %(order_state)s"),
    _n("cancelled by the driver"),
    _n("%(event)s, but the order is %(order_state)s"),
    # Reasons of moves.
    _n("replaced"),
    _n("the promo covers the whole price"),
    _n("link made"),
    _n("booked"),
    _n("order is %(order_state)s"),
    _n("charge taken back before booking"),
    _n("not paid in time"),
    _n("dispatch cannot be reached"),
    _n("late money given back"),
    _n("the gateway has never heard of it"),
    _n("the gateway cannot refund this method: transfer by hand"),
    _n("HO has never heard of it"),
    _n("the partner never heard of it"),
    _n("found by its key"),
    _n("dispatched by hand"),
    _n("nobody did anything about it for %(number)s minutes"),
    _n("the car was sent by hand: call the driver"),
    _n("left unanswered by a worker"),
    _n("never sent"),
    _n("not done within %(span)s"),
    _n("not reached in %(number)s tries: %(rest)s"),
    _n("cannot be undone"),
    _n("an earlier try was not answered; the last one said: %(rest)s"),
    _n("deadline passed before sending"),
    _n("too many requests"),
    _n("status %(number)s"),
    _n("cannot be reached"),
    _n("no connection in time"),
    _n("no connection of ours was free"),
    _n("no answer in time"),
    _n("the connection broke before an answer came"),
    _n("its answer cannot be unpacked"),
    _n("its address is none that can be called"),
    _n("answer is not JSON"),
    _n("answer does not fit: %(detail)s"),
    _n("no map of cities yet"),
    _n("the customer has not paid yet"),
    _n("a fault of the platform itself: %(detail)s"),
    _n("breaker of %(gateway)s is open for %(number)s s more"),
    _n("breaker of %(gateway)s was opened by hand, for %(number)s s more"),
    _n("breaker of %(gateway)s lets only probes through"),
    # Messages to people.
    _n("not true any more"),
    _n("no address"),
    _n("not reached within a day"),
    # Outcomes of actions.
    _n("nobody approved it in time"),
    _n("taken back"),
    _n("the order has changed since: it is %(order_state)s now"),
    _n("The order is now %(label)s. %(rest)s"),
    _n("The order is now %(label)s."),
    _n("The saga is now %(label)s."),
    _n("The step is now %(label)s, the saga %(other)s."),
    _n("It is being worked on at this moment; try again."),
    _n("It was paid meanwhile."),
    _n("The refund %(key)s is recorded as transferred by hand, reference %(reference)s."),
    _n("Head Office has it."),
    _n("Head Office has it. The break closes when its book has been read."),
    _n("Head Office has reversed it. The break closes when its book has been read."),
    _n("Head Office has corrected it. The break closes when its book has been read."),
    _n("No payment link can be paid any more."),
    _n("It is on hold."),
    _n("It is not on hold any more."),
    _n("the run was cancelled before it began"),
    _n("sent by %(way)s through %(provider)s"),
    _n("There is no link that could be paid."),
    _n("The Notification Center did not take it."),
    _n("Cancelled. %(rest)s"),
    _n("Cancelled."),
    _n("The money is on its way back."),
    _n("The refund waits for the approval of a second person."),
    _n("The gateway cannot give this money back: finance transfers it by hand."),
    _n("%(reference)s is being asked about at this moment"),
    _n("%(reference)s is being worked on; try again."),
    _n("%(reference)s at %(gateway)s may still be paid; it could not be closed."),
)

_EVENTS: Mapping[str, str] = MappingProxyType(
    {
        "assigned": _n("driver assigned"),
        "picked_up": _n("picked up"),
        "completed": _n("completed"),
        "cancelled_by_driver": _n("cancelled by the driver"),
    }
)
# What partners' codes of refusals mean; what they say beside them stays in their answer, word for word.
_CODES: Mapping[str, str] = MappingProxyType(
    {
        "too_late": _n("too late for that"),
        "no_vehicle": _n("no vehicle is free"),
        "no_courier": _n("no courier is free"),
        "account_closed": _n("the account is closed"),
    }
)
_WAYS: Mapping[str, str] = MappingProxyType({"sms": "SMS", "whatsapp": "WhatsApp"})
_PLACE = re.compile(r"%\\\((\w+)\\\)s")
_MINUTES: Final = _n("%(number)s minutes")
_CODED = re.compile(r"(?P<code>[a-z]+(?:_[a-z]+)+)(?: .*)?", re.DOTALL)
_SPAN = re.compile(r"(?P<hours>\d+):(?P<minutes>\d\d):\d\d(?:\.\d+)?")
_NAMED = re.compile(r"(?P<who>\S+): (?P<rest>.+)")


@dataclass(frozen=True, slots=True)
class Retold:
    """`is_known` is False for a text nobody translated: show it as foreign, in its own type."""

    text: str
    is_known: bool


def retold(text: str) -> Retold:
    """`text` in the reader's language; all of it or nothing."""
    whole = _part(text)
    if whole is not None:
        return Retold(whole, is_known=True)
    parts = [_part(part) for part in text.split("; ")]
    told = [part for part in parts if part is not None]
    if len(told) < len(parts):
        return Retold(_with_name(text), is_known=not text)
    return Retold("; ".join(told), is_known=True)


def _with_name(text: str) -> str:
    """Somebody else's words stay theirs; who said it is named as everywhere."""
    named = _NAMED.fullmatch(text)
    return f"{names.system(named['who'])}: {named['rest']}" if named else text


def _part(text: str) -> str | None:
    """A phrase, or a phrase about something that is named first: `MRG-1-2: already paid`."""
    whole = _whole(text)
    if whole is not None:
        return whole
    named = _NAMED.fullmatch(text)
    if named is None:
        return None
    rest = _part(named["rest"]) or state_label(named["rest"])
    return f"{names.system(named['who'])}: {rest}" if rest else None


def _whole(text: str) -> str | None:
    for template, shape in _shapes():
        found = shape.fullmatch(text)
        values = _values(found.groupdict()) if found else None
        if values is not None:
            return translation.gettext(template) % values
    coded = _CODED.fullmatch(text)
    return translation.gettext(_CODES[coded["code"]]) if coded and coded["code"] in _CODES else None


@lru_cache(maxsize=1)
def _shapes() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((template, _shape(template)) for template in TEMPLATES)


def _shape(template: str) -> re.Pattern[str]:
    return re.compile(_PLACE.sub(r"(?P<\1>.+?)", re.escape(template)), re.DOTALL)


def _values(found: Mapping[str, str]) -> dict[str, str] | None:
    """None where a value is not what its place takes: then it is another sentence."""
    told: dict[str, str] = {}
    for name, value in found.items():
        shown = _TELL.get(name, str)(value)
        if shown is None:
            return None
        told[name] = shown
    return told


def _attempt_state(value: str) -> str | None:
    return str(AttemptState(value).label) if value in AttemptState.values else None


def _order_state(value: str) -> str | None:
    return str(OrderState(value).label) if value in OrderState.values else None


def _system(value: str) -> str | None:
    return names.system(value) if value in names.SYSTEMS else None


def _sum(value: str) -> str | None:
    """Whole minor units with dots; their currency is the order's, which stands beside it."""
    return f"{int(value):,}".replace(",", ".") if value.isdecimal() else None


def _span(value: str) -> str:
    """Whole minutes, as a time limit has them."""
    found = _SPAN.fullmatch(value)
    if found is None:
        return value
    count = int(found["hours"]) * 60 + int(found["minutes"])
    return translation.gettext(_MINUTES) % {"number": count}


def _event(value: str) -> str | None:
    return translation.gettext(_EVENTS[value]) if value in _EVENTS else None


def state_label(value: str) -> str | None:
    """A state's value, or its English label, of whatever machine."""
    return next((label for known, label in _states() if value in known), None)


def _states() -> Iterator[tuple[tuple[str, str], str]]:
    for machine in MACHINES.values():
        for state in machine.states:
            with translation.override("en"):
                english = str(state.label)
            yield (str(state.value), english), str(state.label)


_TELL: Mapping[str, Callable[[str], str | None]] = MappingProxyType(
    {
        "attempt_state": _attempt_state,
        "older_state": _attempt_state,
        "order_state": _order_state,
        "gateway": _system,
        "partner": _system,
        "provider": _system,
        "way": lambda value: _WAYS.get(value, value),
        "event": _event,
        "span": _span,
        "sum": _sum,
        "wanted": lambda value: _sum(value) or value,
        "label": state_label,
        "other": state_label,
        "rest": lambda value: retold(value).text,
    }
)
