"""`manage.py traffic`: customers who order and pay, so that a newcomer sees orders flow."""

import http.client
import logging
from argparse import ArgumentParser
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand

from opsconsole.loops import until_stopped
from opsconsole.sandbox.remote import RemoteSandbox
from opsconsole.traffic.shops import ApiShop
from opsconsole.traffic.stream import ROUND, Stream
from opsconsole.traffic.tokens import traffic_tokens
from orders.models import Order

logger = logging.getLogger("opsconsole.traffic")


class Command(BaseCommand):
    help = "Let customers order through the API and pay at the sandbox, until told to stop."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--per-minute", type=float, default=10.0, help="customers a minute")
        parser.add_argument("--head-start", type=int, default=3 * ROUND, help="customers at once, to begin with")

    def handle(self, **options: Any) -> None:
        customers = Customers(options["per_minute"], options["head_start"])
        until_stopped("traffic", turn=customers.turn)


class Customers:
    """One customer a turn: the head start without rest, then so many a minute."""

    def __init__(self, per_minute: float, head_start: int) -> None:
        self.rest = 60.0 / per_minute
        self.left_at_once = head_start if not Order.objects.filter(origin=Order.Origin.PLATFORM).exists() else 0
        self.stream: Stream | None = None

    def turn(self) -> float:
        """Seconds to rest."""
        if self.stream is None:
            self.stream = self._begin()
            return 0.0 if self.stream else 1.0
        logger.info(self.stream.next_customer())
        self.left_at_once -= 1
        return 0.0 if self.left_at_once > 0 else self.rest

    def _begin(self) -> Stream | None:
        """None until the console answers."""
        if not answers(settings.PUBLIC_URL):
            return None
        shop = ApiShop(url=settings.PUBLIC_URL, tokens=traffic_tokens())
        sandbox = RemoteSandbox(f"http://127.0.0.1:{settings.SANDBOX_PORT}")
        # New people after every start: a phone that once met trouble is not met again.
        return Stream(shop, sandbox, number=Order.objects.count() // ROUND * ROUND)


def answers(url: str) -> bool:
    """Whether the web process is up."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()
