"""Head Office accounting behind the HO gateway. An entry is keyed by `entry_ref`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote, urlencode

from orders.clients import wire
from orders.resilience import Answered, Outcome, Refused, call
from orders.resilience.outcome import parsed

NAME = "ho"
NOT_FOUND = 404
EntryKind = Literal["payment", "refund"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of HO's book; `amount` in minor units, positive for every kind (payment, refund, reversal)."""

    entry_ref: str
    entry_id: str
    order_ref: str
    amount: int
    currency: str
    kind: str
    occurred_at: datetime | None
    recorded_at: datetime | None


@dataclass(frozen=True, slots=True)
class EntryPage:
    """`cursor` goes into the next call; None on the last page."""

    entries: list[Entry]
    cursor: str | None


def post_entry(
    entry_ref: str,
    *,
    order_ref: str,
    amount: int,
    currency: str,
    kind: EntryKind,
    occurred_at: datetime,
    branch: str = "",
    idempotency_key: str = "",
    deadline: float | None = None,
) -> Outcome[Entry]:
    """`branch` is what HO calls the order's city.

    The same `entry_ref` again answers the entry that is there; with other content `entry_differs`.
    """
    body = {
        "entry_ref": entry_ref,
        "order_ref": order_ref,
        "amount": amount,
        "currency": currency,
        "kind": kind,
        "occurred_at": occurred_at.astimezone(UTC).isoformat(),
        "branch": branch,
    }
    headers = {"idempotency-key": idempotency_key or entry_ref}
    outcome = call(NAME, "POST", "/v1/entries", json=body, headers=headers, deadline=deadline, idempotent=True)
    return parsed(outcome, by=_entry)


def ask_entry(entry_ref: str, *, deadline: float | None = None) -> Outcome[Entry | None]:
    """None: HO has no such entry now."""
    outcome = call(NAME, "GET", f"/v1/entries/{quote(entry_ref, safe='')}", deadline=deadline)
    if isinstance(outcome, Refused) and outcome.status == NOT_FOUND:
        return Answered(outcome.status, None)
    return parsed(outcome, by=_entry)


def reverse_entry(entry_id: str, *, idempotency_key: str, deadline: float | None = None) -> Outcome[Entry]:
    """Have HO take an entry back by a second one. Once more answers the reversal that is there."""
    path = f"/v1/entries/{quote(entry_id, safe='')}/reversals"
    headers = {"idempotency-key": idempotency_key}
    outcome = call(NAME, "POST", path, json={}, headers=headers, deadline=deadline, idempotent=True)
    return parsed(outcome, by=_entry)


def list_entries(cursor: str | None = None, *, limit: int = 500, deadline: float | None = None) -> Outcome[EntryPage]:
    """HO's book in the order of recording."""
    query = {"limit": limit} | ({"cursor": cursor} if cursor else {})
    outcome = call(NAME, "GET", f"/v1/entries?{urlencode(query)}", deadline=deadline)
    return parsed(outcome, by=_page)


def _page(data: Mapping[str, Any]) -> EntryPage:
    return EntryPage([_entry(each) for each in data["entries"]], data["cursor"])


def _entry(data: Mapping[str, Any]) -> Entry:
    return Entry(
        entry_ref=data["entry_ref"],
        entry_id=data["entry_id"],
        order_ref=data["order_ref"],
        amount=int(data["amount"]),
        currency=data["currency"],
        kind=data["kind"],
        occurred_at=wire.iso_instant(data.get("occurred_at")),
        recorded_at=wire.iso_instant(data.get("recorded_at")),
    )
