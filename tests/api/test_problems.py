"""Whatever is wrong with a request is answered by a problem document, and never by a 500."""

import json

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsconsole.api.problems import KINDS
from opsconsole.api.reading import LARGEST_BODY
from orders.models import Cart, IdempotencyRecord
from tests.api.bodies import TAXI
from tests.api.conftest import Caller, problem

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path", ["/nope", "/carts/", "/carts/not-a-uuid", "/orders/x", "//", "/%0a", "/carts/%ff", "/docs/x"]
)
def test_an_unknown_address_is_not_found(api, path):
    problem(api.get(path), "not-found", 404)
    problem(api.post(path, {}), "not-found", 404)


@pytest.mark.parametrize("path", ["/carts%00", "/orders/active/MRG%00", "/orders/active?customer=%00"])
def test_an_address_with_a_nul_is_refused(api, path):
    problem(api.get(path), "bad-request", 400)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/carts", "POST"),
        ("PATCH", "/carts", "POST"),
        ("OPTIONS", "/carts", "POST"),
        ("TRACE", "/orders", "POST"),
        ("PURGE", "/orders", "POST"),
        ("POST", "/orders/active", "GET"),
        ("DELETE", "/openapi.json", "GET"),
        ("POST", "/docs", "GET"),
    ],
)
def test_a_wrong_method_is_told_the_right_one(api, method, path, allowed):
    answer = api.send(method, path, {})
    problem(answer, "method-not-allowed", 405)
    assert allowed in answer["Allow"]


def test_head_is_get_without_a_body(api):
    cart = api.cart()
    headers = {"Authorization": f"Bearer {api.secret}"}
    answer = api.client.head(f"/api/v1/carts/{cart['id']}", headers=headers)
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    ("_case", "body"),
    [
        ("nothing", b" "),
        ("half", b'{"city": "Bali"'),
        ("two", b'{"city":"Bali"}{}'),
        ("single quotes", b"{'city': 'Bali'}"),
        ("a comma too many", b'{"city":"Bali",}'),
        ("NaN", b'{"city": NaN}'),
        ("Infinity", b'{"city": -Infinity}'),
        ("1e999", b'{"city": 1e999}'),
        ("a huge number", b'{"city": ' + b"9" * 5000 + b"}"),
        ("2^53", b'{"city": 9007199254740993}'),
        ("a name twice", b'{"city":"Bali","city":"Medan"}'),
        ("NUL in a text", b'{"city":"Ba\\u0000li"}'),
        ("NUL in a name", b'{"ci\\u0000ty":"Bali"}'),
        ("raw NUL", b'{"city":"Ba\x00li"}'),
        ("half a surrogate pair", b'{"city":"\\ud800"}'),
        ("not UTF-8", b'{"city":"\xff\xfe"}'),
        ("UTF-16", '{"city":"Bali"}'.encode("utf-16")),
        ("a byte order mark", b'\xef\xbb\xbf{"city":"Bali"}'),
        ("deep", b"[" * 60 + b"]" * 60),
        ("very deep", b"[" * 30_000 + b"]" * 30_000),
    ],
)
def test_what_is_no_storable_json_is_refused(api, _case, body):
    problem(api.post("/carts", body), "invalid-json", 400)
    assert not Cart.objects.exists()
    assert not IdempotencyRecord.objects.exists()


def test_a_whole_number_is_whole_however_it_is_written(api, neighbours):
    cart = api.cart(TAXI)
    for revision in ("2", "2.0", "0.2e1"):
        body = f'{{"cart_id": "{cart["id"]}", "method": "qris", "revision": {revision}}}'
        assert api.post("/orders", body.encode()).status_code in {200, 201}
    assert api.post("/orders", body.replace("0.2e1", "2.5").encode()).status_code == 422


def test_an_emoji_is_not_half_a_surrogate_pair(api):
    assert api.post("/carts", b'{"city":"\\ud83d\\ude95 Bali"}').json()["city"] == "🚕 Bali"


@pytest.mark.parametrize(
    "media", ["text/plain", "application/xml", "multipart/form-data", "application/json; charset=latin-1", "", "json"]
)
def test_another_media_type_is_refused(api, media):
    headers = {"Authorization": f"Bearer {api.secret}", "Idempotency-Key": "k1"}
    answer = api.client.generic("POST", "/api/v1/carts", b'{"city":"Bali"}', content_type=media, headers=headers)
    problem(answer, "unsupported-media-type", 415)
    assert not Cart.objects.exists()


@pytest.mark.parametrize("media", ["application/json", "application/json; charset=UTF-8", "APPLICATION/JSON"])
def test_json_is_taken_however_it_is_written(api, media):
    headers = {"Authorization": f"Bearer {api.secret}", "Idempotency-Key": "k1"}
    answer = api.client.generic("POST", "/api/v1/carts", b'{"city":"Bali"}', content_type=media, headers=headers)
    assert answer.status_code == 201


def test_a_body_has_a_limit(api):
    fits = b'{"city":"Bali"}'.ljust(LARGEST_BODY)
    assert api.post("/carts", fits).status_code == 201
    problem(api.post("/carts", fits + b" "), "too-large", 413)
    problem(api.post("/carts", b" " * 5_000_000), "too-large", 413)
    assert Cart.objects.count() == 1


def test_a_body_without_a_length_is_refused(api):
    headers = {"Authorization": f"Bearer {api.secret}", "Idempotency-Key": "k1", "Transfer-Encoding": "chunked"}
    answer = api.client.generic("POST", "/api/v1/carts", b"", content_type="application/json", headers=headers)
    problem(answer, "length-required", 411)


def test_a_missing_body_is_invalid(api):
    problem(api.post("/carts", None), "invalid", 422)


@pytest.mark.parametrize(("method", "path"), [("GET", "/orders/active"), ("POST", "/carts")])
def test_a_database_that_is_away_is_said_and_nothing_is_claimed(live, together, method, path):
    def ask():
        connection.settings_dict = {**connection.settings_dict, "HOST": "127.0.0.1", "PORT": "1"}
        return live.send(method, path, {"city": "Bali"})

    together.start(ask)
    (answer,) = together.join()
    problem(answer, "unavailable", 503)
    assert int(answer["Retry-After"]) >= 1
    assert not Cart.objects.exists()


def test_a_refusal_is_in_the_language_asked_for(api):
    answer = api.get("/nope", **{"Accept-Language": "id"})
    assert answer["Content-Language"] == "id"
    found = problem(answer, "not-found", 404)
    assert found["title"]


def test_a_refusal_is_not_to_be_kept(api):
    assert api.get("/nope")["Cache-Control"] == "no-store"
    assert api.post("/carts", {"city": "Bali"})["Cache-Control"] == "no-store"


def test_a_browsers_session_is_neither_read_nor_written(api, django_user_model):
    """With the cookie of a signed-in person, as when somebody tries the API from the console."""
    client = Client()
    client.force_login(django_user_model.objects.create_user("sari"))
    before = Session.objects.get().expire_date
    cart = api.cart()
    headers = {"Authorization": f"Bearer {api.secret}"}
    answer = client.get(f"/api/v1/carts/{cart['id']}", headers=headers)
    assert (answer.status_code, Session.objects.get().expire_date) == (200, before)
    assert not answer.cookies


def test_a_session_is_no_token(django_user_model):
    client = Client()
    client.force_login(django_user_model.objects.create_superuser("root"))
    problem(client.get("/api/v1/orders/active"), "unauthorized", 401)


def test_every_kind_of_problem_has_a_status_a_title_and_a_meaning():
    for name, kind in KINDS.items():
        assert 400 <= kind.status < 600, name
        assert str(kind.title)
        assert str(kind.meaning)
    assert [kind.status for kind in KINDS.values()] == sorted(kind.status for kind in KINDS.values())


NAMES = ["city", "customer", "service", "details", "pickup", "lat", "cart_id", "method", "revision", "id"]
BODIES = ["/carts", "/orders", "/carts/{}/items", "/carts/{}/customer", "/carts/{}/promo", "/orders/MRG-0/cancel"]
ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["taxi", "Bali", "gopay", "2027-01-01T00:00:00Z", -1, 2**63, "\x00", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=8)
            | st.sampled_from(
                ["city", "customer", "service", "details", "pickup", "lat", "cart_id", "method", "revision", "id"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    where=st.sampled_from(BODIES),
    method=st.sampled_from(["POST", "PUT"]),
    value=ANY_JSON,
)
def test_no_json_whatever_makes_a_mistake_of_ours(api, where, method, value):
    cart = _cart(api)
    body = json.dumps(value).encode("utf-8", "surrogatepass")
    assert api.send(method, where.format(cart), body).status_code < 500


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.text(max_size=4), value=ANY_JSON)
def test_no_change_of_a_valid_item_makes_a_mistake_of_ours(api, path, value):
    item = json.loads(json.dumps(TAXI))
    for name in ("pickup", "passengers", "pickup_at", "vehicle_class", path):
        changed = {**item, "details": {**item["details"], name: value}}
        body = json.dumps(changed).encode("utf-8", "surrogatepass")
        assert api.post(f"/carts/{'0' * 8}-0000-0000-0000-{'0' * 12}/items", body).status_code < 500


def _cart(api: Caller) -> str:
    found = Cart.objects.order_by("created_at").values_list("pk", flat=True).first()
    return str(found) if found else str(api.cart()["id"])
