"""The sagas there are, by kind."""

from collections.abc import Mapping
from types import MappingProxyType

from orders.models import Saga
from orders.services import sagas
from orders.services.booking import BOOKING
from orders.services.checkout_saga import CHECKOUT

DECLARATIONS: Mapping[str, sagas.Declaration] = MappingProxyType({BOOKING.kind: BOOKING, CHECKOUT.kind: CHECKOUT})


def work(saga: Saga) -> None:
    """One look at a due saga, leased by the caller."""
    sagas.run(saga, DECLARATIONS[saga.kind])
