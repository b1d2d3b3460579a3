"""The world of the console's tests: one person per role, two in finance, and one without any role."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from django.utils.crypto import get_random_string

from opsconsole.console.demo_users import DEMO_USERS

BACKEND = "opsconsole.console.role_backend.RoleBackend"
OUTSIDER = "tono"
PASSWORD = "a long enough password"


@dataclass(frozen=True)
class World:
    """People by username: sari (on-call), dewi (CS), budi and ratna (finance), agus (auditor), admin, tono (nobody)."""

    users: dict[str, User]

    def client(self, username: str, **headers: Any) -> Client:
        """A signed-in test client; its session was not made by the sign-in page.

        In one statement: `force_login` takes ten, and a table of rights signs in thousands of times.
        """
        user, client, session = self.users[username], Client(**headers), SessionStore()
        session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), BACKEND
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        row = session.create_model_instance(dict(session.items()))
        row.session_key = get_random_string(32)
        row.save(force_insert=True)
        client.cookies[settings.SESSION_COOKIE_NAME] = row.session_key
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
