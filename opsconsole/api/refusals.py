"""Which problem document each refusal of the domain becomes."""

from collections.abc import Mapping
from types import MappingProxyType

from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http.request import UnreadablePostError
from django.utils import timezone

from opsconsole.api.problems import Problem
from orders.errors import LostLease, Refusal
from orders.services import carts, checkout, pausing, pricing

ACTIVE = "/api/v1/orders/active"
HISTORY = "/api/v1/orders/history"
SOON = {"Retry-After": "1"}  # seconds
LATER = {"Retry-After": "5"}

# What the domain says in its own sentence.
_SPOKEN: Mapping[type[Exception], str] = MappingProxyType(
    {
        carts.CartNotFound: "cart-not-found",
        carts.CartExpired: "cart-expired",
        carts.CartMoved: "cart-changed",
        carts.CartFull: "cart-full",
        carts.NotInCart: "item-not-found",
        checkout.CartIncomplete: "cart-incomplete",
        pricing.NotServed: "not-served",
        Refusal: "refused",
    }
)
# What is answered without a word of the error's own.
_SILENT: Mapping[type[Exception], tuple[str, Mapping[str, str]]] = MappingProxyType(
    {
        LostLease: ("in-progress", SOON),
        OperationalError: ("unavailable", LATER),
        InterfaceError: ("unavailable", LATER),
        RequestDataTooBig: ("too-large", {}),
        UnreadablePostError: ("bad-request", {}),
    }
)


def problem_of(error: Exception) -> Problem | None:
    """The problem that `error` stands for, or None for a mistake of ours."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, carts.CartOrdered):
        return Problem("cart-ordered", str(error), more={"location": f"{ACTIVE}/{error.order_id}"})
    if isinstance(error, pausing.ChannelPaused):
        left = max(1, round((error.until - timezone.now()).total_seconds()))
        until = error.until.isoformat()
        return Problem("channel-paused", str(error), headers={"Retry-After": str(left)}, more={"until": until})
    for known, (kind, headers) in _SILENT.items():
        if isinstance(error, known):
            return Problem(kind, headers=headers)
    for refusal, kind in _SPOKEN.items():
        if isinstance(error, refusal):
            return Problem(kind, str(error))
    return None
