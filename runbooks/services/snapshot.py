"""Reading for a plan: one read-only snapshot in which nothing can be written, whatever a preview does."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.db import connection, transaction
from django.utils import timezone

from orders.models import OperatorAction, ResourceLock
from orders.services.locks import key_of
from runbooks.facts import Facts, gather
from runbooks.models import Plan
from runbooks.registry import Action, Preview
from runbooks.registry.action import Input

BATCH = 2000
Status = OperatorAction.Status
IN_HAND = (Status.AWAITING_APPROVAL, Status.QUEUED, Status.RUNNING)


@dataclass(frozen=True, slots=True)
class Seen:
    """One order as the snapshot had it, and what would be done to it."""

    facts: Facts
    preview: Preview


@contextmanager
def read_only() -> Iterator[None]:
    """One snapshot; a statement that writes fails. Inside another transaction only the latter holds."""
    nested = connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        level = "" if nested else "ISOLATION LEVEL REPEATABLE READ, "
        cursor.execute(f"SET TRANSACTION {level}READ ONLY")
        yield


def look(
    order_ids: Sequence[int], action: Action, given: Mapping[int, Input], common: Input, *, parent: Plan | None
) -> Iterator[Seen]:
    """What would become of each order, in the order given. `given` are inputs of single orders."""
    ids, ancestors = iter(dict.fromkeys(order_ids)), _ancestors(parent)
    while batch := list(islice(ids, BATCH)):
        facts, guards = gather(batch), _guards(batch, action, ancestors)
        for order_id in batch:
            if order_id in facts:
                found = facts[order_id]
                blocked = guards.get(order_id)
                preview = action.preview(found, given.get(order_id, common))
                yield Seen(found, preview if preview.why or blocked is None else blocked)


def _guards(batch: Sequence[int], action: Action, ancestors: Sequence[str]) -> Mapping[int, Preview]:
    """Orders that somebody works on, or on which the same was done just now. Two queries."""
    found = {order_id: Preview(why="in_run", why_values=by) for order_id, by in _locked(batch, ancestors).items()}
    since = timezone.now() - action.cool_down
    for each in OperatorAction.objects.filter(order_id__in=batch, name=action.verb).order_by("pk"):
        if each.status in IN_HAND:
            found[each.order_id] = Preview(why="in_hand", why_values={"actor": each.actor})
        elif _is_fresh(each, since) and each.plan not in ancestors:
            found[each.order_id] = _cooling(each)
    return found


def _is_fresh(action: OperatorAction, since: datetime) -> bool:
    """It was done, well or not, and not long ago. What was refused did nothing."""
    return action.status != Status.REFUSED and (action.finished_at or action.created_at) > since


def _cooling(action: OperatorAction) -> Preview:
    age = timezone.now() - (action.finished_at or action.created_at)
    values: dict[str, object] = {"minutes": int(age.total_seconds() // 60)}
    if action.plan:
        return Preview(why="cool_down", why_values={**values, "plan": action.plan})
    return Preview(why="cool_down_by_hand", why_values={**values, "actor": action.actor})


def _locked(batch: Sequence[int], ancestors: Sequence[str]) -> Mapping[int, dict[str, str]]:
    keys = {key_of(order_id): order_id for order_id in batch}
    locks = ResourceLock.objects.filter(key__in=keys).exclude(holder__in=ancestors)
    return {keys[lock.key]: {"plan": lock.holder, "actor": lock.taken_by} for lock in locks}


def _ancestors(plan: Plan | None) -> list[str]:
    """The plans that this one repeats or reverses: they do not cool it down."""
    codes = []
    while plan is not None:
        codes.append(plan.code)
        plan = plan.parent
    return codes
