"""The two clocks of a session: half an hour without a person, eight hours in any case."""

from datetime import UTC, datetime, timedelta

import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from tests.console.people import PASSWORD, World

NOON = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
POLL = {"HX-Request": "true", "X-Poll": "1"}


def _signed_in() -> Client:
    client = Client()
    client.post("/sign-in/", {"username": "sari", "password": PASSWORD})
    return client


def test_session_ends_after_half_an_hour_without_a_person(people: World) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        client = _signed_in()
        clock.shift(timedelta(minutes=29))
        assert client.get("/rights/").status_code == 200
        clock.shift(timedelta(minutes=31))
        answer = client.get("/rights/?a=b")
        assert answer.status_code == 302
        assert answer["Location"] == "/sign-in/?ended=1&next=%2Frights%2F%3Fa%3Db"
        assert "Your session has ended" in client.get(answer["Location"]).content.decode()
        assert client.get("/rights/").status_code == 302


def test_refresh_of_the_page_is_no_person(people: World) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        client = _signed_in()
        for _each in range(6):
            clock.shift(timedelta(minutes=5))
            assert client.get(reverse("alerts"), headers=POLL).status_code in {200, 204}
        clock.shift(timedelta(minutes=1))
        here = {"HX-Current-URL": "http://testserver/rights/?a=b"}
        answer = client.get(reverse("alerts"), headers={**POLL, **here})
        assert answer["HX-Redirect"] == "/sign-in/?ended=1&next=%2Frights%2F%3Fa%3Db"
        assert "_auth_user_id" not in client.session


def test_session_ends_after_eight_hours_of_work(people: World) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        client = _signed_in()
        for _each in range(24):
            clock.shift(timedelta(minutes=20))
            assert client.get("/rights/").status_code == 200
        clock.shift(timedelta(seconds=1))
        assert client.get("/rights/").status_code == 302


def test_session_of_another_way_in_gets_its_clocks_at_first_sight(people: World) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        client = people.client("sari")
        assert client.get("/rights/").status_code == 200
        clock.shift(timedelta(minutes=31))
        assert client.get("/rights/").status_code == 302


def test_page_view_within_a_minute_reads_session_user_rights_and_alerts_and_writes_nothing(
    people: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = people.client("sari")
    client.get("/rights/")
    with django_assert_num_queries(7):
        client.get("/rights/")
