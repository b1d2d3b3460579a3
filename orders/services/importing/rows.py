"""One record of a foreign file, read into typed values, or the reason why it cannot be."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from orders.money import NotMoney, exponent, to_minor
from orders.services.importing.mapping import FACTS, ImportMapping
from orders.states import Channel, Service

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)

# Field of ours to the longest text its column takes.
_ROOM = {
    "order_id": 64,
    "payment_id": 64,
    "customer_id": 64,
    "customer_name": 120,
    "customer_phone": 32,
    "customer_email": 254,
    "city": 40,
    "method": 24,
    "gateway": 16,
}

ORDER_FIELDS = (
    *("public_id", "status", "customer_id", "customer_name", "customer_phone", "customer_email"),
    *("service", "channel", "city", "method", "amount", "currency", "promised_by"),
    *(f"{fact}_at" for fact in FACTS),
)
PAYMENT_FIELDS = (
    *("payment_id", "public_id", "part", "method", "gateway", "status", "instalments"),
    *("amount", "currency", "paid_at"),
)


class Unreadable(Exception):
    """The record cannot be taken. `str(error)` is the reason that goes into the report."""


@dataclass(frozen=True)
class Reader:
    """Reads the cells of one sheet. `place` is where each field of ours stands in them."""

    mapping: ImportMapping
    currency: str
    place: Mapping[str, int]

    def order(self, cells: list[str]) -> tuple[Any, ...]:
        """The values of `ORDER_FIELDS`. Raises Unreadable."""
        get = self._getter(cells)
        currency = self._currency(get)
        times = {fact: self._time(get(f"time:{fact}")) for fact in FACTS}
        if times["created"] is None:
            raise Unreadable(_("it has no creation time"))
        return (
            self._demand(get, "order_id"),
            self._status(get("status"), self.mapping.order_status),
            *(get(name) for name in ("customer_id", "customer_name")),
            *(get(name) for name in ("customer_phone", "customer_email")),
            self._choice(get, "service", Service.values),
            self._choice(get, "channel", Channel.values),
            get("city") or self.mapping.defaults.get("city", ""),
            self._method(get("method")),
            self._amount(get("amount"), currency) if get("amount") else None,
            currency,
            self._time(get("promised_by")),
            *times.values(),
        )

    def payment(self, cells: list[str]) -> tuple[Any, ...]:
        """The values of `PAYMENT_FIELDS`. Raises Unreadable."""
        get = self._getter(cells)
        currency = self._currency(get)
        return (
            self._demand(get, "payment_id"),
            self._demand(get, "order_id"),
            self._number(get("part") or "1"),
            self._method(get("method")),
            (get("gateway") or self.mapping.defaults["gateway"]).casefold(),
            self._status(get("status") or "paid", self.mapping.payment_status),
            self._number(get("instalments") or "1"),
            self._amount(get("amount"), currency),
            currency,
            self._time(get("paid_at")),
        )

    def _getter(self, cells: list[str]) -> Any:
        def get(name: str) -> str:
            at = self.place.get(name)
            text = "" if at is None else cells[at].strip()
            if "\0" in text or len(text) > _ROOM.get(name, len(text)):
                raise Unreadable(_("“%(field)s” is too long or has a NUL") % {"field": name})
            return text

        return get

    def _demand(self, get: Any, name: str) -> str:
        text: str = get(name)
        if not text:
            raise Unreadable(_("“%(field)s” is empty") % {"field": name})
        return text

    def _status(self, text: str, known: Mapping[str, str]) -> str:
        if text.casefold() not in known:
            raise Unreadable(_("the mapping has no status “%(status)s”") % {"status": text})
        return known[text.casefold()]

    def _method(self, text: str) -> str:
        """Ours where the mapping knows it, otherwise theirs: no method is invented."""
        return self.mapping.methods.get(text.casefold(), text.casefold())

    def _choice(self, get: Any, name: str, allowed: list[str]) -> str:
        text: str = get(name).casefold() or self.mapping.defaults[name]
        if text not in allowed:
            raise Unreadable(_("“%(text)s” is no %(field)s of ours") % {"text": text, "field": name})
        return text

    def _currency(self, get: Any) -> str:
        code: str = get("currency").upper() or self.currency
        try:
            exponent(code)
        except NotMoney as error:
            raise Unreadable(_("“%(code)s” is not a currency") % {"code": code}) from error
        return code

    def _amount(self, text: str, currency: str) -> int:
        plain = text.replace(",", ".") if self.mapping.defaults["decimal_mark"] == "," else text
        try:
            amount = to_minor(plain, currency=currency)
        except NotMoney as error:
            said = {"text": text, "code": currency}
            raise Unreadable(_("“%(text)s” is not an amount in %(code)s") % said) from error
        if amount < 0:
            raise Unreadable(_("the amount %(text)s is negative") % {"text": text})
        return amount

    def _number(self, text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 5):
            raise Unreadable(_("“%(text)s” is not a small whole number") % {"text": text})
        return int(text)

    def _time(self, text: str) -> datetime | None:
        if not text:
            return None
        try:
            at = self._parsed(text)
            aware = (at if at.tzinfo else at.replace(tzinfo=self.mapping.zone)).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise Unreadable(_("“%(text)s” is not a time") % {"text": text}) from error
        if not _EARLIEST <= aware <= _LATEST:
            raise Unreadable(_("“%(text)s” is not a time of this age") % {"text": text})
        return aware

    def _parsed(self, text: str) -> datetime:
        pattern = self.mapping.defaults["time_format"]
        if pattern:
            return datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone is added by _time
        return datetime.fromisoformat(text)
