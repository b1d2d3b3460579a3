"""People of the console: who signs in, and with which roles. Nobody is deleted: histories name them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from opsconsole.console.roles import Role
from orders.errors import NotAllowed
from orders.transitions import record

_USERNAME: Final = re.compile(r"[a-z][a-z0-9._-]{0,39}")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be true of a person; None leaves it as it is."""

    full_name: str | None = None
    roles: Sequence[Role] | None = None
    password: str | None = None
    is_active: bool | None = None


def put(username: str, wanted: Wanted, *, actor: str, reason: str) -> User:
    """Make or change a person; what they could do before ends with the next request.

    Raises NotAllowed for a name that no history could tell, a password that is too easy, or no reason.
    """
    if not _USERNAME.fullmatch(username):
        raise NotAllowed(_("A user name is of small letters, digits, dots and dashes, and begins with a letter."))
    if not reason.strip():
        raise NotAllowed(_("Say why."))
    with transaction.atomic():
        user, _made = User.objects.select_for_update(no_key=True).get_or_create(username=username)
        _change(user, wanted)
        _remember(user, actor=actor, reason=reason)
    return user


def _change(user: User, wanted: Wanted) -> None:
    if wanted.full_name is not None:
        user.first_name, _space, user.last_name = wanted.full_name.strip().partition(" ")
    if wanted.is_active is not None:
        user.is_active = wanted.is_active
    if wanted.password is not None:
        _set_password(user, wanted.password)
    user.save()
    if wanted.roles is not None:
        user.groups.set(Group.objects.filter(name__in=wanted.roles))


def _set_password(user: User, password: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as problem:
        raise NotAllowed(" ".join(problem.messages)) from problem
    user.set_password(password)


def _remember(user: User, *, actor: str, reason: str) -> None:
    roles = sorted(user.groups.values_list("name", flat=True))
    detail = {"kind": "set_person", "person": user.username, "roles": roles, "active": user.is_active}
    record(None, "set_person", actor=actor, reason=reason, detail=detail)
