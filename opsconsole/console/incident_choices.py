"""What may be done with an incident now, by whom, and what each asks for. The first one is the safe next step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from opsconsole.console.roles import RIGHT_BY_CODENAME
from runbooks.correlation import by_hand
from runbooks.incident_states import INCIDENT_EDGES, LIVE, IncidentState, IncidentVerb
from runbooks.models import Incident

S = IncidentState


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One deed. `asks` names the fields of its dialog; without any it is one click."""

    name: str
    label: Promise
    text: Promise
    right: str = "lead_incidents"
    asks: tuple[str, ...] = ("reason",)
    is_danger: bool = False
    states: tuple[str, ...] = LIVE
    verb: IncidentVerb | None = None


CHOICES: Final = (
    Choice(
        name="acknowledge",
        label=_("Take it"),
        text=_("You lead from now on. If nothing follows, it is open again and everybody is paged."),
        asks=(),
        states=(S.OPEN,),
        verb=IncidentVerb.ACKNOWLEDGE,
    ),
    Choice(
        name="tell",
        label=_("Tell those who wait"),
        text=_("Goes by Slack and email in both languages, with the numbers of this moment."),
        right="tell_stakeholders",
        asks=("template", "impact", "eta", "next_minutes"),
        states=(*LIVE, S.RESOLVED),
    ),
    Choice(
        name="mitigate",
        label=_("Workaround in force"),
        text=_("Say which. It stops the clock of the workaround."),
        states=(S.ACKNOWLEDGED,),
        verb=IncidentVerb.MITIGATE,
    ),
    Choice(
        name="relapse",
        label=_("It does not hold"),
        text=_("The workaround does not help any more."),
        states=(S.MITIGATED,),
        verb=IncidentVerb.RELAPSE,
    ),
    Choice(
        name="resolve",
        label=_("Resolve"),
        text=_("Refused while rules about money are broken, pinned orders hang or alerts fire."),
        asks=("reason", "override"),
        verb=IncidentVerb.RESOLVE,
    ),
    Choice(
        name="note",
        label=_("Note"),
        text=_("A line in the timeline. It may not be changed afterwards."),
        right="note_incidents",
        states=tuple(S.values),
    ),
    Choice(
        name="pin",
        label=_("Pin what hangs"),
        text=_("Adds the orders that began to hang since it began. Those that are pinned stay as they were."),
        asks=(),
    ),
    Choice(
        name="plan",
        label=_("Attach a plan"),
        text=_("The plan and its run are then told in the timeline."),
        asks=("plan",),
        states=(*LIVE, S.RESOLVED),
    ),
    Choice(name="severity", label=_("Severity"), text=_("Starts its clocks anew."), asks=("severity", "reason")),
    Choice(
        name="hand_over",
        label=_("Hand over"),
        text=_("Somebody else leads. Say what they have to know."),
        asks=("person", "reason"),
        states=(S.ACKNOWLEDGED, S.MITIGATED),
    ),
    Choice(
        name="reopen",
        label=_("Open again"),
        text=_("It was not over. You lead."),
        states=(S.RESOLVED, S.DISMISSED),
        verb=IncidentVerb.REOPEN,
    ),
    Choice(
        name="dismiss",
        label=_("False alarm"),
        text=_("Nothing was wrong. All its clocks stop."),
        is_danger=True,
        states=(S.OPEN, S.ACKNOWLEDGED),
        verb=IncidentVerb.DISMISS,
    ),
)
BY_NAME: Final[Mapping[str, Choice]] = {choice.name: choice for choice in CHOICES}
# What a person states about a clock: one deed a clock, opened from the clock itself.
STATE: Final = Choice(
    name="state",
    label=_("It is done"),
    text=_("Say what you have looked at, and what it showed."),
    states=LIVE,
)


def choices(incident: Incident, user: Any) -> Sequence[Choice]:
    """Those that the incident's state and the person's rights allow now."""
    return [choice for choice in CHOICES if is_open(choice, incident) and may(choice, user)]


def is_open(choice: Choice, incident: Incident) -> bool:
    fits = choice.verb is None or (incident.state, choice.verb) in INCIDENT_EDGES
    return incident.state in choice.states and fits


def may(choice: Choice, user: Any) -> bool:
    return bool(user.has_perm(RIGHT_BY_CODENAME[choice.right].permission))


def choice_named(name: str) -> Choice | None:
    """By its name; `state-pods` is what a person states about that clock."""
    clock = name.removeprefix("state-")
    if clock != name:
        return STATE if by_hand(clock) else None
    return BY_NAME.get(name)
