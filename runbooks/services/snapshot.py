"""Reading for a plan: one read-only snapshot in which nothing can be written, whatever a preview does."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.db import connection, transaction
from django.utils import timezone

from orders.models import OperatorAction, ResourceLock
from orders.services.locks import key_of
from runbooks.models import Deed, Plan
from runbooks.registry import Action, Preview
from runbooks.registry.action import Input
from runbooks.subjects import SUBJECTS, Known, resource_of

BATCH = 2000
Status = OperatorAction.Status
IN_HAND = (Status.AWAITING_APPROVAL, Status.QUEUED, Status.RUNNING)


@dataclass(frozen=True, slots=True)
class Seen:
    """One subject as the snapshot had it, and what would be done to it."""

    facts: Known
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
    keys: Sequence[str], action: Action, given: Mapping[str, Input], common: Input, *, parent: Plan | None
) -> Iterator[Seen]:
    """What would become of each subject, in the order given. `given` are inputs of single ones."""
    rest, ancestors = iter(dict.fromkeys(keys)), _ancestors(parent)
    while batch := list(islice(rest, BATCH)):
        facts = SUBJECTS[action.subject].gather(batch)
        guards = _guards(facts, action, ancestors)
        for key in batch:
            if key in facts:
                found = facts[key]
                blocked = guards.get(key)
                preview = action.preview(found, given.get(key, common))
                yield Seen(found, preview if preview.why or blocked is None else blocked)


def _guards(facts: Mapping[str, Known], action: Action, ancestors: Sequence[str]) -> Mapping[str, Preview]:
    """Subjects that somebody works on, or on which the same was done just now. Two queries."""
    found = {key: Preview(why="in_run", why_values=by) for key, by in _locked(facts, action, ancestors).items()}
    since = timezone.now() - action.cool_down
    done = _by_order(facts, action) if action.verb else _by_resource(facts, action)
    for key, each in done:
        if each.status in IN_HAND:
            found[key] = Preview(why="in_hand", why_values={"actor": each.actor})
        elif _is_fresh(each, since) and each.plan not in ancestors:
            found[key] = _cooling(each)
    return found


def _by_order(facts: Mapping[str, Known], action: Action) -> Iterator[tuple[str, OperatorAction]]:
    """Actions of this name on the orders, the oldest first."""
    keys: dict[int, list[str]] = defaultdict(list)
    for key, known in facts.items():
        if known.order_id is not None:
            keys[known.order_id].append(key)
    for each in OperatorAction.objects.filter(order_id__in=keys, name=action.verb).order_by("pk"):
        yield from ((key, each) for key in keys[each.order_id] if _is_about(each, action, key))


def _is_about(done: OperatorAction, action: Action, key: str) -> bool:
    """An order has several sagas, say: then the action says which one it was about."""
    return action.subject == "order" or str(done.params.get(f"{action.subject}_id", key)) == key


def _by_resource(facts: Mapping[str, Known], action: Action) -> Iterator[tuple[str, Deed]]:
    keys = {resource_of(action.subject, key): key for key in facts}
    for each in Deed.objects.filter(resource__in=keys, action__startswith=f"{action.name}@").order_by("pk"):
        yield keys[each.resource], each


def _is_fresh(action: OperatorAction | Deed, since: datetime) -> bool:
    """It was done, well or not, and not long ago. What was refused did nothing."""
    return action.status != Status.REFUSED and (action.finished_at or action.created_at) > since


def _cooling(action: OperatorAction | Deed) -> Preview:
    age = timezone.now() - (action.finished_at or action.created_at)
    values: dict[str, object] = {"minutes": int(age.total_seconds() // 60)}
    if action.plan:
        return Preview(why="cool_down", why_values={**values, "plan": action.plan})
    return Preview(why="cool_down_by_hand", why_values={**values, "actor": action.actor})


def _locked(facts: Mapping[str, Known], action: Action, ancestors: Sequence[str]) -> Mapping[str, dict[str, str]]:
    wanted = {key: _lock_key(action, known) for key, known in facts.items()}
    locks = ResourceLock.objects.filter(key__in=set(wanted.values())).exclude(holder__in=ancestors)
    held = {lock.key: {"plan": lock.holder, "actor": lock.taken_by} for lock in locks}
    return {key: held[lock_key] for key, lock_key in wanted.items() if lock_key in held}


def _lock_key(action: Action, known: Known) -> str:
    """The order, wherever there is one: two runs never have one order, whatever they call it."""
    return key_of(known.order_id) if known.order_id is not None else resource_of(action.subject, known.key)


def _ancestors(plan: Plan | None) -> list[str]:
    """The plans that this one repeats or reverses: they do not cool it down."""
    codes = []
    while plan is not None:
        codes.append(plan.code)
        plan = plan.parent
    return codes
