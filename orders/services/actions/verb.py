"""What an action is made of, and what it answers with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from orders.models import OperatorAction, Order


@dataclass(frozen=True, slots=True)
class Result:
    """What a read afterwards showed. `accepted`: it is not done yet, but whoever has to do it has taken it on and
    says later how it ended; nothing has to be done anew. No answer at all is not accepted: nobody knows then."""

    fixed: bool
    sentence: str
    accepted: bool = False

    @property
    def status(self) -> str:
        """As it is kept, of an operator's action and of a deed alike."""
        if self.fixed:
            return OperatorAction.Status.FIXED
        return OperatorAction.Status.ACCEPTED if self.accepted else OperatorAction.Status.NOT_FIXED


@dataclass(frozen=True, slots=True)
class Verb:
    """`amount` is the money that a second person may have to agree to, in minor units. `cool_down` is how long
    the same is not done to the same again, `rate` the most a second that its neighbour takes from us, and
    `neighbour` whose open breaker makes it pointless ("": nobody's)."""

    perform: Callable[[OperatorAction, Order], Result]
    why_not: Callable[[Order, Mapping[str, Any]], str]
    label: str
    amount: Callable[[Order, Mapping[str, Any]], int] = lambda _order, params: int(params.get("amount", 0))
    cool_down: timedelta = timedelta(0)
    rate: float = 5
    neighbour: Callable[[Order, Mapping[str, Any]], str] = lambda _order, _params: ""
