"""What an action is made of, and what it answers with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from orders.models import OperatorAction, Order


@dataclass(frozen=True, slots=True)
class Result:
    """What a read afterwards showed."""

    fixed: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Verb:
    """`amount` is the money that a second person may have to agree to, in minor units."""

    perform: Callable[[OperatorAction, Order], Result]
    why_not: Callable[[Order, Mapping[str, Any]], str]
    label: str
    amount: Callable[[Order, Mapping[str, Any]], int] = lambda _order, params: int(params.get("amount", 0))
