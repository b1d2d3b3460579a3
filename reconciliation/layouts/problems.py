"""What can be wrong with a line or a layout, in codes and sentences as of `reconciliation.reading.problems`."""

from collections.abc import Mapping
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from reconciliation.layouts.field_labels import FIELD_LABELS
from reconciliation.reading.problems import OF_FILES, OF_NOTES, OF_ROWS, Problem
from reconciliation.states import EntryKind

OF_LINES: Final[Mapping[str, Promise]] = {
    "empty_field": _("“%(field)s” is empty"),
    "long_field": _("“%(field)s” is longer than %(limit)s characters"),
    "amount": _("“%(text)s” is not an amount in %(currency)s"),
    "decimals": _("“%(text)s” has more decimals than %(currency)s"),
    "ambiguous_amount": _("“%(text)s” may be thousands or decimals; set the decimal mark of the layout"),
    "zero": _("the amount is zero"),
    "sign": _("the amount %(text)s has the wrong sign for “%(kind)s”"),
    "both_columns": _("both credit and debit are filled in"),
    "large": _("the amount %(text)s is too large"),
    "currency": _("“%(text)s” is not a currency"),
    "no_currency": _("it names no currency, and neither does the load"),
    "time": _("“%(text)s” is not a time"),
    "time_zone": _("“%(text)s” is not a time zone"),
    "age": _("“%(text)s” is not a time of this age"),
    "kind": _("the layout has no kind for “%(text)s”"),
    "status": _("the layout has no status “%(text)s”"),
    "direction": _("“%(text)s” is neither debit nor credit"),
    "refund_amount": _("a partial refund without its amount"),
    "does_not_add_up": _("%(left)s is %(said)s, but its parts add up to %(sum)s"),
}

OF_LAYOUTS: Final[Mapping[str, Promise]] = {
    "toml": _("The mapping is not TOML: %(why)s."),
    "entry": _("“%(name)s” is not an entry of a layout."),
    "value": _("“%(name)s” says “%(value)s”, which is none of: %(known)s."),
    "shape": _("“%(name)s” must be %(shape)s."),
    "zone": _("“%(value)s” is not a time zone."),
    "word": _("“%(line)s” is not of the form: their word = our word."),
    "no_amount": _("The layout names no column of an amount."),
    "no_time": _("The layout names no column of a time."),
    "no_reference": _("The layout names no column of a reference: nothing could be matched."),
    "unknown_layout": _("There is no layout “%(name)s”; there are: %(known)s."),
}


def told(problem: Problem) -> str:
    """The sentence of any problem, in the language of whoever reads."""
    for table in (OF_LINES, OF_ROWS, OF_FILES, OF_LAYOUTS, OF_NOTES):
        if problem.code in table:
            return str(table[problem.code]) % {**problem.facts, **_labelled(problem.facts)}
    return problem.code


def _labelled(facts: Mapping[str, Any]) -> dict[str, str]:
    """Our own names among the facts, as the screens call them. What the file calls its columns stays as it is."""
    told: dict[str, str] = {}
    if label := FIELD_LABELS.get(str(facts.get("field"))):
        told["field"] = str(label)
    if (kind := facts.get("kind")) in EntryKind.values:
        told["kind"] = str(EntryKind(kind).label)
    if "lacks" in facts:
        told["missing"] = ", ".join(_column(name, theirs) for name, theirs in facts["lacks"])
    return told


def _column(name: str, theirs: str) -> str:
    if name not in FIELD_LABELS:
        return f"“{theirs}”"
    return f"{FIELD_LABELS[name]} (“{theirs}”)" if theirs else str(FIELD_LABELS[name])
