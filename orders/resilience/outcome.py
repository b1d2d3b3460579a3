"""What a call to a neighbour taught us. Nothing here is raised: an upstream's behaviour is a value.

As text a failure is what people read of it. The four differ in what may be done next:

- `Answered`: they did it, or know it.
- `Refused`: they said no; nothing happened; asking again brings the same answer.
- `Retryable`: certainly nothing happened; the same call may be made again.
- `Unknown`: it was sent and no trustworthy answer came; find out by asking, never by repeating.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Answered(Generic[T]):
    status: int
    data: T
    kind = "answered"


@dataclass(frozen=True, slots=True)
class Refused:
    """`code` and `message` are the neighbour's own words; `data` is its whole answer."""

    status: int
    code: str
    message: str
    data: Any = None
    kind = "refused"

    def __str__(self) -> str:
        return f"{self.code} {self.message}".strip()


@dataclass(frozen=True, slots=True)
class Retryable:
    """`ours`: the neighbour had no part in it, so it says nothing about them. `after`: how many seconds they asked
    us to wait (their Retry-After), 0 where they said nothing."""

    reason: str
    ours: bool = field(default=False, compare=False)
    after: float = field(default=0.0, compare=False)
    kind = "retryable"

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True)
class Unknown:
    """`ours` and `after` as with `Retryable`."""

    reason: str
    ours: bool = field(default=False, compare=False)
    after: float = field(default=0.0, compare=False)
    kind = "unknown"

    def __str__(self) -> str:
        return self.reason


Outcome: TypeAlias = Answered[T] | Refused | Retryable | Unknown


def parsed(outcome: Outcome[Any], *, by: Callable[[Any], S]) -> Outcome[S]:
    """Turn the data of an answer into a typed one; an answer that does not fit is no answer."""
    if not isinstance(outcome, Answered):
        return outcome
    try:
        return Answered(outcome.status, by(outcome.data))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        return Unknown(f"answer does not fit: {type(error).__name__} {error}")
