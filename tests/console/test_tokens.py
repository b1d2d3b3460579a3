"""Channel tokens on screen: the secret is shown once, and only an administrator hands one out."""

import json
import re

import pytest
from django.http import HttpResponse

from orders.models import ChannelToken, History
from orders.services import tokens
from tests.console.people import OUTSIDER, World

HTMX = {"HX-Request": "true"}
NEW = {"channel": "app", "name": "Phone app 2026"}


def _html(answer: HttpResponse) -> str:
    return answer.content.decode()


def test_a_secret_is_shown_once_and_kept_nowhere(people: World) -> None:
    client = people.client("admin")
    answer = client.post("/settings/tokens/issue/", NEW, headers=HTMX)
    secret = re.search(r"mrg_[\w-]{40,}", _html(answer))
    assert secret is not None
    assert answer["Cache-Control"] == "no-store"
    assert "order-moved" in answer["HX-Trigger"]
    assert tokens.holder(secret[0]) == ChannelToken.objects.get()
    page = _html(client.get("/settings/tokens/"))
    assert secret[0] not in page
    assert "Phone app 2026" in page
    assert "Made Wirawan" in page
    assert secret[0] not in str(History.objects.filter(order_id=0).values())


def test_it_works_without_a_script(people: World) -> None:
    answer = people.client("admin").post("/settings/tokens/issue/", NEW)
    assert "<!doctype html>" in _html(answer)
    assert "mrg_" in _html(answer)


@pytest.mark.parametrize("given", [{"channel": "fax", "name": "x"}, {"channel": "app", "name": " "}, {}])
def test_nonsense_makes_no_token(people: World, given: dict[str, str]) -> None:
    assert people.client("admin").post("/settings/tokens/issue/", given, headers=HTMX).status_code == 422
    assert ChannelToken.objects.count() == 0


def test_a_revoked_token_opens_nothing_and_says_who_revoked_it(people: World) -> None:
    token, secret = tokens.issue("web", name="Web shop", actor="user:admin")
    path = f"/settings/tokens/{token.pk}/revoke/"
    client = people.client("admin")
    assert client.post(path, {"reason": " "}, headers=HTMX).status_code == 422
    assert tokens.holder(secret) is not None
    client.post(path, {"reason": "laptop stolen"}, headers=HTMX)
    assert tokens.holder(secret) is None
    assert "Revoked" in _html(client.get("/settings/tokens/"))
    again = client.post(path, {"reason": "laptop stolen"}, headers=HTMX)
    assert "revoked already" in json.loads(again["HX-Trigger"])["toast"]["text"]
    assert History.objects.get(order_id=0, verb="revoke_token").reason == "laptop stolen"


@pytest.mark.parametrize("who", ["sari", "dewi", "budi", "agus", OUTSIDER])
def test_nobody_else_hands_out_or_takes_away(people: World, who: str) -> None:
    token, secret = tokens.issue("web", name="Web shop", actor="user:admin")
    client = people.client(who)
    assert client.post("/settings/tokens/issue/", NEW).status_code == 403
    assert client.post(f"/settings/tokens/{token.pk}/revoke/", {"reason": "x"}).status_code == 403
    assert client.get("/settings/tokens/").status_code == (200 if who == "agus" else 403)
    assert ChannelToken.objects.count() == 1
    assert tokens.holder(secret) is not None


def test_the_auditor_looks_and_finds_no_button(people: World) -> None:
    tokens.issue("web", name="Web shop", actor="user:admin")
    page = _html(people.client("agus").get("/settings/tokens/"))
    assert "Web shop" in page
    assert "Issue a token" not in page
    assert "Revoke…" not in page


def test_a_token_that_is_not_there_is_not_found(people: World) -> None:
    assert people.client("admin").get("/settings/tokens/1/revoke/").status_code == 404
