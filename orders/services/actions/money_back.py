"""What an operator is told of money that has to go back after their action: by itself, by hand, or after a yes."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from orders.models import Order, Refund
from orders.services import ledger, refunds
from orders.services.actions.verb import Result
from orders.states import RefundState


def after_the_end(order: Order, said: str) -> Result:
    """The order has been ended, as `said` tells. What was paid goes back by other workers, or people: until it has,
    the end is accepted and not done."""
    if ledger.balance(order) <= 0:
        return Result(True, said)
    return Result(False, f"{said} {on_its_way(order)}", accepted=True)


def on_its_way(order: Order) -> str:
    """How the money that we still hold of it goes back."""
    if order.refunds.filter(state=RefundState.REQUESTED).exists():
        return _("The refund waits for the approval of a second person.")
    if any(not refunds.by_api(attempt) for attempt in order.attempts.all() if ledger.held(attempt) > 0):
        return _("The gateway cannot give this money back: finance transfers it by hand.")
    return _("The money is on its way back.")


def of_refunds(made: Sequence[Refund]) -> Result:
    """Done when each gateway has said so; accepted when none has refused and the others say that they will."""
    said = ", ".join(f"{each.key}: {each.state_label}" for each in made)
    done = [each for each in made if each.state == RefundState.SUCCEEDED]
    going = [each for each in made if refunds.is_accepted(each)]
    return Result(len(done) == len(made), said, accepted=len(done) + len(going) == len(made))
