"""The OpenAPI document, and the page made from it."""

import json
import re

import pytest
from django.test import Client
from django.urls import URLPattern

from opsconsole.api.curl import curl_calls
from opsconsole.api.openapi import document
from opsconsole.api.platform import api as platform
from opsconsole.api.problems import CONTENT_TYPE, KINDS
from opsconsole.api.urls import urlpatterns
from tests.api.bodies import TAXI

WRITES = ("post", "put", "patch", "delete")


@pytest.fixture
def made():
    answer = Client().get("/api/v1/openapi.json")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    return answer.json()


def operations(made):
    return [(path, method, each) for path, methods in made["paths"].items() for method, each in methods.items()]


def test_it_is_openapi_3_1_and_needs_no_token(made):
    assert made["openapi"].startswith("3.1")
    assert made["components"]["securitySchemes"]["ChannelBearer"] == {"type": "http", "scheme": "bearer"}


def test_it_describes_every_operation_there_is(made):
    pages = {"home", "openapi", "reference"}
    named = {pattern.name for pattern in urlpatterns if isinstance(pattern, URLPattern) and pattern.name} - pages
    assert named == {each["operationId"] for _path, _method, each in operations(made)}


def test_every_operation_declares_what_it_refuses(made):
    for path, method, each in operations(made):
        statuses = set(each["responses"])
        expected = {"400", "401", "429", "500", "503"}
        if method in WRITES:
            expected |= {"409", "411", "413", "422"}
        if "requestBody" in each:
            expected |= {"415"}
        if "{" in path:
            expected |= {"404"}
        assert expected <= statuses, (path, method, expected - statuses)
        assert each["security"] == [{"ChannelBearer": []}]
        assert each["description"]


def test_every_refusal_is_a_problem_document(made):
    for _path, _method, each in operations(made):
        for status, answer in each["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == [CONTENT_TYPE]
                assert answer["content"][CONTENT_TYPE]["schema"] == {"$ref": "#/components/schemas/Problem"}
                assert answer["content"][CONTENT_TYPE]["examples"]


def test_every_write_declares_its_key_and_its_replay(made):
    for _path, method, each in operations(made):
        keys = [one for one in each["parameters"] if one["name"] == "Idempotency-Key"]
        assert len(keys) == (method in WRITES)
        assert all(key["required"] and key["in"] == "header" for key in keys)
        if method in WRITES:
            assert all("Idempotency-Replayed" in each["responses"][s]["headers"] for s in each["responses"] if s < "3")


def test_no_reference_leads_nowhere(made):
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(made)):
        found = made
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        assert found


def test_bodies_refuse_unknown_names_in_the_document_too(made):
    given = {"NewCart", "Customer", "PromoChoice", "NewOrder", "Cancellation", "LinkWish", "Money", "Place", "Parcel"}
    for name in given | {"TaxiDetails", "RentDetails", "DeliveryDetails", "ShuttleDetails", "Contact"}:
        assert made["components"]["schemas"][name]["additionalProperties"] is False, name


def test_it_is_the_same_in_every_language():
    document.cache_clear()
    indonesian = Client().get("/api/v1/openapi.json", headers={"Accept-Language": "id"}).content
    document.cache_clear()
    assert Client().get("/api/v1/openapi.json", headers={"Accept-Language": "en"}).content == indonesian


def test_the_page_shows_every_operation_schema_and_problem(made):
    answer = Client().get("/api/v1/docs")
    page = answer.content.decode()
    assert answer.status_code == 200
    for path, _method, each in operations(made):
        assert f'id="{each["operationId"]}"' in page
        assert path in page
    for name in KINDS:
        assert f'id="{name}"' in page
    links = set(re.findall(r'href="#([^"]+)"', page))
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert links <= set(ids)


def test_the_page_obeys_the_strict_policy():
    answer = Client().get("/api/v1/docs")
    page = answer.content.decode()
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert "<script" not in page
    assert not re.search(r"\son\w+=|\sstyle=|<style", page)
    sources = re.findall(r'(?:src|<link[^>]+href)="([^"]+)"', page)
    assert sources
    assert all(source.startswith("/") and not source.startswith("//") for source in sources)


def test_the_calls_on_the_page_can_be_made(api, neighbours):
    """Each example body, as printed, is taken by the operation it stands beside."""
    made = document(platform)
    cart = api.cart()["id"]
    tried = 0
    for path, method, each in operations(made):
        for _title, command in curl_calls(path, method, each, schemas=made["components"]["schemas"]):
            body = re.search(r"-d '(.*)'$", command, re.DOTALL)
            if body and "/orders/{" not in path and path not in ("/api/v1/orders", "/api/v1/checkouts"):
                sent = json.loads(body.group(1))
                answer = api.send(method.upper(), path.removeprefix("/api/v1").format(cart_id=cart), sent)
                assert answer.status_code in {200, 201}, (path, answer.content)
                tried += 1
    assert tried == 8
    assert api.post("/orders", {"cart_id": api.cart(TAXI)["id"], "method": "qris"}).status_code == 201


def test_the_root_leads_to_the_page():
    assert Client().get("/api/v1/")["Location"] == "/api/v1/docs"
