"""What the sandbox's gateways report loads into their books, by the built-in layouts, to the last rupiah."""

from datetime import date, datetime

import pytest

from opsconsole.sandbox.reports import WIB, report
from reconciliation.models import Entry
from reconciliation.services import loading
from reconciliation.services.feeds import feed_of

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 20)


def payment(number: int, *, status: str = "paid", refunded: int = 0, method: str = "qris", day: int = 20) -> dict:
    at = datetime(2026, 11, day, 23, 30, tzinfo=WIB).isoformat()
    back = [{"amount": refunded, "status": "succeeded", "at": at}] if refunded else []
    is_paid = status in {"paid", "settled", "reversed"}
    return {
        "merchant_ref": f"MRG-{number}-1",
        "gateway_ref": f"g-{number}",
        "transaction_id": f"t-{number}",
        "method": method,
        "amount": 100_000,
        "currency": "IDR",
        "status": status,
        "paid_amount": 100_000 if is_paid else None,
        "paid_currency": "IDR" if is_paid else None,
        "created_at": at,
        "paid_at": at if is_paid else None,
        "settled_at": at,
        "refunds": back,
    }


PAYMENTS = [
    payment(1),
    payment(2, status="settled", method="card"),
    payment(3, status="expired"),
    payment(4, refunded=100_000),
    payment(5, refunded=30_000),
    payment(6, status="reversed", method="va_bca"),
    payment(7, day=21),
]
PAID = {f"MRG-{number}-1": 100_000 for number in (1, 2, 4, 5, 6)}
BACK = {"MRG-4-1": -100_000, "MRG-5-1": -30_000}


@pytest.mark.parametrize("gateway", ["midtrans", "xendit", "nicepay"])
def test_a_gateways_report_becomes_its_payments_and_what_went_back(gateway: str) -> None:
    received = loading.receive(
        [report(gateway, PAYMENTS, DAY).encode()],
        feed=feed_of("gateway", gateway),
        name="report.csv",
        layout=gateway,
        actor="user:budi",
    )
    load = loading.work(received.pk)
    assert load is not None
    assert (load.state, load.quarantined, load.problems) == ("loaded", 0, [])
    settled = Entry.objects.filter(status="settled", source=gateway)
    paid = dict(settled.filter(kind="payment").values_list("reference", "amount"))
    # Midtrans tells of a payment that its bank took back as of one that was never made.
    assert paid == {key: value for key, value in PAID.items() if gateway != "midtrans" or key != "MRG-6-1"}
    assert dict(settled.filter(kind="refund").values_list("reference", "amount")) == BACK
    reversed_ = dict(settled.filter(kind="reversal").values_list("reference", "amount"))
    assert reversed_ == ({} if gateway == "midtrans" else {"MRG-6-1": -100_000})
    assert settled.filter(kind="fee", amount__lt=0).exists()


def test_a_gateway_without_reports_has_none() -> None:
    with pytest.raises(KeyError):
        report("ovo", PAYMENTS, DAY)
