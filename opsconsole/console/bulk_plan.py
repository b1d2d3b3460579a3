"""From ticked stuck orders, or all that match the filter at this moment, to a plan of one action over them."""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from opsconsole.console.roles import RIGHT_BY_CODENAME, Right
from opsconsole.console.staff import actor_name, person
from opsconsole.console.stuck_choices import in_words
from opsconsole.console.stuck_list import Asked
from orders.errors import NotAllowed
from orders.models import Order
from orders.queries.stuck import all_stuck
from orders.queries.stuck.board import Board
from runbooks.models import Plan
from runbooks.registry import ACTIONS, Action, find
from runbooks.services.planning import Ask, make_plan

# What has its own button with a way back is not planned from the list.
NOT_FROM_LIST = ("hold_order", "release_hold")


def offered(user: User) -> Sequence[tuple[str, str]]:
    """Reference and name of each action that this person may plan from the list."""
    return [
        (ref, str(action.label))
        for ref, action in ACTIONS.items()
        if action.subject == "order"
        and action.name not in NOT_FROM_LIST
        and user.has_perm(RIGHT_BY_CODENAME[action.right].permission)
    ]


def _is_offered(action: Action) -> bool:
    return action.subject == "order" and action.name not in NOT_FROM_LIST


def right_for(request: HttpRequest) -> Right:
    """The right of the chosen action; that of running runbooks where nobody registered it."""
    action = _chosen(request)
    return RIGHT_BY_CODENAME[action.right if action else "run_runbook"]


def make(request: HttpRequest) -> Plan:
    """Freeze what it would do; nothing is done. Raises a Refusal."""
    action = _chosen(request)
    if action is None:
        raise NotAllowed(_("There is no such action."))
    user, is_all = person(request), bool(request.POST.get("all"))
    ask = Ask(
        action=str(action),
        proposer=actor_name(user),
        kind=Plan.Kind.FILTER if is_all else Plan.Kind.SELECTION,
        source=_source(request, user) if is_all else {},
    )
    return make_plan(chosen(request), ask)


def chosen(request: HttpRequest) -> list[int]:
    """The ticked orders, or all that match the filter at this moment: frozen from here on."""
    return _matching(request, person(request)) if request.POST.get("all") else _ticked(request)


def chosen_in_words(request: HttpRequest) -> str:
    """How all were chosen by filter; "" where they were ticked one by one."""
    return " · ".join(_words(request, person(request))) if request.POST.get("all") else ""


def _chosen(request: HttpRequest) -> Action | None:
    found = find(request.POST.get("plan", ""))
    return found if found is not None and found.subject == "order" else None


def _ticked(request: HttpRequest) -> list[int]:
    codes = request.POST.getlist("order")
    return list(Order.objects.filter(public_id__in=codes).order_by("pk").values_list("pk", flat=True))


def _matching(request: HttpRequest, user: User) -> list[int]:
    wanted = _asked(request).wanted(user.pk)
    return list(dict.fromkeys(row.order_id for rows in all_stuck(wanted) for row in rows))


def _source(request: HttpRequest, user: User) -> dict[str, object]:
    return {"query": _asked(request).choices.query(), "words": _words(request, user)}


def _words(request: HttpRequest, user: User) -> Sequence[str]:
    return in_words(_asked(request).choices, Board(), people={}, user_id=user.pk)


def _asked(request: HttpRequest) -> Asked:
    return Asked.read(QueryDict(request.POST.get("query", "")))
