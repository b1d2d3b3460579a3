"""People of the console by their names."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.http import HttpRequest


def names_by_id() -> Mapping[int, str]:
    """Everybody who has an account, left ones too: they may still own an order. One query."""
    users = get_user_model()._base_manager.only("pk", "username", "first_name", "last_name")
    return {user.pk: user.get_full_name() or user.get_username() for user in users}


def person(request: HttpRequest) -> User:
    """Who asks. Behind a rule of `access.py` that is always somebody."""
    user = request.user
    if not isinstance(user, User):
        raise TypeError("a view with a rule has no anonymous reader")
    return user


def actor_of(request: HttpRequest) -> str:
    """Who asks, as histories and plans name people."""
    return actor_name(person(request))


def actor_name(user: Any) -> str:
    return f"user:{user.get_username()}"
