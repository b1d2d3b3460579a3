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
}
_BREAKS: Final[Mapping[str, Tone]] = {
    BreakState.OPEN: Tone.ATTENTION,
    BreakState.HEALED: Tone.DONE,
    BreakState.RESOLVED: Tone.DONE,
}


class Shown(NamedTuple):
    """A state as a pill."""

    label: str
    tone: Tone


def name_of(subject: str) -> str:
    """The name of a kind; the kind itself where nobody knows it any more."""
    return str(NAMES.get(subject, subject))


def counted(subject: str, count: int) -> str:
    """How many of a kind: `1 order`, `412 orders`."""
    texts = {
        "order": ngettext("%(count)d order", "%(count)d orders", count),
        "letter": ngettext("%(count)d dead letter", "%(count)d dead letters", count),
        "break": ngettext("%(count)d break", "%(count)d breaks", count),
    }
    return texts.get(subject, ngettext("%(count)d row", "%(count)d rows", count)) % {"count": count}


def state_of(resource: str, state: str) -> Shown:
    """A subject's state in the reader's language."""
    subject = resource.partition(":")[0]
    if subject in MACHINES and state in MACHINES[subject].states.values:
        return Shown(str(label_of(subject, state)), tone_of(subject, state))
    if subject == "break" and state in BreakState.values:
        return Shown(str(BreakState(state).label), _BREAKS[state])
    return Shown(state, Tone.NEUTRAL)


def url_of(row: PlanRow) -> str:
    """The page of what a row is about; "" where it has none."""
    if row.resource.startswith("letter:"):
        return reverse("letter", args=[row.key])
    if row.resource.startswith("break:"):
        return reverse("break", args=[row.key])
    return reverse("order", args=[row.public_id]) if row.order_id and row.resource.startswith("order:") else ""
