"""Days that went before the demo: orders of an earlier platform, taken in by the import service.

They carry their own times and go through the same machines as everything else. Most have ended; some
hang for hours, each in a way of its own.
"""

import csv
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from django.utils import timezone

from opsconsole.traffic.dice import between, pick, weighted
from opsconsole.traffic.people import person
from opsconsole.traffic.wishes import Wish, wish
from orders.services.importing import Summary, import_orders, load_mapping

PREFIX = "MRG-25-"
SPAN = timedelta(days=6)
# What hangs has hung for so long at least, so that every limit is over.
HANGS_FOR = timedelta(hours=7)
ENDS: Mapping[str, float] = MappingProxyType(
    {
        "TRIP_COMPLETED": 86.0,
        "CANCELLED": 6.0,
        "BOOKING_FAILED": 2.0,
        "ORDER_CREATED": 1.5,
        "PAYMENT_CAPTURED": 1.0,
        "BOOKING_REQUESTED": 1.0,
        "DISPATCHED": 2.5,
    }
)
OPEN = ("ORDER_CREATED", "PAYMENT_CAPTURED", "BOOKING_REQUESTED", "DISPATCHED")
# The facts of each status, with the minutes that go by before each.
WALK = (("payment_approved_at", 1, 9), ("booked_at", 1, 2), ("dispatched_at", 1, 3), ("completed_at", 20, 110))
STEPS = {
    "ORDER_CREATED": 0,
    "PAYMENT_CAPTURED": 1,
    "BOOKING_REQUESTED": 2,
    "DISPATCHED": 3,
    "TRIP_COMPLETED": 4,
    "CANCELLED": 0,
    "BOOKING_FAILED": 2,
}
ENDED_AT = {"CANCELLED": "cancelled_at", "BOOKING_FAILED": "failed_at"}
COLUMNS = (
    *("order_id", "status", "created_at", *(name for name, _low, _high in WALK), *ENDED_AT.values()),
    *("customer_id", "customer_name", "customer_phone", "customer_email", "service", "channel", "city"),
    *("method", "amount"),
)
PAYMENT_COLUMNS = ("payment_id", "order_id", "part_no", "method", "gateway", "status", "amount", "paid_at")


def take_in(orders: int, *, seed: int) -> Summary:
    """Import so many orders of the last days."""
    with tempfile.TemporaryDirectory() as folder:
        sheet, payments = Path(folder) / "history.csv", Path(folder) / "history-payments.csv"
        rows = [_row(number, seed=seed) for number in range(orders)]
        _write(sheet, COLUMNS, rows)
        _write(payments, PAYMENT_COLUMNS, [_payment(row) for row in rows if row.get("payment_approved_at")])
        return import_orders(
            orders=sheet, payments=payments, mapping=load_mapping(None), currency="IDR", progress=lambda *_: None
        )


def _write(path: Path, columns: tuple[str, ...], rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


def _row(number: int, *, seed: int) -> dict[str, str]:
    who = person(number, seed=seed)
    wanted = wish(number, person=who, seed=seed)
    status = OPEN[number] if number < len(OPEN) else weighted(ENDS, "end", number, seed=seed)
    created = _created(number, status, seed=seed)
    return {
        "order_id": f"{PREFIX}{number + 1:05d}",
        "status": status,
        "created_at": created.isoformat(),
        **dict(_facts(number, status, created, seed=seed)),
        **_about(wanted),
    }


def _about(wanted: Wish) -> dict[str, str]:
    who = wanted.person
    return {
        "customer_id": who.id,
        "customer_name": who.name,
        "customer_phone": who.phone,
        "customer_email": who.email,
        "service": wanted.lines[0].service,
        "channel": wanted.channel,
        "city": wanted.city,
        "method": wanted.method,
        "amount": str(wanted.amount),
    }


def _created(number: int, status: str, *, seed: int) -> datetime:
    latest = HANGS_FOR if status in OPEN else timedelta(hours=3)
    minutes = between(0, int((SPAN - latest).total_seconds() // 60), "created", number, seed=seed)
    return timezone.now().replace(microsecond=0) - latest - timedelta(minutes=minutes)


def _facts(number: int, status: str, created: datetime, *, seed: int) -> Iterator[tuple[str, str]]:
    at = created
    for name, low, high in WALK[: STEPS[status]]:
        at += timedelta(minutes=between(low, high, name, number, seed=seed), seconds=number % 60)
        yield name, at.isoformat()
    if status in ENDED_AT:
        yield ENDED_AT[status], (at + timedelta(minutes=between(2, 30, "ended", number, seed=seed))).isoformat()


def _payment(row: dict[str, str]) -> dict[str, str]:
    gateways = ("xendit", "nicepay") if row["method"] == "ovo" else ("midtrans", "midtrans", "xendit")
    return {
        "payment_id": f"PAY-{row['order_id']}",
        "order_id": row["order_id"],
        "part_no": "1",
        "method": row["method"],
        "gateway": pick(gateways, row["order_id"], seed=1),
        "status": "SUCCEEDED",
        "amount": row["amount"],
        "paid_at": row["payment_approved_at"],
    }
