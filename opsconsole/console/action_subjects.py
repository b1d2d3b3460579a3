"""What an action may be planned for on its form: named ones to tick, all of a selection, or codes to type."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from opsconsole.console.machines import NAMES
from opsconsole.console.services_rows import title_of
from orders.errors import NotAllowed
from orders.models import Order
from orders.resilience import breaker
from orders.services import work
from orders.states import Channel
from reconciliation import business_day
from runbooks.registry import Action
from runbooks.selections import SELECTIONS
from runbooks.subjects import numbers

DAYS: Final = 14
MOST_TYPED: Final = 500
HOW_NAMED: Final[Mapping[str, Promise]] = {
    "order": _("Codes of orders, such as MRG-48175"),
    "saga": _("Numbers of sagas"),
    "dispatch": _("Numbers of entries of the dispatch queue"),
    "letter": _("Numbers of dead letters, as in their addresses"),
    "break": _("Numbers of breaks, as in their addresses"),
}

# Work that is no state machine; the others are called as their machine is.
_WORK: Final[Mapping[str, Promise]] = {
    "trip": _("Trip"),
    "action": _("Action of an operator"),
    "run": _("Run of a plan"),
    "deed": _("Row of a plan"),
    "alert": _("Alert"),
    "page": _("Page to those on duty"),
}


def _breakers() -> list[tuple[str, str]]:
    return [(name, str(title_of(name))) for name in breaker.names()]


def _channels() -> list[tuple[str, str]]:
    return [(channel.value, str(channel.label)) for channel in Channel]


def _queues() -> list[tuple[str, str]]:
    waiting = set(work.waiting())
    labels = {name: str(_WORK.get(name, NAMES.get(name, name))) for name in work.KINDS}
    return [(name, f"{label} ({_t('waits')})" if name in waiting else label) for name, label in labels.items()]


def _days() -> list[tuple[str, str]]:
    today = business_day.of(timezone.now())
    days = [(today - timedelta(days=ago)).isoformat() for ago in range(DAYS)]
    return [(day, day) for day in days]


_NAMED: Final[Mapping[str, Callable[[], list[tuple[str, str]]]]] = {
    "breaker": _breakers,
    "channel": _channels,
    "queue": _queues,
    "day": _days,
}


@dataclass(frozen=True, kw_only=True)
class Which:
    """`named` are (key, label, ticked); `selections` (name, label, chosen); `typed` is what was typed."""

    named: Sequence[tuple[str, str, bool]]
    selections: Sequence[tuple[str, str, bool]]
    how_named: str
    typed: str


def which_of(action: Action, given: QueryDict) -> Which:
    """As it was chosen so far, by a link or by a form that comes back."""
    ticked, named = set(given.getlist("subject")), _NAMED.get(action.subject)
    rest = SELECTIONS if named is None else {}
    return Which(
        named=[(key, label, key in ticked) for key, label in (named() if named else ())],
        selections=[
            (name, str(each.label), name == given.get("selection"))
            for name, each in rest.items()
            if each.subject == action.subject and not each.is_of_incident
        ],
        how_named=str(HOW_NAMED.get(action.subject, "")),
        typed=given.get("typed", "") if named is None else "",
    )


def keys_of(action: Action, given: QueryDict) -> list[str]:
    """What was chosen, as keys of the action's kind of subject. Raises NotAllowed for codes that nobody has."""
    chosen = given.get("selection", "")
    if chosen:
        return _all_of(action, chosen)
    typed = given.get("typed", "").replace(",", " ").split()
    if len(typed) > MOST_TYPED:
        raise NotAllowed(_t("At most %(most)s rows at a time.") % {"most": MOST_TYPED})
    return list(dict.fromkeys([*given.getlist("subject"), *_known(action, typed)]))


def _all_of(action: Action, name: str) -> list[str]:
    selection = SELECTIONS.get(name)
    if selection is None or selection.subject != action.subject:
        raise NotAllowed(_t("There is no such selection."))
    return list(selection.keys(selection.narrowing()))


def _known(action: Action, typed: Sequence[str]) -> list[str]:
    if action.subject != "order":
        found = {code: code for code in map(str, numbers(typed))}
    else:
        rows = Order.objects.filter(public_id__in=typed).values_list("public_id", "pk")
        found = {code: str(pk) for code, pk in rows}
    missing = [code for code in typed if code not in found]
    if missing:
        raise NotAllowed(_t("Nobody knows %(codes)s. Nothing was done.") % {"codes": ", ".join(missing[:10])})
    return [found[code] for code in typed]
