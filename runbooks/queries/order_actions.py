"""Every operator's action ever applied to one order, by hand or by a plan's run, the newest first. Never writes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from orders.models import History, OperatorAction, Order
from runbooks.models import PlanRow

PAGE: Final = 50
# What people do to an order at its desk, at once: it stands in the history only.
DESK: Final = ("held", "released", "assigned", "unassigned")
_BY_ACTION: Final = {"held": "hold_order", "released": "release_hold"}
_TIES: Final = 20  # things of one instant that a page may end within


class Place(NamedTuple):
    """Where a page ends: an instant, a kind and a number."""

    at: datetime
    kind: str
    pk: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.kind}~{self.pk}"

    @classmethod
    def read(cls, text: str) -> "Place | None":
        """None for what is no place."""
        at, _one, rest = text.partition("~")
        kind, _two, pk = rest.partition("~")
        try:
            return cls(datetime.fromisoformat(at), kind, int(pk))
        except ValueError:
            return None


@dataclass(frozen=True, kw_only=True)
class Applied:
    """One action: `name` is a verb or an action's name, `row` what a plan says of it, None by hand."""

    place: Place
    name: str
    actor: str
    approver: str = ""
    reason: str
    status: str
    outcome: str = ""
    later: str = ""
    row: PlanRow | None = None

    @property
    def anchor(self) -> str:
        return f"{self.place.kind}-{self.place.pk}"


def applied_to(order: Order, *, after: Place | None = None) -> Sequence[Applied]:
    """A page of them; one more than a page where there are more. Four queries."""
    found = [*_by_verb(order, after), *_by_deed(order, after), *_at_desk(order, after)]
    found.sort(key=lambda each: each.place, reverse=True)
    return [each for each in found if after is None or each.place < after][: PAGE + 1]


def count_of(order: Order) -> int:
    """Three queries."""
    of_plans = PlanRow.objects.filter(order=order, deed__isnull=False).count()
    return order.actions.count() + of_plans + len(list(_at_desk(order, None, most=None)))


def _by_verb(order: Order, after: Place | None) -> Iterator[Applied]:
    rows = order.actions.order_by("-created_at", "-pk")
    rows = rows.filter(created_at__lte=after.at) if after else rows
    actions = list(rows[: PAGE + _TIES])
    planned = {row.action_id: row for row in PlanRow.objects.filter(action__in=[each.pk for each in actions])}
    for each in actions:
        yield Applied(
            place=Place(each.created_at, "action", each.pk),
            name=each.name,
            actor=each.actor,
            approver=each.approver,
            reason=each.reason,
            status=each.status,
            outcome=each.outcome,
            later=each.later,
            row=planned.get(each.pk),
        )


def _by_deed(order: Order, after: Place | None) -> Iterator[Applied]:
    rows = PlanRow.objects.filter(order=order, deed__isnull=False).select_related("deed")
    rows = rows.filter(deed__created_at__lte=after.at) if after else rows
    for row in rows.order_by("-deed__created_at", "-deed_id")[: PAGE + _TIES]:
        deed = row.deed
        if deed is None:
            continue
        yield Applied(
            place=Place(deed.created_at, "deed", deed.pk),
            name=deed.action.partition("@")[0],
            actor=deed.actor,
            approver=deed.approver,
            reason=deed.reason,
            status=deed.status,
            outcome=deed.outcome,
            row=row,
        )


def _at_desk(order: Order, after: Place | None, *, most: int | None = PAGE + _TIES) -> Iterator[Applied]:
    """Without what an action did: that stands as the action."""
    rows = History.objects.filter(order_id=order.pk, verb__in=DESK).order_by("-recorded_at", "-pk")
    rows = rows.filter(recorded_at__lte=after.at) if after else rows
    holds = list(order.actions.filter(name__in=_BY_ACTION.values()))
    for each in rows[:most]:
        if not any(_did(action, each) for action in holds):
            yield Applied(
                place=Place(each.recorded_at, "desk", each.pk),
                name=each.verb,
                actor=each.actor,
                reason=each.reason,
                status="fixed",
                outcome=str(each.detail.get("owner", "")),
            )


def _did(action: OperatorAction, said: History) -> bool:
    is_inside = action.created_at <= said.recorded_at <= (action.finished_at or said.recorded_at)
    return is_inside and (action.name, action.actor) == (_BY_ACTION.get(said.verb), said.actor)
