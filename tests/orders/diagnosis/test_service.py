"""Evidence gathered from the tables, and the stored copies of diagnoses."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from orders.diagnosis.service import diagnose, diagnose_order, refresh_diagnoses
from orders.models import Diagnosis, Order
from orders.queries.stuck import stuck_page
from tests.orders.making import (
    make_attempt,
    make_dispatch,
    make_order,
    make_posting,
    make_refund,
    make_saga,
    make_step,
    walk,
)

pytestmark = pytest.mark.django_db


def ago(**span: float) -> datetime:
    return timezone.now() - timedelta(**span)


def a_bit_of_everything() -> dict[str, Order]:
    since = ago(hours=1)
    unknown, refused, queued, failed, completed = (
        make_order("created", since=since),
        make_order("booking", since=since),
        make_order("queued_for_dispatch", since=since),
        make_order("failed", since=since),
        make_order("completed", since=since),
    )
    make_attempt(unknown, "unknown", since=since)
    make_step(make_saga(refused), "failed", answer="no car")
    make_dispatch(make_step(make_saga(queued)), "waiting", since=since)
    make_refund(make_attempt(failed, "paid"), "failed", since=since, last_error="no balance")
    make_posting(completed, "rejected", since=since)
    return {
        "payment_unknown": unknown,
        "partner_refused": refused,
        "dispatch_unavailable": queued,
        "refund_failed": failed,
        "ho_rejected": completed,
    }


def test_each_order_gets_its_own_cause_in_a_fixed_number_of_queries(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    orders = a_bit_of_everything()
    rows = stuck_page().rows
    with django_assert_num_queries(10):
        found = diagnose(rows)
    assert {cause: found[order.pk].cause.value for cause, order in orders.items()} == {name: name for name in orders}
    assert diagnose([]) == {}


def test_one_order_is_judged_now() -> None:
    orders = a_bit_of_everything()
    finding = diagnose_order(orders["refund_failed"])
    assert finding is not None
    assert "no balance" in str(finding.evidence[1])
    assert diagnose_order(make_order("active")) is None


def test_diagnoses_are_written_once_and_again_when_the_order_moves() -> None:
    orders = a_bit_of_everything()
    assert refresh_diagnoses() == 5
    assert refresh_diagnoses() == 0
    stored = {row.order_id: row.cause for row in Diagnosis.objects.all()}
    assert stored == {order.pk: cause for cause, order in orders.items()}
    queued = walk(orders["dispatch_unavailable"], "booking", at=ago(minutes=20))
    assert refresh_diagnoses() == 1
    assert Diagnosis.objects.get(order=queued).order_version == queued.version


def test_old_diagnoses_are_judged_anew_the_oldest_orders_first() -> None:
    a_bit_of_everything()
    refresh_diagnoses()
    Diagnosis.objects.update(computed_at=ago(minutes=2), cause="stale")
    assert refresh_diagnoses(batch=2) == 2
    fresh = set(Diagnosis.objects.exclude(cause="stale").values_list("order_id", flat=True))
    assert fresh == {row.order_id for row in stuck_page(limit=2).rows}


def test_what_hangs_no_more_is_forgotten() -> None:
    orders = a_bit_of_everything()
    refresh_diagnoses()
    Diagnosis.objects.update(computed_at=ago(minutes=2))
    walk(orders["payment_unknown"], "expired", at=timezone.now())
    refresh_diagnoses()
    assert set(Diagnosis.objects.values_list("order_id", flat=True)) == {
        order.pk for cause, order in orders.items() if cause != "payment_unknown"
    }
