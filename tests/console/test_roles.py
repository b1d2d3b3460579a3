"""The one table of rights, and the database that must say the same."""

import re

import pytest
from django.contrib.auth.models import Group, Permission

from opsconsole.console.roles import APP, RIGHTS, Right, Role, roles_of, roles_with
from opsconsole.paths import PROJECT
from tests.console.people import OUTSIDER, World

MOVES_MONEY = {
    "recheck_payment",
    "make_link",
    "retry_booking",
    "repost_ho",
    "cancel_order",
    "refund_order",
    "approve_refund",
    "propose_repair",
    "approve_repair",
    "run_runbook",
}


@pytest.mark.django_db
def test_migrated_database_says_what_the_table_says() -> None:
    in_database = {
        (group.name, permission.codename)
        for group in Group.objects.filter(name__in=list(Role))
        for permission in group.permissions.all()
    }
    assert in_database == {(role.value, right.codename) for right in RIGHTS for role in right.roles}
    named = Permission.objects.filter(content_type__app_label=APP, content_type__model="access")
    assert set(named.values_list("codename", flat=True)) == {right.codename for right in RIGHTS}


@pytest.mark.parametrize("right", RIGHTS, ids=lambda right: right.codename)
def test_person_holds_exactly_the_rights_of_the_role(people: World, right: Right) -> None:
    holders = {name for name, user in people.users.items() if user.has_perm(right.permission)}
    role_by_name = {
        "sari": Role.ONCALL,
        "dewi": Role.CS,
        "budi": Role.FINANCE,
        "ratna": Role.FINANCE,
        "agus": Role.AUDITOR,
        "admin": Role.ADMIN,
    }
    assert holders == {name for name, role in role_by_name.items() if role in right.roles}
    assert OUTSIDER not in holders


def test_auditor_sees_everything_and_changes_nothing() -> None:
    auditor = {right.codename for right in RIGHTS if Role.AUDITOR in right.roles}
    assert auditor == {right.codename for right in RIGHTS if right.codename.startswith("view_")} - {"view_parts"} | {
        "export_orders"
    }


def test_who_hands_out_tokens_moves_no_money() -> None:
    admin = {right.codename for right in RIGHTS if Role.ADMIN in right.roles}
    assert "manage_tokens" in admin
    assert not admin & MOVES_MONEY


def test_every_right_has_somebody() -> None:
    assert [right.codename for right in RIGHTS if not right.roles] == []


def test_roles_with_an_unknown_right_is_an_error() -> None:
    with pytest.raises(KeyError):
        roles_with("do_anything")


def test_groups_that_are_no_roles_give_nothing(people: World) -> None:
    people.users[OUTSIDER].groups.add(Group.objects.create(name="drivers"))
    assert roles_of(people.users[OUTSIDER]) == []
    assert roles_of(people.users["sari"]) == [Role.ONCALL]


def test_every_right_is_asked_for_somewhere() -> None:
    pages = list(PROJECT.glob("templates/**/*.html"))
    code = [path for app in ("opsconsole", "runbooks") for path in PROJECT.glob(f"{app}/**/*.py")]
    asking = "".join(path.read_text() for path in [*pages, *code] if path.name != "roles.py")
    assert [right.codename for right in RIGHTS if not re.search(rf"\b{right.codename}\b", asking)] == []
