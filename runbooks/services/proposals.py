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
from django.db import transaction
from django.utils.translation import gettext as _

from orders.errors import NotAllowed
from orders.money import exponent
from reconciliation.models import Break
from reconciliation.reading import Limits
from reconciliation.reading.rows import Row
from reconciliation.reading.workbooks import sheets
from reconciliation.states import BreakState, WriteOff
from runbooks.models import Plan, ProposalFile, RefusedRow
from runbooks.registry.breaks import BREAK_ACTIONS
from runbooks.services.planning import Ask, make_plan

NEEDED: Final = ("break", "difference", "repair", "code")
REPAIRS: Final = {action.name: action for action in BREAK_ACTIONS if action.name != "reopen_break"}


@dataclass(slots=True)
class Loaded:
    """What comes of a file. `left` rows named no repair."""

    plans: list[Plan] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)
    left: int = 0

    def refuse(self, number: int, said: Mapping[str, str], why: str, **values: str) -> None:
        row = RefusedRow(number=number, name=said["break"][:80], why=why, why_values=values)
        row.said = {name: text[:200] for name, text in said.items()}
        self.refused.append(row)


@dataclass(frozen=True, slots=True)
class _Wish:
    number: int
    said: Mapping[str, str]

    @property
    def pk(self) -> int:
        return int(self.said["break"])


def load(path: Path, *, name: str, proposer: str) -> ProposalFile:
    """Plans of what the first sheet proposes, and the file with every refused row kept beside them.

    Raises FileRefused for no workbook, NotAllowed for another one; then nothing is kept.
    """
    loaded, wishes = _read(path, name)
    chosen = _judged(wishes, loaded)
    with transaction.atomic():
        loaded.plans += [_planned(repair, own, name, proposer) for repair, own in chosen.items()]
        return _keep(loaded, path, name=name, proposer=proposer, proposed=sum(map(len, chosen.values())))


def _read(path: Path, name: str) -> tuple[Loaded, list[_Wish]]:
    rows = iter(_rows(path, name))
    places = _places(next(rows, None))
    loaded, wishes = Loaded(), list[_Wish]()
    for row in rows:
        _take(row, places, loaded, wishes)
    if len(wishes) > settings.RUN_MOST_ORDERS:
        raise NotAllowed(_("At most %(most)s rows at a time.") % {"most": settings.RUN_MOST_ORDERS})
    return loaded, wishes


def _planned(repair: str, own: Mapping[int, Mapping[str, Any]], name: str, proposer: str) -> Plan:
    ask = Ask(
        action=str(REPAIRS[repair]),
        proposer=proposer,
        kind=Plan.Kind.SELECTION,
        source={"file": name[:120]},
        params=_common(own),
        own_params={pk: params for pk, params in own.items() if params},
    )
    return make_plan(list(own), ask)


def _keep(loaded: Loaded, path: Path, *, name: str, proposer: str, proposed: int) -> ProposalFile:
    kept = ProposalFile.objects.create(
        name=name[:120],
        file=path.name[:80],
        actor=proposer,
        plans=[plan.code for plan in loaded.plans],
        proposed=proposed,
        unnamed=loaded.left,
        refused=len(loaded.refused),
    )
    for row in loaded.refused:
        row.of = kept
    RefusedRow.objects.bulk_create(loaded.refused, batch_size=1_000)
    return kept


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
    why, values = _ailment(said, {wish.pk for wish in wishes})
    if why:
        loaded.refuse(row.number, said, why, **values)
    else:
        wishes.append(_Wish(row.number, said))


def _ailment(said: Mapping[str, str], taken: set[int]) -> tuple[str, dict[str, str]]:
    """A code of `runbooks.reasons` and its values; "" for a row that may be one."""
    if not said["break"].isdecimal() or len(said["break"]) > 18:
        return "row_without_break", {}
    if said["repair"] not in REPAIRS:
        return "row_of_no_repair", {"name": said["repair"][:40], "all": ", ".join(REPAIRS)}
    if said["repair"] == "write_off" and said["code"] not in WriteOff.values:
        return "row_without_code", {"all": ", ".join(WriteOff.values)}
    return ("row_again" if int(said["break"]) in taken else ""), {}


def _judged(wishes: Sequence[_Wish], loaded: Loaded) -> dict[str, dict[int, dict[str, Any]]]:
    """By repair: the breaks that are as the file says, each with its own input."""
    known = Break.objects.in_bulk([wish.pk for wish in wishes])
    chosen: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    for wish in wishes:
        why, repair = _moved_on(wish, known.get(wish.pk)), wish.said["repair"]
        if why:
            loaded.refuse(wish.number, wish.said, why)
        else:
            chosen[repair][wish.pk] = {"code": wish.said["code"]} if repair == "write_off" else {}
    return chosen


def _moved_on(wish: _Wish, found: Break | None) -> str:
    if found is None:
        return "row_of_no_break"
    if found.state != BreakState.OPEN:
        return "break_closed"
    if _minor(wish.said["difference"], found.currency) != found.difference:
        return "row_moved"
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
