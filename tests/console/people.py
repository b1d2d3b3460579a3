"""The world of the console's tests: one person per role, two in finance, and one without any role."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.test import Client

from opsconsole.console.demo_users import DEMO_USERS

OUTSIDER = "tono"
PASSWORD = "a long enough password"


@dataclass(frozen=True)
class World:
    """People by username: sari (on-call), dewi (CS), budi and ratna (finance), agus (auditor), admin, tono (nobody)."""

    users: dict[str, User]

    def client(self, username: str, **headers: Any) -> Client:
        """A signed-in test client; its session was not made by the sign-in page."""
        client = Client(**headers)
        client.force_login(self.users[username])
        return client


def make_world() -> World:
    """The roles are those of the migrations, which no test empties (tests/backend). Few statements: every test of the
    console begins with them.
    """
    groups = {group.name: group for group in Group.objects.all()}
    users = {user.username: user for user in User.objects.bulk_create(_everybody())}
    held = [User.groups.through(user=users[person.username], group=groups[person.role.value]) for person in DEMO_USERS]
    User.groups.through.objects.bulk_create(held)
    return World(users)


def _everybody() -> list[User]:
    password = _hashed()
    names = [(person.username, person.first_name, person.last_name) for person in DEMO_USERS]
    return [
        User(username=username, first_name=first, last_name=last, password=password)
        for username, first, last in [*names, (OUTSIDER, "Tono", "Hartono")]
    ]


@cache
def _hashed() -> str:
    """Everybody's password is the same."""
    return make_password(PASSWORD)
