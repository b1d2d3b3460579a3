"""Vacant cars near a pickup, asked of the dispatch system at this moment. Reads only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

from orders.clients import tpg
from orders.models import DispatchEntry
from orders.resilience import Answered
from orders.services import dispatching
from orders.states import OPEN_ORDER_STATES

PATIENCE: Final = 3.0  # seconds; a person waits for it


@dataclass(frozen=True, slots=True)
class Vacant:
    """`metres` from the pickup as the crow flies; `order` is the one it was sent to by hand already, '' for none."""

    vehicle: str
    driver: str
    metres: int
    order: str


@dataclass(frozen=True, slots=True)
class Nearest:
    """`why` is set where nobody can know; then there are no vehicles, which is not the same as none."""

    vehicles: Sequence[Vacant] = ()
    why: str = ""


def nearest(entry: DispatchEntry) -> Nearest:
    """Nearest first."""
    spot = _spot(entry)
    if spot is None:
        return Nearest(why=_("The pickup has no coordinates, so nobody can be asked who is near."))
    if dispatching.pause():
        return Nearest(why=_("The breaker of the dispatch system is open: it is not asked."))
    outcome = tpg.vacant_vehicles(entry.city, lat=spot[0], lng=spot[1], deadline=PATIENCE)
    if not isinstance(outcome, Answered):
        return Nearest(why=_("The dispatch system did not answer."))
    taken = _taken([each.vehicle for each in outcome.data])
    return Nearest(
        [Vacant(each.vehicle, each.driver, each.distance_m, taken.get(each.vehicle, "")) for each in outcome.data]
    )


def _spot(entry: DispatchEntry) -> tuple[float, float] | None:
    details: Mapping[str, Any] = entry.step.item.details if entry.step.item else {}
    pickup = details.get("pickup")
    if not isinstance(pickup, Mapping):
        return None
    try:
        return float(pickup["lat"]), float(pickup["lng"])
    except (KeyError, TypeError, ValueError):
        return None


def _taken(vehicles: Sequence[str]) -> Mapping[str, str]:
    rows = DispatchEntry.objects.filter(vehicle__in=vehicles, freed_at=None, order__state__in=OPEN_ORDER_STATES)
    return dict(rows.values_list("vehicle", "order__public_id"))
