"""What an action is made of, and what it answers with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from orders.models import OperatorAction, Order


@dataclass(frozen=True, slots=True)
class Result:
    """What a read afterwards showed."""

    fixed: bool
    sentence: str


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
