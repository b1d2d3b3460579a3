"""Addresses of the form of a single action, filled in: from a step of a runbook, and from what an alert is about."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.urls import reverse
from django.utils.http import urlencode

from opsconsole.console.action_library import NOT_HERE
from orders.resilience import breaker
from orders.states import Channel
from runbooks.files import Step
from runbooks.models import Episode
from runbooks.registry import Action, find, newest
from runbooks.selections import SELECTIONS

Pairs = Sequence[tuple[str, str]]
# What an alert on one subject is helped by first, as far as a person may judge it from the alert alone.
_OF_ORDER: Final[Mapping[str, str]] = {"money": "repost_ho", "stuck": "recheck_payment"}
_SHUT_OUT: Final = ("down", "errors", "latency")


def form_of(action: Action, pairs: Pairs = ()) -> str:
    """Its form with these values; "" for an action that has its own place elsewhere."""
    if action.name in NOT_HERE:
        return ""
    address = reverse("plan-action", args=[action.name])
    return f"{address}?{urlencode(pairs)}" if pairs else address


def form_of_step(step: Step) -> str:
    """As the step says, but for what is chosen only when a run begins; "" for a step that does nothing."""
    action = find(step.spec.action) if step.kind == "act" else None
    return form_of(action, [*_which(step), *_given(step)]) if action else ""


def _which(step: Step) -> Pairs:
    """Named subjects are ticked; a selection only where the step takes all of it: the form does not narrow."""
    names = step.spec.within.get("names")
    if names:
        return [("subject", str(name)) for name in names]
    is_whole = not step.spec.within and not SELECTIONS[step.spec.select].is_of_incident
    return [("selection", step.spec.select)] if is_whole else []


def _given(step: Step) -> Pairs:
    return [(name, str(value)) for name, value in step.spec.given.items() if not str(value).startswith("$")]


def form_of_alert(episode: Episode) -> tuple[str, str] | None:
    """(label, address) of the action that fits an alert on one order, one channel or one neighbour; None for others.
    Reads `alert`."""
    name, pairs = _fits(episode)
    if not name:
        return None
    action = newest(name)
    return str(action.label), form_of(action, pairs)


def _fits(episode: Episode) -> tuple[str, Pairs]:
    labels: Mapping[str, Any] = episode.alert.labels
    order, channel = labels.get("order", ""), labels.get("channel", "")
    if order:
        return _OF_ORDER.get(episode.alert.failure, "recheck_payment"), [("typed", order)]
    if channel in Channel.values:
        return "pause_channel", [("subject", channel)]
    if episode.alert.failure in _SHUT_OUT and breaker.policy_of(episode.alert.service):
        return "force_breaker", [("subject", episode.alert.service), ("mode", "open")]
    return "", []
