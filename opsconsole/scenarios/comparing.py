"""The console's answer beside the truth: found, wrongly found, and how often the cause is right."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from opsconsole.scenarios.truth import Truth
from orders.diagnosis.service import diagnose
from orders.queries.stuck import StuckFilter, all_stuck

EXAMPLES = 5
NOT_FOUND = "not found"


@dataclass(frozen=True)
class Comparison:
    """`confusion[true cause][said cause]` counts orders; `missed` and `wrong` are order ids."""

    orders: int
    hanging: int
    found: int
    right: int
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    confusion: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    examples: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def recall(self) -> float:
        return self.found / self.hanging if self.hanging else 1.0

    @property
    def precision(self) -> float:
        said = self.found + len(self.wrong)
        return self.found / said if said else 1.0

    @property
    def cause_accuracy(self) -> float:
        """Of the hanging orders that were found."""
        return self.right / self.found if self.found else 1.0

    def as_json(self) -> dict[str, Any]:
        return {
            "orders": self.orders,
            "hanging": self.hanging,
            "found": self.found,
            "recall": round(self.recall, 4),
            "precision": round(self.precision, 4),
            "cause_accuracy": round(self.cause_accuracy, 4),
            "missed": self.missed,
            "wrong": self.wrong,
            "confusion": {true: dict(said) for true, said in sorted(self.confusion.items())},
            "examples": dict(sorted(self.examples.items())),
        }


def compare(truths: Sequence[Truth], *, as_of: datetime | None = None) -> Comparison:
    """Ask the stuck query and the diagnosis as the console does; orders outside the truth do not count."""
    return weighed(truths, _said({each.order_id for each in truths}, as_of=as_of))


def _said(known: set[str], *, as_of: datetime | None) -> dict[str, str]:
    """The cause of every stuck order."""
    said: dict[str, str] = {}
    for rows in all_stuck(StuckFilter(held="include"), as_of=as_of):
        own = [row for row in rows if row.public_id in known]
        findings = diagnose(own)
        said |= {row.public_id: str(findings[row.order_id].cause) for row in own}
    return said


def weighed(truths: Sequence[Truth], said: Mapping[str, str]) -> Comparison:
    """`said` is the cause by order id of what the console calls stuck."""
    confusion: dict[str, Counter[str]] = defaultdict(Counter)
    examples: dict[str, list[str]] = defaultdict(list)
    hanging = [each for each in truths if each.hanging]
    for each in hanging:
        cause = said.get(each.order_id, NOT_FOUND)
        confusion[str(each.cause)][cause] += 1
        if cause != each.cause and len(examples[f"{each.cause}: {cause}"]) < EXAMPLES:
            examples[f"{each.cause}: {cause}"].append(each.order_id)
    found = [each for each in hanging if each.order_id in said]
    return Comparison(
        orders=len(truths),
        hanging=len(hanging),
        found=len(found),
        right=sum(said[each.order_id] == each.cause for each in found),
        missed=[each.order_id for each in hanging if each.order_id not in said],
        wrong=[each.order_id for each in truths if not each.hanging and each.order_id in said],
        confusion=confusion,
        examples=examples,
    )
