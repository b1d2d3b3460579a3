"""Who may call: bearer tokens of channels."""

import pytest

from orders.errors import NotAllowed
from orders.models import Cart, ChannelToken, History
from orders.services import tokens
from tests.api.conftest import Caller, problem

pytestmark = pytest.mark.django_db


def test_a_token_opens_the_api_and_is_kept_only_as_a_digest(token, api):
    row, secret = token
    assert api.get("/orders/active").status_code == 200
    assert secret.startswith(row.prefix)
    assert secret not in str(vars(ChannelToken.objects.get()))
    assert len(row.prefix) < len(secret) / 3


@pytest.mark.parametrize(
    "given",
    ["", "Bearer", "Bearer ", "Bearer wrong", "Basic YTpi", "mrg_x", "Bearer \xff\xfe", "Bearer " + "x" * 5000],
)
def test_without_a_valid_token_nothing_is_told_and_nothing_changes(api, given):
    headers = {"Authorization": given, "Idempotency-Key": "k"}
    answer = api.client.post("/api/v1/carts", {"city": "Bali"}, content_type="application/json", headers=headers)
    problem(answer, "unauthorized", 401)
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert not Cart.objects.exists()


def test_a_revoked_token_is_refused_from_the_next_request_on(token, api):
    tokens.revoke(token[0], actor="user:admin", reason="leaked")
    problem(api.get("/orders/active"), "unauthorized", 401)
    assert (token[0].revoked_by, token[0].revoked_at is not None) == ("user:admin", True)


def test_issuing_and_revoking_are_in_the_history_without_the_secret(token):
    row, secret = token
    tokens.revoke(row, actor="user:admin", reason="leaked")
    lines = list(History.objects.filter(order_id=0).order_by("seq").values_list("verb", "actor", "reason", "detail"))
    told = {"token": row.pk, "channel": "app", "name": "Phone app", "prefix": row.prefix}
    assert lines == [
        ("issue_token", "user:admin", "", {**told, "kind": "issue_token"}),
        ("revoke_token", "user:admin", "leaked", {**told, "kind": "revoke_token"}),
    ]
    assert secret not in str(lines)


def test_a_token_is_revoked_once(token):
    tokens.revoke(token[0], actor="user:one")
    with pytest.raises(NotAllowed):
        tokens.revoke(token[0], actor="user:two")
    assert ChannelToken.objects.get().revoked_by == "user:one"
    assert History.objects.filter(verb="revoke_token").count() == 1


@pytest.mark.parametrize(("channel", "name"), [("fax", "x"), ("app", ""), ("app", "  "), ("app", "x" * 81)])
def test_a_token_needs_a_channel_and_a_name(channel, name):
    with pytest.raises(NotAllowed):
        tokens.issue(channel, name=name, actor="user:admin")
    assert not ChannelToken.objects.exists()
    assert not History.objects.exists()


def test_the_list_shows_living_tokens_first_and_the_newest_of_each():
    made = [tokens.issue("app", name=str(n), actor="user:a")[0] for n in range(4)]
    tokens.revoke(made[0], actor="user:a")
    tokens.revoke(made[3], actor="user:a")
    assert [row.name for row in tokens.listed()] == ["2", "1", "3", "0"]


def test_two_tokens_of_one_channel_see_the_same_and_keep_their_keys_apart(api):
    other = Caller(tokens.issue("app", name="Second", actor="user:admin")[1])
    first = api.post("/carts", {"city": "Bali"}, key="same").json()
    second = other.post("/carts", {"city": "Medan"}, key="same").json()
    assert first["id"] != second["id"]
    assert other.get(f"/carts/{first['id']}").json() == first
