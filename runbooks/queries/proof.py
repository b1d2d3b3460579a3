"""Whether an incident is really over: what the rules about money, its cohort and its alerts say now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import ngettext

from orders.queries.invariants import INVARIANTS, violations
from runbooks.incident_states import AlertState
from runbooks.models import Incident
from runbooks.queries.incidents import hanging_of

LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that speaks against the end. `kind`: money, cohort or alerts."""

    kind: str
    count: int

    @property
    def words(self) -> str:
        count = self.count
        if self.kind == "money":
            text = ngettext(
                "%(count)s order breaks a rule about money.", "%(count)s orders break a rule about money.", count
            )
        elif self.kind == "cohort":
            text = ngettext(
                "%(count)s order of this incident still hangs.", "%(count)s orders of this incident still hang.", count
            )
        else:
            text = ngettext("%(count)s alert still fires.", "%(count)s alerts still fire.", count)
        return text % {"count": count}

    def as_detail(self) -> dict[str, Any]:
        return {"kind": self.kind, "count": self.count}


def obstacles(incident: Incident) -> Sequence[Obstacle]:
    """Read anew each time; empty when nothing speaks against resolving it."""
    counts = {
        "money": _broken(incident),
        "cohort": len(hanging_of(incident)),
        "alerts": incident.episodes.filter(state=AlertState.FIRING).count(),
    }
    return [Obstacle(kind, count) for kind, count in counts.items() if count]


def _broken(incident: Incident) -> int:
    """Orders that something happened to since it began and that break a rule which is an incident."""
    rules = [rule for rule in INVARIANTS if rule.is_incident]
    found = violations(since=incident.began_at, limit=LIMIT, rules=rules)
    return len({each.order_id for each in found})
