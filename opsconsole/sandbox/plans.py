"""An exact fate for one order: what each neighbour does when that order comes by.

A plan is a list of behaviours under a key. The key is anything a neighbour can see: our order or
attempt reference, the gateway's reference, the customer's email or phone, or an item reference. So
a scenario can fix the fate of an order before the order exists, by its customer's phone.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

ANY = "*"


class BadPlan(Exception):
    """A plan that cannot be understood."""


@dataclass(slots=True)
class Behaviour:
    """`on`: an operation of the neighbour, or `callback`, `pay`, `trip`. `do`: what it does there.

    `times` limits how often, None is always. The other fields belong to some of the doings.
    """

    on: str
    do: str
    neighbour: str = ANY
    times: int | None = None
    seconds: float | None = None
    amount: int | None = None
    currency: str | None = None
    code: str | None = None
    status: int | None = None

    def fits(self, neighbour: str, *, on: str) -> bool:
        return self.on in (on, ANY) and self.neighbour in (neighbour, ANY) and (self.times is None or self.times > 0)


def behaviour(given: Any) -> Behaviour:
    """Raises BadPlan."""
    if not isinstance(given, Mapping) or not isinstance(given.get("on"), str):
        raise BadPlan("a behaviour needs `on` and `do`")
    try:
        return Behaviour(**given)
    except TypeError as error:
        raise BadPlan(str(error)) from None


class Plans:
    """`used` hears of a reference whose plan has been used up by one."""

    def __init__(self, used: Callable[[str], None] = lambda reference: None) -> None:
        self._behaviours: dict[str, list[Behaviour]] = {}
        self._used = used

    def set(self, reference: str, behaviours: Iterable[Any]) -> None:
        """Replace the plan of a reference; an empty one takes it away."""
        parsed = [behaviour(each) for each in behaviours]
        if parsed:
            self._behaviours[reference] = parsed
        else:
            self._behaviours.pop(reference, None)

    def clear(self) -> None:
        self._behaviours.clear()

    def take(
        self,
        references: Iterable[str],
        *,
        neighbour: str,
        on: str,
        do: Iterable[str] = (),
    ) -> Behaviour | None:
        """The first behaviour that fits, used up by one. `do` narrows to some doings."""
        wanted = tuple(do)
        for reference in references:
            for each in self._behaviours.get(reference, ()):
                if each.fits(neighbour, on=on) and (not wanted or each.do in wanted):
                    if each.times is not None:
                        each.times -= 1
                        self._used(reference)
                    return each
        return None

    def as_json(self, reference: str | None = None) -> dict[str, list[dict[str, Any]]]:
        chosen = self._behaviours if reference is None else {reference: self.of(reference)}
        return {key: [asdict(each) for each in found] for key, found in chosen.items()}

    def of(self, reference: str) -> list[Behaviour]:
        return self._behaviours.get(reference, [])
