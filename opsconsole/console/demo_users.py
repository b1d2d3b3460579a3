"""People of the demo. They exist only where settings.DEMO says so; their password is public."""

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from opsconsole.console.roles import ROLE_DUTIES, ROLE_LABELS, Role

DEMO_PASSWORD: Final = "demo"  # noqa: S105 printed on the sign-in page of the demo on purpose


@dataclass(frozen=True)
class DemoUser:
    username: str
    first_name: str
    last_name: str
    role: Role

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    @property
    def role_label(self) -> str:
        return str(ROLE_LABELS[self.role])

    @property
    def duty(self) -> str:
        return str(ROLE_DUTIES[self.role])


DEMO_USERS: Final = (
    DemoUser("sari", "Sari", "Wulandari", Role.ONCALL),
    DemoUser("dewi", "Dewi", "Anggraini", Role.CS),
    DemoUser("budi", "Budi", "Santoso", Role.FINANCE),
    DemoUser("ratna", "Ratna", "Kusuma", Role.FINANCE),
    DemoUser("agus", "Agus", "Pratama", Role.AUDITOR),
    DemoUser("admin", "Made", "Wirawan", Role.ADMIN),
)


class NotADemoError(Exception):
    """Asked to make accounts with a public password where the demo is off."""


def ensure_demo_users() -> list[DemoUser]:
    """Makes the accounts that are missing and returns the new ones. NotADemoError where settings.DEMO is off.

    An account that exists keeps its password and roles: somebody may have changed them on purpose.
    """
    if not getattr(settings, "DEMO", False):
        raise NotADemoError
    return [person for person in DEMO_USERS if _ensure(person)]


def _ensure(person: DemoUser) -> bool:
    user, is_new = get_user_model().objects.get_or_create(
        username=person.username,
        defaults={"first_name": person.first_name, "last_name": person.last_name},
    )
    if is_new:
        user.set_password(DEMO_PASSWORD)
        user.save(update_fields=["password"])
        user.groups.add(Group.objects.get(name=person.role.value))
    return is_new
