"""One template, two answers; and a poll that finds nothing new changes nothing."""

import re

from django.test import Client

from tests.console.people import World

HTMX = {"HX-Request": "true"}


def _fragment(client: Client, path: str, **headers: str) -> tuple[int, str, str]:
    answer = client.get(path, headers={**HTMX, **headers})
    return answer.status_code, answer.get("ETag", ""), answer.content.decode()


def test_page_for_people_and_fragment_for_htmx_at_one_address(people: World) -> None:
    client = people.client("sari")
    page, (status, _etag, part) = client.get("/").content.decode(), _fragment(client, "/")
    assert page.startswith("<!doctype html>")
    assert status == 200
    assert part.startswith('<div id="overview"')
    assert re.sub(r"\s+", " ", part.strip()[:60]) in re.sub(r"\s+", " ", page)


def test_going_back_in_history_gets_the_whole_page(people: World) -> None:
    _status, _etag, content = _fragment(people.client("sari"), "/", **{"HX-History-Restore-Request": "true"})
    assert content.startswith("<!doctype html>")


def test_reader_who_has_it_already_gets_204_with_the_time_of_the_data(people: World) -> None:
    client = people.client("sari")
    _status, etag, _content = _fragment(client, "/_alerts/")
    answer = client.get("/_alerts/", headers={**HTMX, "If-None-Match": etag})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["X-Data-At"].isdigit()
    assert client.get("/_alerts/", headers={**HTMX, "If-None-Match": '"other"'}).status_code == 200


def test_token_of_a_form_is_no_news(people: World) -> None:
    client = people.client("admin")
    tokens = {_fragment(client, "/_alerts/")[1] for _each in range(3)}
    assert len(tokens) == 1


def test_nothing_a_signed_in_person_sees_is_kept_by_a_cache(people: World) -> None:
    client = people.client("sari")
    assert client.get("/")["Cache-Control"] == "no-store"
    assert client.get("/", headers=HTMX)["Cache-Control"] == "no-store"
    assert "HX-Request" in client.get("/")["Vary"]
