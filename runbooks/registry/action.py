"""What an action is: the contract that previews, approvals, runs and second looks rely on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from pydantic import BaseModel, ConfigDict

from orders.services.actions import VERBS
from orders.services.actions.verb import Result
from runbooks.models import Deed


class Touch(StrEnum):
    """What it touches, and so what it asks of people (style B4)."""

    READS = "reads"  # repeatable, nobody outside notices
    VISIBLE = "visible"  # the customer or a partner notices
    MONEY = "money"  # moves money, or cannot be undone


class Input(BaseModel):
    """What an action takes beside its rows. A name it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Output(BaseModel):
    """What one row brings back, for steps that go on from it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: str
    outcome: str
    said: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What would happen to one subject. `why` is a code of `runbooks.reasons`, "" where it is eligible.

    `target` is the subject's state afterwards, "" where it stays or nobody can know before; `amount` moves,
    in minor units; `message` is what the customer is sent; `neighbour` is who is asked; `params` are this
    row's own, `before` what undoing restores.
    """

    why: str = ""
    why_values: Mapping[str, Any] = field(default_factory=dict)
    target: str = ""
    amount: int = 0
    message: str = ""
    neighbour: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Action:
    """One thing that can be done to many subjects of one kind (`runbooks.subjects`).

    What concerns an order is done by `verb`, as an operator's action of `orders.services.actions`, which
    looks before it acts and reads back, under the key of plan and row. What concerns no order, or is not the
    order's own affair, is done by `perform` as a `Deed`; its effect is written inside `runbooks.acting.once`,
    so that a second worker after a death finds it done.

    `rate` is the most rows a second that the neighbour takes from us; a row that has not ended after
    `timeout` counts as unknown. `holds` says from fresh facts whether a row is as wanted: the second look. `goes_on`
    says of one that was accepted, and is not as wanted yet, whether its end may still come without our doing.
    `undo` names the action that restores `before`; without one `irreversible` says why. `cool_down` is how
    long the same is not done to the same subject again; of an action with a `verb` both are the verb's.
    `own_inputs` reads inputs of single subjects, by key, where the common one leaves them to what each is like.
    """

    name: str
    version: int
    subject: str = "order"
    verb: str = ""
    perform: Callable[[Deed], Result] | None = None
    label: Promise
    effect: Promise
    right: str
    touch: Touch
    is_idempotent: bool = True
    rate: float = 0
    timeout: timedelta = timedelta(minutes=2)
    input: type[Input] = Input
    output: type[Output] = Output
    own_inputs: Callable[[Sequence[str], Any], Mapping[str, Mapping[str, Any]]] | None = None
    preview: Callable[[Any, Input], Preview]
    holds: Callable[[Any, int], bool]
    goes_on: Callable[[Any, int], bool] = lambda _facts, _amount: False
    undo: str = ""
    irreversible: Promise | str = ""
    cool_down: timedelta = timedelta(minutes=10)

    def __post_init__(self) -> None:
        """What an order's own action is held to stands with it, and holds for plans too."""
        if self.verb:
            object.__setattr__(self, "rate", VERBS[self.verb].rate)
            object.__setattr__(self, "cool_down", VERBS[self.verb].cool_down)

    @property
    def switch(self) -> str:
        """The name of its kill switch: that of the single action, where there is one."""
        return self.verb or self.name

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"
