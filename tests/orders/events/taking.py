"""Messages, and taking them, for the tests of the brokers."""

from collections.abc import Sequence

from orders.clients.broker import Delivery, Inbox, Message
from orders.events import Event
from tests.waiting import eventually

QUEUES = {"one": frozenset({"order.pay", "order.cancel", "order.create"}), "two": frozenset({"order.pay"})}


class Notes:
    """A consumer that writes down what it is handed, and fails as often as it is told."""

    def __init__(self) -> None:
        self.seen: list[Event] = []
        self.failures: list[Exception] = []

    def __call__(self, event: Event) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.seen.append(event)


def message(number: int, key: str = "order.pay") -> Message:
    return Message(key, f"h-{number}", f"body {number}".encode())


def taken(inbox: Inbox, consumer: str, count: int, *, settling: bool = False) -> Sequence[Delivery]:
    """The next `count` deliveries of a consumer."""
    found: list[Delivery] = []

    def look() -> bool:
        came = [each for each in inbox.take() if each.consumer == consumer]
        for each in came if settling else ():
            inbox.settle(each)
        found.extend(came)
        return len(found) >= count

    eventually(look)
    assert len(found) == count
    return found
