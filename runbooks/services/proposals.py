"""The spreadsheet of open breaks, filled in and loaded back: row by row a proposal, or a reason why not.

What is proposed becomes plans, one for each repair, for approval like any other. Nothing is done here.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext as _

from orders.errors import NotAllowed
from orders.money import exponent
from reconciliation.models import Break
from reconciliation.reading import Limits
from reconciliation.reading.rows import Row
from reconciliation.reading.workbooks import sheets
from reconciliation.states import BreakState, WriteOff
from runbooks.models import Plan
from runbooks.registry.breaks import BREAK_ACTIONS
from runbooks.services.planning import Ask, make_plan

NEEDED: Final = ("break", "difference", "repair", "code")
REPAIRS: Final = {action.name: action for action in BREAK_ACTIONS if action.name != "reopen_break"}


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that became no proposal: its number in the file, what it says, and why."""

    number: int
    name: str
    why: str


@dataclass(slots=True)
class Loaded:
    """What came of a file. `left` rows named no repair."""

    plans: list[Plan] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    left: int = 0


@dataclass(frozen=True, slots=True)
class _Wish:
    number: int
    pk: int
    difference: str
    repair: str
    code: str


def load(path: Path, *, name: str, proposer: str) -> Loaded:
    """Plans of what the first sheet proposes. Raises FileRefused for no workbook, NotAllowed for another one."""
    rows = iter(_rows(path, name))
    places = _places(next(rows, None))
    loaded, wishes = Loaded(), list[_Wish]()
    for row in rows:
        _take(row, places, loaded, wishes)
    if len(wishes) > settings.RUN_MOST_ORDERS:
        raise NotAllowed(_("At most %(most)s rows at a time.") % {"most": settings.RUN_MOST_ORDERS})
    chosen = _judged(wishes, loaded)
    for repair, own in chosen.items():
        ask = Ask(
            action=str(REPAIRS[repair]),
            proposer=proposer,
            kind=Plan.Kind.SELECTION,
            source={"file": name[:120]},
            params=_common(own),
            own_params={pk: params for pk, params in own.items() if params},
        )
        loaded.plans.append(make_plan(list(own), ask))
    return loaded


def _rows(path: Path, name: str) -> Iterator[Row]:
    found = sheets(path, Limits(), name=name, notes=[])
    return found[0].rows() if found else iter(())


def _places(head: Row | None) -> Mapping[str, int]:
    names = [cell.strip().lower() for cell in head.cells] if head is not None and head.cells else []
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise NotAllowed(_("This is not the spreadsheet of open breaks: no column %(name)s.") % {"name": missing[0]})
    return {name: names.index(name) for name in NEEDED}


def _take(row: Row, places: Mapping[str, int], loaded: Loaded, wishes: list[_Wish]) -> None:
    cells = row.cells or []
    said = {name: cells[place].strip() if place < len(cells) else "" for name, place in places.items()}
    if not said["repair"] and not said["code"]:
        loaded.left += 1
        return
    why = _ailment(said, {wish.pk for wish in wishes})
    if why:
        loaded.refused.append(Refused(row.number, said["break"], why))
        return
    wishes.append(_Wish(row.number, int(said["break"]), said["difference"], said["repair"], said["code"]))


def _ailment(said: Mapping[str, str], taken: set[int]) -> str:
    if not said["break"].isdecimal() or len(said["break"]) > 18:
        return _("The number of the break is missing.")
    if said["repair"] not in REPAIRS:
        return _("There is no repair “%(name)s”: %(all)s.") % {"name": said["repair"][:40], "all": ", ".join(REPAIRS)}
    if said["repair"] == "write_off" and said["code"] not in WriteOff.values:
        return _("A write-off needs one of the codes %(all)s.") % {"all": ", ".join(WriteOff.values)}
    return _("The same break stands further up.") if int(said["break"]) in taken else ""


def _judged(wishes: Sequence[_Wish], loaded: Loaded) -> dict[str, dict[int, dict[str, Any]]]:
    """By repair: the breaks that are as the file says, each with its own input."""
    known = Break.objects.in_bulk([wish.pk for wish in wishes])
    chosen: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    for wish in wishes:
        why = _moved_on(wish, known.get(wish.pk))
        if why:
            loaded.refused.append(Refused(wish.number, str(wish.pk), why))
        else:
            chosen[wish.repair][wish.pk] = {"code": wish.code} if wish.repair == "write_off" else {}
    return chosen


def _moved_on(wish: _Wish, found: Break | None) -> str:
    if found is None:
        return _("There is no such break.")
    if found.state != BreakState.OPEN:
        return _("The break is not open any more.")
    if _minor(wish.difference, found.currency) != found.difference:
        return _("Its difference has changed since the file was made.")
    return ""


def _minor(text: str, currency: str) -> int | None:
    try:
        return int(Decimal(text) * 10 ** exponent(currency))
    except InvalidOperation:
        return None


def _common(own: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """The input that an action must have as a whole; rows have their own."""
    first = next(iter(own.values()))
    return dict(first)
