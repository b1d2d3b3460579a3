"""Making a plan: read what would happen, freeze it, hash it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from pydantic import ValidationError

from orders.errors import NotAllowed
from orders.services import price
from runbooks import policies
from runbooks.codes import new_code
from runbooks.digest import digest
from runbooks.models import Plan, PlanRow
from runbooks.policies import Size
from runbooks.registry import Action, find
from runbooks.registry.action import Input
from runbooks.services.guarding import Seen
from runbooks.services.snapshot import look, read_only
from runbooks.states import FAILED_ROWS, PlanState, RowState
from runbooks.subjects import resource_of
from runbooks.transitions import tell


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What somebody wants to know the effect of. `action` is name@version; `source` says in words what was
    selected; `own_params` are inputs of single subjects, by key."""

    action: str
    proposer: str
    kind: Plan.Kind
    source: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    own_params: Mapping[Any, Mapping[str, Any]] = field(default_factory=dict)
    parent: Plan | None = None


def make_plan(keys: Sequence[Any], ask: Ask) -> Plan:
    """Freeze what the action would do to these subjects, in this order. Nothing is done.

    `keys` are ids, or names, of the action's kind of subject. Raises NotAllowed for none, too many, or an
    input that the action does not take.
    """
    action = find(ask.action)
    if action is None:
        raise NotAllowed(_("There is no such action."))
    if not keys:
        raise NotAllowed(_("Nothing is selected. Nothing was done."))
    if len(keys) > settings.RUN_MOST_ORDERS:
        raise NotAllowed(_too_many(len(keys)))
    common, wanted = input_of(action, ask.params), [str(key) for key in keys]
    with read_only():
        given = {**own_inputs(action, wanted, common), **_given(action, ask.own_params)}
        seen = list(look(wanted, action, given, common, parent=ask.parent))
        size = _size(seen, ask.proposer)
    return _freeze(seen, action, ask, size=size)


def again(plan: Plan, *, proposer: str) -> Plan:
    """The same action on what it did not fix."""
    failed = _keys(plan, FAILED_ROWS)
    if not failed:
        raise NotAllowed(_("Nothing of it has failed. Nothing was done."))
    ask = Ask(
        action=plan.action,
        proposer=proposer,
        kind=Plan.Kind.RETRY,
        source={"plan": plan.code},
        params=plan.params,
        parent=plan,
    )
    return make_plan(failed, ask)


def reverse(plan: Plan, *, proposer: str) -> Plan:
    """What undoes the rows that this plan fixed, each as it was before. Raises NotAllowed where nothing can."""
    action = find(plan.action)
    if action is None or not action.undo:
        raise NotAllowed(str(action.irreversible) if action else _("There is no such action."))
    before = {row.key: row.before for row in plan.rows.filter(state=RowState.FIXED).order_by("place")}
    if not before:
        raise NotAllowed(_("It has changed nothing that could be undone."))
    own = before if any(before.values()) else {}
    ask = Ask(
        action=action.undo,
        proposer=proposer,
        kind=Plan.Kind.REVERSE,
        source={"plan": plan.code},
        own_params=own,
        parent=plan,
    )
    return make_plan(list(before), ask)


def _keys(plan: Plan, states: Sequence[str]) -> list[str]:
    return [row.key for row in plan.rows.filter(state__in=states).order_by("place").only("resource")]


def _too_many(count: int) -> str:
    return _("%(count)s orders match; at most %(most)s at a time. Narrow the filter. Nothing was done.") % {
        "count": count,
        "most": settings.RUN_MOST_ORDERS,
    }


def input_of(action: Action, params: Mapping[str, Any]) -> Input:
    """What the action takes beside its rows. Raises NotAllowed for what it does not take."""
    try:
        return action.input.model_validate(dict(params))
    except ValidationError as error:
        wrong = ", ".join(str(each["loc"][0]) if each["loc"] else each["msg"] for each in error.errors())
        raise NotAllowed(
            _("%(action)s does not take this input: %(wrong)s.") % {"action": action, "wrong": wrong}
        ) from error


def own_inputs(action: Action, keys: Sequence[str], common: Input) -> Mapping[str, Input]:
    """By key: what the action itself finds out for single subjects."""
    found = action.own_inputs(keys, common) if action.own_inputs else {}
    return _given(action, found)


def _given(action: Action, own: Mapping[Any, Mapping[str, Any]]) -> dict[str, Input]:
    return {str(key): input_of(action, params) for key, params in own.items()}


def _size(seen: Sequence[Seen], proposer: str) -> Size:
    money: Counter[str] = Counter()
    eligible = [each for each in seen if not each.preview.why]
    for each in eligible:
        if each.preview.amount:
            money[each.facts.currency or price.OUR_CURRENCY] += each.preview.amount
    orders, moved = price.within_hour(proposer)
    return Size(len(eligible), dict(money), orders, moved)


def started_within_hour(proposer: str) -> price.Started:
    """Orders, and money in our own currency, of the plans that this person has had started; what people do by hand
    comes to it in `price.within_hour`."""
    recent = Plan.objects.filter(proposer=proposer, state=PlanState.STARTED, decided_at__gt=timezone.now() - price.HOUR)
    sums = recent.aggregate(orders=Sum("eligible"))
    money = sum(each.get(price.OUR_CURRENCY, 0) for each in recent.values_list("money", flat=True))
    return int(sums["orders"] or 0), money


@transaction.atomic
def _freeze(seen: Sequence[Seen], action: Action, ask: Ask, *, size: Size) -> Plan:
    plan = Plan(
        code=new_code("PL", 6),
        action=str(action),
        subject=action.subject,
        params=dict(ask.params),
        kind=ask.kind,
        source=dict(ask.source),
        parent=ask.parent,
        proposer=ask.proposer,
        eligible=size.orders,
        ineligible=len(seen) - size.orders,
        money=dict(size.money),
        risk=policies.risk_of(action, size),
    )
    rows = _rows(plan, seen)
    plan.hash = digest(plan, rows)
    plan.save(force_insert=True)
    PlanRow.objects.bulk_create(rows, batch_size=2500)
    tell(plan, "make", actor=plan.proposer, detail={"hash": plan.hash})
    return plan


def _rows(plan: Plan, seen: Sequence[Seen]) -> list[PlanRow]:
    rows, place = [], 0
    for each in seen:
        place += not each.preview.why
        rows.append(_row(plan, each, place=None if each.preview.why else place))
    return rows


def _row(plan: Plan, seen: Seen, *, place: int | None) -> PlanRow:
    known, preview = seen.facts, seen.preview
    return PlanRow(
        plan=plan,
        order_id=known.order_id,
        resource=resource_of(plan.subject, known.key),
        public_id=known.public_id,
        place=place,
        expected_state=known.state,
        expected_version=known.version,
        target=str(preview.target),
        amount=preview.amount,
        currency=known.currency,
        message=preview.message,
        neighbour=preview.neighbour,
        params=dict(preview.params),
        before=dict(preview.before),
        state=RowState.PLANNED if place else RowState.INELIGIBLE,
        why=preview.why,
        why_values={name: str(value) for name, value in preview.why_values.items()},
    )
