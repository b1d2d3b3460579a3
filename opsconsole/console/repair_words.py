"""What one row of a repair does, step by step, from what the plan has frozen."""

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _

from opsconsole.console.formats import money
from orders.names import system
from runbooks.models import PlanRow


def steps_of(row: PlanRow) -> Sequence[str]:
    """In the order in which they are done; none where the effect of the action says it all."""
    return list(_steps(row))


def _steps(row: PlanRow) -> Iterator[str]:
    given = row.params
    for each in given.get("takes_back", ()):
        told = {"entry": each["entry_id"], "amount": money(-each["amount"], currency=row.currency)}
        yield _("Head Office reverses %(entry)s: %(amount)s.") % told
    for each in given.get("posts", ()):
        yield _("Head Office books anew: %(amount)s.") % {"amount": money(each["amount"], currency=row.currency)}
    if "attempt" in given and row.neighbour:
        told = {"gateway": system(row.neighbour), "amount": money(row.amount, currency=row.currency)}
        yield _("%(gateway)s gives %(amount)s back.") % told
