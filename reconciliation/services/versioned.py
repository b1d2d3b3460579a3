"""Saving what finance keeps in versions: who looked at an older version is refused, and every change has a reason."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from django.db import models, transaction
from django.utils.translation import gettext as _

from orders.errors import NotAllowed
from reconciliation.models import BookEvent

Kept = TypeVar("Kept", bound=models.Model)


def keep_version(
    found: Kept,
    fields: Sequence[str],
    *,
    subject: str,
    before: Mapping[str, Any],
    expected: int,
    actor: str,
    reason: str,
) -> Kept:
    """Write `fields` of a new row (`before` empty), or of one whose version is still `expected`, and why, as a
    `BookEvent`. Raises NotAllowed without a reason, or where somebody was first."""
    if not reason.strip():
        raise NotAllowed(_("Say why."))
    after = {name: getattr(found, name) for name in before or fields if name != "next_at"}
    with transaction.atomic():
        _write(found, fields, expected)
        BookEvent.objects.create(
            subject=f"{subject}:{found.pk}",
            verb="change" if before else "make",
            actor=actor,
            reason=reason.strip()[:400],
            detail={"before": dict(before), "after": after},
        )
    return found


def _write(found: models.Model, fields: Sequence[str], expected: int) -> None:
    if not found.pk:
        found.save()
        return
    found.version = expected + 1  # type: ignore[attr-defined]
    changes = {name: getattr(found, name) for name in (*fields, "version")}
    if type(found)._base_manager.filter(pk=found.pk, version=expected).update(**changes) != 1:
        raise NotAllowed(_("Somebody has changed it meanwhile."))
