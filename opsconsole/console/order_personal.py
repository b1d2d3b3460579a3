"""A customer's personal data on an order's page: masked, and in clear only for who may and says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from opsconsole.console.access import refuse
from opsconsole.console.personal import masked
from opsconsole.console.roles import RIGHT_BY_CODENAME
from opsconsole.console.staff import actor_name
from orders.models import Order
from orders.queries.sentences import FIELDS as LABELS
from orders.services import desk

RIGHT: Final = RIGHT_BY_CODENAME["reveal_personal_data"]
FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {"name": "customer_name", "phone": "customer_phone", "email": "customer_email"}
)


@dataclass(frozen=True, slots=True)
class PersonalField:
    """`text` is what may be shown; `is_hidden` when there is more to it and the reader may see that."""

    name: str
    label: str
    text: str
    is_hidden: bool


def shown(order: Order, user: Any, *, revealed: str = "") -> dict[str, PersonalField]:
    """Each field as this person sees it. Who talks to customers reads names in clear."""
    may_reveal = user.has_perm(RIGHT.permission)
    found = {}
    for name, column in FIELDS.items():
        text = str(getattr(order, column))
        in_clear = name == revealed or (name == "name" and may_reveal)
        found[name] = PersonalField(
            name=name,
            label=str(LABELS[name]),
            text=text if in_clear else masked(text, kind=name),
            is_hidden=bool(text) and may_reveal and not in_clear,
        )
    return found


def remember_look(order: Order, field: str, user: Any) -> None:
    """A row of the order's history: who looked at what."""
    desk.reveal(order, field, actor=actor_name(user))


def refuse_reveal(request: HttpRequest) -> HttpResponse | None:
    """The answer for who may not see personal data, None for who may."""
    return None if request.user.has_perm(RIGHT.permission) else refuse(request, RIGHT)
