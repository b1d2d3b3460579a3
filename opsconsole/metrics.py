"""`/metrics`: counters of this web process and facts read from PostgreSQL, in Prometheus' format.

What workers do is told by their rows, not by counters of their own: a worker has no port, and the
files of prometheus_client's multiprocess mode never shrink (notes on the ecosystem, 13b).
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from orders.heartbeats import COPY
from orders.queries import breakers, pulse
from orders.queries.stuck_states import stuck_by_state
from orders.services.pausing import SIGN

PREFIX = "orderorchestrator_"
BREAKER_NUMBERS = {"closed": 0.0, "forced_closed": 0.0, "half_open": 1.0, "open": 2.0, "forced_open": 2.0}


class Facts(Collector):
    """What the rows say now. A database that is away leaves the facts out and says so."""

    def collect(self) -> Iterable[Metric]:
        try:
            yield from [metric for family in FAMILIES for metric in family()]
            up = 1.0
        except DatabaseError:
            up = 0.0
        yield _gauge("database_up", "Whether the facts could be read.", [((), up)])


def _gauge(
    name: str, text: str, samples: Iterable[tuple[tuple[str, ...], float]], labels: tuple[str, ...] = ()
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(PREFIX + name, text, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family


def _orders() -> Iterator[Metric]:
    at = timezone.now()
    minutes = pulse.orders_per_minute(at=at, minutes=5)
    yield _gauge("orders_created_per_minute", "Orders placed, mean of 5 minutes.", [((), sum(minutes) / 5)])
    rate = pulse.success(at=at).rate
    if rate is not None:
        yield _gauge("order_success_ratio", "Orders of the last hour with a good end.", [((), rate)])


def _latencies() -> Iterator[Metric]:
    at = timezone.now()
    yield _marks("payment_link_seconds", "From wish to link, last 10 minutes.", pulse.link_seconds(at=at))
    yield _marks("saga_seconds", "From payment to the saga's end, last 10 minutes.", pulse.saga_seconds(at=at))
    ends = pulse.saga_ends(at=at)
    yield _gauge("saga_ends", "Sagas by how they ended, last 10 minutes.", _by_name(ends), ("state",))


def _marks(name: str, text: str, found: pulse.Percentiles) -> Metric:
    marks = {"0.5": found.p50, "0.95": found.p95, "0.99": found.p99}
    samples = [((quantile,), number) for quantile, number in marks.items() if number is not None]
    return _gauge(name, text, samples, ("quantile",))


def _messages() -> Iterator[Metric]:
    found = pulse.callbacks(at=timezone.now())
    yield _gauge(
        "callbacks",
        "Callbacks by verdict, last 10 minutes.",
        [(k, float(n)) for k, n in found.items()],
        ("source", "verdict"),
    )


def _stuck() -> Iterator[Metric]:
    at = timezone.now()
    lines = stuck_by_state().lines
    labels = ("machine", "state")
    counts = [((line.machine, line.state), float(line.count)) for line in lines]
    yield _gauge("stuck", "Past the limit of their state.", counts, labels)
    ages = [((line.machine, line.state), (at - line.oldest_since).total_seconds()) for line in lines]
    yield _gauge("stuck_oldest_seconds", "Age of the oldest of them.", ages, labels)
    money = [
        ((line.machine, line.state, currency), float(amount))
        for line in lines
        for currency, amount in line.money.items()
    ]
    yield _gauge("stuck_amount_minor", "Money on them, minor units.", money, (*labels, "currency"))


def _work() -> Iterator[Metric]:
    at = timezone.now()
    found = pulse.backlogs(at=at)
    yield _gauge("work_due", "Rows that wait for a worker.", [((b.kind,), float(b.count)) for b in found], ("kind",))
    ages = [((b.kind,), (at - b.oldest_since).total_seconds()) for b in found if b.oldest_since]
    yield _gauge("work_oldest_seconds", "Age of the oldest of them.", ages, ("kind",))
    signs = [
        (name, seen)
        for name, (seen, _said) in pulse.heartbeats().items()
        if COPY not in name and not name.startswith(SIGN)
    ]
    beats = [((name,), (at - seen).total_seconds()) for name, seen in signs]
    yield _gauge("heartbeat_age_seconds", "Since the last sign of life.", beats, ("process",))


def _breakers() -> Iterator[Metric]:
    """As the ticker saw them last, at most a second ago."""
    states = breakers.seen_states()
    numbers = [((name,), BREAKER_NUMBERS[state]) for name, state in states.items()]
    yield _gauge("breaker_state", "0 closed, 1 half-open, 2 open.", numbers, ("upstream",))
    forced = [((name,), float(state.startswith("forced_"))) for name, state in states.items()]
    yield _gauge("breaker_forced", "Whether an operator holds it open or closed.", forced, ("upstream",))
    changes = CounterMetricFamily(
        PREFIX + "breaker_changes", "Changes of breakers by the state they entered.", labels=("upstream", "to")
    )
    for labels, count in breakers.changes_by_target().items():
        changes.add_metric(labels, count)
    yield changes


def _by_name(found: Mapping[str, int]) -> list[tuple[tuple[str, ...], float]]:
    return [((name,), float(count)) for name, count in found.items()]


def _events() -> Iterator[Metric]:
    oldest = pulse.outbox_oldest()
    age = (timezone.now() - oldest).total_seconds() if oldest else 0.0
    yield _gauge("outbox_oldest_seconds", "Age of the oldest event that is not published.", [((), age)])
    letters = [(key, float(count)) for key, count in pulse.letters_by_state().items()]
    yield _gauge("dead_letters", "Events that a consumer could not use.", letters, ("consumer", "state"))


FAMILIES: tuple[Callable[[], Iterator[Metric]], ...] = (
    _orders,
    _latencies,
    _messages,
    _stuck,
    _work,
    _breakers,
    _events,
)


def metrics(_request: HttpRequest) -> HttpResponse:
    """GET /metrics. The whole registry, whatever the query says."""
    facts = CollectorRegistry()
    facts.register(Facts())
    return HttpResponse(_counters() + generate_latest(facts), content_type=CONTENT_TYPE_LATEST)


def _counters() -> bytes:
    """Of all web processes where gunicorn shares them, of this one otherwise."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return generate_latest(REGISTRY)
    shared = CollectorRegistry()
    MultiProcessCollector(shared)
    return generate_latest(shared)
