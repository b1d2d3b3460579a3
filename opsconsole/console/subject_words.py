"""What plans are about, in words: the name of each kind, how many of them, their states, and their pages."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from opsconsole.console.tones import Tone, label_of, tone_of
from orders.states import MACHINES
from reconciliation.states import BreakState
from runbooks.models import PlanRow

NAMES: Final[Mapping[str, Promise]] = {
    "order": _("Order"),
    "letter": _("Dead letter"),
    "break": _("Break"),
    "saga": _("Saga"),
    "dispatch": _("Dispatch entry"),
    "breaker": _("Breaker"),
    "channel": _("Channel"),
    "queue": _("Queue"),
    "day": _("Business day"),
}
OF_ORDER: Final = ("order", "saga", "dispatch")  # shown by their order's public id
_BREAKS: Final[Mapping[str, Tone]] = {
    BreakState.OPEN: Tone.ATTENTION,
    BreakState.HEALED: Tone.DONE,
    BreakState.RESOLVED: Tone.DONE,
}


class Shown(NamedTuple):
    """A state as a pill."""

    label: str | Promise
    tone: Tone


_OTHERS: Final[Mapping[tuple[str, str], Shown]] = {
    ("breaker", "automatic"): Shown(_("By itself"), Tone.NEUTRAL),
    ("breaker", "closed"): Shown(_("Closed"), Tone.DONE),
    ("breaker", "forced_open"): Shown(_("Forced open"), Tone.FAILED),
    ("breaker", "forced_closed"): Shown(_("Forced closed"), Tone.ATTENTION),
    ("channel", "open"): Shown(_("Takes orders"), Tone.DONE),
    ("channel", "paused"): Shown(_("Paused"), Tone.FAILED),
    ("queue", "waiting"): Shown(_("Waits for a worker"), Tone.ATTENTION),
    ("queue", "idle"): Shown(_("Nothing waits"), Tone.DONE),
    ("queue", "ringing"): Shown(_("Worker called"), Tone.ACTIVE),
    ("day", "day"): Shown(_("Business day"), Tone.NEUTRAL),
}


def name_of(subject: str) -> str:
    """The name of a kind; the kind itself where nobody knows it any more."""
    return str(NAMES.get(subject, subject))


def counted(subject: str, count: int) -> str:
    """How many of a kind: `1 order`, `412 orders`."""
    texts = {
        "order": ngettext("%(count)d order", "%(count)d orders", count),
        "letter": ngettext("%(count)d dead letter", "%(count)d dead letters", count),
        "break": ngettext("%(count)d break", "%(count)d breaks", count),
        "saga": ngettext("%(count)d saga", "%(count)d sagas", count),
        "dispatch": ngettext("%(count)d order that waits for a car", "%(count)d orders that wait for a car", count),
        "breaker": ngettext("%(count)d breaker", "%(count)d breakers", count),
        "channel": ngettext("%(count)d channel", "%(count)d channels", count),
        "queue": ngettext("%(count)d queue", "%(count)d queues", count),
        "day": ngettext("%(count)d business day", "%(count)d business days", count),
    }
    return texts.get(subject, ngettext("%(count)d row", "%(count)d rows", count)) % {"count": count}


def state_of(resource: str, state: str) -> Shown:
    """A subject's state in the reader's language."""
    subject = resource.partition(":")[0]
    if subject in MACHINES and state in MACHINES[subject].states.values:
        return Shown(label_of(subject, state), tone_of(subject, state))
    if subject == "break" and state in BreakState.values:
        return Shown(BreakState(state).label, _BREAKS[state])
    return _OTHERS.get((subject, state), Shown(state, Tone.NEUTRAL))


def url_of(row: PlanRow) -> str:
    """The page of what a row is about; "" where it has none."""
    subject = row.resource.partition(":")[0]
    if subject == "letter":
        return reverse("letter", args=[row.key])
    if subject == "break":
        return reverse("break", args=[row.key])
    if subject == "breaker":
        return reverse("breaker", args=[row.key])
    return reverse("order", args=[row.public_id]) if row.order_id and subject in OF_ORDER else ""
