"""`manage.py person`: who signs in, and with which roles."""

import io
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command

from opsconsole.console.roles import Role, roles_of
from orders.models import History
from tests.console.people import PASSWORD, World

pytestmark = pytest.mark.django_db


def person(*arguments: str, stdin: str = "", **options: Any) -> str:
    told = io.StringIO()
    given = {"actor": "made", "reason": "joins the shift", **options}
    call_command("person", *arguments, **given, stdin=io.StringIO(stdin), stdout=told)
    return told.getvalue()


def test_a_new_person_signs_in_with_the_roles_that_were_given() -> None:
    told = person("wati", "--name", "Wati Lestari", "--role", "oncall", stdin=f"{PASSWORD}\n")
    assert told == "wati: Wati Lestari; oncall\n"
    user = authenticate(username="wati", password=PASSWORD)
    assert user is not None
    assert roles_of(user) == [Role.ONCALL]
    row = History.objects.get(verb="set_person")
    assert (row.actor, row.reason) == ("user:made", "joins the shift")
    assert row.detail == {"kind": "set_person", "person": "wati", "roles": ["oncall"], "active": True}


def test_roles_are_given_anew_and_the_rest_stays(people: World) -> None:
    person("sari", "--role", "cs", "--role", "finance")
    assert roles_of(people.users["sari"]) == [Role.CS, Role.FINANCE]
    assert people.users["sari"].check_password(PASSWORD)


def test_who_has_left_is_turned_away_at_once_and_may_come_back(people: World) -> None:
    client = people.client("sari")
    assert client.get("/").status_code == 200
    person("sari", "--left")
    assert client.get("/").status_code == 302
    assert "sari: Sari Wulandari; oncall; left" in person("", username=None)
    person("sari", "--back")
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        (("Wati S",), {}, "user name"),
        (("wati",), {"stdin": "password1234\n"}, "too common"),
        (("wati",), {"stdin": "short\n"}, "too short"),
        (("sari",), {"reason": " "}, "Say why"),
        (("sari",), {"actor": ""}, "Say who you are"),
    ],
    ids=lambda each: str(each)[:30],
)
def test_what_is_refused_changes_nobody(
    people: World, arguments: tuple[str, ...], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        person(*arguments, "--role", "admin", **options)
    assert authenticate(username="wati", password="short") is None
    assert roles_of(people.users["sari"]) == [Role.ONCALL]
    assert not History.objects.filter(verb="set_person").exists()
