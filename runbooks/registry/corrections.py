"""A wrong amount at Head Office, put right in one step: its entry is reversed, and what is right is posted anew.

Both effects are frozen in the row of the plan. Nothing of them is named after the plan: the new entry's reference is
made of our line and of the last entry it replaces, so a second plan for the same break books nothing twice. ADR 0096.
"""

from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _t

from orders.models import Order
from orders.services.actions.verb import Result
from orders.services.cities import NoMap
from reconciliation.models import Entry
from reconciliation.services import corrections
from reconciliation.states import BreakState, EntryKind, Pairing, Side
from runbooks.models import Deed
from runbooks.registry.action import Input, Preview
from runbooks.subjects import FoundBreak

_BOOKED: Final = (EntryKind.PAYMENT, EntryKind.REFUND)


class TakenBack(Input):
    """An entry that Head Office reverses: its own id, and the amount with which it counts, in minor units."""

    entry_id: str
    amount: int


class PostedAnew(Input):
    """An entry that Head Office books instead; `amount` with the sign with which it counts, in minor units."""

    entry_ref: str
    amount: int
    occurred_at: datetime


class CorrectInput(Input):
    """Found by the preview, for each row."""

    takes_back: tuple[TakenBack, ...] = ()
    posts: tuple[PostedAnew, ...] = ()


def preview(found: FoundBreak) -> Preview:
    """What moves is what is reversed and what is posted: both are bookings that somebody answers for."""
    wrong = [line for line in found.lines if line.side == Side.HO and line.kind in _BOOKED]
    if found.row.pairing != Pairing.HO:
        return Preview(why="break_of_other_type")
    if found.facts is None:
        return Preview(why="break_of_no_order")
    if not wrong or not all(line.external_reference for line in wrong):
        return Preview(why="break_without_entry")
    given = CorrectInput(
        takes_back=tuple(TakenBack(entry_id=line.external_reference, amount=line.amount) for line in wrong),
        posts=tuple(_anew(line, found, wrong[-1]) for line in found.own if line.amount),
    )
    moved = sum(abs(each.amount) for each in given.takes_back) + sum(abs(each.amount) for each in given.posts)
    params = given.model_dump(mode="json")
    return Preview(target=BreakState.HEALED, amount=moved, neighbour="ho", params=params)


def _anew(line: Entry, found: FoundBreak, replaced: Entry) -> PostedAnew:
    reference = f"{found.row.order_reference}-c{line.pk}-{replaced.external_reference}"
    return PostedAnew(entry_ref=reference, amount=line.amount, occurred_at=line.occurred_at)


def perform(deed: Deed) -> Result:
    """Safe to begin again: an entry is reversed once, and one of the same reference is booked once."""
    given, order = CorrectInput.model_validate(dict(deed.params)), Order.objects.get(pk=deed.order_id or 0)
    anew = [corrections.Anew(each.entry_ref, amount=each.amount, occurred_at=each.occurred_at) for each in given.posts]
    try:
        said = corrections.correct(order, [each.entry_id for each in given.takes_back], anew, key=deed.key)
    except NoMap:
        said = _t("There is no map of cities yet: nothing was done.")
    told = said or _t("Head Office has corrected it. The break closes when its book has been read.")
    return Result(False, told, accepted=not said)
