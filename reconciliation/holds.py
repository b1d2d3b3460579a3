"""Why a file that can be read is held all the same, and nothing of it taken, until a person has looked. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.money import shown
from reconciliation.layouts.problems import told as told_otherwise
from reconciliation.reading.problems import Problem

OF_LOADS: Final[Mapping[str, Promise]] = {
    "nothing": _("No line of money was found in %(rows)s rows."),
    "mostly_unreadable": _("%(refused)s of %(rows)s rows cannot be read."),
    "too_many_refused": _("More than %(limit)s rows cannot be read. This is not a file of the layout %(layout)s."),
    "total": _("The file says that its amounts add up to %(said)s; what was read adds up to %(sum)s."),
    "stated_total": _("You said %(said)s; what was read adds up to %(sum)s."),
    "stated_lines": _("You said %(said)s rows; %(found)s were read."),
    "times_off": _("%(count)s of %(known)s known payments are %(factor)s times what we know. Check the decimal mark."),
    "unusual": _("The middle payment is %(now)s; in the last load %(before)s. Check the decimal mark."),
    "other_currency": _("The load is in %(wanted)s, but the file has lines in %(found)s."),
    "mixed_currency": _("The file has lines in %(found)s; this book has only had %(usual)s."),
}
# What a person may not wave through: there is nothing that could be loaded.
NEVER_RELEASED: Final = frozenset({"header", "header_twice", "too_many_refused"})
FEW_KNOWN: Final = 5  # known payments below which their amounts prove nothing
FEW_USUAL: Final = 20
UNUSUAL: Final = 8  # times the median of the last load, either way
MOSTLY: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a load once it is staged. Sums in minor units by currency."""

    rows: int = 0
    refused: int = 0
    lines: int = 0
    sums: Mapping[str, int] = field(default_factory=dict)
    claims: Sequence[tuple[str, int]] = ()
    stated: Mapping[str, Any] = field(default_factory=dict)
    currencies: Sequence[str] = ()
    wanted_currency: str = ""
    usual_currencies: Sequence[str] = ()
    factors: Sequence[tuple[str, int]] = ()
    medians: Sequence[tuple[str, int, int, int, int]] = ()


def objections(facts: Facts) -> list[Problem]:
    """Everything that speaks against taking the load in, the gravest first."""
    if not facts.lines:
        return [Problem("nothing" if facts.rows else "no_rows", {"rows": f"{facts.rows:,}"})]
    return [*_unreadable(facts), *_totals(facts), *_currencies(facts), *_scale(facts)]


def told(problem: Problem) -> str:
    """The sentence of any problem of a load, a file or a row, in the language of whoever reads."""
    if problem.code in OF_LOADS:
        return str(OF_LOADS[problem.code]) % problem.facts
    return told_otherwise(problem)


def may_release(problems: Iterable[Problem]) -> bool:
    """Whether a person may have a held load taken in as it is."""
    return not any(problem.code in NEVER_RELEASED for problem in problems)


def _unreadable(facts: Facts) -> list[Problem]:
    if facts.refused <= facts.rows * MOSTLY:
        return []
    return [Problem("mostly_unreadable", {"refused": f"{facts.refused:,}", "rows": f"{facts.rows:,}"})]


def _totals(facts: Facts) -> list[Problem]:
    found = [
        Problem("total", _compared(said, facts.sums.get(currency, 0), currency))
        for currency, said in facts.claims
        if said != facts.sums.get(currency, 0)
    ]
    found += [
        Problem("stated_total", _compared(int(said), facts.sums.get(currency, 0), currency))
        for currency, said in facts.stated.get("amounts", {}).items()
        if int(said) != facts.sums.get(currency, 0)
    ]
    said = facts.stated.get("rows")
    if said is not None and said != facts.rows:
        found.append(Problem("stated_lines", {"said": f"{said:,}", "found": f"{facts.rows:,}"}))
    return found


def _compared(said: int, added: int, currency: str) -> dict[str, str]:
    return {"said": shown(said, currency=currency), "sum": shown(added, currency=currency)}


def _currencies(facts: Facts) -> list[Problem]:
    foreign = sorted(set(facts.currencies) - {facts.wanted_currency}) if facts.wanted_currency else []
    if foreign:
        return [Problem("other_currency", {"wanted": facts.wanted_currency, "found": ", ".join(foreign)})]
    new = sorted(set(facts.currencies) - set(facts.usual_currencies))
    if facts.usual_currencies and new:
        return [
            Problem("mixed_currency", {"found": ", ".join(new), "usual": ", ".join(sorted(facts.usual_currencies))})
        ]
    return []


def _scale(facts: Facts) -> list[Problem]:
    """By payments that we know; only where too few are known, by what is usual in this book."""
    known = sum(count for _factor, count in facts.factors)
    if known >= FEW_KNOWN:
        factor, count = facts.factors[0]
        off = factor not in {"1", "other"} and count * 2 >= known
        return [Problem("times_off", {"factor": factor, "count": count, "known": known})] if off else []
    return [
        Problem("unusual", {"now": shown(now, currency=currency), "before": shown(before, currency=currency)})
        for currency, lines, now, lines_before, before in facts.medians
        if min(lines, lines_before) >= FEW_USUAL and not before / UNUSUAL < now < before * UNUSUAL
    ]
