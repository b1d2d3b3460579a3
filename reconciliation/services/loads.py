"""What people decide about a load that is held: take it in as it is, read it by another layout, throw it away."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from orders.errors import NotAllowed, StaleState
from reconciliation.holds import may_release
from reconciliation.models import Load, LoadEvent
from reconciliation.reading import Problem
from reconciliation.services.layouts import find
from reconciliation.states import LoadState, LoadVerb


def release(load_id: int, *, actor: str, reason: str) -> Load:
    """Have a held load taken in whatever speaks against it. Raises NotAllowed or StaleState."""
    with transaction.atomic():
        load = _held(load_id, reason)
        if not may_release(Problem(**each) for each in load.problems):
            raise NotAllowed(_("There is nothing in it that could be taken in. Read it by another layout."))
        return _wait(load, LoadVerb.RELEASE, actor=actor, reason=reason, is_released=True)


def reread(load_id: int, *, layout: str, actor: str, reason: str) -> Load:
    """Read a held file once more by another layout or version. Raises NotAllowed, StaleState or LayoutRefused."""
    with transaction.atomic():
        load = _held(load_id, reason)
        exact, mapping = find(layout)
        load.layout, load.mapping = exact, mapping.as_data()
        return _wait(load, LoadVerb.REREAD, actor=actor, reason=reason, detail={"layout": exact})


def drop(load_id: int, *, actor: str, reason: str) -> Load:
    """Throw a held load away: its file stays, nothing of it comes into a book. Raises NotAllowed or StaleState."""
    with transaction.atomic():
        load = _held(load_id, reason)
        load.state = LoadState.DROPPED
        load.save()
        LoadEvent.objects.create(load=load, verb=LoadVerb.DROP, actor=actor, reason=reason)
        return load


def _held(load_id: int, reason: str) -> Load:
    if not reason.strip():
        raise NotAllowed(_("Say why."))
    load = Load.objects.select_for_update(of=("self",), no_key=True).select_related("feed").get(pk=load_id)
    if load.state != LoadState.HELD:
        found = str(LoadState(load.state).label)
        raise StaleState(subject=load.name, expected=str(LoadState.HELD.label), found=found)
    return load


def _wait(
    load: Load,
    verb: LoadVerb,
    *,
    actor: str,
    reason: str,
    is_released: bool = False,
    detail: Mapping[str, Any] | None = None,
) -> Load:
    load.state, load.is_released, load.reason, load.ended_at = LoadState.READING, is_released, "", None
    load.read, load.read_at = 0, None
    load.save()
    LoadEvent.objects.create(load=load, verb=verb, actor=actor, reason=reason[:400], detail=dict(detail or {}))
    return load
