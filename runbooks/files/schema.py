"""What may stand in a runbook file. Unknown names are refused; every step says what it needs and nothing else."""

import re
from datetime import date, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

ID: Final = r"^[a-z][a-z0-9-]{1,47}$"
CLOCKS: Final = ("triage", "stakeholder", "workaround")
_SPAN: Final = re.compile(r"(\d{1,4})(s|m|h)")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours"}


def _span(value: Any) -> timedelta:
    found = _SPAN.fullmatch(str(value))
    if found is None:
        raise ValueError("a time like 30s, 5m or 2h")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


Span = Annotated[timedelta, BeforeValidator(_span)]
Text = Annotated[str, Field(min_length=3)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Param(Strict):
    """What a person chooses when the run begins; steps name it as `$name`."""

    choices: tuple[str, ...]
    default: str


class Budget(Strict):
    """The most that any one step of the runbook may touch: subjects, and money in minor units of IDR."""

    rows: int = Field(ge=1)
    amount: int = Field(ge=0)


class Front(Strict):
    """The front matter. `when` are the signs by which people find it; `triggers` the alerts that open it."""

    id: Annotated[str, Field(pattern=ID)]
    title: Text
    title_id: Text
    summary: Text
    summary_id: Text
    when: tuple[Text, ...] = Field(min_length=1)
    service: str
    severity: Literal["P0", "P1", "P2"]
    owner: Text
    triggers: tuple[str, ...] = ()
    params: dict[str, Param] = Field(default_factory=dict)
    budget: Budget
    review_by: date
    is_manual_first: bool = False


class Bound(Strict):
    """What a figure has to be."""

    min: float | None = None
    max: float | None = None


Expect = dict[str, Bound]


class Spec(Strict):
    """What every step has. `takes` is how long it takes a trained person; `clock` is stopped when it is done."""

    id: Annotated[str, Field(pattern=ID)]
    title_id: Text
    takes: Span
    clock: Literal["triage", "stakeholder", "workaround"] | None = None


class Check(Spec):
    """A person looks or does, and says what was found. `paste`: the output of a command is kept."""

    kind: Literal["check"]
    paste: bool = False
    mitigates: bool = False


class Diagnose(Spec):
    """Figures from our own data, live; kept as they were when the step was done."""

    kind: Literal["diagnose"]
    show: str
    within: dict[str, Any] = Field(default_factory=dict)
    expect: Expect = Field(default_factory=dict)


class Verify(Strict):
    """What has to be so afterwards, and how soon."""

    show: str
    within: dict[str, Any] = Field(default_factory=dict)
    expect: Expect = Field(min_length=1)
    soon: Span


class Act(Spec):
    """A plan: a registered action over a named selection."""

    kind: Literal["act"]
    action: str
    select: str
    within: dict[str, Any] = Field(default_factory=dict)
    given: dict[str, Any] = Field(default_factory=dict)
    risk: Literal["read", "low", "high"]
    verify: Verify
    undo: Text
    on_fail: Literal["stop", "decide", "continue"] = "decide"
    mitigates: bool = False


class Choice(Strict):
    """`to`: the step to go on with; "end" ends the run."""

    label: Text
    label_id: Text
    to: str


class Decide(Spec):
    """A person chooses how to go on."""

    kind: Literal["decide"]
    choices: tuple[Choice, ...] = Field(min_length=2)


class Message(Spec):
    """A text to send, with figures of `show` in braces; kept as it was sent."""

    kind: Literal["message"]
    audience: Literal["stakeholders", "customers", "team"]
    show: str
    text: Text
    text_id: Text


class Wait(Spec):
    """Until the figures are so, at most `longest`."""

    kind: Literal["wait"]
    show: str
    within: dict[str, Any] = Field(default_factory=dict)
    expect: Expect = Field(min_length=1)
    longest: Span


KINDS: Final[dict[str, type[Spec]]] = {
    "check": Check,
    "diagnose": Diagnose,
    "act": Act,
    "decide": Decide,
    "message": Message,
    "wait": Wait,
}
