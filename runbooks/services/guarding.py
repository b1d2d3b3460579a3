"""Whether somebody works on subjects, or has just done the same to them: asked when a plan is made and when a row goes.

What is done to orders is judged by `orders.services.others`, which single actions go by too; deeds on
everything else by the same words here.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone

from orders.models import ResourceLock
from orders.services.actions import Act, in_the_way
from orders.services.locks import key_of
from orders.services.others import InTheWay, cooling, fresh_since, in_run
from runbooks.models import Deed
from runbooks.registry import Action, Preview
from runbooks.subjects import Known, resource_of

IN_HAND = (Deed.Status.QUEUED, Deed.Status.RUNNING)


@dataclass(frozen=True, slots=True)
class Seen:
    """One subject as it was read, and what would be done to it."""

    facts: Known
    preview: Preview


def blocked(
    seen: Mapping[str, Seen], action: Action, repeats: Collection[str] = (), *, holder: str = ""
) -> Mapping[str, Preview]:
    """By key: why it may not be done now. `repeats` are codes of plans that are repeated or undone on purpose,
    `holder` is the plan that asks. Two queries, three for parts of orders."""
    found = _deeds(seen, action, repeats, holder) if not action.verb else _of_orders(seen, action, repeats, holder)
    return {key: Preview(why=each.why, why_values=each.values) for key, each in found.items()}


def _of_orders(
    seen: Mapping[str, Seen], action: Action, repeats: Collection[str], holder: str
) -> Mapping[str, InTheWay]:
    act = Act(action.verb, action.cool_down, tuple(repeats))
    wanted = {
        key: (each.facts.order_id, each.preview.params) for key, each in seen.items() if each.facts.order_id is not None
    }
    return in_the_way(wanted, act, holder=holder)


def _deeds(seen: Mapping[str, Seen], action: Action, repeats: Collection[str], holder: str) -> Mapping[str, InTheWay]:
    found = dict(_locked(seen, action, (holder, *repeats)))
    keys = {resource_of(action.subject, key): key for key in seen}
    recent = Q(status__in=IN_HAND) | fresh_since(timezone.now() - action.cool_down)
    same = Deed.objects.filter(recent, resource__in=keys, action__startswith=f"{action.name}@").order_by("pk")
    for each in same.exclude(plan=holder):
        if each.status in IN_HAND:
            found[keys[each.resource]] = InTheWay("in_hand", {"actor": each.actor})
        elif each.plan not in repeats:
            found[keys[each.resource]] = cooling(each)
    return found


def _locked(seen: Mapping[str, Seen], action: Action, own: Collection[str]) -> Iterator[tuple[str, InTheWay]]:
    wanted = {key: _lock_key(action, each.facts) for key, each in seen.items()}
    locks = ResourceLock.objects.filter(key__in=set(wanted.values())).exclude(holder__in=own)
    held = {lock.key: in_run(lock) for lock in locks}
    return iter([(key, held[lock_key]) for key, lock_key in wanted.items() if lock_key in held])


def _lock_key(action: Action, known: Known) -> str:
    """The order, wherever there is one: two runs never have one order, whatever they call it."""
    return key_of(known.order_id) if known.order_id is not None else resource_of(action.subject, known.key)
