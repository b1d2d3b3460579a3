"""Stuck limits on screen: defaults, what was changed by whom, and who may change it."""

import json
from datetime import timedelta

import pytest
from django.http import HttpResponse

from orders.models import StuckLimit
from orders.queries.stuck import limits_in_force
from tests.console.people import OUTSIDER, World

HTMX = {"HX-Request": "true"}
PATH = "/settings/limits/order/paid/"
SET = {"service": "taxi", "number": "3", "unit": "m", "decision": "set"}


def _toast(answer: HttpResponse) -> str:
    return str(json.loads(answer["HX-Trigger"])["toast"]["text"])


def test_a_change_is_in_force_and_says_who_made_it(people: World) -> None:
    client = people.client("sari")
    assert _toast(client.post(PATH, SET, headers=HTMX)) == "The limit is in force."
    assert limits_in_force().limit("order", "paid", "taxi") == timedelta(minutes=3)
    page = client.get("/settings/limits/").content.decode()
    assert "Sari Wulandari" in page
    assert "is-changed" in page


def test_it_can_be_put_back(people: World) -> None:
    client = people.client("admin")
    client.post(PATH, SET, headers=HTMX)
    assert "Back to the default" in client.get(f"{PATH}?service=taxi", headers=HTMX).content.decode()
    answer = client.post(PATH, {"service": "taxi", "number": "3", "unit": "m", "decision": "clear"}, headers=HTMX)
    assert _toast(answer) == "Back to the default."
    assert StuckLimit.objects.count() == 0
    again = client.post(PATH, {"service": "taxi", "decision": "clear"}, headers=HTMX)
    assert _toast(again) == "It is the default already."


def test_the_dialog_speaks_in_the_largest_whole_unit(people: World) -> None:
    html = people.client("sari").get("/settings/limits/order/active/?service=rent", headers=HTMX).content.decode()
    assert 'value="7"' in html
    assert '<option value="d" selected>' in html


@pytest.mark.parametrize(
    "given",
    [{"number": "0"}, {"number": "-5"}, {"number": "x"}, {"unit": "y"}, {"service": "boat"}, {"number": "43201"}],
)
def test_nonsense_changes_nothing(people: World, given: dict[str, str]) -> None:
    assert people.client("sari").post(PATH, {**SET, **given}, headers=HTMX).status_code == 422
    assert StuckLimit.objects.count() == 0


def test_more_than_thirty_days_is_refused_with_a_sentence(people: World) -> None:
    answer = people.client("sari").post(PATH, {**SET, "number": "31", "unit": "d"}, headers=HTMX)
    assert "between a minute and thirty days" in _toast(answer)
    assert StuckLimit.objects.count() == 0


@pytest.mark.parametrize("path", ["/settings/limits/order/completed/", "/settings/limits/kitchen/paid/"])
def test_a_state_without_a_limit_is_not_found(people: World, path: str) -> None:
    assert people.client("sari").get(path).status_code == 404


@pytest.mark.parametrize("who", ["dewi", "budi", "agus", OUTSIDER])
def test_who_may_not_change_may_look(people: World, who: str) -> None:
    client = people.client(who)
    assert client.post(PATH, SET).status_code == 403
    assert StuckLimit.objects.count() == 0
    page = client.get("/settings/limits/")
    assert page.status_code == (403 if who == OUTSIDER else 200)
    assert "Change…" not in page.content.decode()


def test_it_works_without_a_script(people: World) -> None:
    client = people.client("sari")
    assert "<!doctype html>" in client.get(PATH).content.decode()
    assert client.post(PATH, SET, follow=True).redirect_chain == [("/settings/limits/", 302)]
