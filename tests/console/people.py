"""The world of the console's tests: one person per role, two in finance, and one without any role."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.test import Client

from opsconsole.console.demo_users import DEMO_USERS
from opsconsole.console.roles import write_roles

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
    """Roles first: a test with real transactions before this one may have emptied every table."""
    write_roles(group=Group, permission=Permission, content_type=ContentType)
    users = {person.username: _make(person.username, person.first_name, person.last_name) for person in DEMO_USERS}
    for person in DEMO_USERS:
        users[person.username].groups.set([Group.objects.get(name=person.role.value)])
    return World({**users, OUTSIDER: _make(OUTSIDER, "Tono", "Hartono")})


def _make(username: str, first_name: str, last_name: str) -> User:
    user, _is_new = User.objects.get_or_create(
        username=username, defaults={"first_name": first_name, "last_name": last_name}
    )
    user.set_password(PASSWORD)
    user.save()
    return user
