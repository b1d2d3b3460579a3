"""Signing in and out, guesses, and where one lands."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from opsconsole.console.demo_users import DEMO_USERS, NotADemoError, ensure_demo_users
from opsconsole.console.models import Preference, SignInTry
from opsconsole.console.roles import roles_of
from opsconsole.console.signin import TRIES_PER_ADDRESS, TRIES_PER_NAME_AND_ADDRESS, WINDOW
from tests.console.people import PASSWORD, World


def _try(client: Client, name: str, password: str = PASSWORD, **extra: str) -> int:
    address = extra.pop("address", "127.0.0.1")
    return client.post("/sign-in/", {"username": name, "password": password, **extra}, REMOTE_ADDR=address).status_code


def test_right_password_lets_in_and_leads_back(people: World, client: Client) -> None:
    answer = client.post("/sign-in/", {"username": "sari", "password": PASSWORD, "next": "/rights/?x=1"})
    assert answer.status_code == 302
    assert answer["Location"] == "/rights/?x=1"
    assert client.get("/rights/").status_code == 200


@pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_sign_in_never_leads_elsewhere(people: World, client: Client, address: str) -> None:
    answer = client.post("/sign-in/", {"username": "sari", "password": PASSWORD, "next": address})
    assert answer["Location"] == "/"


def test_wrong_password_and_unknown_name_are_answered_alike(people: World, client: Client) -> None:
    answers = [
        client.post("/sign-in/", {"username": name, "password": "no"}).content.decode() for name in ("sari", "x")
    ]
    assert all("do not belong together" in answer for answer in answers)
    assert "_auth_user_id" not in client.session


def test_signing_in_takes_a_new_session_key(people: World, client: Client) -> None:
    client.get("/sign-in/")
    client.session["x"] = 1
    client.session.save()
    before = client.session.session_key
    _try(client, "sari")
    assert client.session.session_key != before


def test_guesses_at_one_name_are_stopped_and_the_right_password_with_them(people: World, client: Client) -> None:
    for _each in range(TRIES_PER_NAME_AND_ADDRESS):
        assert _try(client, "sari", "wrong") == 422
    answer = client.post("/sign-in/", {"username": "sari", "password": PASSWORD})
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= WINDOW.total_seconds() + 1
    assert "_auth_user_id" not in client.session


def test_others_at_the_address_and_the_name_elsewhere_are_not_locked_out(people: World) -> None:
    for _each in range(TRIES_PER_NAME_AND_ADDRESS + 1):
        _try(Client(), "sari", "wrong")
    assert _try(Client(), "dewi") == 302
    assert _try(Client(), "sari", address="10.0.0.9") == 302


def test_guesses_at_many_names_from_one_address_are_stopped(people: World) -> None:
    for each in range(TRIES_PER_ADDRESS):
        assert _try(Client(), f"name{each}", "wrong") == 422
    assert _try(Client(), "dewi") == 429
    assert _try(Client(), "dewi", address="10.0.0.9") == 302


def test_refused_tries_do_not_prolong_the_wait(people: World) -> None:
    for _each in range(TRIES_PER_NAME_AND_ADDRESS + 20):
        _try(Client(), "sari", "wrong")
    assert SignInTry.objects.count() == TRIES_PER_NAME_AND_ADDRESS
    SignInTry.objects.update(at=timezone.now() - WINDOW - timedelta(seconds=1))
    assert _try(Client(), "sari") == 302


def test_success_forgives_and_forgets_the_name(people: World) -> None:
    _try(Client(), "sari", "wrong")
    assert "sari" not in str(list(SignInTry.objects.values()))
    _try(Client(), "sari")
    assert SignInTry.objects.count() == 0


def test_address_behind_a_named_proxy_is_the_callers(people: World, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ("127.0.0.1",)
    Client().post("/sign-in/", {"username": "sari", "password": "no"}, headers={"X-Forwarded-For": "1.2.3.4, 10.0.0.7"})
    assert SignInTry.objects.get().address == "10.0.0.7"


def test_address_claimed_by_a_stranger_is_ignored(people: World, settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ()
    Client().post("/sign-in/", {"username": "sari", "password": "no"}, headers={"X-Forwarded-For": "1.2.3.4"})
    assert SignInTry.objects.get().address == "127.0.0.1"


def test_signing_out_wants_a_post_and_ends_the_session(people: World) -> None:
    client = people.client("sari")
    assert client.get("/sign-out/").status_code == 405
    assert client.get("/rights/").status_code == 200
    client.post("/sign-out/")
    assert client.get("/rights/").status_code == 302


def test_form_without_a_token_is_refused_in_house_style(people: World) -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/sign-in/", {"username": "sari", "password": PASSWORD})
    assert answer.status_code == 403
    assert "out of date" in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(("is_demo", "count"), [(True, len(DEMO_USERS)), (False, 0)])
def test_demo_people_are_offered_only_in_the_demo(
    client: Client, settings: Settings, *, is_demo: bool, count: int
) -> None:
    settings.DEMO = is_demo
    page = client.get("/sign-in/").content.decode()
    assert page.count('<button name="username"') == count
    assert ("“demo”" in page) is is_demo


def test_demo_people_are_made_once_with_their_roles(people: World, settings: Settings) -> None:
    settings.DEMO = True
    for user in people.users.values():
        user.delete()
    assert ensure_demo_users() == list(DEMO_USERS)
    assert ensure_demo_users() == []
    for person in DEMO_USERS:
        client = Client()
        assert _try(client, person.username, "demo") == 302
        assert client.session["roles"] == [person.role.value]


def test_demo_people_are_not_made_elsewhere(people: World, settings: Settings) -> None:
    settings.DEMO = False
    with pytest.raises(NotADemoError):
        ensure_demo_users()


def test_existing_person_keeps_password_and_roles(people: World, settings: Settings) -> None:
    settings.DEMO = True
    people.users["sari"].groups.clear()
    ensure_demo_users()
    assert _try(Client(), "sari") == 302
    assert roles_of(people.users["sari"]) == []


def test_first_sign_in_keeps_the_language_and_theme_of_the_browser(people: World) -> None:
    client = Client(headers={"Accept-Language": "id"})
    client.cookies["theme"] = "dark"
    _try(client, "sari")
    row = Preference.objects.get(user=people.users["sari"])
    assert (row.language, row.theme) == ("id", "dark")
