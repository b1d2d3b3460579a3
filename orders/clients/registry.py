"""The gateways and booking partners by their names."""

from collections.abc import Mapping
from types import MappingProxyType

from orders.clients.bookings import BookingPartner
from orders.clients.gateway import Gateway
from orders.clients.midtrans import Midtrans
from orders.clients.nicepay import Nicepay
from orders.clients.xendit import Xendit

GATEWAYS: Mapping[str, Gateway] = MappingProxyType({each.name: each for each in (Midtrans(), Xendit(), Nicepay())})
# Who books an item of a service.
PARTNERS: Mapping[str, BookingPartner] = MappingProxyType(
    {
        "taxi": BookingPartner("tpg"),
        "rent": BookingPartner("rent"),
        "delivery": BookingPartner("delivery"),
        "shuttle": BookingPartner("shuttle"),
    }
)


def gateway(name: str) -> Gateway:
    return GATEWAYS[name]


def partner(service: str) -> BookingPartner:
    """The partner of a service: taxi, rent, delivery or shuttle."""
    return PARTNERS[service]
