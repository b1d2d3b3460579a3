"""Our own detectors: what we can see in our rows is an alert of ours, whether or not a monitoring system looks.

Each looks every ten seconds and says what it found, or that all is well, or that it cannot know (then what was, stays).
Thresholds are settings (`DETECT_…`); the figures are of domain, section 7, where it has one.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from orders.models import Heartbeat, History, StuckSample
from orders.queries import pulse
from orders.queries.stuck import stuck_totals
from reconciliation.models import Case
from reconciliation.states import BreakType
from runbooks import detected
from runbooks.catalogue import CATALOGUE
from runbooks.hearing import Heard, Message
from runbooks.incident_states import AlertState
from runbooks.models import Episode
from runbooks.services import alerts
from runbooks.services.incidents import opening

logger = logging.getLogger(__name__)

FRESH: Final = timedelta(minutes=3)  # an older sample says nothing about now
HALF_HOUR: Final = 30
_NEIGHBOUR: Final = "neighbour:"  # how the ticker names what it saw of a neighbour
# Breaks of which nobody can say how they came about.
UNEXPLAINED: Final = (
    BreakType.MISSING_AT_GATEWAY,
    BreakType.GATEWAY_WITHOUT_PAYMENT,
    BreakType.HO_WITHOUT_PAYMENT,
    BreakType.AMBIGUOUS,
)


class CannotKnow(Exception):
    """What it looks at is missing or old."""


@dataclass(frozen=True, slots=True)
class Found:
    """Something that is wrong now; `runbooks.detected` has the sentence for `values`. `since`: where the rows tell."""

    values: Mapping[str, Any]
    service: str = "orders"
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Detector:
    """`look(now)` says by name what it found; raises CannotKnow. `priority` is P0 to P2, "" for the service's own."""

    name: str
    failure: str
    priority: str
    look: Callable[[datetime], Mapping[str, Found]]


def no_orders(now: datetime) -> Mapping[str, Found]:
    """Nobody has placed an order for five minutes, although there was traffic before."""
    quiet = int(settings.DETECT_NO_ORDERS.total_seconds() // 60)
    minutes = pulse.orders_per_minute(at=now, minutes=HALF_HOUR + quiet)
    before, lately = sum(minutes[:-quiet]), sum(minutes[-quiet:])
    if lately or before < settings.DETECT_NO_ORDERS_AFTER:
        return {}
    return {"orders": Found({"before": before, "minutes": quiet})}


def compensations(now: datetime) -> Mapping[str, Found]:
    """More sagas are being undone within a minute than is usual."""
    lately = History.objects.filter(
        machine="saga", verb="compensate", recorded_at__gt=now - timedelta(minutes=1), recorded_at__lte=now
    ).count()
    if lately <= settings.DETECT_COMPENSATIONS:
        return {}
    return {"sagas": Found({"count": lately})}


def slow_links(now: datetime) -> Mapping[str, Found]:
    """The slowest twentieth of payment links takes longer than 3 s, over ten minutes."""
    marks = pulse.link_seconds(at=now)
    if marks.p95 is None or marks.count < settings.DETECT_LINK_FROM or marks.p95 <= settings.DETECT_LINK_SECONDS:
        return {}
    return {"links": Found({"p95": round(marks.p95, 2), "links": marks.count}, service="upg")}


def stuck_spike(now: datetime) -> Mapping[str, Found]:
    """Many times more orders hang than in the hour before. Once that is told: than before it began, as the list is now.

    Otherwise what hangs for half an hour would become the usual, and the alert would end with nothing repaired; and a
    repair would be seen a minute late.
    """
    firing = Episode.objects.filter(state=AlertState.FIRING, alert__source=detected.OWN, alert__name="StuckSpike")
    began = firing.order_by("starts_at").values_list("starts_at", flat=True).first()
    at = began or now
    samples = list(StuckSample.objects.filter(at__gt=at - timedelta(minutes=65), at__lte=at).order_by("at"))
    if len(samples) < 3 or at - samples[-1].at > FRESH:
        raise CannotKnow
    last = stuck_totals() if began else samples[-1]
    usual = median(each.count for each in samples[:-1])
    is_spike = last.count - usual >= settings.DETECT_STUCK_FROM and last.count >= usual * settings.DETECT_STUCK_TIMES
    if not is_spike:
        return {}
    return {"stuck": Found({"count": last.count, "usual": round(usual), "paid": last.paid_count})}


def unexplained_money(now: datetime) -> Mapping[str, Found]:
    """The books differ by a sum for which no cause is known."""
    cases = Case.objects.filter(is_open=True, currency="IDR", type__in=UNEXPLAINED)
    total = int(cases.aggregate(money=Sum("money"))["money"] or 0)
    if total < settings.DETECT_UNEXPLAINED_FROM:
        return {}
    return {"books": Found({"amount": total, "cases": cases.count()}, service="ho")}


def broken_rules(now: datetime) -> Mapping[str, Found]:
    """A rule about money does not hold (the ticker's round looks every minute)."""
    row = Heartbeat.objects.filter(name="round:invariants").first()
    if row is None or now - row.at > FRESH:
        raise CannotKnow
    broken = int(row.detail.get("broken", 0))
    return {"rules": Found({"count": broken})} if broken else {}


def services_down(now: datetime) -> Mapping[str, Found]:
    """A neighbour has not been reached for a minute."""
    rows = {row.name.removeprefix(_NEIGHBOUR): row for row in Heartbeat.objects.filter(name__startswith=_NEIGHBOUR)}
    found = {}
    for service in CATALOGUE.values():
        for neighbour in service.neighbours if service.kind == "neighbour" else ():
            since = _down_since(rows.get(neighbour), now)
            if since is not None:
                values = {"service": service.name, "since": since.isoformat()}
                found[service.name] = Found(values, service=service.name, since=since)
    return found


def _down_since(row: Heartbeat | None, now: datetime) -> datetime | None:
    if row is None or now - row.at > FRESH or row.detail.get("ok") is not False:
        return None
    since = parse_datetime(str(row.detail.get("since", "")))
    return since if since and now - since >= settings.DETECT_DOWN_AFTER else None


DETECTORS: Final = (
    Detector("OrdersZero", "traffic", "P0", no_orders),
    Detector("CompensationRate", "stuck", "P1", compensations),
    Detector("PaymentLinkSlow", "latency", "P2", slow_links),
    Detector("StuckSpike", "stuck", "P1", stuck_spike),
    Detector("UnexplainedMoney", "money", "P2", unexplained_money),
    Detector("MoneyRuleBroken", "money", "P1", broken_rules),
    Detector("ServiceDown", "down", "", services_down),
)


def detect() -> dict[str, int]:
    """The ticker's round. What was found; one detector that fails keeps no other from looking."""
    now, counts = timezone.now(), {}
    for detector in DETECTORS:
        try:
            found = detector.look(now)
        except CannotKnow:
            continue
        except DatabaseError:
            logger.exception("detector %s", detector.name)
            continue
        _tell(detector, found, now)
        counts[detector.name] = len(found)
    return counts


def _tell(detector: Detector, found: Mapping[str, Found], now: datetime) -> None:
    firing = {each.alert.fingerprint: each for each in _firing(detector)}
    heard = [_heard(detector, name, each, firing.get(_print(detector, name)), now) for name, each in found.items()]
    gone = set(firing) - {_print(detector, name) for name in found}
    heard += [_over(firing[each], now) for each in gone if now - firing[each].last_heard_at >= settings.DETECT_QUIET]
    if heard:
        with transaction.atomic():
            opening.alone()
            alerts.judge(detected.OWN, Message(heard))


def _firing(detector: Detector) -> list[Episode]:
    rows = Episode.objects.select_related("alert").filter(state=AlertState.FIRING, alert__source=detected.OWN)
    return list(rows.filter(alert__name=detector.name))


def _print(detector: Detector, name: str) -> str:
    return f"{detector.name}:{name}"


def _heard(detector: Detector, name: str, found: Found, firing: Episode | None, now: datetime) -> Heard:
    labels = {"service": found.service, "failure_class": detector.failure}
    labels["severity"] = detector.priority or "critical"
    return Heard(
        receiver="",
        fingerprint=_print(detector, name),
        name=detector.name,
        is_firing=True,
        starts_at=firing.starts_at if firing else found.since or now,
        labels=labels,
        summary=detected.english(detector.name, found.values),
        values=dict(found.values),
    )


def _over(episode: Episode, now: datetime) -> Heard:
    alert = episode.alert
    return Heard(
        receiver="",
        fingerprint=alert.fingerprint,
        name=alert.name,
        is_firing=False,
        starts_at=episode.starts_at,
        ends_at=now,
        labels=alert.labels,
        summary=episode.summary,
    )
