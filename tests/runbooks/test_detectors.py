"""Our own detectors: each finds what it is for, is silent when all is well, and says nothing of what it cannot know."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from django.utils.translation import override

from orders.models import Heartbeat, Order, StuckSample
from reconciliation.models import Case
from runbooks import detected
from runbooks.hearing import Heard, Message
from runbooks.incident_states import AlertState
from runbooks.models import Alert, Episode, Incident
from runbooks.services import alerts, detectors
from tests.orders.making import make_order

pytestmark = pytest.mark.django_db


def firing() -> set[str]:
    return set(Episode.objects.filter(state=AlertState.FIRING).values_list("alert__name", flat=True))


def test_silence_where_all_is_well_or_nothing_can_be_known() -> None:
    detectors.detect()
    Heartbeat.objects.create(
        name="round:invariants", pid=0, at=timezone.now() - timedelta(hours=1), detail={"broken": 5}
    )
    assert detectors.detect()["OrdersZero"] == 0
    assert "MoneyRuleBroken" not in detectors.detect()  # too old to know
    assert Incident.objects.count() == 0


def test_no_order_after_traffic_is_a_p0_and_the_first_order_ends_it() -> None:
    now = timezone.now()
    for number in range(20):
        make_order(placed_at=now - timedelta(minutes=10, seconds=number))
    detectors.detect()
    detectors.detect()
    [incident] = Incident.objects.all()
    assert (incident.storm, incident.severity) == ("orders:traffic", 0)
    make_order(placed_at=now - timedelta(seconds=5))
    detectors.detect()
    assert firing() == {"OrdersZero"}  # not yet quiet for a minute
    Episode.objects.update(last_heard_at=now - timedelta(minutes=2))
    detectors.detect()
    assert firing() == set()
    incident.refresh_from_db()
    assert incident.proposed_end_at is not None
    assert incident.state == "open"  # a P0 is ended by a person


def test_a_spike_of_stuck_orders_is_measured_against_the_hour_before() -> None:
    now = timezone.now()
    for ago, count in ((40, 10), (30, 12), (20, 11), (10, 9), (0, 35)):
        StuckSample.objects.create(at=now - timedelta(minutes=ago, seconds=5), count=count, paid_count=3)
    detectors.detect()
    assert firing() == set()  # 25 more is needed
    StuckSample.objects.create(at=timezone.now() - timedelta(seconds=1), count=60, paid_count=40)
    detectors.detect()
    assert firing() == {"StuckSpike"}
    assert Episode.objects.get().values == {"count": 60, "usual": 11, "paid": 40}


def test_a_spike_lasts_as_long_as_the_orders_hang_and_no_longer(settings: Any) -> None:
    settings.DETECT_QUIET = timedelta(0)
    settings.DETECT_STUCK_FROM = 5
    now = timezone.now()
    for ago, count in ((50, 1), (49, 1), (48, 60)):
        StuckSample.objects.create(at=now - timedelta(minutes=ago), count=count, paid_count=0)
    hang = [make_order("paid", since=now - timedelta(minutes=40)) for _number in range(6)]
    spike_told_at(now - timedelta(minutes=48))
    for ago in range(40):  # by now they are the usual
        StuckSample.objects.create(at=now - timedelta(minutes=ago), count=6, paid_count=6)
    detectors.detect()
    assert firing() == {"StuckSpike"}
    assert Episode.objects.get().values["count"] == 60  # as it was told
    Order.objects.filter(pk=hang[0].pk).update(held_until=now + timedelta(hours=1))
    detectors.detect()
    assert firing() == set()  # at once, whatever the last sample says


def spike_told_at(at: datetime) -> None:
    values = {"count": 60, "usual": 1, "paid": 0}
    heard = Heard(
        receiver="",
        fingerprint="StuckSpike:stuck",
        name="StuckSpike",
        is_firing=True,
        starts_at=at,
        labels={"service": "orders", "failure_class": "stuck", "severity": "P1"},
        summary=detected.english("StuckSpike", values),
        values=values,
    )
    alerts.judge(detected.OWN, Message([heard]))


def test_an_incident_says_what_a_detector_found_in_the_language_of_its_reader() -> None:
    facts = {"pairing": "ho", "currency": "IDR", "count": 1}
    Case.objects.create(type="ho_without_payment", signature="b", money=1_500_000, **facts)
    detectors.detect()
    incident, episode = Incident.objects.get(), Episode.objects.select_related("alert").get()
    assert incident.title == "Rp 1.500.000 in 1 cases have no known cause"
    with override("id"):
        assert incident.says == episode.says == "Rp 1.500.000 dalam 1 kasus belum diketahui sebabnya"
    with override("en"):
        assert incident.says == incident.title


def test_what_somebody_else_said_is_shown_as_they_said_it() -> None:
    incident, theirs = Incident(title="Checkout is slow"), Alert(source="grafana", name="StuckSpike")
    with override("id"):
        assert incident.says == "Checkout is slow"
        assert Episode(alert=theirs, summary="60 hang", values={"count": 60, "usual": 1}).says == "60 hang"


def test_every_detector_has_a_sentence() -> None:
    assert set(detected.LINES) == {each.name for each in detectors.DETECTORS}


def test_money_without_a_cause_and_broken_rules(settings: Any) -> None:
    Heartbeat.objects.create(name="round:invariants", pid=0, at=timezone.now(), detail={"broken": 2})
    facts = {"pairing": "ho", "currency": "IDR", "count": 1}
    Case.objects.create(type="missing_in_ho", signature="a", money=9_000_000, **facts)  # its cause is known
    Case.objects.create(type="ho_without_payment", signature="b", money=1_500_000, **facts)
    found = detectors.detect()
    assert (found["MoneyRuleBroken"], found["UnexplainedMoney"]) == (1, 1)
    assert Episode.objects.get(alert__name="UnexplainedMoney").values == {"amount": 1_500_000, "cases": 1}
    settings.DETECT_UNEXPLAINED_FROM = 2_000_000
    assert detectors.detect()["UnexplainedMoney"] == 0


def test_a_neighbour_that_is_away_for_a_minute_is_down_and_the_catalogue_says_how_bad() -> None:
    now = timezone.now()
    for name, seconds in (("tpg", 90), ("promo", 90), ("ho", 30)):
        since = (now - timedelta(seconds=seconds)).isoformat()
        Heartbeat.objects.create(name=f"neighbour:{name}", pid=0, at=now, detail={"ok": False, "since": since})
    assert detectors.detect()["ServiceDown"] == 2
    assert dict(Incident.objects.values_list("service", "severity")) == {"tpg": 0, "promo": 2}
