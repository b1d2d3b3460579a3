"""What an `act` step would do at this moment: read, and nothing written."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orders.services.price import OUR_CURRENCY
from runbooks.files import Step
from runbooks.files.lint import resolved
from runbooks.registry import ACTIONS, Action
from runbooks.selections import SELECTIONS
from runbooks.services.planning import input_of, own_inputs
from runbooks.services.snapshot import look, read_only


@dataclass(frozen=True, slots=True)
class Line:
    """One subject of a manifest. `why` is a code of `runbooks.reasons`; "" where it would be acted on."""

    public_id: str
    state: str
    target: str
    amount: int
    currency: str
    why: str
    why_values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that a step would touch, and what it leaves out."""

    action: Action
    lines: Sequence[Line]

    @property
    def eligible(self) -> int:
        return sum(not line.why for line in self.lines)

    @property
    def money(self) -> Mapping[str, int]:
        sums: Counter[str] = Counter()
        for line in self.lines:
            if not line.why and line.amount:
                sums[line.currency or OUR_CURRENCY] += line.amount
        return dict(sums)

    @property
    def left_out(self) -> Mapping[str, int]:
        """How many are left out, by reason."""
        return dict(Counter(line.why for line in self.lines if line.why))


def keys_of(step: Step, params: Mapping[str, str], *, incident: int | None = None) -> list[str]:
    """What the step selects now; `incident` is the id of the one that the run is part of."""
    selection = SELECTIONS[step.spec.select]
    within = resolved(step.spec.within, params)
    if incident and selection.is_of_incident:
        within = {**within, "incident": incident}
    return list(selection.keys(selection.narrowing.model_validate(within)))


def manifest_of(
    step: Step, params: Mapping[str, str], *, incident: int | None = None, most: int | None = None
) -> Manifest:
    """What it would do to each, of the first `most`. Reads in one read-only snapshot."""
    action = ACTIONS[step.spec.action]
    given = input_of(action, resolved(step.spec.given, params))
    with read_only():
        keys = keys_of(step, params, incident=incident)[:most]
        seen = list(look(keys, action, own_inputs(action, keys, given), given, parent=None))
    return Manifest(
        action,
        [
            Line(
                each.facts.public_id,
                each.facts.state,
                str(each.preview.target),
                each.preview.amount,
                each.facts.currency,
                each.preview.why,
                each.preview.why_values,
            )
            for each in seen
        ],
    )
