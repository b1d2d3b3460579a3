"""Which alerts are one incident, how bad it is, and which clocks then run: pure rules and tables (docs/alerts.md)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from runbooks.catalogue import CATALOGUE, Service, feeders_of, service_named
from runbooks.incident_states import Severity

UNKNOWN_SERVICE: Final = "orders"  # an alert that names no service is about the platform itself
# Classes of failure, and the words in an alert's name or labels that mean one; the first that fits.
FAILURES: Final[Mapping[str, tuple[str, ...]]] = {
    "money": ("money", "refund", "reconcil", "ledger", "invariant", "charge", "settlement"),
    "stuck": ("stuck", "hanging", "compensat", "saga", "backlog", "deadletter", "dead letter", "outbox"),
    "traffic": ("traffic", "noorders", "orderszero", "no orders", "ordersperminute", "spike"),
    "capacity": ("pool", "connections", "saturat", "disk", "memory", "cpu", "lag", "cachehit", "cache hit"),
    "latency": ("latency", "slow", "p95", "p99", "timeout", "time-out", "duration"),
    "errors": ("error", "5xx", "failurerate", "breaker"),
    "down": ("down", "unreachable", "absent", "unavailable", "crash", "notready"),
}
_SEVERE: Final = frozenset({"critical", "page", "fatal", "disaster"})
_QUIET: Final = frozenset({"info", "none", "informational", "notice", "low"})
# Alerts that say that alerting works.
HEARTBEATS: Final = frozenset({"watchdog", "deadmansswitch", "heartbeat"})

# How long an alert of a service behind, or of one in front, still belongs to an incident.
NEAR: Final = timedelta(minutes=15)
# So many incidents opened within so long are a storm: what comes then belongs to it.
STORM_FROM: Final = 4
STORM_WITHIN: Final = timedelta(minutes=5)
# The same again so soon after it was resolved is the same incident.
SAME_AGAIN: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Kind:
    """What an alert is about. `service` is a name of the catalogue."""

    service: str
    failure: str
    severity: Severity

    @property
    def storm(self) -> str:
        return f"{self.service}:{self.failure}"

    @property
    def opens(self) -> bool:
        """Whether it is worth an incident; what is less is kept and shown."""
        return self.severity <= Severity.P2


@dataclass(frozen=True, slots=True)
class Live:
    """What the rules need of a live incident."""

    pk: int
    code: str
    service: str
    storm: str
    severity: int
    opened_at: datetime

    @property
    def is_about_books(self) -> bool:
        """Books that differ are what comes of a failure, and never why something else fails."""
        return self.storm.endswith(":money")


@dataclass(frozen=True, slots=True)
class Joined:
    """The incident an alert belongs to, and why: a code and its values."""

    pk: int
    why: str
    values: Mapping[str, str]


def kind_of(name: str, labels: Mapping[str, str]) -> Kind:
    """What an alert is about, by its labels `service`, `failure_class` and `severity` (or `priority`), and its name
    where they say nothing."""
    service = _service(labels)
    failure = labels.get("failure_class", "")
    failure = failure if failure in FAILURES else _failure(f"{name} {labels.get('failure_class', '')}")
    return Kind(service.name, failure, _severity(labels, service))


def _service(labels: Mapping[str, str]) -> Service:
    given = (labels.get(each, "") for each in ("service", "upstream", "job", "app", "component"))
    found = next((service for text in given if text and (service := service_named(text))), None)
    return found or CATALOGUE[UNKNOWN_SERVICE]


def _failure(text: str) -> str:
    plain = text.lower()
    return next((name for name, words in FAILURES.items() if any(word in plain for word in words)), "errors")


def _severity(labels: Mapping[str, str], service: Service) -> Severity:
    said = (labels.get("priority") or labels.get("severity") or "").strip().lower()
    number = re.fullmatch(r"(?:p|sev-?)([0-4])", said)
    if number:
        return Severity(min(int(number[1]), Severity.P3))
    if said in _SEVERE:
        return Severity(service.page_severity)
    return Severity.P3 if said in _QUIET else Severity.P2


def is_heartbeat(name: str) -> bool:
    return re.sub(r"[^a-z]", "", name.lower()) in HEARTBEATS


def joins(kind: Kind, live: Sequence[Live], *, now: datetime) -> Joined | None:
    """The live incident that an alert belongs to, or None for one of its own. First the same service and class;
    then, for a quarter of an hour, an incident of what this service needs, or of what needs it; then a storm."""
    same = next((each for each in live if each.storm == kind.storm), None)
    if same:
        return Joined(same.pk, "same", {})
    near = sorted(
        (each for each in live if now - each.opened_at <= NEAR and not each.is_about_books),
        key=lambda each: (each.severity, each.pk),
    )
    for each in near:
        if each.service in feeders_of(kind.service):
            return Joined(each.pk, "behind", {"service": each.service})
        if kind.service in feeders_of(each.service):
            return Joined(each.pk, "in_front", {"service": each.service})
    fresh = [each for each in near if now - each.opened_at <= STORM_WITHIN]
    if len(fresh) >= STORM_FROM:
        return Joined(fresh[0].pk, "storm", {"count": str(len(fresh))})
    return None


@dataclass(frozen=True, slots=True)
class ClockRule:
    """What has to have happened within `within` of the beginning. `by_hand`: a person says that it has."""

    kind: str
    within: timedelta
    by_hand: bool = False


def _minutes(kind: str, minutes: int, *, by_hand: bool = False) -> ClockRule:
    return ClockRule(kind, timedelta(minutes=minutes), by_hand)


# Domain, section 7.
CLOCKS: Final[Mapping[int, tuple[ClockRule, ...]]] = {
    Severity.P0: (
        _minutes("acknowledge", 1),
        _minutes("pods", 2, by_hand=True),
        _minutes("infrastructure", 3, by_hand=True),
        _minutes("stakeholders", 5),
        _minutes("workaround", 10),
    ),
    Severity.P1: (
        _minutes("acknowledge", 5),
        _minutes("impact", 10, by_hand=True),
        _minutes("fallback", 15, by_hand=True),
    ),
    Severity.P2: (_minutes("acknowledge", 60),),
    Severity.P3: (),
}
# An acknowledge lapses when nothing follows it for so long.
IN_HAND_FOR: Final[Mapping[int, timedelta]] = {
    Severity.P0: timedelta(minutes=10),
    Severity.P1: timedelta(minutes=20),
    Severity.P2: timedelta(hours=4),
    Severity.P3: timedelta(hours=24),
}
# How often those who wait hear something, in minutes.
UPDATE_EVERY: Final[Mapping[int, int]] = {Severity.P0: 15, Severity.P1: 30, Severity.P2: 120, Severity.P3: 0}


def by_hand(kind: str) -> bool:
    """Whether a person may say that it has been done."""
    return any(rule.kind == kind and rule.by_hand for rules in CLOCKS.values() for rule in rules)
