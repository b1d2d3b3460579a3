"""Two ways to order: through the JSON API as channels do, or straight through the service.

Through the API one order is three requests (cart, item, order), priced by Session Manager. The
direct way is the same service behind the API without its HTTP; docs/scenarios.md has both measured.
"""

import http.client
import json
import secrets
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from django.db import close_old_connections

from opsconsole.traffic.people import Person
from opsconsole.traffic.wishes import Wish
from orders.errors import Refusal
from orders.models import Order
from orders.services import placing
from orders.services.placing import Customer, NewItem

PATIENCE = 10.0  # seconds
LINK_OPEN = "awaiting_payment"
CHANGED_PLANS = "The customer changed plans"
# Refusals that end by themselves: the first request with the key still runs; too many come at once.
FOR_NOW = ("#in-progress", "#too-many-requests")


@dataclass(frozen=True, slots=True)
class Placed:
    """`has_link`: the customer can pay now. `amount` in rupiah."""

    id: str
    amount: int
    has_link: bool


class ShopSaidNo(Exception):
    """The platform refused; the message is its own."""


class ShopIsAway(ShopSaidNo):
    """The platform failed, did not answer or is still at it: it may be asked again."""


class Shop(Protocol):
    def place(self, wish: Wish, *, again: bool = False) -> Placed:
        """Raises ShopSaidNo. `again` says that it was asked before, and never makes a second order."""

    def cancel(self, order_id: str, *, channel: str) -> None:
        """The customer changes their mind. Raises ShopSaidNo, and ShopIsAway where asking again may help."""

    def close(self) -> None:
        """Nobody orders any more."""


class DirectShop:
    """For great numbers: no HTTP on our side, everything behind it as always.

    `since` is when the run began: a person of a run orders once, so an order of theirs from then on
    is the one whose answer was lost.
    """

    def __init__(self, *, since: datetime) -> None:
        self._since = since

    def place(self, wish: Wish, *, again: bool = False) -> Placed:
        close_old_connections()
        person = wish.person
        order = (self._found(person) if again else None) or placing.place_order(
            channel=wish.channel,
            customer=Customer(person.id, person.name, person.phone, person.email),
            items=[NewItem(line.service, line.amount, line.details) for line in wish.lines],
            method=wish.method,
            city=wish.city,
            promo_code=wish.promo,
        )
        return Placed(order.public_id, order.amount, order.state == LINK_OPEN)

    def close(self) -> None:
        """It keeps nothing open."""

    def _found(self, person: Person) -> Order | None:
        own = Order.objects.filter(customer_id=person.id, customer_phone=person.phone)
        return own.filter(placed_at__gte=self._since).first()

    def cancel(self, order_id: str, *, channel: str) -> None:
        close_old_connections()
        order = Order.objects.get(public_id=order_id)
        try:
            placing.cancel_order(order, actor=f"channel:{channel}", reason=CHANGED_PLANS, by_customer=True)
        except Refusal as refusal:
            raise ShopSaidNo(str(refusal)) from refusal


@dataclass
class ApiShop:
    """The JSON API, with the bearer token of each channel. Thread-safe: a connection a thread.

    Every write has an idempotency key of this `run`. To be closed when its threads have ended.
    """

    url: str
    tokens: Mapping[str, str]
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    _own: threading.local = field(default_factory=threading.local)
    _open: list[http.client.HTTPConnection] = field(default_factory=list)

    def close(self) -> None:
        for connection in self._open:
            connection.close()

    def place(self, wish: Wish, *, again: bool = False) -> Placed:
        key = f"{self.run}-{wish.number}"
        customer = {
            "id": wish.person.id,
            "name": wish.person.name,
            "phone": wish.person.phone,
            "email": wish.person.email,
        }
        cart = self._post("/carts", {"city": wish.city, "customer": customer}, key=f"{key}-cart", channel=wish.channel)
        for place, line in enumerate(wish.lines):
            item = {"service": line.service, "details": line.details}
            self._post(f"/carts/{cart['id']}/items", item, key=f"{key}-item-{place}", channel=wish.channel)
        if wish.promo:
            self._put(f"/carts/{cart['id']}/promo", {"code": wish.promo}, key=f"{key}-promo", channel=wish.channel)
        wanted = {"cart_id": cart["id"], "method": wish.method}
        order = self._post("/orders", wanted, key=f"{key}-order", channel=wish.channel)
        return Placed(order["id"], order["total"]["amount"], order["state"] == LINK_OPEN)

    def cancel(self, order_id: str, *, channel: str) -> None:
        body = {"reason": CHANGED_PLANS}
        self._post(f"/orders/{order_id}/cancel", body, key=f"{order_id}-cancel", channel=channel)

    def order(self, order_id: str, *, channel: str) -> dict[str, Any]:
        """The order as the channel sees it, active or ended."""
        for shelf in ("active", "history"):
            status, body = self._said("GET", f"/orders/{shelf}/{order_id}", None, key="", channel=channel)
            if status == http.client.OK:
                return dict(body)
        raise ShopSaidNo(f"{status} {body}")

    def _post(self, path: str, body: Any, *, key: str, channel: str) -> Any:
        return self._written("POST", path, body, key=key, channel=channel)

    def _put(self, path: str, body: Any, *, key: str, channel: str) -> Any:
        return self._written("PUT", path, body, key=key, channel=channel)

    def _written(self, method: str, path: str, body: Any, *, key: str, channel: str) -> Any:
        status, answer = self._said(method, path, body, key=key, channel=channel)
        if status not in (http.client.OK, http.client.CREATED):
            is_for_now = str(answer.get("type", "")).endswith(FOR_NOW)
            kind = ShopIsAway if is_for_now or status >= http.client.INTERNAL_SERVER_ERROR else ShopSaidNo
            raise kind(f"{method} {path}: {status} {answer.get('detail') or answer.get('title')}")
        return answer

    def _said(self, method: str, path: str, body: Any, *, key: str, channel: str) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {self.tokens[channel]}", "content-type": "application/json"}
        if key:
            headers["idempotency-key"] = key
        content = json.dumps(body).encode() if body else None
        try:
            return self._sent(method, f"/api/v1{path}", content, headers)
        except (OSError, http.client.HTTPException, ValueError) as problem:
            raise ShopIsAway(f"{method} {path}: {type(problem).__name__} {problem}") from problem

    def _sent(self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]) -> tuple[int, Any]:
        """Once more on a new connection where a kept one was closed meanwhile: every write has its key."""
        kept: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if kept is not None:
            with suppress(http.client.RemoteDisconnected, ConnectionError):
                return self._exchanged(kept, method, path, content, headers)
        return self._exchanged(self._new_connection(), method, path, content, headers)

    def _exchanged(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        content: bytes | None,
        headers: Mapping[str, str],
    ) -> tuple[int, Any]:
        try:
            connection.request(method, path, content, dict(headers))
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        except Exception:
            self._forget(connection)
            raise

    def _new_connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        made = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=PATIENCE)
        self._own.connection = made
        self._open.append(made)
        return made

    def _forget(self, connection: http.client.HTTPConnection) -> None:
        self._own.connection = None
        self._open.remove(connection)
        connection.close()
