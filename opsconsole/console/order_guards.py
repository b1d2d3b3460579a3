"""What stands in the way of an action on one order at this moment, for its buttons; the service judges again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from opsconsole.console.action_answers import told
from orders.models import OperatorAction, Order, ResourceLock
from orders.models.control import EVERY_ACTION
from orders.services.actions import VERBS, Act
from orders.services.locks import lock_on
from orders.services.others import IN_HAND, InTheWay, in_run, in_the_way_of
from orders.services.switches import switches, why_stopped

Status = OperatorAction.Status


@dataclass(frozen=True)
class Guards:
    """`rows` are the order's actions, the oldest first. Two queries, whatever is asked."""

    order: Order
    rows: Sequence[OperatorAction]

    @property
    def last(self) -> int:
        return self.rows[-1].pk if self.rows else 0

    @property
    def seen(self) -> int:
        """Up to which action the reader of this page knows the results."""
        return max((each.pk for each in self.rows if each.status not in IN_HAND), default=0)

    def busy(self, name: str, params: Mapping[str, Any]) -> str:
        """Two people at once have one effect; the second reads that it is being done."""
        found = self._of(name, params)
        if found is None or found.why != "in_hand":
            return ""
        if found.first is not None and found.first.status == Status.AWAITING_APPROVAL:
            return _("It waits for the approval of a second person.")
        return _("It is being done already.")

    def why_not(self, name: str, params: Mapping[str, Any]) -> str:
        """As a sentence; empty when nothing stands in the way."""
        if self._switches.get(EVERY_ACTION) or self._switches.get(name):
            return told(why_stopped(name))
        found = in_run(self._lock) if self._lock is not None else self._of(name, params)
        return told(found.sentence) if found is not None else ""

    def first(self, name: str, params: Mapping[str, Any]) -> int:
        """The id of the action that is in the way; 0 for none."""
        found = self._of(name, params)
        return found.first.pk if found is not None and found.first is not None else 0

    def _of(self, name: str, params: Mapping[str, Any]) -> InTheWay | None:
        return in_the_way_of(self.rows, Act(name, VERBS[name].cool_down, seen=self.seen), params)

    @cached_property
    def _lock(self) -> ResourceLock | None:
        return lock_on(self.order)

    @cached_property
    def _switches(self) -> Mapping[str, bool]:
        return switches()


def guards_of(order: Order) -> Guards:
    """Three queries."""
    return Guards(order, list(order.actions.order_by("pk")))
