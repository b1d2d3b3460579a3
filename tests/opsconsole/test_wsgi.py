"""The web application as gunicorn calls it: pages behind all middleware, callbacks behind none."""

import hashlib
import io
import json
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from pytest_django.fixtures import Settings

from opsconsole.database_watch import DatabaseWatch
from opsconsole.wsgi import Application, application
from orders.models import InboundEvent

# A real request closes a connection that it finds inside a transaction.
pytestmark = pytest.mark.django_db(transaction=True)


def call(
    method: str, path: str, body: bytes = b"", *, by: Application = application, **more: str
) -> tuple[str, dict[str, str], bytes]:
    said: list[Any] = []
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
        **more,
    }
    answer = b"".join(by(environ, lambda status, headers: said.extend((status, dict(headers)))))
    return said[0], said[1], answer


def notification(key: str) -> bytes:
    signed = hashlib.sha512(f"R-120050000.00{key}".encode()).hexdigest()
    body = {
        "order_id": "R-1",
        "status_code": "200",
        "gross_amount": "50000.00",
        "transaction_status": "settlement",
        "fraud_status": "accept",
        "signature_key": signed,
    }
    return json.dumps(body).encode()


def test_a_callback_is_stored_and_answered_without_what_pages_need() -> None:
    status, headers, answer = call(
        "POST", "/callbacks/midtrans", notification(settings.GATEWAYS["midtrans"]["server_key"])
    )

    assert (status, json.loads(answer)) == ("200 OK", {"status": "stored"})
    assert headers == {"Content-Type": "application/json", "Content-Length": str(len(answer))}
    assert InboundEvent.objects.get().reference == "R-1"


def test_a_wrong_signature_is_refused_there_as_well() -> None:
    status, _headers, _answer = call("POST", "/callbacks/midtrans", notification("guess"))

    assert status == "401 Unauthorized"
    assert not InboundEvent.objects.exists()


@pytest.mark.parametrize("length", ["70000", "much"])
def test_what_declares_to_be_too_long_is_not_read(length: str) -> None:
    status, _headers, answer = call("POST", "/callbacks/midtrans", b"{}", CONTENT_LENGTH=length)

    assert (status, json.loads(answer)) == ("413 Request Entity Too Large", {"status": "too large"})


def test_django_answers_a_callback_in_the_same_words() -> None:
    """Where a deployment puts middleware of its own before callbacks, they go through it."""
    body = notification(settings.GATEWAYS["midtrans"]["server_key"])
    direct = call("POST", "/callbacks/midtrans", body)
    by_django = Client().post("/callbacks/midtrans", body, content_type="application/json")

    assert by_django.content == direct[2]
    assert {name: by_django[name] for name in direct[1]} == direct[1]
    assert InboundEvent.objects.get().deliveries == 2


def test_a_gateway_whose_secret_everybody_knows_proves_nothing_there_either(settings: Settings) -> None:
    settings.UNPROVED_SENDERS = {"midtrans": "MIDTRANS_SERVER_KEY"}

    status, _headers, answer = call(
        "POST", "/callbacks/midtrans", notification(settings.GATEWAYS["midtrans"]["server_key"])
    )

    assert (status, json.loads(answer)) == ("503 Service Unavailable", {"status": "no secret is set"})
    assert not InboundEvent.objects.exists()


def test_middleware_for_callbacks_is_asked(settings: Settings) -> None:
    settings.CALLBACK_MIDDLEWARE = ["django.middleware.security.SecurityMiddleware"]

    watch = DatabaseWatch()
    watch.stop()

    _status, headers, _answer = call("POST", "/callbacks/midtrans", notification("guess"), by=Application(watch))

    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("method", "path", "wanted"), [("GET", "/callbacks/midtrans", 405), ("POST", "/callbacks/", 404)]
)
def test_other_calls_are_answered_without_an_error(method: str, path: str, wanted: int) -> None:
    status, _headers, _answer = call(method, path)

    assert status.startswith(str(wanted))


def test_a_page_keeps_its_middleware() -> None:
    _status, headers, _answer = call("GET", "/sign-in/")

    assert "Content-Security-Policy" in headers
