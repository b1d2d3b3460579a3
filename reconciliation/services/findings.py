"""What people do about breaks and cases short of repairing them: take them up, hand them over, note what is known.

Nothing here changes money or a state; each act is a row of the history with its actor.
"""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from orders.errors import NotAllowed, StaleState
from reconciliation.models import BookEvent, Break, BreakEvent, Case
from reconciliation.states import BreakState, BreakVerb

MOST: Final = 10_000  # breaks in one act
LONGEST: Final = 400
ANYBODY: Final = -1  # whoever has it now: an act on many does not say what it saw


def assign(ids: Sequence[int], owner: User | None, *, actor: str, reason: str = "", expected: int = ANYBODY) -> int:
    """Give open breaks to a person, or to nobody. How many; those that closed meanwhile, or are theirs, are left out.

    `expected` is the id of the owner that the actor saw, 0 for nobody. Raises StaleState where it is another by now.
    """
    with transaction.atomic():
        found = _open(ids)
        if expected != ANYBODY and any((each.owner_id or 0) != expected for each in found):
            raise StaleState(subject=_("The break"), expected=_name(expected), found=_name(found[0].owner_id or 0))
        changing = [each for each in found if each.owner_id != (owner.pk if owner else None)]
        BreakEvent.objects.bulk_create(
            _event(each, BreakVerb.ASSIGN, actor, reason, _change(each.owner_id, owner)) for each in changing
        )
        Break.objects.filter(pk__in=[each.pk for each in changing]).update(owner=owner)
    return len(changing)


def note(ids: Sequence[int], *, actor: str, text: str) -> int:
    """Write the same note on breaks, open or closed. How many. Raises NotAllowed without a text."""
    said = _said(text)
    with transaction.atomic():
        found = list(Break.objects.filter(pk__in=ids[:MOST]).only("pk").order_by("pk"))
        BreakEvent.objects.bulk_create(_event(each, BreakVerb.NOTE, actor, said, {}) for each in found)
    return len(found)


def assign_case(case_id: int, owner: User | None, *, expected: int, actor: str, reason: str = "") -> Case:
    """Give a case to a person, or to nobody. Its breaks keep their own owners. Raises StaleState."""
    with transaction.atomic():
        case = Case.objects.select_for_update(of=("self",), no_key=True).select_related("owner").get(pk=case_id)
        if (case.owner_id or 0) != expected:
            raise StaleState(subject=_("The case"), expected=_name(expected), found=_name(case.owner_id or 0))
        _write(case, "assign", actor, reason, _change(case.owner_id, owner))
        case.owner = owner
        case.save(update_fields=["owner"])
    return case


def note_case(case_id: int, *, actor: str, text: str) -> None:
    """Write a note on a case. Raises NotAllowed without a text."""
    _write(Case.objects.get(pk=case_id), "note", actor, _said(text), {})


def _open(ids: Sequence[int]) -> list[Break]:
    """Locked in the order of their ids, so that two acts at once wait and never embrace."""
    found = Break.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=ids[:MOST], state=BreakState.OPEN)
    return list(found.only("pk", "owner_id").order_by("pk"))


def _event(found: Break, verb: BreakVerb, actor: str, reason: str, detail: dict[str, Any]) -> BreakEvent:
    return BreakEvent(of=found, verb=verb, actor=actor, reason=reason.strip()[:LONGEST], detail=detail)


def _write(case: Case, verb: str, actor: str, reason: str, detail: dict[str, Any]) -> None:
    BookEvent.objects.create(
        subject=f"case:{case.pk}", verb=verb, actor=actor, reason=reason.strip()[:LONGEST], detail=detail
    )


def _change(before: int | None, after: User | None) -> dict[str, Any]:
    return {"owner": [_name(before or 0) if before else "", after.get_username() if after else ""]}


def _name(user_id: int) -> str:
    found = User.objects.filter(pk=user_id).first() if user_id else None
    return found.get_username() if found else _("nobody")


def _said(text: str) -> str:
    if not text.strip():
        raise NotAllowed(_("A note needs a text."))
    return text.strip()[:LONGEST]
