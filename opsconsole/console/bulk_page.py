"""What became of a bulk action, order by order, live."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.functional import Promise
from django.views.decorators.http import require_GET

from opsconsole.console.access import allowed
from opsconsole.console.live import answer, fresh
from opsconsole.console.models import Bulk
from opsconsole.console.order_lines import STATUS_TONES
from opsconsole.console.staff import names_by_id
from opsconsole.console.tones import Tone
from orders.models import OperatorAction
from orders.queries.phrases import retold
from orders.queries.sentences import ACTIONS, STATUSES

Status = OperatorAction.Status
GOING: Final = (Status.AWAITING_APPROVAL, Status.QUEUED, Status.RUNNING)
# What a person has to look at comes first.
ORDER: Final = (Status.UNKNOWN, Status.NOT_FIXED, Status.REFUSED, *GOING, Status.ACCEPTED, Status.FIXED)


@dataclass(frozen=True)
class Result:
    """One order of the bulk: how its action stands, and what a read afterwards showed."""

    code: str
    label: str | Promise
    tone: Tone
    outcome: str
    finished_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The bulk as it stands. `counts` are (words, tone, number) of the states that occur."""

    bulk: Bulk
    label: str | Promise
    who: str
    finished: int
    total: int
    counts: Sequence[tuple[str | Promise, Tone, int]]
    results: Sequence[Result]

    @property
    def is_going(self) -> bool:
        return self.finished < self.total

    @property
    def share(self) -> float:
        return self.finished / self.total if self.total else 1.0


@require_GET
@allowed("view_orders")
def bulk(request: HttpRequest, key: str) -> HttpResponse:
    row = get_object_or_404(Bulk, key=key)
    context = {"progress": progress_of(row), "section": "orders"}
    if "toast" in request.GET:
        return fresh(request, render(request, "console/bulk/toast.html", context))
    return answer(request, "console/bulk.html", "console/bulk/live.html", context)


def progress_of(row: Bulk) -> Progress:
    """Two queries. Its actions are found by their keys, which begin with the bulk's own."""
    actions = list(OperatorAction.objects.filter(key__startswith=f"{row.key}:").select_related("order").order_by("pk"))
    actions.sort(key=lambda action: ORDER.index(Status(action.status)))
    states = [action.status for action in actions]
    return Progress(
        bulk=row,
        label=ACTIONS[row.action],
        who=names_by_id().get(row.user_id, ""),
        finished=sum(state not in GOING for state in states),
        total=len(states),
        counts=[(STATUSES[state], STATUS_TONES[state], states.count(state)) for state in ORDER if state in states],
        results=[_result(action) for action in actions],
    )


def _result(action: OperatorAction) -> Result:
    return Result(
        code=action.order.public_id,
        label=STATUSES[action.status],
        tone=STATUS_TONES[action.status],
        outcome=retold(action.outcome).text,
        finished_at=action.finished_at,
    )
