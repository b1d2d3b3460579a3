"""The filters of the stuck list: from the address to the query, and as chips with their words."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsconsole.console.chips import NONE, Chip, Choices, Option
from opsconsole.console.tones import TONES, label_of
from orders import names
from orders.diagnosis.causes import WORDS, Cause
from orders.queries.stuck import StuckFilter, View
from orders.queries.stuck.board import Board
from orders.states import Channel, Service

AGES: Final[Mapping[str, tuple[timedelta, Promise]]] = {
    "1h": (timedelta(hours=1), gettext_lazy("over 1 hour")),
    "4h": (timedelta(hours=4), gettext_lazy("over 4 hours")),
    "1d": (timedelta(days=1), gettext_lazy("over 1 day")),
    "3d": (timedelta(days=3), gettext_lazy("over 3 days")),
    "7d": (timedelta(days=7), gettext_lazy("over 7 days")),
}
ME: Final = "me"

# Parameters of the address in the order in which they are written; the facets keep the board's names.
LISTS: Final[Mapping[str, str]] = {
    "service": "services",
    "gateway": "gateways",
    "method": "methods",
    "city": "cities",
    "channel": "channels",
    "cause": "causes",
}
FILTERS: Final = ("q", "state", "age", *LISTS, "owner", "held")
NAMES: Final = ("view", "saved", *FILTERS)

VIEWS: Final[Mapping[View, Promise]] = {
    View.MINE: gettext_lazy("My shift"),
    View.ALL: gettext_lazy("All stuck"),
    View.PAID: gettext_lazy("Paid and stuck"),
    View.REFUNDS: gettext_lazy("Refunds"),
    View.NOT_AT_HO: gettext_lazy("Not at HO"),
    View.UNOWNED: gettext_lazy("Unowned"),
}


def read(query: QueryDict) -> Choices:
    """What the address says. The overview names a state by two parameters, `machine` and `state`."""
    choices = Choices.read(query, NAMES)
    machine = query.get("machine", "")
    states = tuple(state if "." in state else f"{machine or 'order'}.{state}" for state in choices.many("state"))
    return Choices({**choices.values, "state": states}) if states else choices


def view_of(choices: Choices) -> View:
    """The saved view the address names; all when it names none that exists."""
    name = choices.one("view")
    return View(name) if name in set(View) else View.ALL


def filters_of(choices: Choices) -> Choices:
    """Only the reader's own filters, without the view they are laid over."""
    return Choices({name: values for name, values in choices.values.items() if name in FILTERS})


def chosen(choices: Choices, *, user_id: int) -> StuckFilter:
    """The reader's own filters as the query takes them. What does not exist matches nothing."""
    lists = {
        field: tuple("" if value == NONE else value for value in choices.many(name)) for name, field in LISTS.items()
    }
    owner = choices.one("owner")
    return StuckFilter(
        kinds=tuple(_kind(state) for state in choices.many("state")),
        min_age=AGES[choices.one("age")][0] if choices.one("age") in AGES else None,
        owner=_owner(owner, user_id) if owner and owner != NONE else None,
        unowned=owner == NONE,
        held="include" if choices.one("held") else "exclude",
        text=choices.one("q"),
        services=lists["services"],
        gateways=lists["gateways"],
        methods=lists["methods"],
        cities=lists["cities"],
        channels=lists["channels"],
        causes=lists["causes"],
    )


def _kind(state: str) -> tuple[str, str]:
    machine, _dot, name = state.partition(".")
    return machine, name


def _owner(value: str, user_id: int) -> int:
    """A user's id; nobody has 0."""
    if value == ME:
        return user_id
    return int(value) if value.isdecimal() and len(value) < 10 else 0


@dataclass(frozen=True)
class _Facet:
    """A chip that the board counts: its words, and how a value is called."""

    label: Promise
    called: Callable[[str], str]
    none: Promise


def _state_label(kind: str) -> str:
    machine, name = _kind(kind)
    return str(label_of(machine, name)) if name in TONES.get(machine, {}) else kind


def cause_label(cause: str) -> str:
    return str(WORDS[Cause(cause)].title) if cause in set(Cause) else cause


def _enum_label(values: Iterable[tuple[str, str | Promise]]) -> Callable[[str], str]:
    labels = dict(values)
    return lambda value: str(labels.get(value, value))


_FACETS: Final[Mapping[str, _Facet]] = {
    "state": _Facet(gettext_lazy("State"), _state_label, gettext_lazy("None")),
    "cause": _Facet(gettext_lazy("Cause"), cause_label, gettext_lazy("Not looked at yet")),
    "service": _Facet(gettext_lazy("Service"), _enum_label(Service.choices), gettext_lazy("None")),
    "gateway": _Facet(gettext_lazy("Gateway"), names.system, gettext_lazy("No link yet")),
    "method": _Facet(gettext_lazy("Method"), names.method, gettext_lazy("Unknown")),
    "city": _Facet(gettext_lazy("City"), str, gettext_lazy("Unknown")),
    "channel": _Facet(gettext_lazy("Channel"), _enum_label(Channel.choices), gettext_lazy("None")),
}


def chips(choices: Choices, board: Board, *, people: Mapping[int, str], user_id: int, more: str = "") -> list[Chip]:
    """State and age first, then what narrows a pattern, then whose.

    `more` is where the values stand with their counts, for a board without them.
    """
    facets = {name: _facet_chip(name, choices, board.facets.get(name), more) for name in _FACETS}
    age = _age_chip(choices)
    owner = _owner_chip(choices, board.facets.get("owner"), people=people, user_id=user_id, more=more)
    return [
        facets["state"],
        age,
        *(facets[name] for name in ("cause", "service", "gateway", "method", "city", "channel")),
        owner,
    ]


def _facet_chip(name: str, choices: Choices, counts: Mapping[str, int] | None, more: str) -> Chip:
    """Without counts it has what is chosen in it, and nothing else."""
    facet, on, known = _FACETS[name], choices.many(name), counts or {}
    values = dict.fromkeys((*sorted(known, key=lambda value: (-known[value], value)), *_asked(on)))
    options = [
        Option(
            value=value or NONE,
            label=facet.called(value) if value else facet.none,
            count=_count(counts, value),
            is_on=(value or NONE) in on,
        )
        for value in values
    ]
    return Chip(name=name, label=facet.label, options=options, more=more if counts is None else "")


def _asked(on: Sequence[str]) -> list[str]:
    """What is chosen stays in its chip although nothing has it any more."""
    return ["" if value == NONE else value for value in on]


def _age_chip(choices: Choices) -> Chip:
    on = choices.one("age")
    every = Option(value="", label=_("past limit"), is_on=on not in AGES)
    ages = [Option(value=name, label=label, is_on=name == on) for name, (_span, label) in AGES.items()]
    return Chip(name="age", label=gettext_lazy("Age"), options=[every, *ages], is_single=True)


def _owner_chip(
    choices: Choices, counts: Mapping[str, int] | None, *, people: Mapping[int, str], user_id: int, more: str
) -> Chip:
    on = choices.one("owner")
    given = counts if counts is not None else {on} if on.isdecimal() and len(on) < 10 else ()
    others = [int(value) for value in given if value and int(value) != user_id]
    options = [
        Option(value="", label=_("Anybody"), is_on=not on),
        Option(value=ME, label=_("Me"), count=_count(counts, str(user_id)), is_on=on == ME),
        Option(value=NONE, label=_("Nobody"), count=_count(counts, ""), is_on=on == NONE),
        *(
            Option(value=str(pk), label=people.get(pk, str(pk)), count=_count(counts, str(pk)), is_on=on == str(pk))
            for pk in sorted(others, key=lambda pk: people.get(pk, ""))
        ),
    ]
    return Chip(
        name="owner",
        label=gettext_lazy("Owner"),
        options=options,
        is_single=True,
        more=more if counts is None else "",
    )


def _count(counts: Mapping[str, int] | None, value: str) -> int | None:
    return None if counts is None else counts.get(value, 0)


def in_words(choices: Choices, board: Board, *, people: Mapping[int, str], user_id: int) -> list[str]:
    """The filters that are on, for the empty list that names them."""
    said = [f"“{choices.one('q')}”"] if choices.one("q") else []
    for chip in chips(choices, board, people=people, user_id=user_id):
        on = [str(option.label) for option in chip.options if option.is_on and option.value]
        if on:
            said.append(f"{chip.label}: {', '.join(on)}")
    return said
