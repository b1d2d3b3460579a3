"""Language, theme, density and keys: kept per person, shown before sign-in, changed without losing the page."""

import pytest
from django.test import Client

from opsconsole.console.models import Preference
from tests.console.people import PASSWORD, World

HTMX = {"HX-Request": "true"}


def test_language_of_the_browser_until_one_is_chosen(people: World) -> None:
    assert 'lang="id"' in Client(headers={"Accept-Language": "id-ID,en"}).get("/sign-in/").content.decode()
    assert 'lang="en"' in Client(headers={"Accept-Language": "fr"}).get("/sign-in/").content.decode()


def test_choice_outranks_the_browser_and_stays_for_the_next_sign_in(people: World) -> None:
    client = Client(headers={"Accept-Language": "en"})
    client.post("/sign-in/", {"username": "sari", "password": PASSWORD})
    client.post("/preferences/", {"language": "id"})
    assert 'lang="id"' in client.get("/rights/").content.decode()
    elsewhere = Client(headers={"Accept-Language": "en"})
    elsewhere.post("/sign-in/", {"username": "sari", "password": PASSWORD})
    assert 'lang="id"' in elsewhere.get("/rights/").content.decode()


def test_signed_out_browser_keeps_its_taste_in_cookies(db: None, client: Client) -> None:
    client.post("/preferences/", {"language": "id"})
    client.post("/preferences/", {"theme": "dark"})
    page = client.get("/sign-in/").content.decode()
    assert 'lang="id" data-theme="dark"' in page
    assert Preference.objects.count() == 0


def test_change_returns_to_the_same_page(people: World) -> None:
    client = people.client("sari")
    answer = client.post("/preferences/", {"language": "id", "next": "/rights/?a=b"})
    assert answer["Location"] == "/rights/?a=b"
    assert client.post("/preferences/", {"language": "id", "next": "//evil.example"})["Location"] == "/"


def test_htmx_hears_of_the_new_taste_without_a_new_page(people: World) -> None:
    answer = people.client("sari").post("/preferences/", {"theme": "dark"}, headers=HTMX)
    assert answer.status_code == 204
    assert answer["HX-Trigger"] == '{"taste": {"theme": "dark"}}'


def test_language_by_htmx_loads_the_page_again(people: World) -> None:
    assert people.client("sari").post("/preferences/", {"language": "id"}, headers=HTMX)["HX-Refresh"] == "true"


def test_one_change_leaves_the_others_as_they_are(people: World) -> None:
    client = people.client("sari")
    for change in ({"theme": "dark"}, {"density": "compact"}, {"keys": "off"}, {"language": "id"}):
        client.post("/preferences/", change)
    row = Preference.objects.get(user=people.users["sari"])
    assert (row.theme, row.density, row.keys, row.language) == ("dark", "compact", False, "id")
    page = client.get("/rights/").content.decode()
    assert 'data-theme="dark" data-density="compact" data-keys="off"' in page


@pytest.mark.parametrize("change", [{"theme": "pink"}, {"language": "xx"}, {"density": "<b>"}, {"keys": "1"}])
def test_values_that_do_not_exist_are_refused(people: World, change: dict[str, str]) -> None:
    assert people.client("sari").post("/preferences/", change).status_code == 400
    assert Preference.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("cookie", ["theme", "density", "django_language"])
def test_strange_cookies_change_nothing(client: Client, cookie: str) -> None:
    client.cookies[cookie] = "'><script>"
    page = client.get("/sign-in/").content.decode()
    assert 'lang="en" data-theme="system" data-density="comfortable"' in page
