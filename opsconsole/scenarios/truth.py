"""What really happened to each order, from the fates that were dealt and the neighbours' own books.

Nothing here asks the application why an order hangs, and the application never reads what is written
here. Of the application's own, only the order's id and amount are taken.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from opsconsole.sandbox.remote import RemoteSandbox
from opsconsole.traffic.fates import PARTNER
from opsconsole.traffic.journeys import Journey

ENDINGS = ("completed", "cancelled_by_driver")
# Causes that can only come about after the trip's end was told.
AFTER_THE_TRIP = ("ho_rejected", "ho_unanswered", "ho_never_posted")
GATEWAY_SILENT = ("callback_lost", "callback_not_applied")
PAYMENT_UNKNOWN = "payment_unknown"
TRIP_END_MISSING = "trip_end_missing"


@dataclass(frozen=True, slots=True)
class Truth:
    """One line of the truth file; `cause` is None where the order does not hang."""

    order_id: str
    hanging: bool
    cause: str | None
    amount: int


def truths(journeys: Sequence[Journey], sandbox: RemoteSandbox) -> list[Truth]:
    untold = unheard_ends(sandbox)
    return [_truth(each, untold) for each in journeys if each.placed is not None]


def _truth(journey: Journey, untold: frozenset[str]) -> Truth:
    cause = journey.fate.cause if journey.had_link else _without_link(journey)
    if journey.order_id in untold and (not cause or cause in AFTER_THE_TRIP):
        cause = TRIP_END_MISSING
    amount = journey.placed.amount if journey.placed else 0
    return Truth(journey.order_id, hanging=bool(cause), cause=cause or None, amount=amount)


def _without_link(journey: Journey) -> str:
    """The answer with the link was lost in an accident, and its gateway cannot be asked either."""
    return PAYMENT_UNKNOWN if journey.fate.cause in GATEWAY_SILENT else journey.fate.cause


def unheard_ends(sandbox: RemoteSandbox) -> frozenset[str]:
    """Orders with a trip whose end the platform was never told, however often it was tried."""
    told: set[tuple[str, str]] = set()
    ended: set[tuple[str, str]] = set()
    for partner in sorted(set(PARTNER.values())):
        for event, state in _endings(sandbox.books(partner)):
            trip = (str(event["order_ref"]), str(event["booking_id"]))
            ended.add(trip)
            if state == "delivered":
                told.add(trip)
    return frozenset(order for order, _booking in ended - told)


def _endings(books: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    for callback in books.get("callbacks", ()):
        event = json.loads(callback["body"])
        if event["event"] in ENDINGS:
            yield event, callback["state"]


def write(path: Path, found: Iterable[Truth]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for each in found:
            file.write(json.dumps(asdict(each)) + "\n")


def read(path: Path) -> list[Truth]:
    """Raises OSError, ValueError, TypeError for a file that is not one of ours."""
    with path.open(encoding="utf-8") as file:
        return [Truth(**json.loads(line)) for line in file if line.strip()]
