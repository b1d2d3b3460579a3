"""One record per finished call, for `/metrics`."""

from prometheus_client import Counter, Histogram

CALLS = Counter(
    "orderorchestrator_upstream_calls",
    "Calls to neighbours by outcome: answered, refused, retryable, unknown.",
    ["upstream", "outcome"],
)
SECONDS = Histogram(
    "orderorchestrator_upstream_seconds",
    "Duration of calls to neighbours, tries included.",
    ["upstream"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30),
)


def observe(name: str, outcome_kind: str, seconds: float) -> None:
    CALLS.labels(name, outcome_kind).inc()
    SECONDS.labels(name).observe(seconds)
