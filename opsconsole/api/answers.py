"""Successful answers."""

import hashlib

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import parse_etags, quote_etag
from pydantic import BaseModel

CONTENT_TYPE = "application/json"
NEVER_KEPT = "no-store"  # carts and lists: personal data, and old in a second


def answer(body: BaseModel, *, status: int = 200, location: str = "") -> HttpResponse:
    response = HttpResponse(body.model_dump_json(), status=status, content_type=CONTENT_TYPE)
    response["Cache-Control"] = NEVER_KEPT
    if location:
        response["Location"] = location
    return response


def revalidated(request: HttpRequest, body: BaseModel, *, cache_control: str) -> HttpResponse:
    """An answer the client may keep and ask about again: 304 while it is the same."""
    response = answer(body)
    etag = quote_etag(hashlib.sha256(response.content).hexdigest()[:32])
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        response = HttpResponseNotModified()
    response["ETag"] = etag
    response["Cache-Control"] = cache_control
    return response
