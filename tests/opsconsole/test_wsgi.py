"""The web application as gunicorn calls it: pages behind all middleware, callbacks behind none."""

import hashlib
import io
import json
from typing import Any

import pytest
from django.conf import settings

from opsconsole.wsgi import application
from orders.models import InboundEvent

# A real request closes a connection that it finds inside a transaction.
pytestmark = pytest.mark.django_db(transaction=True)


def call(method: str, path: str, body: bytes = b"") -> tuple[str, dict[str, str], bytes]:
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
    }
    answer = b"".join(application(environ, lambda status, headers: said.extend((status, dict(headers)))))
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


@pytest.mark.parametrize(
    ("method", "path", "wanted"), [("GET", "/callbacks/midtrans", 405), ("POST", "/callbacks/", 404)]
)
def test_other_calls_are_answered_without_an_error(method: str, path: str, wanted: int) -> None:
    status, _headers, _answer = call(method, path)

    assert status.startswith(str(wanted))


def test_a_page_keeps_its_middleware() -> None:
    _status, headers, _answer = call("GET", "/sign-in/")

    assert "Content-Security-Policy" in headers
