"""What an oracle finds, and the kinds there are: each is 0 in a run that proves something."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

SAFETY: Mapping[str, str] = MappingProxyType(
    {
        "order lost": "said yes to a customer, and the order is not there",
        "order doubled": "one customer ordered once and has several orders",
        "callback lost": "said 2xx to a message that is not stored",
        "charged but unexplained": "a gateway holds other money than our ledger says",
        "refunded twice": "more went back than was charged, or than anybody asked for",
        "booked twice": "one item has several live bookings",
        "booked and refunded": "all the money went back and the booking stands",
        "booked unpaid": "a booking stands and nothing was ever charged",
        "wrong amount": "an amount differs from what the customer agreed to, or Head Office has another",
        "illegal edge": "a state was left past the table of edges, or by somebody whose edge it is not",
        "history broken": "the history of an order has a gap",
    }
)
LIVENESS: Mapping[str, str] = MappingProxyType(
    {
        "not settled": "the machines were still at work when the time was over",
        "machine's work left": "a row waits for a machine, and no machine takes it up",
        "nobody's task": "an order is not finished and is on no list of a person",
        "not told": "an event has not left the outbox",
        "not ready": "the platform does not say that it is ready",
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """`subject` is an order, a reference or a key; `what` is one sentence for people."""

    kind: str
    subject: str
    what: str

    @property
    def is_safety(self) -> bool:
        return self.kind in SAFETY
