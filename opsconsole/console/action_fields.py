"""The parameters of an action as fields of a form: made from its input's schema, with words for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.messages import TEMPLATES
from orders.names import system
from orders.services.routing import PRIORITY
from reconciliation.states import WriteOff
from runbooks.registry import Action

# What a preview finds out for each row is nobody's to type.
OF_THE_ROW: Final = ("attempt", "amount", "entries", "takes_back", "posts")

# By input and field: what it is called, and what to know before it is filled in.
WORDS: Final[Mapping[str, tuple[Promise, Promise]]] = {
    "gateway": (_("Gateway"), _("Empty leaves the choice to the routing.")),
    "until": (_("Until"), _("An instant with its zone, such as 2026-12-01T09:00+07:00.")),
    "hold_reason": (_("What the list shows"), _("Why it is held.")),
    "text": (_("Message"), _("Customers read it in their own language.")),
    "minutes": (_("Minutes"), _("It ends by itself after so long, a day at most.")),
    "mode": (_("Mode"), _("Open lets nothing through, closed lets everything through.")),
    "message": (_("Message in Indonesian"), _("Customers read it where they cannot order.")),
    "message_en": (_("Message in English"), _("One language stands in for the other.")),
    "code": (_("Code"), _("Why the difference is written off.")),
}
_OPTIONS: Final[Mapping[str, Mapping[str, str | Promise]]] = {
    "gateway": {"": _("As the routing says"), **{name: system(name) for name in PRIORITY}},
    "mode": {"open": _("Open"), "closed": _("Closed")},
    "text": {"by_outcome": _("by what became of the order"), **{name: each.label for name, each in TEMPLATES.items()}},
    "code": {code.value: code.label for code in WriteOff},
}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One parameter. `options` are (value, label) where only some values may be chosen."""

    name: str
    label: str
    help: str
    kind: str
    value: str
    options: Sequence[tuple[str, str]] = ()
    least: int | None = None
    most: int | None = None
    longest: int = 200


def fields_of(action: Action, given: Mapping[str, Any]) -> Sequence[Field]:
    """What has to be filled in, with what was given already, in the order of the schema."""
    schema = action.input.model_json_schema()
    known = schema.get("properties", {})
    return [_field(name, _resolved(facts, schema), given) for name, facts in known.items() if name not in OF_THE_ROW]


def params_of(action: Action, given: Mapping[str, Any]) -> dict[str, Any]:
    """The input as it was typed; what is empty keeps its default. The action itself judges the rest."""
    found: dict[str, Any] = {}
    for field in fields_of(action, given):
        text = str(given.get(field.name, "")).strip()
        if text:
            found[field.name] = int(text) if field.kind == "number" and text.isdecimal() and len(text) < 10 else text
    return found


def _resolved(facts: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(facts.get("$ref", "")).rpartition("/")[2]
    found: Mapping[str, Any] = schema.get("$defs", {}).get(name, {})
    return {**facts, **found}


def _field(name: str, facts: Mapping[str, Any], given: Mapping[str, Any]) -> Field:
    label, help_ = WORDS[name]
    values = facts.get("enum") or (_OPTIONS.get(name) if name == "gateway" else ())
    told = _OPTIONS.get(name, {})
    return Field(
        name=name,
        label=str(label),
        help=str(help_),
        kind="number" if facts.get("type") == "integer" else "text",
        value=str(given.get(name, facts.get("default", ""))),
        options=[(str(value), str(told.get(value, value))) for value in values or ()],
        least=facts.get("minimum"),
        most=facts.get("maximum"),
        longest=int(facts.get("maxLength", 200)),
    )
