"""The live figures of a step, and whether they are as the step wants them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import Error as DatabaseProblem
from django.db import connection, transaction

from runbooks.diagnoses import DIAGNOSES, Figure
from runbooks.files.lint import resolved
from runbooks.files.schema import Bound


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure with what is wanted of it. `is_good` is None where nothing is wanted, False too where nobody knows."""

    figure: Figure
    bound: Bound | None
    is_good: bool | None

    @property
    def wanted(self) -> str:
        """`≤ 0`, `≥ 1`, "" for nothing."""
        if self.bound is None:
            return ""
        parts = ((self.bound.min, "≥"), (self.bound.max, "≤"))
        return " ".join(f"{sign} {_short(limit)}" for limit, sign in parts if limit is not None)

    def kept(self) -> dict[str, Any]:
        """As it is written down when the step ends."""
        figure = self.figure
        return {"key": figure.key, "value": figure.value, "unit": figure.unit, "money": figure.money}


def read(show: str, within: Mapping[str, Any], expect: Mapping[str, Bound], params: Mapping[str, str]) -> list[Reading]:
    """The figures of a diagnosis at this moment; one "cannot know" figure where it cannot be read."""
    diagnosis = DIAGNOSES[show]
    try:
        with transaction.atomic():
            found: Sequence[Figure] = diagnosis.read(diagnosis.narrowing.model_validate(resolved(within, params)))
    except DatabaseProblem:
        if connection.needs_rollback:
            raise
        found = [Figure(key, diagnosis.label, None) for key in diagnosis.keys[:1]]
    return [Reading(each, expect.get(each.key), _is_good(each, expect.get(each.key))) for each in found]


def are_good(readings: Sequence[Reading]) -> bool:
    """Whether everything that is wanted is so."""
    return all(reading.is_good is not False for reading in readings)


def _is_good(figure: Figure, bound: Bound | None) -> bool | None:
    if bound is None:
        return None
    if figure.value is None:
        return False
    return (bound.min is None or figure.value >= bound.min) and (bound.max is None or figure.value <= bound.max)


def _short(limit: float) -> str:
    return f"{limit:g}"
