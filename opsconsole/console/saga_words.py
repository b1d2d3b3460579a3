"""What a saga is called: its kind and why it needs a person."""

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

from orders import names
from orders.models import Step
from orders.queries.sentences import STEPS
from orders.states import HandCause

KINDS: Final[Mapping[str, Promise]] = {
    "booking": pgettext_lazy("saga", "Booking"),
    "checkout": pgettext_lazy("saga", "Checkout"),
}


def kind_label(kind: str) -> str:
    return str(KINDS.get(kind, kind))


def cause_label(cause: str) -> str:
    return str(HandCause(cause).label) if cause in HandCause.values else cause


def step_label(step: Step) -> str:
    """`Taxi · TPG`: what it is about, and who does it."""
    what = str(step.item.get_service_display() if step.item else STEPS.get(step.name, step.name))
    return f"{what} · {names.system(step.partner)}"
