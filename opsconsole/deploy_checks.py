"""What `manage.py check --deploy` says of our own settings (ADR 0120)."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core import checks

from opsconsole import upstreams


def register() -> None:
    checks.register(published_secrets, checks.Tags.security, deploy=True)


def published_secrets(**_given: Any) -> list[checks.CheckMessage]:
    """A deployment is reached by others, whatever address it has while it is being checked."""
    return list(_each_secret()) if not settings.DEMO else [_demo()]


def _each_secret() -> Iterator[checks.CheckMessage]:
    for source, name in upstreams.published_secrets().items():
        yield checks.Error(
            f"Messages of {source} are proved by a secret that everybody can read.",
            hint=f"Set {name}. Until then /callbacks/ answers them with 503.",
            id="opsconsole.E001",
        )


def _demo() -> checks.CheckMessage:
    return checks.Error(
        "OPSCONSOLE_DEMO is on: the people of the demo have a password that everybody knows.",
        hint="Leave it off wherever money is real.",
        id="opsconsole.E002",
    )
