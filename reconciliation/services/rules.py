"""The rules of matching: the version in force, and saving the next one."""

from collections.abc import Mapping
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from orders.errors import NotAllowed
from reconciliation.models import Rules

FIELDS: Final = ("tolerance", "tolerance_percent", "tolerance_by_currency", "open_order_hours", "patience_days")


def rules_in_force() -> Rules:
    """The newest version; the first is made when it is first needed."""
    return Rules.objects.order_by("-number").first() or Rules.objects.get_or_create(number=1)[0]


def save_rules(given: Mapping[str, Any], *, expected: int, actor: str, reason: str) -> Rules:
    """The next version. Raises NotAllowed without a reason, without a change, or where `expected` is not the newest."""
    now = rules_in_force()
    if not reason.strip():
        raise NotAllowed(_("Say why."))
    if now.number != expected:
        raise NotAllowed(_("Somebody has saved another version meanwhile."))
    if all(getattr(now, name) == given[name] for name in FIELDS):
        raise NotAllowed(_("These are the rules in force."))
    fields = {name: given[name] for name in FIELDS}
    try:
        with transaction.atomic():
            return Rules.objects.create(number=now.number + 1, actor=actor, note=reason.strip()[:400], **fields)
    except IntegrityError as race:
        raise NotAllowed(_("Somebody has saved another version meanwhile.")) from race
