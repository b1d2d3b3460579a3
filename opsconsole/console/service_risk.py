"""The catalogue as a page: what fails how badly, how far the programme is, what was measured; and the last weeks."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from opsconsole.console.access import allowed
from opsconsole.console.service_map import HEALTH
from opsconsole.processes import PROCESSES
from orders.queries.order_page import people
from orders.queries.telling import who
from runbooks.catalogue import CATALOGUE, Service, needed_by
from runbooks.models import DeployNote
from runbooks.queries import services as queries
from runbooks.queries.services import Outages

DAYS: Final = 30
OWN: Final = "orders"  # what our processes are together
DEPLOYS: Final = 50  # shown
PROGRESS: Final[dict[str, Promise]] = {
    "breakers": _("Critical dependencies behind a breaker"),
    "fallbacks": _("Services with a fallback"),
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One service of the matrix. `measured` is what we saw ourselves, `meets` whether the worst of it is within the
    target, None where nothing was seen."""

    service: Service
    needed_by: int
    outages: Outages
    incidents: int
    differs: str

    @property
    def rto(self) -> timedelta:
        return timedelta(seconds=self.service.recovery.rto)

    @property
    def rpo(self) -> timedelta | None:
        rpo = self.service.recovery.rpo
        return None if rpo is None else timedelta(seconds=rpo)

    @property
    def meets(self) -> bool | None:
        return None if self.outages.longest is None else self.outages.longest <= self.rto

    @property
    def is_watched(self) -> bool:
        """Whether our detector of outages looks at it."""
        return self.service.kind == "neighbour"

    @property
    def is_single(self) -> bool:
        """Much is lost without it, and nothing stands in for it."""
        return self.service.blast_radius >= 50 and not self.service.has_fallback

    @property
    def today_misses(self) -> bool:
        today = self.service.recovery.today
        return today is not None and today > self.service.recovery.rto


@require_GET
@allowed("view_services")
def catalogue(request: HttpRequest) -> HttpResponse:
    measured, counts = queries.outages(), queries.incidents_of(since=timezone.now() - queries.HISTORY)
    rows = [
        Row(
            service=each,
            needed_by=len(needed_by(each.name)),
            outages=measured.get(each.name, Outages()),
            incidents=counts.get(each.name, 0),
            differs=", ".join(queries.differs(each)),
        )
        for each in sorted(CATALOGUE.values(), key=lambda each: (-each.risk, -each.blast_radius))
    ]
    context = {
        "section": "services",
        "tab": "catalogue",
        "rows": rows,
        "progress": [(PROGRESS[each.name], each, each.now / 100) for each in queries.progress()],
        "database": next(row for row in rows if row.service.name == "postgresql"),
        "single": sum(row.is_single for row in rows),
        "own_rto": timedelta(seconds=CATALOGUE[OWN].recovery.rto),
        "own": _own_processes(),
    }
    return render(request, "console/services/catalogue.html", context)


def _own_processes() -> list[tuple[str, Outages, bool]]:
    """Name, what was measured by its signs of life, and whether the worst of it was within the target."""
    seen, target = queries.absences(), timedelta(seconds=CATALOGUE[OWN].recovery.rto)
    found = [(each.name, seen.get(each.name, Outages())) for each in PROCESSES if each.name != "sandbox"]
    return [(name, each, each.longest is None or each.longest <= target) for name, each in found]


@require_GET
@allowed("view_services")
def history(request: HttpRequest) -> HttpResponse:
    """Day by day, how often breakers opened and alerts fired, those in trouble first."""
    days, seen, measured = queries.history(days=DAYS), queries.health(), queries.outages()
    rows: list[dict[str, Any]] = [
        {
            "service": CATALOGUE[name],
            "opened": [day.opened for day in each],
            "alerts": [day.alerts for day in each],
            "sum": sum(day.opened + day.alerts for day in each),
            "health": HEALTH[seen[name].health],
            "outages": measured.get(name, Outages()),
        }
        for name, each in days.items()
    ]
    rows.sort(key=lambda row: (-row["sum"], row["service"].title))
    context = {"section": "services", "tab": "history", "rows": rows, "days": DAYS, "deploys": _deploys()}
    return render(request, "console/services/history.html", context)


def _deploys() -> list[tuple[DeployNote, str, str]]:
    """(note, service, by) of what went live last."""
    notes = list(DeployNote.objects.order_by("-at", "-pk")[:DEPLOYS])
    names = people(note.actor for note in notes)
    return [
        (note, CATALOGUE[note.service].title, who(note.actor, names)) for note in notes if note.service in CATALOGUE
    ]
