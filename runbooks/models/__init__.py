"""Plans, their rows, their runs, alerts and incidents, and what happened to them. No verbs here: see
`runbooks.services`."""

from runbooks.models.alert import Alert, AlertDelivery, Episode
from runbooks.models.deed import Deed
from runbooks.models.deploy import DeployNote
from runbooks.models.guide import Guide, GuideEvent, GuideStep
from runbooks.models.incident import (
    CohortOrder,
    CohortSample,
    Incident,
    IncidentEvent,
    IncidentPlan,
    ResponseClock,
)
from runbooks.models.plan import Plan, PlanRow
from runbooks.models.proposal import ProposalFile, RefusedRow
from runbooks.models.review import ActionItem, Review
from runbooks.models.run import PlanEvent, ReviewItem, Run
from runbooks.models.telling import Page, StakeholderMessage

__all__ = [
    "ActionItem",
    "Alert",
    "AlertDelivery",
    "CohortOrder",
    "CohortSample",
    "Deed",
    "DeployNote",
    "Episode",
    "Guide",
    "GuideEvent",
    "GuideStep",
    "Incident",
    "IncidentEvent",
    "IncidentPlan",
    "Page",
    "Plan",
    "PlanEvent",
    "PlanRow",
    "ProposalFile",
    "RefusedRow",
    "ResponseClock",
    "Review",
    "ReviewItem",
    "Run",
    "StakeholderMessage",
]
