"""Everything the API refuses, as problem documents (RFC 9457).

One table names every kind, its status and its title; the OpenAPI document, the reference page and
the answers are made from it. `type` is a place on the reference page.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.encoding import escape_uri_path
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

CONTENT_TYPE = "application/problem+json"
REFERENCE = "/api/v1/docs"


@dataclass(frozen=True, slots=True)
class Kind:
    status: int
    title: str | Promise
    meaning: str | Promise


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "bad-request": Kind(400, _("Bad request"), _("The address or a header cannot be read as text.")),
        "invalid-json": Kind(
            400,
            _("Not JSON"),
            _(
                "The body is no JSON text (RFC 8259): syntax, a name used twice, NaN, a number or "
                "a text that cannot be stored, or nested too deeply."
            ),
        ),
        "idempotency-key-missing": Kind(
            400,
            _("Idempotency-Key missing"),
            _("Every write needs an Idempotency-Key header of 1 to 200 printable characters."),
        ),
        "invalid-cursor": Kind(400, _("Unknown cursor"), _("Take the cursor from the answer before, unchanged.")),
        "unauthorized": Kind(
            401,
            _("No valid token"),
            _("The bearer token is missing, unknown or revoked."),
        ),
        "not-found": Kind(404, _("Not found"), _("There is nothing at this address.")),
        "cart-not-found": Kind(404, _("No such cart"), _("No cart of your channel has this id.")),
        "item-not-found": Kind(404, _("No such item"), _("The cart has no such item.")),
        "order-not-found": Kind(404, _("No such order"), _("No order of your channel has this id.")),
        "checkout-not-found": Kind(404, _("No such checkout"), _("No checkout of your channel has this id.")),
        "order-in-history": Kind(404, _("The order has ended"), _("It is to be read in the history; see “location”.")),
        "order-active": Kind(404, _("The order has not ended"), _("It is among the active ones; see “location”.")),
        "method-not-allowed": Kind(405, _("Method not allowed"), _("See the Allow header for what is.")),
        "cart-ordered": Kind(409, _("The cart was ordered"), _("It became an order; see “location”.")),
        "cart-changed": Kind(409, _("The cart has changed"), _("Read it again and show it to the customer.")),
        "cart-incomplete": Kind(409, _("The cart cannot be ordered"), _("It lacks items, prices or a customer.")),
        "cart-full": Kind(409, _("The cart is full"), _("Put the rest into another cart.")),
        "refused": Kind(409, _("Refused"), _("A rule forbids it as things are; the detail says which.")),
        "in-progress": Kind(
            409,
            _("Still running"),
            _("The first request with this key has not ended; ask again after Retry-After."),
        ),
        "cart-expired": Kind(410, _("The cart has expired"), _("A cart lives 15 minutes after its last change.")),
        "length-required": Kind(411, _("Length required"), _("Send the body with a Content-Length, not in chunks.")),
        "too-large": Kind(413, _("Too large"), _("A body has at most 65,536 bytes.")),
        "unsupported-media-type": Kind(415, _("Not application/json"), _("Bodies are application/json in UTF-8.")),
        "invalid": Kind(422, _("Not valid"), _("“errors” says what is wrong, each with a JSON pointer.")),
        "not-served": Kind(422, _("Not sold"), _("The fleet does not offer this; the detail says why.")),
        "idempotency-key-reused": Kind(
            422,
            _("Idempotency-Key used before"),
            _("The key belongs to another request; take a new one."),
        ),
        "too-many-requests": Kind(429, _("Too many requests"), _("Ask again after Retry-After.")),
        "internal": Kind(500, _("Our mistake"), _("It was written down. Repeat with the same key.")),
        "channel-paused": Kind(
            503,
            _("No orders at the moment"),
            _("Your channel takes no new orders for a while; the detail is for your customer. See Retry-After."),
        ),
        "unavailable": Kind(503, _("Unavailable"), _("Nothing was changed. Repeat with the same key.")),
    }
)


@dataclass
class Problem(Exception):
    """Raise to answer with a problem document. `more` are its extension members."""

    kind: str
    detail: str = ""
    errors: Sequence[Mapping[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> int:
        return KINDS[self.kind].status


def answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The problem document."""
    response = HttpResponse(
        document(request, problem),
        status=problem.status,
        content_type=CONTENT_TYPE,
        headers=dict(problem.headers),
    )
    response["Cache-Control"] = "no-store"
    return response


def document(request: HttpRequest, problem: Problem) -> str:
    kind = KINDS[problem.kind]
    members = {
        "type": f"{REFERENCE}#{problem.kind}",
        "title": str(kind.title),
        "status": kind.status,
        "detail": problem.detail or str(kind.meaning),
        "instance": escape_uri_path(request.path),
        **problem.more,
    }
    if problem.errors:
        members["errors"] = list(problem.errors)
    return json.dumps(members, ensure_ascii=False)
