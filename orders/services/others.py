"""Whether somebody else is at an order, or has just done the same: the one rule for single actions and rows of plans.

Read in bulk where a plan is made, and once more under the order's lock where each action is asked for.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, TypeVar

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.errors import NotAllowed
from orders.models import OperatorAction, ResourceLock
from orders.services.locks import key_of

Key = TypeVar("Key", bound=Hashable)
Status = OperatorAction.Status
AT_WORK: Final = (Status.QUEUED, Status.RUNNING)
IN_HAND: Final = (Status.AWAITING_APPROVAL, *AT_WORK)
# An order has several of these: acts of one name on different ones are different acts.
PARTS: Final = ("saga", "step", "entry", "channel")
# Each of these may send the same money: one that waits for its second person keeps the others off as well.
SAME_MONEY: Final = frozenset({"refund", "record_transfer"})

WORDS: Final[Mapping[str, Promise]] = {
    "in_hand": _("%(actor)s asked for the same already."),
    "in_other_hand": _("Something that %(actor)s asked for is being done to this order. Wait for its result."),
    "same_money": _("%(actor)s asked for the same money another way. Wait until that is decided."),
    "cool_down": _("The same was done by %(plan)s only %(minutes)s min ago."),
    "cool_down_by_hand": _("%(actor)s did the same by hand only %(minutes)s min ago."),
    "in_run": _("%(plan)s of %(actor)s is working on this order."),
}


class Done(Protocol):
    """Something that a person had done: an operator's action, or what stands for one elsewhere."""

    actor: str
    plan: str
    status: str
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class InTheWay:
    """Why something may not be done now: a code of WORDS with values. `first` is the action that is in the way,
    None where it is a run."""

    why: str
    values: Mapping[str, Any] = field(default_factory=dict)
    first: OperatorAction | None = None

    @property
    def sentence(self) -> str:
        return str(WORDS[self.why]) % self.values


class Blocked(NotAllowed):
    """Somebody else is at it, or has just done it. `by` says who and what."""

    def __init__(self, by: InTheWay) -> None:
        self.by = by
        super().__init__(by.sentence)


@dataclass(frozen=True, slots=True)
class Act:
    """What is wanted. Two things are done again at once on purpose: what `repeats` names (codes of plans that are
    repeated or undone), and what failed by hand up to the action `seen`, whose result was read (0: none)."""

    name: str
    cool_down: timedelta
    repeats: Collection[str] = ()
    seen: int = 0


def in_the_way(
    wanted: Mapping[Key, tuple[int, Mapping[str, Any]]],
    act: Act,
    *,
    holder: str = "",
    alone: bool = False,
    but: int = 0,
) -> Mapping[Key, InTheWay]:
    """By key of `wanted` (an order's id and the params for it): what stands in the way now. Two queries.

    `holder` is the plan whose run asks. `alone` looks also for other acts that are at work on the order; `but` is
    the id of an action that is not in its own way.
    """
    keys: dict[int, list[Key]] = defaultdict(list)
    for key, (order_id, _params) in wanted.items():
        keys[order_id].append(key)
    found: dict[Key, InTheWay] = {}
    for each in _actions(keys, act, alone=alone).exclude(pk=but):
        for key in keys[each.order_id]:
            why = _judged(each, act, wanted[key][1])
            if why is not None:
                found[key] = why
    for order_id, lock in _locks(keys, (holder, *act.repeats)):
        found.update(dict.fromkeys(keys[order_id], in_run(lock)))
    return found


def in_run(lock: ResourceLock) -> InTheWay:
    """A run has it, over its waves and pauses."""
    return InTheWay("in_run", {"plan": lock.holder, "actor": lock.taken_by})


def in_the_way_of(rows: Iterable[OperatorAction], act: Act, params: Mapping[str, Any]) -> InTheWay | None:
    """The same of one order whose actions were read already, the oldest first; runs are not looked at."""
    found = [why for each in rows if (why := _judged(each, act, params)) is not None]
    return found[-1] if found else None


def _locks(orders: Collection[int], own: Collection[str]) -> Iterator[tuple[int, ResourceLock]]:
    by_key = {key_of(order_id): order_id for order_id in orders}
    for lock in ResourceLock.objects.filter(key__in=by_key).exclude(holder__in=own):
        yield by_key[lock.key], lock


def _actions(orders: Collection[int], act: Act, *, alone: bool) -> QuerySet[OperatorAction]:
    """The oldest first: what was last in the way is what is told."""
    same = Q(name=act.name) & (Q(status__in=IN_HAND) | fresh_since(timezone.now() - act.cool_down))
    rivals = Q(name__in=_rivals(act.name), status__in=IN_HAND)
    others = same | rivals | Q(status__in=AT_WORK) if alone else same | rivals
    return OperatorAction.objects.filter(others, order_id__in=orders).order_by("pk")


def _rivals(name: str) -> frozenset[str]:
    return SAME_MONEY - {name} if name in SAME_MONEY else frozenset()


def fresh_since(since: datetime) -> Q:
    """Done, well or not, and not long ago. What was refused did nothing."""
    return (Q(finished_at__gt=since) | Q(finished_at=None, created_at__gt=since)) & ~Q(status=Status.REFUSED)


def _judged(each: OperatorAction, act: Act, params: Mapping[str, Any]) -> InTheWay | None:
    if each.name in _rivals(act.name) and each.status in IN_HAND:
        return InTheWay("same_money", {"actor": each.actor}, each)
    if each.name != act.name:
        return InTheWay("in_other_hand", {"actor": each.actor}, each) if each.status in AT_WORK else None
    if not _is_about_the_same(each.params, params):
        return None
    if each.status in IN_HAND:
        return InTheWay("in_hand", {"actor": each.actor}, each)
    return cooling(each, each) if _is_fresh(each, act) and not _is_repeated(each, act) else None


def _is_fresh(each: OperatorAction, act: Act) -> bool:
    """As `fresh_since`, of a row that was read."""
    since = timezone.now() - act.cool_down
    return each.status != Status.REFUSED and (each.finished_at or each.created_at) > since


def _is_repeated(each: OperatorAction, act: Act) -> bool:
    if each.plan in act.repeats:
        return True
    return each.status not in (Status.FIXED, Status.ACCEPTED) and each.pk <= act.seen


def _is_about_the_same(done: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    both = [name for name in PARTS if done.get(name) and wanted.get(name)]
    return all(str(done[name]) == str(wanted[name]) for name in both)


def cooling(done: Done, first: OperatorAction | None = None) -> InTheWay:
    """Who did the same, and how long ago."""
    age = timezone.now() - (done.finished_at or done.created_at)
    minutes = max(1, int(age.total_seconds() // 60))
    if done.plan:
        return InTheWay("cool_down", {"minutes": minutes, "plan": done.plan}, first)
    return InTheWay("cool_down_by_hand", {"minutes": minutes, "actor": done.actor}, first)
