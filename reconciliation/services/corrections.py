"""A wrong amount in Head Office's book: the entry is reversed, what is right is posted, and both are read back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from orders.clients import ho
from orders.models import Order
from orders.resilience import Answered
from orders.services import cities, posting
from reconciliation.services.repairs import first_said, refusal_of, reverse_at_ho


@dataclass(frozen=True, slots=True)
class Anew:
    """An entry that Head Office is to have; `amount` in minor units, below zero for money that went back."""

    entry_ref: str
    amount: int
    occurred_at: datetime


def correct(order: Order, wrong: Sequence[str], right: Sequence[Anew], *, key: str) -> str:
    """Have Head Office reverse `wrong` (its ids) and book `right`. "" when it has; otherwise what it lacks and why.

    Safe to repeat at every step: an entry is reversed once, and a reference booked once. Reversed first: a book that
    lacks money is seen and repaired, one that has it twice may be paid out. No transaction may be open. Raises NoMap
    before anything is done.
    """
    branch, booked = cities.branch_of(order.city), list[ho.Entry]()
    said = reverse_at_ho(wrong, key=key) or first_said(_post(order, each, branch, booked) for each in right)
    if not said:
        for kind in {each.kind for each in booked}:
            posting.booked_anew(order, replaced=wrong, kind=kind, entries=[e for e in booked if e.kind == kind])
    return said


def _post(order: Order, anew: Anew, branch: str, booked: list[ho.Entry]) -> str:
    """Post it, and ask for it again: what was booked is what was asked for, or a sentence."""
    posted = ho.post_entry(
        anew.entry_ref,
        order_ref=order.public_id,
        amount=abs(anew.amount),
        currency=order.currency,
        kind="payment" if anew.amount > 0 else "refund",
        occurred_at=anew.occurred_at,
        branch=branch,
    )
    if not isinstance(posted, Answered):
        return refusal_of(anew.entry_ref, posted)
    read = ho.ask_entry(anew.entry_ref)
    if not isinstance(read, Answered):
        return refusal_of(anew.entry_ref, read)
    if read.data is None or read.data.amount != abs(anew.amount):
        return _("%(entry)s: Head Office has booked another amount.") % {"entry": anew.entry_ref}
    booked.append(read.data)
    return ""
