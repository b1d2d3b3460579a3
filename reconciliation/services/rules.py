"""The rules of matching: the version in force, and saving the next one."""

from collections.abc import Mapping
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from orders.errors import NotAllowed
from reconciliation.agreements import stamped, unapproved
from reconciliation.models import Rules

FIELDS: Final = (
    *("tolerance", "tolerance_percent", "tolerance_by_currency", "open_order_hours", "patience_days"),
    *("tariffs", "known"),
)


def rules_in_force() -> Rules:
    """The newest version; the first is made when it is first needed."""
    return Rules.objects.order_by("-number").first() or Rules.objects.get_or_create(number=1)[0]


def takes_two(trial: Mapping[str, Any], now: Rules | None) -> bool:
    """Whether these rules let a difference pass that nobody has approved yet: who tried them may not save them."""
    return bool(now and unapproved(trial.get("known", now.known), now.known))


def save_rules(given: Mapping[str, Any], *, expected: int, actor: str, reason: str, asked_by: str = "") -> Rules:
    """The next version. Raises NotAllowed without a reason, without a change, or where `expected` is not the newest.

    A known difference lets money pass for good, so who saves it is not `asked_by`, who stated it and tried it.
    """
    now = rules_in_force()
    if not reason.strip():
        raise NotAllowed(_("Say why."))
    if now.number != expected:
        raise NotAllowed(_("Somebody has saved another version meanwhile."))
    fields = _next_fields(now, given, actor=actor, asked_by=asked_by)
    try:
        with transaction.atomic():
            return Rules.objects.create(number=now.number + 1, actor=actor, note=reason.strip()[:400], **fields)
    except IntegrityError as race:
        raise NotAllowed(_("Somebody has saved another version meanwhile.")) from race


def _next_fields(now: Rules, given: Mapping[str, Any], *, actor: str, asked_by: str) -> dict[str, Any]:
    fields = {name: given.get(name, getattr(now, name)) for name in FIELDS}
    if takes_two(fields, now) and asked_by in {"", actor}:
        raise NotAllowed(_("A known difference takes two people: somebody else has to save what you tried."))
    fields["known"] = stamped(fields["known"], now.known, asked_by=asked_by, approved_by=actor)
    if all(getattr(now, name) == value for name, value in fields.items()):
        raise NotAllowed(_("These are the rules in force."))
    return fields
